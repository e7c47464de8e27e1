/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_link.h"

#include <stdlib.h>

#include "container.h"
#include "ldap_dialer.h"
#include "ldap_guard.h"
#include "ldap_stream.h"
#include "xalloc.h"

/* Searches that wait to be sent. */
#define WAITING_MAX 4096
/* Connections that were taken over from and still have searches. */
#define RETIRED_MAX 4
/* A search is sent so often. */
#define ATTEMPTS_MAX 2

/* How often limits are looked at. */
#define TICK 0.1

enum {
	/* So long the next connection is worth waiting for. */
	YOUNG_MS = 1000,
	PAUSE_MIN_MS = 100,
	PAUSE_MAX_MS = 10000,
	/* Between attempts to come back to a preferred server, or to leave a
	 * bad one. */
	IMPROVE_MS = 30000,
	/* A connection that lived so long was worth while. */
	USELESS_MS = 10000,
	LEAVE_MS = 1000,
};

struct ldap_link {
	struct ev_loop *loop;
	const struct ldap_settings *settings;
	/* One to connect, one to come back to preferred servers. */
	struct ldap_dialer *connector;
	struct ldap_dialer_handler connected;
	struct ldap_dialer *improver;
	struct ldap_dialer_handler improved;
	ev_timer tick;
	struct ldap_stream_handler streamed;
	/* NULL: none. */
	struct ldap_stream *current;
	struct ldap_stream *retired[RETIRED_MAX];
	struct ldap_searches waiting;
	/* Searches for which the server has no time, and what it said: they
	 * wait for another one. */
	struct ldap_searches moving;
	struct err moving_problem;
	/* Without a connection: since when; when to try again, 0 while it is
	 * tried; the next pause; what went wrong. */
	long long since_ms;
	long long retry_ms;
	long long pause_ms;
	struct err problem;
	/* The server to be tried last; owned, "" for none. */
	char *avoid;
	/* Connections lost, one after the other, that answered nothing. */
	unsigned useless;
	/* The next time to look for a better server; the last time that a bad
	 * one was to be left. */
	long long improve_ms;
	long long left_ms;
};

static void
connect_now(struct ldap_link *link)
{
	link->retry_ms = 0;
	if (!ldap_dialer_busy(link->connector))
		ldap_dialer_connect(link->connector, link->avoid);
}

static void
connect_later(struct ldap_link *link)
{
	link->retry_ms = ldap_now_ms() + link->pause_ms;
	link->pause_ms *= 2;
	if (link->pause_ms > PAUSE_MAX_MS)
		link->pause_ms = PAUSE_MAX_MS;
}

static void
avoid_server(struct ldap_link *link, const char *uri)
{
	free(link->avoid);
	link->avoid = xstrdup(uri);
}

/* Another stream, to another server if one can be had; until then this one
 * serves. */
static void
leave_server(struct ldap_link *link)
{
	const long long now_ms = ldap_now_ms();

	if (link->current == NULL || ldap_dialer_busy(link->connector) ||
	    now_ms - link->left_ms < LEAVE_MS)
		return;
	link->left_ms = now_ms;
	avoid_server(link, link->current->uri);
	connect_now(link);
}

static void
forget_stream(struct ldap_link *link, const struct ldap_stream *stream)
{
	if (link->current == stream)
		link->current = NULL;
	for (size_t i = 0; i < RETIRED_MAX; i++)
		if (link->retired[i] == stream)
			link->retired[i] = NULL;
}

/* Searches that a connection took with it are sent once more, before those that
 * came later. */
static void
take_back(struct ldap_link *link, struct ldap_searches *sent,
    struct ldap_searches *lost)
{
	const long long now_ms = ldap_now_ms();

	while (sent->last != NULL) {
		struct ldap_search *search = sent->last;

		ldap_searches_remove(search);
		search->since_ms = now_ms;
		ldap_searches_prepend(search->attempts < ATTEMPTS_MAX
					  ? &link->waiting
					  : lost,
		    search);
	}
}

/* A server that accepts connections and ends them must not keep us busy: the
 * second time in a row counts as an attempt that failed. */
static void
connect_again(struct ldap_link *link, bool useless, const char *uri,
    const struct err *problem)
{
	link->problem = *problem;
	link->useless = useless ? link->useless + 1 : 0;
	avoid_server(link, uri);
	if (link->useless > 1) {
		connect_later(link);
		return;
	}
	link->since_ms = ldap_now_ms();
	connect_now(link);
}

static void
send_waiting(struct ldap_link *link)
{
	while (link->current != NULL && link->waiting.first != NULL &&
	       link->current->sent.count < link->settings->max_outstanding) {
		struct ldap_search *search = link->waiting.first;

		ldap_searches_remove(search);
		if (ldap_stream_send(link->current, search,
			link->settings->search_timeout))
			continue;
		ldap_searches_prepend(&link->waiting, search);
		return;
	}
}

