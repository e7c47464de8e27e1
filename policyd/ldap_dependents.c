/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_dependents.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container.h"
#include "ldap_entry.h"
#include "xalloc.h"

/* A name that was met on the way back, in the order in which they were met. */
struct name {
	struct name *next;
	/* A recipient with a list: its identity is wanted; else a group. */
	bool recipient;
	char dn[];
};

struct walk {
	struct ldap_visitor visitor;
	struct ldap_run *run;
	struct ldap_entry *entry;
	struct ldap_ids *dependents;
	/* Of the entries that are read now. */
	bool recipient;
	/* All names by kind and name (tsearch()), and as a queue. */
	void *known;
	struct name *first;
	struct name **last;
	size_t count;
};

static int
compare_names(const void *a, const void *b)
{
	const struct name *left = a;
	const struct name *right = b;

	if (left->recipient != right->recipient)
		return left->recipient ? 1 : -1;
	return strcasecmp(left->dn, right->dn);
}

/* Somebody may be both: in a list as a group, and a recipient with lists. */
static int
meet(struct walk *walk, const struct account_value *dn, bool recipient,
    struct err *err)
{
	struct name *name = xcalloc(1, sizeof(*name) + dn->len + 1);
	struct name **found;

	name->recipient = recipient;
	memcpy(name->dn, dn->bytes, dn->len);
	found = tsearch(name, &walk->known, compare_names);
	if (found == NULL || *found != name) {
		free(name);
		return 0;
	}
	*walk->last = name;
	walk->last = &name->next;
	if (++walk->count <= LDAP_DEPENDENTS_MAX)
		return 0;
	walk->run->reload = true;
	err_set(err, "a full load is needed: a change concerns the senders of "
		     "too many recipients");
	return -1;
}

static int
meet_all(struct walk *walk, const char *attribute, bool recipient,
    struct err *err)
{
	const struct account_attribute *found =
	    ldap_entry_find(walk->entry, attribute);
	int status = 0;

	for (size_t i = 0; found != NULL && i < found->count && status == 0;
	     i++)
		status = meet(walk, &found->values[i], recipient, err);
	return status;
}

static int
take_recipient(struct walk *walk, struct err *err)
{
	const struct account_attribute *id =
	    ldap_entry_find(walk->entry, "objectGUID");

	if (id == NULL || id->values[0].len != RECIPIENT_ID)
		return 0;
	return ldap_ids_add(walk->dependents, id->values[0].bytes, err);
}

static int
visit(struct ldap_visitor *visitor, LDAPMessage *message, struct err *err)
{
	static const char *const list[] = { "authOrigBL", "unauthOrigBL",
		"dLMemSubmitPermsBL", "dLMemRejectPermsBL" };
	struct walk *walk = container_of(visitor, struct walk, visitor);
	int status = ldap_entry_read(walk->entry, walk->run, message, err);

	if (status == 0 && walk->recipient)
		return take_recipient(walk, err);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (status == 0)
			status = meet_all(walk, list[i], true, err);
	}
	return status == 0 ? meet_all(walk, "memberOf", false, err) : -1;
}

static const char *const way_back[] = { "memberOf", "authOrigBL",
	"unauthOrigBL", "dLMemSubmitPermsBL", "dLMemRejectPermsBL", NULL };

/* Where the way back begins. */
static int
read_changed(struct walk *walk, const struct ldap_ids *changed, struct err *err)
{
	char bytes[LDAP_IDS_FILTER];
	const struct ldap_query query = {
		.base = walk->run->root.naming_context,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = bytes,
		.attributes = way_back,
	};
	int status = 0;

	for (size_t done = 0; done < changed->count && status == 0;
	     done += LDAP_IDS_BATCH) {
		const struct ldap_ids batch = ldap_ids_batch(changed, done);
		struct buf filter;

		buf_init(&filter, bytes, sizeof(bytes));
		ldap_ids_filter(&batch, &filter);
		buf_putc(&filter, '\0');
		status =
		    ldap_run_search(walk->run, &query, &walk->visitor, err);
	}
	return status;
}

static int
read_name(struct walk *walk, const struct name *name, struct err *err)
{
	static const char *const identity[] = { "objectGUID", NULL };
	const struct ldap_query query = {
		.base = name->dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = name->recipient ? identity : way_back,
		.may_miss = true,
	};

	walk->recipient = name->recipient;
	return ldap_run_search(walk->run, &query, &walk->visitor, err);
}

static void
finish(struct walk *walk)
{
	struct name *name;

	while ((name = walk->first) != NULL) {
		walk->first = name->next;
		tdelete(name, &walk->known, compare_names);
		free(name);
	}
	ldap_entry_destroy(walk->entry);
}

int
ldap_dependents_find(struct ldap_run *run, const struct ldap_ids *changed,
    struct ldap_ids *dependents, struct err *err)
{
	struct walk walk = {
		.visitor.visit = visit,
		.run = run,
		.entry = ldap_entry_create(),
		.dependents = dependents,
		.last = &walk.first,
	};
	int status = read_changed(&walk, changed, err);

	for (struct name *name = walk.first; name != NULL && status == 0;
	     name = name->next)
		status = read_name(&walk, name, err);
	finish(&walk);
	return status;
}
