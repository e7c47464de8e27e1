/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_dirsync.h"

#include <string.h>
#include <strings.h>

#include "container.h"
#include "ldap_entry.h"
#include "unconst.h"

/* Bytes of one answer. */
#define ANSWER_MAX (1 << 20)
/* Attributes whose changes matter, and the length of a name. */
#define ATTRIBUTES_MAX 64
#define NAME_LEN_MAX 63

struct attributes {
	const char *name[ATTRIBUTES_MAX + 1];
	char text[ATTRIBUTES_MAX][NAME_LEN_MAX + 1];
	size_t count;
};

struct changes {
	struct ldap_visitor visitor;
	struct ldap_run *run;
	struct ldap_entry *entry;
	struct ldap_ids ids;
	struct ldap_ids moved;
};

static int
visit_nothing(struct ldap_visitor *visitor, LDAPMessage *message,
    struct err *err)
{
	(void)visitor;
	(void)message;
	(void)err;
	return 0;
}

static int
read_answer(struct ldap_run *run, LDAPControl **response,
    struct ldap_state *state, bool *more, struct err *err)
{
	LDAPControl *control =
	    ldap_control_find(LDAP_CONTROL_X_DIRSYNC, response, NULL);
	BerElement *ber =
	    control != NULL ? ber_init(&control->ldctl_value) : NULL;
	ber_int_t flag;
	ber_int_t size;
	struct berval cookie;
	int status = -1;

	if (ber == NULL ||
	    ber_scanf(ber, "{iim}", &flag, &size, &cookie) == LBER_ERROR)
		ldap_run_fail(run, "cannot read the answer of DirSync",
		    LDAP_DECODING_ERROR, err);
	else if (!ldap_state_set_cookie(state, cookie.bv_val, cookie.bv_len))
		err_set(err, "%s: a cookie of %lu bytes is too long to be kept",
		    run->uri, cookie.bv_len);
	else
		status = 0;
	*more = status == 0 && flag != 0;
	ber_free(ber, 1);
	return status;
}

/* DirSyncRequestValue ::= SEQUENCE { flags, maxBytes, cookie } (MS-ADTS
 * 3.1.1.3.4.1.3). */
static struct berval *
make_value(const struct ldap_state *state)
{
	/* Of a group's members only those that have come or gone. */
	const unsigned flags =
	    state->flags | LDAP_CONTROL_X_DIRSYNC_INCREMENTAL_VALUES;
	struct berval cookie = {
		.bv_len = state->cookie_len,
		.bv_val = unconst(state->cookie),
	};
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval *value = NULL;

	if (ber != NULL && ber_printf(ber, "{iiO}", (ber_int_t)flags,
			       (ber_int_t)ANSWER_MAX, &cookie) != -1)
		ber_flatten(ber, &value);
	ber_free(ber, 1);
	return value;
}

/* Asks once; the state gets the cookie of the answer. */
static int
ask(struct ldap_run *run, const char *filter, const char *const *attributes,
    struct ldap_visitor *visitor, struct ldap_state *state, bool *more,
    struct err *err)
{
	const struct ldap_query query = {
		.base = run->root.naming_context,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = filter,
		.attributes = attributes,
	};
	struct berval *value = make_value(state);
	LDAPControl control = {
		.ldctl_oid = unconst(LDAP_CONTROL_X_DIRSYNC),
		.ldctl_iscritical = 1,
	};
	LDAPControl *const controls[] = { &control, NULL };
	LDAPControl **response = NULL;
	int status;

	if (value == NULL)
		return ldap_run_fail(run, "cannot ask for changes",
		    LDAP_ENCODING_ERROR, err);
	control.ldctl_value = *value;
	status = ldap_run_ask(run, &query, controls, visitor, &response, err);
	ber_bvfree(value);
	if (status == 0)
		status = read_answer(run, response, state, more, err);
	ldap_controls_free(response);
	return status;
}

/* A filter that only one object matches keeps the answers short; the cookie is
 * the same. */
static int
get_cookie(struct ldap_run *run, struct ldap_state *state, struct err *err)
{
	static const char *const attributes[] = { "objectGUID", NULL };
	struct ldap_visitor visitor = { .visit = visit_nothing };
	bool more;
	int status;

	do
		status = ask(run, "(objectClass=domainDNS)", attributes,
		    &visitor, state, &more, err);
	while (status == 0 && more);
	return status;
}