static void
stream_lost(struct ldap_link *link, struct ldap_stream *stream, const char *why)
{
	const bool current = link->current == stream;
	const bool useless = stream->heard_ms == 0 &&
			     ldap_now_ms() - stream->made_ms < USELESS_MS;
	struct ldap_searches lost = { 0 };
	struct err problem;
	char *uri = xstrdup(stream->uri);

	err_set(&problem, "%s: %s", uri, why);
	forget_stream(link, stream);
	take_back(link, &stream->sent, &lost);
	ldap_stream_close(stream);
	if (current)
		connect_again(link, useless, uri, &problem);
	ldap_searches_fail(&lost, problem.text);
	send_waiting(link);
	free(uri);
}

static void
on_lost(struct ldap_stream_handler *handler, struct ldap_stream *stream)
{
	stream_lost(container_of(handler, struct ldap_link, streamed), stream,
	    "the connection was lost");
}

/* After a turn: a retired stream without searches ends. */
static void
stream_served(struct ldap_link *link, struct ldap_stream *stream)
{
	if (stream != link->current && stream->sent.count == 0) {
		forget_stream(link, stream);
		ldap_stream_close(stream);
	}
	send_waiting(link);
}

static void
on_served(struct ldap_stream_handler *handler, struct ldap_stream *stream)
{
	struct ldap_link *link =
	    container_of(handler, struct ldap_link, streamed);

	if (stream == link->current && stream->heard_ms != 0) {
		link->pause_ms = PAUSE_MIN_MS;
		link->useless = 0;
	}
	stream_served(link, stream);
}

/* It is tried once on another server, if one can be had soon. */
static void
on_refused(struct ldap_stream_handler *handler, struct ldap_stream *stream,
    struct ldap_search *search, const struct err *problem)
{
	struct ldap_link *link =
	    container_of(handler, struct ldap_link, streamed);

	if (stream == link->current)
		leave_server(link);
	if (search->attempts >= ATTEMPTS_MAX ||
	    !ldap_dialer_busy(link->connector)) {
		search->done(search, LDAP_OUTCOME_UNAVAILABLE, problem->text);
		return;
	}
	link->moving_problem = *problem;
	search->since_ms = ldap_now_ms();
	ldap_searches_append(&link->moving, search);
}

/* It ends with its last search.  If there are too many of them, the first one
 * ends now. */
static void
retire(struct ldap_link *link, struct ldap_stream *stream)
{
	struct ldap_stream *oldest = link->retired[0];

	if (stream->sent.count == 0) {
		ldap_stream_close(stream);
		return;
	}
	for (size_t i = 0; i < RETIRED_MAX; i++) {
		if (link->retired[i] == NULL) {
			link->retired[i] = stream;
			return;
		}
	}
	for (size_t i = 1; i < RETIRED_MAX; i++)
		link->retired[i - 1] = link->retired[i];
	link->retired[RETIRED_MAX - 1] = stream;
	stream_lost(link, oldest, "the server has become too slow");
}

static void
take_over(struct ldap_link *link, const struct ldap_dialed *dialed)
{
	struct ldap_stream *old = link->current;
	struct ldap_searches none = { 0 };

	link->current = ldap_stream_create(link->loop, dialed, &link->streamed);
	link->problem.text[0] = '\0';
	link->improve_ms = link->current->made_ms + IMPROVE_MS;
	avoid_server(link, "");
	if (old != NULL)
		retire(link, old);
	take_back(link, &link->moving, &none);
	send_waiting(link);
}

static void
on_connected(struct ldap_dialer_handler *handler,
    const struct ldap_dialed *dialed)
{
	struct ldap_link *link =
	    container_of(handler, struct ldap_link, connected);

	if (dialed->ld != NULL) {
		take_over(link, dialed);
		return;
	}
	if (link->current == NULL) {
		err_set(&link->problem, "%s", dialed->problem);
		connect_later(link);
	}
	ldap_searches_fail(&link->moving, link->moving_problem.text);
}

static void
on_improved(struct ldap_dialer_handler *handler,
    const struct ldap_dialed *dialed)
{
	struct ldap_link *link =
	    container_of(handler, struct ldap_link, improved);

	if (dialed->ld == NULL)
		return;
	if (link->current == NULL || dialed->rank < link->current->rank)
		take_over(link, dialed);
	else
		ldap_unbind_ext(dialed->ld, NULL, NULL);
}

/* The server was too slow for a search: no other one is sent to it before it is
 * connected to anew, the last one of all. */
static void
distrust(struct ldap_link *link, struct ldap_stream *stream)
{
	if (stream != link->current) {
		stream_served(link, stream);
		return;
	}
	link->current = NULL;
	link->since_ms = ldap_now_ms();
	avoid_server(link, stream->uri);
	err_set(&link->problem, "%s: the server is too slow", stream->uri);
	connect_now(link);
	retire(link, stream);
}

