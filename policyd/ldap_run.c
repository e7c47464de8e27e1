/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_run.h"

#include <poll.h>

#include "ldap_explain.h"
#include "ldap_guard.h"
#include "unconst.h"

/* One look at the server and the daemon. */
#define LOOK_MS 1000
/* Events are held back so long while the server is silent. */
#define HOLD_MS 50
/* The least silence of a server that is a failure. */
#define PATIENCE_MS 30000
/* Requests of the daemon are looked for once in so many messages. */
#define LOOK_EVERY 64

int
ldap_run_fail(struct ldap_run *run, const char *what, int result,
    struct err *err)
{
	ldap_fail(run->ld, run->uri, what, result, err);
	return -1;
}

bool
ldap_run_is_refused(const struct ldap_run *run)
{
	static const int refusal[] = { LDAP_OPERATIONS_ERROR,
		LDAP_PROTOCOL_ERROR, LDAP_UNAVAILABLE_CRITICAL_EXTENSION,
		LDAP_INSUFFICIENT_ACCESS, LDAP_UNWILLING_TO_PERFORM,
		LDAP_OTHER };

	for (size_t i = 0; i < sizeof(refusal) / sizeof(refusal[0]); i++) {
		if (run->result == refusal[i])
			return true;
	}
	return false;
}

long long
ldap_run_patience_ms(const struct ldap_run *run)
{
	const long long configured = run->settings->search_timeout * 1000LL;

	return configured > PATIENCE_MS ? configured : PATIENCE_MS;
}

int
ldap_run_send(struct ldap_run *run, const struct ldap_query *query,
    LDAPControl *const controls[], struct err *err)
{
	int id;
	const int result = ldap_search_ext(run->ld, query->base, query->scope,
	    query->filter, unconst(query->attributes), 0, unconst(controls),
	    NULL, NULL, LDAP_NO_LIMIT, &id);

	if (result != LDAP_SUCCESS)
		return ldap_run_fail(run, "cannot search", result, err);
	return id;
}

static bool
is_stopped(struct ldap_run *run, struct err *err)
{
	if (!ldap_events_asked(run->events))
		return false;
	err_set(err, "stopped");
	return true;
}

/* Waits until the server or the daemon has something to say. */
static void
wait_for_either(struct ldap_run *run, long long left_ms)
{
	const bool held = ldap_events_held(run->events);
	const long long most_ms = held ? HOLD_MS : LOOK_MS;
	struct pollfd wait[2] = {
		{ .fd = -1, .events = POLLIN },
		{ .fd = ldap_events_descriptor(run->events), .events = POLLIN },
	};

	ldap_get_option(run->ld, LDAP_OPT_DESC, &wait[0].fd);
	if (poll(wait, 2, (int)(left_ms < most_ms ? left_ms : most_ms)) == 0)
		ldap_events_flush(run->events);
}

int
ldap_run_next(struct ldap_run *run, int id, long long patience_ms,
    LDAPMessage **message, struct err *err)
{
	const struct timeval at_once = { 0 };
	long long deadline_ms = 0;
	struct timeval timeout;
	long long now_ms;
	int result;
	int type;

	if (run->taken++ % LOOK_EVERY == 0 && is_stopped(run, err))
		return -1;
	for (;;) {
		timeout = at_once;
		type =
		    ldap_result(run->ld, id, LDAP_MSG_ONE, &timeout, message);
		if (type > 0)
			return type;
		if (type < 0) {
			result = LDAP_SERVER_DOWN;
			ldap_get_option(run->ld, LDAP_OPT_RESULT_CODE, &result);
			return ldap_run_fail(run, "no answer", result, err);
		}
		now_ms = ldap_now_ms();
		if (deadline_ms == 0)
			deadline_ms = now_ms + patience_ms;
		if (now_ms >= deadline_ms)
			return 0;
		wait_for_either(run, deadline_ms - now_ms);
		if (is_stopped(run, err))
			return -1;
	}
}

