/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container.h"
#include "log.h"
#include "report.h"
#include "xalloc.h"

enum {
	/* Postfix makes an instance of a process number, two times and a
	 * count (smtpd_check.c); with a longer one there is no header. */
	INSTANCE_MAX = 64,
};

/* A connection that owes an answer ends these states one by one; only one that
 * reads may be closed at any time. */
enum session_state {
	SESSION_READING = 0,
	/* Lookups are open. */
	SESSION_DECIDING,
	/* Decided, the turn is not over. */
	SESSION_DECIDED,
	/* The peer takes its reply slowly. */
	SESSION_WRITING,
};

struct session {
	TAILQ_ENTRY(session) by_use;
	STAILQ_ENTRY(session) resumed;
	struct sessions *all;
	struct ev_io io;
	/* Idle time-out while reading and writing, deadline while deciding. */
	struct ev_timer timer;
	enum session_state state;
	/* More bytes have been read than the request had. */
	bool is_resumed;
	ev_tstamp used;
	struct attr_limits limits;
	struct attr_reader reader;
	struct request request;
	struct engine *engine;
	struct decision decision;
	struct turn_entry at_turn_end;
	struct buf reply;
	char reply_memory[VERDICT_REPLY];
	/* The message that has its header. */
	char with_header[INSTANCE_MAX];
	char peer[LISTENER_PEER];
	struct buf in;
	char in_memory[];
};

TAILQ_HEAD(session_list, session);
STAILQ_HEAD(resumed_list, session);

struct sessions {
	struct ev_loop *loop;
	struct turn *turn;
	struct metrics *metrics;
	struct listener_client client;
	struct session_limits limits;
	struct engine *engine;
	/* The longest idle first. */
	struct session_list list;
	size_t count;
	bool draining;
	/* Sessions whose next request has been read already; while there are
	 * any, an idle watcher keeps the loop from sleeping. */
	struct resumed_list resumed;
	struct ev_idle resume;
};

static void
session_enter(struct session *session, enum session_state state)
{
	session->state = state;
}

static void
session_close(struct session *session)
{
	struct sessions *all = session->all;

	assert(session->state == SESSION_READING ||
	       session->state == SESSION_WRITING);
	ev_io_stop(all->loop, &session->io);
	ev_timer_stop(all->loop, &session->timer);
	close(session->io.fd);
	if (session->is_resumed)
		STAILQ_REMOVE(&all->resumed, session, session, resumed);
	TAILQ_REMOVE(&all->list, session, by_use);
	all->count--;
	all->metrics->connections_open--;
	free(session);
}

static void
session_set_timer(struct session *session, double seconds)
{
	ev_timer_stop(session->all->loop, &session->timer);
	ev_timer_set(&session->timer, seconds, 0.0);
	ev_timer_start(session->all->loop, &session->timer);
}

static void
session_watch(struct session *session, int events)
{
	struct ev_io *io = &session->io;

	if (ev_is_active(io) && io->events == events)
		return;
	ev_io_stop(session->all->loop, io);
	ev_io_set(io, io->fd, events);
	ev_io_start(session->all->loop, io);
}

static void
session_refuse(struct session *session, const char *why)
{
	session->all->metrics->requests_malformed++;
	log_warning("malformed request from %s: %s", session->peer, why);
	session_close(session);
}

/* The idle time-out is not set anew for each request: when it fires too early
 * it is set for what is left. */
static void
session_timed_out(struct session *session)
{
	struct sessions *all = session->all;
	const double idle = ev_now(all->loop) - session->used;

	if (session->state == SESSION_DECIDING) {
		all->metrics->lookups_given_up++;
		session_set_timer(session, all->limits.idle_timeout);
		pipeline_give_up(&session->decision);
	} else if (session->state == SESSION_DECIDED) {
		session_set_timer(session, all->limits.idle_timeout);
	} else if (idle < all->limits.idle_timeout) {
		session_set_timer(session, all->limits.idle_timeout - idle);
	} else {
		all->metrics->connections_idle++;
		log_debug("closing %s: idle for %.0f seconds", session->peer,
		    idle);
		session_close(session);
	}
}

static void
session_mark_used(struct session *session)
{
	struct sessions *all = session->all;

	session->used = ev_now(all->loop);
	TAILQ_REMOVE(&all->list, session, by_use);
	TAILQ_INSERT_TAIL(&all->list, session, by_use);
}