int
ldap_dirsync_start(struct ldap_run *run, struct ldap_state *state,
    struct err *err)
{
	int status;

	state->flags = 0;
	status = get_cookie(run, state, err);
	if (status != 0 && ldap_run_is_refused(run)) {
		state->flags = LDAP_CONTROL_X_DIRSYNC_OBJECT_SECURITY;
		status = get_cookie(run, state, err);
	}
	run->refused = status != 0 && ldap_run_is_refused(run);
	return status;
}

static void
add_attribute(struct attributes *attributes, const char *name, size_t len)
{
	char *text = attributes->text[attributes->count];

	if (attributes->count == ATTRIBUTES_MAX || len == 0 ||
	    len > NAME_LEN_MAX)
		return;
	for (size_t i = 0; i < attributes->count; i++) {
		if (strlen(attributes->name[i]) == len &&
		    strncasecmp(attributes->name[i], name, len) == 0)
			return;
	}
	memcpy(text, name, len);
	text[len] = '\0';
	attributes->name[attributes->count++] = text;
}

/* What the configured filter looks at is a reason to read an object again,
 * too. */
static void
add_filter(struct attributes *attributes, const char *filter)
{
	while ((filter = strchr(filter, '(')) != NULL) {
		filter++;
		add_attribute(attributes, filter,
		    strspn(filter, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-."));
	}
}

static void
collect_attributes(const struct ldap_run *run, struct attributes *attributes)
{
	static const char *const always[] = { "isDeleted", "name",
		"objectClass", "member", NULL };

	for (size_t i = 0; always[i] != NULL; i++)
		add_attribute(attributes, always[i], strlen(always[i]));
	for (size_t i = 0; run->attributes[i] != NULL; i++)
		add_attribute(attributes, run->attributes[i],
		    strlen(run->attributes[i]));
	add_filter(attributes, run->settings->filter);
}

/* An object with a new name and no new class was renamed or moved. */
static int
visit_change(struct ldap_visitor *visitor, LDAPMessage *message,
    struct err *err)
{
	struct changes *changes =
	    container_of(visitor, struct changes, visitor);
	struct ldap_entry *entry = changes->entry;
	const struct account_attribute *id;

	if (ldap_entry_peek(entry, changes->run, message, err) != 0)
		return -1;
	id = ldap_entry_find(entry, "objectGUID");
	if (id == NULL || id->values[0].len != RECIPIENT_ID) {
		err_set(err, "%s: an entry without objectGUID",
		    changes->run->uri);
		return -1;
	}
	if (ldap_entry_find(entry, "name") != NULL &&
	    ldap_entry_find(entry, "objectClass") == NULL &&
	    ldap_ids_add(&changes->moved, id->values[0].bytes, err) != 0)
		return -1;
	return ldap_ids_add(&changes->ids, id->values[0].bytes, err);
}

/* One answer, and what it says. */
static int
take_changes(struct changes *changes, const struct attributes *attributes,
    struct ldap_objects *objects, struct ldap_state *state, bool *more,
    struct err *err)
{
	changes->ids.count = 0;
	changes->moved.count = 0;
	if (ask(changes->run, "(objectClass=*)", attributes->name,
		&changes->visitor, state, more, err) != 0) {
		changes->run->reload = ldap_run_is_refused(changes->run);
		return -1;
	}
	if (ldap_objects_stay(objects, &changes->moved, err) != 0)
		return -1;
	return ldap_objects_update(objects, &changes->ids, err);
}

int
ldap_dirsync_changes(struct ldap_run *run, struct ldap_objects *objects,
    struct ldap_state *state, struct err *err)
{
	struct changes changes = {
		.visitor.visit = visit_change,
		.run = run,
		.entry = ldap_entry_create(),
	};
	struct attributes attributes = { .count = 0 };
	bool more = true;
	int status = 0;

	collect_attributes(run, &attributes);
	while (status == 0 && more)
		status = take_changes(&changes, &attributes, objects, state,
		    &more, err);
	ldap_ids_finish(&changes.ids);
	ldap_ids_finish(&changes.moved);
	ldap_entry_destroy(changes.entry);
	return status;
}
