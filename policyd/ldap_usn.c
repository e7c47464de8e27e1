/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_usn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container.h"
#include "ldap_entry.h"
#include "ldap_root.h"
#include "unconst.h"

struct changes {
	struct ldap_visitor visitor;
	struct ldap_run *run;
	struct ldap_entry *entry;
	uint64_t since;
	struct ldap_ids ids;
	/* Those of them that may have been moved with recipients in them. */
	struct ldap_ids containers;
};

static bool
has_class(const struct ldap_entry *entry, const char *class)
{
	const struct account_attribute *found =
	    ldap_entry_find(entry, "objectClass");

	for (size_t i = 0; found != NULL && i < found->count; i++) {
		if (found->values[i].len == strlen(class) &&
		    strncasecmp(found->values[i].bytes, class,
			found->values[i].len) == 0)
			return true;
	}
	return false;
}

static uint64_t
read_number(const struct account_attribute *attribute)
{
	char digits[24];

	if (attribute == NULL || attribute->values[0].len >= sizeof(digits))
		return 0;
	memcpy(digits, attribute->values[0].bytes, attribute->values[0].len);
	digits[attribute->values[0].len] = '\0';
	return strtoull(digits, NULL, 10);
}

/* A container that is older than the changes. */
static bool
may_hold(const struct changes *changes)
{
	const struct ldap_entry *entry = changes->entry;

	return (has_class(entry, "organizationalUnit") ||
		   has_class(entry, "container")) &&
	       read_number(ldap_entry_find(entry, "uSNCreated")) <=
		   changes->since;
}

static int
visit_change(struct ldap_visitor *visitor, LDAPMessage *message,
    struct err *err)
{
	struct changes *changes =
	    container_of(visitor, struct changes, visitor);
	const struct account_attribute *id;

	if (ldap_entry_peek(changes->entry, changes->run, message, err) != 0)
		return -1;
	id = ldap_entry_find(changes->entry, "objectGUID");
	if (id == NULL || id->values[0].len != RECIPIENT_ID) {
		err_set(err, "%s: an entry without objectGUID",
		    changes->run->uri);
		return -1;
	}
	if (may_hold(changes) &&
	    ldap_ids_add(&changes->containers, id->values[0].bytes, err) != 0)
		return -1;
	return ldap_ids_add(&changes->ids, id->values[0].bytes, err);
}

/* The whole domain is looked at, with what is deleted: what has left the base
 * is a change, too. */
static int
find_changes(struct changes *changes, struct err *err)
{
	static const char *const attributes[] = { "objectGUID", "objectClass",
		"uSNCreated", NULL };
	struct ldap_run *run = changes->run;
	LDAPControl deleted = {
		.ldctl_oid = unconst(LDAP_CONTROL_X_SHOW_DELETED),
		.ldctl_iscritical = 1,
	};
	char filter[64];
	const struct ldap_query query = {
		.base = ldap_root_covers(&run->root, run->settings->base)
			    ? run->root.naming_context
			    : run->settings->base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = filter,
		.attributes = attributes,
		.paged = true,
		.control = run->root.show_deleted ? &deleted : NULL,
	};

	snprintf(filter, sizeof(filter), "(uSNChanged>=%" PRIu64 ")",
	    changes->since + 1);
	return ldap_run_search(run, &query, &changes->visitor, err);
}

int
ldap_usn_changes(struct ldap_run *run, struct ldap_objects *objects,
    struct ldap_state *state, struct err *err)
{
	struct changes changes = {
		.visitor.visit = visit_change,
		.run = run,
		.entry = ldap_entry_create(),
		.since = state->usn,
	};
	int status = ldap_root_read(run, err);

	if (status == 0 && run->root.usn > state->usn)
		status = find_changes(&changes, err);
	if (status == 0)
		status = ldap_objects_stay(objects, &changes.containers, err);
	if (status == 0)
		status = ldap_objects_update(objects, &changes.ids, err);
	if (status == 0)
		state->usn = run->root.usn;
	ldap_ids_finish(&changes.ids);
	ldap_ids_finish(&changes.containers);
	ldap_entry_destroy(changes.entry);
	return status;
}