static void
session_begin_request(struct session *session)
{
	attr_reader_init(&session->reader, &session->limits);
	request_init(&session->request);
	session_enter(session, SESSION_READING);
}

static void
session_resume_later(struct session *session)
{
	struct sessions *all = session->all;

	session->is_resumed = true;
	STAILQ_INSERT_TAIL(&all->resumed, session, resumed);
	ev_idle_start(all->loop, &all->resume);
}

/* The reply is out: on to the next request. */
static void
session_finish_request(struct session *session)
{
	struct sessions *all = session->all;
	const char *instance = session->request.instance;

	if (session->decision.verdict.action == ACTION_PREPEND)
		memcpy(session->with_header, instance, strlen(instance) + 1);
	session_mark_used(session);
	buf_consume(&session->in, attr_size(&session->reader));
	session_begin_request(session);
	if (all->draining)
		session_close(session);
	else if (session->in.len > 0)
		session_resume_later(session);
}

static void
session_write_reply(struct session *session)
{
	const ssize_t n = send(session->io.fd, session->reply.data,
	    session->reply.len, MSG_NOSIGNAL | MSG_DONTWAIT);

	session_enter(session, SESSION_WRITING);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		log_debug("%s: %s", session->peer, strerror(errno));
		session_close(session);
		return;
	}
	if (n > 0)
		buf_consume(&session->reply, (size_t)n);
	if (session->reply.len > 0) {
		session_watch(session, EV_WRITE);
		return;
	}
	session_watch(session, EV_READ);
	session_finish_request(session);
}

static void
session_settled(struct turn_entry *entry, bool kept)
{
	struct session *session =
	    container_of(entry, struct session, at_turn_end);
	struct decision *decision = &session->decision;

	if (!kept && decision->rests_on_store)
		verdict_pass(&decision->verdict, REASON_STORE_UNAVAILABLE);
	report_decision(session->all->metrics, &session->request,
	    &decision->verdict);
	buf_clear(&session->reply);
	verdict_write(&decision->verdict, &session->reply);
	session_write_reply(session);
}

static void
session_decided(struct decision *decision)
{
	struct session *session =
	    container_of(decision, struct session, decision);

	engine_release(session->engine);
	session->engine = NULL;
	session_enter(session, SESSION_DECIDED);
	turn_add(session->all->turn, &session->at_turn_end);
}

/* Whether the message of this request has its header, or cannot be told from
 * others. */
static bool
session_has_header(const struct session *session)
{
	const char *instance = session->request.instance;

	return strlen(instance) >= INSTANCE_MAX ||
	       strcmp(instance, session->with_header) == 0;
}

static void
session_decide(struct session *session)
{
	struct sessions *all = session->all;

	session->engine = engine_hold(all->engine);
	session->decision.request = &session->request;
	session->decision.now = (time_t)ev_now(all->loop);
	session->decision.has_header = session_has_header(session);
	session->decision.done = session_decided;
	session_enter(session, SESSION_DECIDING);
	pipeline_decide(&session->decision,
	    engine_stages(session->engine, session->request.policy_context));
	if (session->state == SESSION_DECIDING)
		session_set_timer(session, all->limits.answer_within);
}

static void
session_end_request(struct session *session)
{
	struct err err;

	if (request_finish(&session->request, &err) != 0)
		session_refuse(session, err.text);
	else
		session_decide(session);
}

/* Reads on in the bytes that are there, up to the end of one request. */
static void
session_read_request(struct session *session)
{
	struct attr attr;

	for (;;) {
		switch (attr_read(&session->reader, session->in.data,
		    session->in.len, &attr)) {
		case ATTR_PAIR:
			request_set(&session->request, &attr);
			break;
		case ATTR_MORE:
			session_watch(session, EV_READ);
			return;
		case ATTR_END:
			session_end_request(session);
			return;
		case ATTR_MALFORMED:
			session_refuse(session,
			    attr_complaint(&session->reader));
			return;
		}
	}
}

static void
session_readable(struct session *session)
{
	const ssize_t n = recv(session->io.fd, buf_space(&session->in),
	    buf_room(&session->in), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		log_debug("%s has closed the connection%s", session->peer,
		    session->in.len > 0 ? " in the middle of a request" : "");
		session_close(session);
		return;
	}
	buf_added(&session->in, (size_t)n);
	session_read_request(session);
}

/* While an answer is owed, or a request is in the buffer already, nothing is
 * read: the watcher rests until then. */
