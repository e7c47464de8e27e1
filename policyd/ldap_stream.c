/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_stream.h"

#include <stdlib.h>

#include "container.h"
#include "ldap_explain.h"
#include "ldap_guard.h"
#include "unconst.h"
#include "xalloc.h"

/* Messages that are read before others have a turn. */
#define MESSAGES_MAX 256

static bool
is_alive(const struct ldap_stream *stream)
{
	int descriptor = -1;

	ldap_get_option(stream->ld, LDAP_OPT_DESC, &descriptor);
	return !stream->dead && descriptor == stream->descriptor;
}

static struct ldap_search *
find_search(const struct ldap_stream *stream, int id)
{
	struct ldap_search *search = stream->sent.first;

	while (search != NULL && search->id != id)
		search = search->next;
	return search;
}

static void
conclude_failure(struct ldap_stream *stream, struct ldap_search *search,
    int result, const char *diagnostic)
{
	struct err problem;

	err_set(&problem, "%s: %s (result %d)", stream->uri,
	    ldap_explain(result, diagnostic), result);
	switch (result) {
	case LDAP_NO_SUCH_OBJECT:
		ldap_search_answer(search, LDAP_OUTCOME_NO_BASE, problem.text);
		break;
	case LDAP_OPERATIONS_ERROR:
	case LDAP_BUSY:
	case LDAP_UNAVAILABLE:
	case LDAP_UNWILLING_TO_PERFORM:
	case LDAP_OTHER:
		ldap_searches_remove(search);
		stream->handler->refused(stream->handler, stream, search,
		    &problem);
		break;
	default:
		ldap_search_answer(search, LDAP_OUTCOME_UNAVAILABLE,
		    problem.text);
	}
}

static void
conclude(struct ldap_stream *stream, struct ldap_search *search,
    LDAPMessage *message)
{
	int result = LDAP_OTHER;
	char *diagnostic = NULL;

	if (ldap_parse_result(stream->ld, message, &result, NULL, &diagnostic,
		NULL, NULL, 0) != LDAP_SUCCESS)
		result = LDAP_DECODING_ERROR;
	if (result == LDAP_SUCCESS)
		ldap_search_answer(search, LDAP_OUTCOME_COMPLETE, "");
	else if (result == LDAP_SIZELIMIT_EXCEEDED)
		ldap_search_answer(search, LDAP_OUTCOME_LIMITED, "");
	else
		conclude_failure(stream, search, result, diagnostic);
	ldap_memfree(diagnostic);
}

/* False when the connection is at its end. */
static bool
take_message(struct ldap_stream *stream, int type, LDAPMessage *message)
{
	struct ldap_search *search = find_search(stream, ldap_msgid(message));

	/* Notice of Disconnection (RFC 4511 4.4.1). */
	if (ldap_msgid(message) == LDAP_RES_UNSOLICITED)
		return false;
	stream->heard_ms = ldap_now_ms();
	if (search == NULL)
		return true;
	if (type == LDAP_RES_SEARCH_ENTRY)
		search->entry(search, stream->ld, message);
	else if (type == LDAP_RES_SEARCH_RESULT)
		conclude(stream, search, message);
	else if (type != LDAP_RES_SEARCH_REFERENCE &&
		 type != LDAP_RES_INTERMEDIATE)
		ldap_search_answer(search, LDAP_OUTCOME_UNAVAILABLE,
		    "the directory answers a search with something else");
	return true;
}

/* Reads until there is nothing more: what libldap holds back makes no
 * descriptor readable.  False when the connection is at its end. */
static bool
read_messages(struct ldap_stream *stream)
{
	for (unsigned i = 0; i < MESSAGES_MAX && !stream->dead; i++) {
		struct timeval zero = { 0 };
		LDAPMessage *message = NULL;
		const int type = ldap_result(stream->ld, LDAP_RES_ANY,
		    LDAP_MSG_ONE, &zero, &message);
		bool goes_on;

		if (type == 0)
			return is_alive(stream);
		if (type < 0)
			return false;
		goes_on = take_message(stream, type, message);
		ldap_msgfree(message);
		if (!goes_on)
			return false;
	}
	ev_feed_event(stream->loop, &stream->readable, EV_READ);
	return is_alive(stream);
}