static void
check_stream(struct ldap_link *link, struct ldap_stream *stream,
    long long since_ms)
{
	bool hangs;

	if (ldap_stream_expire(stream, since_ms, &hangs) == 0)
		return;
	if (hangs)
		stream_lost(link, stream, "the server does not answer");
	else
		distrust(link, stream);
}

static void
check_searches(struct ldap_link *link, long long now_ms)
{
	const long long since_ms =
	    now_ms - link->settings->search_timeout * 1000LL;

	for (size_t i = 0; i < RETIRED_MAX; i++)
		if (link->retired[i] != NULL)
			check_stream(link, link->retired[i], since_ms);
	if (link->current != NULL)
		check_stream(link, link->current, since_ms);
	send_waiting(link);
	ldap_searches_fail_old(&link->waiting, since_ms,
	    "the directory is too slow for so many searches");
	ldap_searches_fail_old(&link->moving, now_ms - YOUNG_MS,
	    link->moving_problem.text);
}

/* Whether there is no hope of a connection soon: a server that was restarted
 * is back within a moment. */
static bool
is_down(const struct ldap_link *link, long long now_ms)
{
	return link->current == NULL && now_ms - link->since_ms >= YOUNG_MS;
}

/* A connection that nobody used for long is made anew before the server or a
 * firewall ends it. */
static bool
is_stale(const struct ldap_link *link, const struct ldap_stream *stream,
    long long now_ms)
{
	const long long limit_ms = link->settings->idle_timeout * 1000LL;

	return limit_ms > 0 && stream->sent.count == 0 &&
	       now_ms - stream->used_ms >= limit_ms;
}

static void
check_current(struct ldap_link *link, long long now_ms)
{
	struct ldap_stream *current = link->current;

	if (is_stale(link, current, now_ms)) {
		current->used_ms = now_ms;
		connect_now(link);
	}
	if (current->rank > 0 && now_ms >= link->improve_ms &&
	    !ldap_dialer_busy(link->improver)) {
		link->improve_ms = now_ms + IMPROVE_MS;
		ldap_dialer_improve(link->improver, current->uri);
	}
}

static void
on_tick(struct ev_loop *loop, ev_timer *tick, int events)
{
	struct ldap_link *link = container_of(tick, struct ldap_link, tick);
	const long long now_ms = ldap_now_ms();

	(void)loop;
	(void)events;
	check_searches(link, now_ms);
	if (link->current != NULL) {
		check_current(link, now_ms);
		return;
	}
	if (link->retry_ms != 0 && now_ms >= link->retry_ms)
		connect_now(link);
	if (is_down(link, now_ms))
		ldap_searches_fail(&link->waiting, ldap_link_problem(link));
}

static bool
create_dialers(struct ldap_link *link, struct err *err)
{
	link->connected.dialed = on_connected;
	link->connector = ldap_dialer_create(link->loop, link->settings,
	    &link->connected, err);
	if (link->connector == NULL)
		return false;
	link->improved.dialed = on_improved;
	link->improver = ldap_dialer_create(link->loop, link->settings,
	    &link->improved, err);
	return link->improver != NULL;
}

struct ldap_link *
ldap_link_create(struct ev_loop *loop, const struct ldap_settings *settings,
    struct err *err)
{
	struct ldap_link *link = xcalloc(1, sizeof(*link));

	link->loop = loop;
	link->settings = settings;
	link->since_ms = ldap_now_ms();
	link->pause_ms = PAUSE_MIN_MS;
	link->left_ms = -LEAVE_MS;
	link->avoid = xstrdup("");
	link->streamed.served = on_served;
	link->streamed.lost = on_lost;
	link->streamed.refused = on_refused;
	/* A dialer never ends, so neither does what it would call. */
	if (!create_dialers(link, err))
		return NULL;
	ev_timer_init(&link->tick, on_tick, TICK, TICK);
	ev_timer_start(loop, &link->tick);
	connect_now(link);
	return link;
}

bool
ldap_link_lost(struct ldap_link *link)
{
	const bool connector = ldap_dialer_lost(link->connector);
	const bool improver = ldap_dialer_lost(link->improver);

	return connector || improver;
}

void
ldap_link_search(struct ldap_link *link, struct ldap_search *search)
{
	search->attempts = 0;
	search->since_ms = ldap_now_ms();
	ldap_searches_append(&link->waiting, search);
	if (link->waiting.count > WAITING_MAX)
		ldap_search_answer(search, LDAP_OUTCOME_UNAVAILABLE,
		    "too many searches wait for the directory");
	else if (is_down(link, search->since_ms))
		ldap_search_answer(search, LDAP_OUTCOME_UNAVAILABLE,
		    ldap_link_problem(link));
	else
		send_waiting(link);
}

const char *
ldap_link_server(const struct ldap_link *link)
{
	return link->current != NULL ? link->current->uri : "";
}

const char *
ldap_link_problem(const struct ldap_link *link)
{
	if (link->current != NULL)
		return "";
	if (link->problem.text[0] == '\0')
		return "there is no connection to the directory yet";
	return link->problem.text;
}