static void
session_ready(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct session *session = container_of(io, struct session, io);

	(void)events;
	switch (session->state) {
	case SESSION_READING:
		if (session->is_resumed)
			ev_io_stop(loop, io);
		else
			session_readable(session);
		break;
	case SESSION_WRITING:
		session_write_reply(session);
		break;
	case SESSION_DECIDING:
	case SESSION_DECIDED:
		ev_io_stop(loop, io);
		break;
	}
}

static void
session_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	session_timed_out(container_of(timer, struct session, timer));
}

static void
sessions_resume(struct ev_loop *loop, struct ev_idle *idle, int events)
{
	struct sessions *all = container_of(idle, struct sessions, resume);
	struct resumed_list now = STAILQ_HEAD_INITIALIZER(now);
	struct session *session;

	(void)events;
	ev_idle_stop(loop, idle);
	STAILQ_CONCAT(&now, &all->resumed);
	while ((session = STAILQ_FIRST(&now)) != NULL) {
		STAILQ_REMOVE_HEAD(&now, resumed);
		session->is_resumed = false;
		session_read_request(session);
	}
}

static struct session *
session_create(struct sessions *all, int fd, const char *peer)
{
	const size_t room = all->limits.request.request;
	struct session *session = xmalloc(sizeof(*session) + room);

	*session = (struct session){
		.all = all,
		.limits = all->limits.request,
		.used = ev_now(all->loop),
		.at_turn_end = { .settled = session_settled },
	};
	strncpy(session->peer, peer, sizeof(session->peer) - 1);
	buf_init(&session->in, session->in_memory, room);
	buf_init(&session->reply, session->reply_memory,
	    sizeof(session->reply_memory));
	ev_io_init(&session->io, session_ready, fd, EV_READ);
	ev_timer_init(&session->timer, session_timer, 0.0, 0.0);
	return session;
}

/* Closes the connection that has been idle the longest; false when all of them
 * owe an answer. */
static bool
sessions_make_room(struct sessions *all)
{
	struct session *session;

	TAILQ_FOREACH(session, &all->list, by_use)
	{
		if (session->state != SESSION_READING)
			continue;
		all->metrics->connections_displaced++;
		log_debug("closing %s: max-connections is reached",
		    session->peer);
		session_close(session);
		return true;
	}
	return false;
}

static void
sessions_accepted(struct listener_client *client, int fd, const char *peer)
{
	struct sessions *all = container_of(client, struct sessions, client);
	struct session *session;

	if (all->count >= all->limits.max_connections &&
	    !sessions_make_room(all)) {
		all->metrics->connections_displaced++;
		close(fd);
		return;
	}
	session = session_create(all, fd, peer);
	TAILQ_INSERT_TAIL(&all->list, session, by_use);
	all->count++;
	all->metrics->connections_open++;
	all->metrics->connections_accepted++;
	session_begin_request(session);
	ev_io_start(all->loop, &session->io);
	session_set_timer(session, all->limits.idle_timeout);
}

struct sessions *
sessions_create(struct ev_loop *loop, struct turn *turn,
    struct metrics *metrics)
{
	struct sessions *all = xcalloc(1, sizeof(*all));

	all->loop = loop;
	all->turn = turn;
	all->metrics = metrics;
	all->client.accepted = sessions_accepted;
	TAILQ_INIT(&all->list);
	STAILQ_INIT(&all->resumed);
	ev_idle_init(&all->resume, sessions_resume);
	return all;
}

void
sessions_destroy(struct sessions *all)
{
	struct session *session;

	if (all == NULL)
		return;
	while ((session = TAILQ_FIRST(&all->list)) != NULL)
		session_close(session);
	ev_idle_stop(all->loop, &all->resume);
	engine_release(all->engine);
	free(all);
}

void
sessions_configure(struct sessions *all, const struct session_limits *limits,
    struct engine *engine)
{
	engine_release(all->engine);
	all->engine = engine_hold(engine);
	all->limits = *limits;
}

struct listener_client *
sessions_client(struct sessions *all)
{
	return &all->client;
}

size_t
sessions_drain(struct sessions *all)
{
	struct session *session;
	struct session *next;

	all->draining = true;
	for (session = TAILQ_FIRST(&all->list); session != NULL;
	     session = next) {
		next = TAILQ_NEXT(session, by_use);
		if (session->state == SESSION_READING && !session->is_resumed)
			session_close(session);
	}
	return all->count;
}