static void
on_readable(struct ev_loop *loop, ev_io *readable, int events)
{
	struct ldap_stream *stream =
	    container_of(readable, struct ldap_stream, readable);

	(void)loop;
	(void)events;
	if (read_messages(stream))
		stream->handler->served(stream->handler, stream);
	else
		stream->handler->lost(stream->handler, stream);
}

struct ldap_stream *
ldap_stream_create(struct ev_loop *loop, const struct ldap_dialed *dialed,
    struct ldap_stream_handler *handler)
{
	struct ldap_stream *stream = xcalloc(1, sizeof(*stream));

	stream->loop = loop;
	stream->handler = handler;
	stream->ld = dialed->ld;
	stream->uri = xstrdup(dialed->uri);
	stream->rank = dialed->rank;
	stream->made_ms = ldap_now_ms();
	stream->used_ms = stream->made_ms;
	stream->descriptor = -1;
	ldap_get_option(dialed->ld, LDAP_OPT_DESC, &stream->descriptor);
	/* A connection that was lost before it came here tells so at once. */
	ev_io_init(&stream->readable, on_readable, stream->descriptor, EV_READ);
	if (stream->descriptor >= 0)
		ev_io_start(loop, &stream->readable);
	ev_feed_event(loop, &stream->readable, EV_READ);
	return stream;
}

void
ldap_stream_close(struct ldap_stream *stream)
{
	ev_io_stop(stream->loop, &stream->readable);
	ev_clear_pending(stream->loop, &stream->readable);
	ldap_unbind_ext(stream->ld, NULL, NULL);
	free(stream->uri);
	free(stream);
}

/* The handler hears of it from the loop, when nobody is in the middle of it. */
static void
condemn(struct ldap_stream *stream)
{
	stream->dead = true;
	ev_feed_event(stream->loop, &stream->readable, EV_READ);
}

/* libldap would connect anew, wait for that, and not bind: a handle that has
 * lost its connection is asked nothing. */
static int
send_search(struct ldap_stream *stream, struct ldap_search *search,
    unsigned timeout)
{
	struct timeval limit = { .tv_sec = timeout };

	if (!is_alive(stream))
		return LDAP_SERVER_DOWN;
	return ldap_search_ext(stream->ld, search->base, search->scope,
	    search->filter, unconst(search->attributes), 0, NULL, NULL, &limit,
	    search->size_limit, &search->id);
}

bool
ldap_stream_send(struct ldap_stream *stream, struct ldap_search *search,
    unsigned timeout)
{
	const int result = send_search(stream, search, timeout);

	if (result == LDAP_FILTER_ERROR || result == LDAP_ENCODING_ERROR) {
		search->done(search, LDAP_OUTCOME_UNAVAILABLE,
		    "the filter of the search is not well-formed");
		return true;
	}
	if (result != LDAP_SUCCESS) {
		/* It is busy while an earlier search is not written yet. */
		if (result != LDAP_BUSY)
			condemn(stream);
		return false;
	}
	search->since_ms = ldap_now_ms();
	stream->used_ms = search->since_ms;
	ldap_searches_append(&stream->sent, search);
	if (search->attempts++ > 0)
		search->again(search);
	return true;
}

size_t
ldap_stream_expire(struct ldap_stream *stream, long long since_ms, bool *hangs)
{
	struct ldap_search *search = stream->sent.first;
	struct err problem;
	size_t count = 0;

	*hangs = false;
	err_set(&problem, "%s: the directory did not answer in time",
	    stream->uri);
	for (; search != NULL && search->since_ms <= since_ms; count++) {
		if (stream->heard_ms <= search->since_ms)
			*hangs = true;
		if (is_alive(stream))
			ldap_abandon_ext(stream->ld, search->id, NULL, NULL);
		ldap_search_answer(search, LDAP_OUTCOME_UNAVAILABLE,
		    problem.text);
		search = stream->sent.first;
	}
	return count;
}
