/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_syncrepl.h"

#include <string.h>

#include "buf.h"
#include "ldap_root.h"
#include "unconst.h"

/* A silent server is asked so often whether it is still there. */
#define HEARTBEAT_MS 30000

struct follower {
	struct ldap_run *run;
	struct ldap_objects *objects;
	struct ldap_state *state;
	bool full;
	/* The first message has come. */
	bool begun;
	/* All that was there before has been told. */
	bool refreshed;
};

/* The body of a message: the cookie if there is one, and the one boolean. */
struct sync_info {
	struct berval cookie;
	bool flag;
};

static int
fail_decoding(struct follower *follower, struct err *err)
{
	return ldap_run_fail(follower->run, "cannot read a sync message",
	    LDAP_DECODING_ERROR, err);
}

static int
need_reload(struct follower *follower, const char *why, struct err *err)
{
	follower->run->reload = true;
	err_set(err, "a full load is needed: %s", why);
	return -1;
}

/* syncRequestValue ::= SEQUENCE { mode, cookie OPTIONAL, reloadHint } (RFC 4533
 * 2.2). */
static struct berval *
make_value(const struct ldap_state *state, bool full)
{
	struct berval cookie = {
		.bv_len = state->cookie_len,
		.bv_val = unconst(state->cookie),
	};
	BerElement *ber = ber_alloc_t(LBER_USE_DER);
	struct berval *value = NULL;
	int written = -1;

	if (ber != NULL && full)
		written = ber_printf(ber, "{eb}",
		    (ber_int_t)LDAP_SYNC_REFRESH_AND_PERSIST, (ber_int_t)0);
	else if (ber != NULL)
		written = ber_printf(ber, "{eOb}",
		    (ber_int_t)LDAP_SYNC_REFRESH_AND_PERSIST, &cookie,
		    (ber_int_t)0);
	if (written != -1)
		ber_flatten(ber, &value);
	ber_free(ber, 1);
	return value;
}

static int
send_search(struct follower *follower, struct err *err)
{
	struct ldap_run *run = follower->run;
	const struct ldap_query query = {
		.base = run->settings->base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = run->filter,
		.attributes = run->attributes,
	};
	struct berval *value = make_value(follower->state, follower->full);
	LDAPControl control = {
		.ldctl_oid = unconst(LDAP_CONTROL_SYNC),
		.ldctl_iscritical = 1,
	};
	LDAPControl *const controls[] = { &control, NULL };
	int id;

	if (value == NULL)
		return ldap_run_fail(run, "cannot ask for changes",
		    LDAP_ENCODING_ERROR, err);
	control.ldctl_value = *value;
	id = ldap_run_send(run, &query, controls, err);
	ber_bvfree(value);
	return id;
}

static int
tell_state(struct follower *follower, struct err *err)
{
	char bytes[LDAP_STATE_MAX];
	struct buf text;

	buf_init(&text, bytes, sizeof(bytes));
	if (!ldap_state_write(follower->state, &text)) {
		err_set(err, "the state is too long to be kept");
		return -1;
	}
	ldap_events_state(follower->run->events, bytes);
	return 0;
}

/* A cookie means a complete state only after the refresh. */
static int
take_cookie(struct follower *follower, const struct berval *cookie,
    struct err *err)
{
	if (cookie->bv_len == 0 || !follower->refreshed)
		return 0;
	if (ldap_state_set_cookie(follower->state, cookie->bv_val,
		cookie->bv_len))
		return tell_state(follower, err);
	err_set(err, "%s: a cookie of %lu bytes is too long to be kept",
	    follower->run->uri, cookie->bv_len);
	return -1;
}

/* What was there before has been told.  A server that sends no cookie can be
 * followed, but not gone back to. */
static int
finish_refresh(struct follower *follower, const struct berval *cookie,
    struct err *err)
{
	int status;

	if (follower->refreshed)
		return take_cookie(follower, cookie, err);
	if (ldap_objects_settle(follower->objects, err) != 0)
		return -1;
	follower->refreshed = true;
	status = cookie->bv_len > 0 ? take_cookie(follower, cookie, err)
				    : tell_state(follower, err);
	if (status == 0)
		ldap_events_current(follower->run->events);
	return status;
}

/* syncStateValue ::= SEQUENCE { state, entryUUID, cookie OPTIONAL } (RFC 4533
 * 2.3). */
static int
read_entry_state(struct follower *follower, LDAPMessage *message,
    ber_int_t *state, unsigned char uuid[static RECIPIENT_ID],
    struct berval **cookie, struct err *err)
{
	LDAPControl **controls = NULL;
	LDAPControl *control = NULL;
	BerElement *ber = NULL;
	struct berval id = { 0 };
	struct berval found = { 0 };
	int status = -1;