/* The server's last word on a search; frees the message. */
static int
finish_search(struct ldap_run *run, const struct ldap_query *query,
    LDAPMessage *message, LDAPControl ***response, struct err *err)
{
	LDAPControl **controls = NULL;
	int result = LDAP_DECODING_ERROR;
	const int parsed = ldap_parse_result(run->ld, message, &result, NULL,
	    NULL, NULL, &controls, 1);
	const bool missed =
	    result == LDAP_NO_SUCH_OBJECT || result == LDAP_REFERRAL;

	run->result = parsed == LDAP_SUCCESS ? result : parsed;
	if (run->result == LDAP_SUCCESS || (query->may_miss && missed)) {
		if (response != NULL)
			*response = controls;
		else
			ldap_controls_free(controls);
		return 0;
	}
	ldap_controls_free(controls);
	return ldap_run_fail(run, "a search failed", run->result, err);
}

int
ldap_run_ask(struct ldap_run *run, const struct ldap_query *query,
    LDAPControl *const controls[], struct ldap_visitor *visitor,
    LDAPControl ***response, struct err *err)
{
	const int id = ldap_run_send(run, query, controls, err);
	LDAPMessage *message;
	int status = 0;
	int type;

	run->result = LDAP_TIMEOUT;
	if (id < 0)
		return -1;
	while (status == 0) {
		type = ldap_run_next(run, id, ldap_run_patience_ms(run),
		    &message, err);
		if (type < 0)
			return -1;
		if (type == 0)
			return ldap_run_fail(run, "no answer to a search",
			    LDAP_TIMEOUT, err);
		/* Samba says in an extended response that it does not know a
		 * control. */
		if (type == LDAP_RES_SEARCH_RESULT || type == LDAP_RES_EXTENDED)
			return finish_search(run, query, message, response,
			    err);
		if (type == LDAP_RES_SEARCH_ENTRY)
			status = visitor->visit(visitor, message, err);
		ldap_msgfree(message);
	}
	/* The visitor wants no more; the connection may be used further. */
	ldap_abandon_ext(run->ld, id, NULL, NULL);
	return status;
}

/* The cookie of the next page; empty after the last one. */
static int
read_page(struct ldap_run *run, LDAPControl **response, struct berval *cookie,
    struct err *err)
{
	LDAPControl *control =
	    ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, response, NULL);
	struct berval next = { 0 };
	ber_int_t estimate;
	int result = LDAP_SUCCESS;

	if (control != NULL)
		result = ldap_parse_pageresponse_control(run->ld, control,
		    &estimate, &next);
	ber_memfree(cookie->bv_val);
	*cookie = next;
	if (result != LDAP_SUCCESS)
		return ldap_run_fail(run, "cannot read a page", result, err);
	return 0;
}

static int
search_page(struct ldap_run *run, const struct ldap_query *query,
    struct ldap_visitor *visitor, struct berval *cookie, struct err *err)
{
	LDAPControl *controls[3] = { NULL };
	LDAPControl **response = NULL;
	int status;

	if (ldap_create_page_control(run->ld,
		(ber_int_t)run->settings->page_size, cookie, 1,
		&controls[0]) != LDAP_SUCCESS)
		return ldap_run_fail(run, "cannot ask for a page",
		    LDAP_NO_MEMORY, err);
	controls[1] = query->control;
	status = ldap_run_ask(run, query, controls, visitor, &response, err);
	ldap_control_free(controls[0]);
	if (status == 0)
		status = read_page(run, response, cookie, err);
	ldap_controls_free(response);
	return status;
}

int
ldap_run_search(struct ldap_run *run, const struct ldap_query *query,
    struct ldap_visitor *visitor, struct err *err)
{
	LDAPControl *controls[2] = { query->control, NULL };
	struct berval cookie = { 0 };
	int status;

	if (!query->paged || !run->root.paged)
		return ldap_run_ask(run, query, controls, visitor, NULL, err);
	do
		status = search_page(run, query, visitor, &cookie, err);
	while (status == 0 && cookie.bv_len > 0);
	ber_memfree(cookie.bv_val);
	return status;
}
