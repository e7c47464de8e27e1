/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_root.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "xalloc.h"

struct root_reader {
	struct ldap_visitor visitor;
	struct ldap_run *run;
};

struct id_reader {
	struct ldap_visitor visitor;
	struct ldap_run *run;
	const char *attribute;
	unsigned char *id;
	bool found;
};

static bool
has_value(struct berval **values, const char *wanted)
{
	for (; values != NULL && *values != NULL; values++) {
		if ((*values)->bv_len == strlen(wanted) &&
		    memcmp((*values)->bv_val, wanted, (*values)->bv_len) == 0)
			return true;
	}
	return false;
}

/* The first value as a string of its own, "" when there is none. */
static char *
read_text(struct ldap_run *run, LDAPMessage *entry, const char *attribute)
{
	struct berval **values = ldap_get_values_len(run->ld, entry, attribute);
	const bool any = values != NULL && values[0] != NULL;
	char *text =
	    any ? strndup(values[0]->bv_val, values[0]->bv_len) : xstrdup("");

	ldap_value_free_len(values);
	return text != NULL ? text : xstrdup("");
}

static void
read_controls(struct ldap_run *run, LDAPMessage *entry)
{
	struct ldap_root *root = &run->root;
	struct berval **values =
	    ldap_get_values_len(run->ld, entry, "supportedControl");

	root->paged = has_value(values, LDAP_CONTROL_PAGEDRESULTS);
	root->dirsync = has_value(values, LDAP_CONTROL_X_DIRSYNC);
	root->show_deleted = has_value(values, LDAP_CONTROL_X_SHOW_DELETED);
	root->syncrepl = has_value(values, LDAP_CONTROL_SYNC);
	ldap_value_free_len(values);
}

static int
visit_root(struct ldap_visitor *visitor, LDAPMessage *entry, struct err *err)
{
	struct ldap_run *run =
	    container_of(visitor, struct root_reader, visitor)->run;
	struct ldap_root *root = &run->root;
	char *usn;

	(void)err;
	ldap_root_finish(root);
	read_controls(run, entry);
	root->naming_context = read_text(run, entry, "defaultNamingContext");
	root->service = read_text(run, entry, "dsServiceName");
	usn = read_text(run, entry, "highestCommittedUSN");
	root->usn = strtoull(usn, NULL, 10);
	free(usn);
	root->active_directory = root->service[0] != '\0' && root->usn > 0 &&
				 root->naming_context[0] != '\0';
	return 0;
}

static int
visit_id(struct ldap_visitor *visitor, LDAPMessage *entry, struct err *err)
{
	struct id_reader *reader =
	    container_of(visitor, struct id_reader, visitor);
	struct berval **values =
	    ldap_get_values_len(reader->run->ld, entry, reader->attribute);

	(void)err;
	if (values != NULL && values[0] != NULL &&
	    values[0]->bv_len == RECIPIENT_ID) {
		memcpy(reader->id, values[0]->bv_val, RECIPIENT_ID);
		reader->found = true;
	}
	ldap_value_free_len(values);
	return 0;
}

/* Reads an identity; clears `*found` when the account may not see it. */
static int
read_id(struct ldap_run *run, const char *dn, const char *attribute,
    unsigned char *id, bool *found, struct err *err)
{
	const char *const attributes[] = { attribute, NULL };
	struct id_reader reader = {
		.visitor.visit = visit_id,
		.run = run,
		.attribute = attribute,
		.id = id,
	};
	const struct ldap_query query = {
		.base = dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = attributes,
		.may_miss = true,
	};

	if (ldap_run_search(run, &query, &reader.visitor, err) != 0)
		return -1;
	*found = *found && reader.found;
	return 0;
}

int
ldap_root_read(struct ldap_run *run, struct err *err)
{
	static const char *const attributes[] = { "supportedControl",
		"defaultNamingContext", "dsServiceName", "highestCommittedUSN",
		NULL };
	struct root_reader reader = { .visitor.visit = visit_root, .run = run };
	const struct ldap_query query = {
		.base = "",
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = attributes,
	};
	struct ldap_root *root = &run->root;

	if (ldap_run_search(run, &query, &reader.visitor, err) != 0)
		return -1;
	if (root->naming_context == NULL) {
		err_set(err, "%s: the server has no root entry", run->uri);
		return -1;
	}
	root->identified = root->active_directory;
	if (!root->active_directory)
		return 0;
	if (read_id(run, root->service, "invocationId", root->invocation,
		&root->identified, err) != 0)
		return -1;
	return read_id(run, root->naming_context, "objectGUID", root->domain,
	    &root->identified, err);
}

/* The last character before `*end` that is no blank; 0 at the beginning. */
static char
step_back(const char *dn, size_t *end)
{
	while (*end > 0 && dn[*end - 1] == ' ')
		--*end;
	return *end > 0 ? (char)tolower((unsigned char)dn[--*end]) : '\0';
}

/* Compared from the end: "OU=x, dc=example, dc=test" is below
 * "DC=example,DC=test". */
bool
ldap_root_covers(const struct ldap_root *root, const char *base)
{
	const char *head = root->naming_context;
	size_t head_end = strlen(head);
	size_t base_end = strlen(base);
	char head_byte;
	char base_byte;

	if (head_end == 0 || base_end == 0)
		return false;
	do {
		head_byte = step_back(head, &head_end);
		base_byte = step_back(base, &base_end);
	} while (head_byte != '\0' && head_byte == base_byte);
	return head_byte == '\0' && (base_byte == '\0' || base_byte == ',');
}

void
ldap_root_finish(struct ldap_root *root)
{
	free(root->naming_context);
	free(root->service);
	*root = (struct ldap_root){ 0 };
}