	if (ldap_get_entry_controls(follower->run->ld, message, &controls) ==
	    LDAP_SUCCESS)
		control =
		    ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL);
	if (control != NULL)
		ber = ber_init(&control->ldctl_value);
	if (ber != NULL && ber_scanf(ber, "{em", state, &id) != LBER_ERROR &&
	    id.bv_len == RECIPIENT_ID) {
		memcpy(uuid, id.bv_val, RECIPIENT_ID);
		status = 0;
		if (ber_scanf(ber, "m", &found) != LBER_ERROR)
			*cookie = ber_bvdup(&found);
	}
	ber_free(ber, 1);
	ldap_controls_free(controls);
	return status == 0 ? 0 : fail_decoding(follower, err);
}

/* The record's identity must be the one that deletions will name. */
static int
tell_entry(struct follower *follower, LDAPMessage *message,
    const unsigned char uuid[static RECIPIENT_ID], struct err *err)
{
	unsigned char id[RECIPIENT_ID];
	const bool full = follower->full && !follower->refreshed;

	if (ldap_objects_tell(follower->objects, message, full, id, err) != 0)
		return -1;
	if (memcmp(id, uuid, RECIPIENT_ID) != 0) {
		err_set(err,
		    "%s: the entries' identity is not their "
		    "entryUUID: sync cannot be syncrepl",
		    follower->run->uri);
		return -1;
	}
	if (!full)
		return ldap_objects_settle(follower->objects, err);
	return 0;
}

static int
take_change(struct follower *follower, LDAPMessage *message, ber_int_t state,
    const unsigned char uuid[static RECIPIENT_ID], struct err *err)
{
	switch (state) {
	case LDAP_SYNC_PRESENT:
		if (follower->full)
			return 0;
		return need_reload(follower,
		    "the server no longer knows what was deleted", err);
	case LDAP_SYNC_ADD:
	case LDAP_SYNC_MODIFY:
		return tell_entry(follower, message, uuid, err);
	case LDAP_SYNC_DELETE:
		ldap_events_gone(follower->run->events, uuid);
		return 0;
	default:
		return fail_decoding(follower, err);
	}
}

static int
take_entry(struct follower *follower, LDAPMessage *message, struct err *err)
{
	static const struct berval none = { 0 };
	unsigned char uuid[RECIPIENT_ID];
	struct berval *cookie = NULL;
	ber_int_t state;
	int status;

	if (read_entry_state(follower, message, &state, uuid, &cookie, err) !=
	    0)
		return -1;
	status = take_change(follower, message, state, uuid, err);
	if (status == 0)
		status =
		    take_cookie(follower, cookie != NULL ? cookie : &none, err);
	ber_bvfree(cookie);
	return status;
}

/* The cookie and the boolean that some messages begin with; both may be left
 * out. */
static bool
read_info(BerElement *ber, bool flag, struct sync_info *info)
{
	ber_int_t value = flag;
	ber_len_t len;

	*info = (struct sync_info){ .flag = flag };
	if (ber_scanf(ber, "{") == LBER_ERROR)
		return false;
	if (ber_peek_tag(ber, &len) == LDAP_TAG_SYNC_COOKIE &&
	    ber_scanf(ber, "m", &info->cookie) == LBER_ERROR)
		return false;
	if (ber_peek_tag(ber, &len) == LDAP_TAG_REFRESHDONE &&
	    ber_scanf(ber, "b", &value) == LBER_ERROR)
		return false;
	info->flag = value != 0;
	return true;
}

static int
take_refresh(struct follower *follower, BerElement *ber, bool present,
    struct err *err)
{
	struct sync_info info;

	if (!read_info(ber, true, &info))
		return fail_decoding(follower, err);
	if (present && !follower->full && !follower->refreshed)
		return need_reload(follower,
		    "the server no longer knows what was deleted", err);
	return info.flag ? finish_refresh(follower, &info.cookie, err) : 0;
}

static int
tell_gone(struct follower *follower, BerVarray uuids, struct err *err)
{
	for (; uuids != NULL && uuids->bv_val != NULL; uuids++) {
		if (uuids->bv_len != RECIPIENT_ID)
			return fail_decoding(follower, err);
		ldap_events_gone(follower->run->events,
		    (const unsigned char *)uuids->bv_val);
	}
	return 0;
}

static int
take_id_set(struct follower *follower, BerElement *ber, struct err *err)
{
	struct sync_info info;
	BerVarray uuids = NULL;
	int status = 0;

	if (!read_info(ber, false, &info) ||
	    ber_scanf(ber, "[W]", &uuids) == LBER_ERROR)
		return fail_decoding(follower, err);
	if (info.flag)
		status = tell_gone(follower, uuids, err);
	else if (!follower->full)
		status = need_reload(follower,
		    "the server no longer knows what was deleted", err);
	ber_bvarray_free(uuids);
	if (status != 0)
		return -1;
	return take_cookie(follower, &info.cookie, err);
}

/* syncInfoValue ::= CHOICE (RFC 4533 2.5). */
static int
take_value(struct follower *follower, BerElement *ber, struct err *err)
{
	struct berval cookie;
	ber_len_t len;

	switch (ber_peek_tag(ber, &len)) {
	case LDAP_TAG_SYNC_NEW_COOKIE:
		if (ber_scanf(ber, "m", &cookie) == LBER_ERROR)
			return fail_decoding(follower, err);
		return take_cookie(follower, &cookie, err);
	case LDAP_TAG_SYNC_REFRESH_DELETE:
		return take_refresh(follower, ber, false, err);
	case LDAP_TAG_SYNC_REFRESH_PRESENT:
		return take_refresh(follower, ber, true, err);
	case LDAP_TAG_SYNC_ID_SET:
		return take_id_set(follower, ber, err);
	default:
		return fail_decoding(follower, err);
	}
}

static int
take_info(struct follower *follower, LDAPMessage *message, struct err *err)
{
	struct berval *value = NULL;
	char *oid = NULL;
	BerElement *ber;
	int status = 0;

	if (ldap_parse_intermediate(follower->run->ld, message, &oid, &value,
		NULL, 0) != LDAP_SUCCESS)
		return fail_decoding(follower, err);
	if (oid != NULL && strcmp(oid, LDAP_SYNC_INFO) == 0 && value != NULL) {
		ber = ber_init(value);
		status = ber != NULL ? take_value(follower, ber, err)
				     : fail_decoding(follower, err);
		ber_free(ber, 1);
	}
	ldap_memfree(oid);
	ber_bvfree(value);
	return status;
}

/* The server has ended the search: it refuses it, cannot go on from the cookie,
 * or is in trouble. */
static int
take_result(struct follower *follower, LDAPMessage *message, struct err *err)
{
	struct ldap_run *run = follower->run;
	int result = LDAP_DECODING_ERROR;
	const int parsed = ldap_parse_result(run->ld, message, &result, NULL,
	    NULL, NULL, NULL, 0);

	run->result = parsed == LDAP_SUCCESS ? result : parsed;
	if (run->result == LDAP_SYNC_REFRESH_REQUIRED)
		return need_reload(follower, "the server asks for it", err);
	if (!follower->full && !follower->refreshed)
		run->reload = ldap_run_is_refused(run);
	else
		run->refused = !follower->begun && ldap_run_is_refused(run);
	return ldap_run_fail(run, "the server has ended the sync", run->result,
	    err);
}

static void
begin(struct follower *follower)
{
	if (follower->begun)
		return;
	follower->begun = true;
	ldap_events_begin(follower->run->events, follower->full,
	    ldap_method_name(LDAP_SYNC_SYNCREPL));
}

static int
take_message(struct follower *follower, int type, LDAPMessage *message,
    struct err *err)
{
	if (type == LDAP_RES_SEARCH_RESULT || type == LDAP_RES_EXTENDED)
		return take_result(follower, message, err);
	begin(follower);
	if (type == LDAP_RES_SEARCH_ENTRY)
		return take_entry(follower, message, err);
	if (type == LDAP_RES_INTERMEDIATE)
		return take_info(follower, message, err);
	return 0;
}

/* No change for a while: is the server still there?  Its answer also confirms
 * that what was told is all. */
static int
beat(struct follower *follower, struct err *err)
{
	if (!follower->refreshed)
		return ldap_run_fail(follower->run, "no answer to the sync",
		    LDAP_TIMEOUT, err);
	if (ldap_root_read(follower->run, err) != 0)
		return -1;
	ldap_events_current(follower->run->events);
	return 0;
}

static int
take_next(struct follower *follower, int id, struct err *err)
{
	struct ldap_run *run = follower->run;
	LDAPMessage *message;
	int status;
	const int type = ldap_run_next(run, id,
	    follower->refreshed ? HEARTBEAT_MS : ldap_run_patience_ms(run),
	    &message, err);

	if (type < 0)
		return -1;
	if (type == 0)
		return beat(follower, err);
	status = take_message(follower, type, message, err);
	ldap_msgfree(message);
	return status;
}

int
ldap_syncrepl_follow(struct ldap_run *run, struct ldap_objects *objects,
    struct ldap_state *state, bool full, struct err *err)
{
	struct follower follower = {
		.run = run,
		.objects = objects,
		.state = state,
		.full = full,
	};
	int status;
	int id;

	if (!full && state->cookie_len == 0)
		return need_reload(&follower, "there is no cookie", err);
	id = send_search(&follower, err);
	status = id < 0 ? -1 : 0;
	while (status == 0)
		status = take_next(&follower, id, err);
	return -1;
}
