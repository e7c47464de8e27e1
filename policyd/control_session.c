/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control_session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container.h"
#include "control_text.h"
#include "log.h"
#include "xalloc.h"

enum {
	/* A task steps while fewer bytes wait to be written. */
	OUTPUT_LOW = CHANNEL_MESSAGE,
	OUTPUT_MAX = OUTPUT_LOW + CONTROL_STEP,
};

/* Seconds after which a connection is closed on which nothing moves: somebody
 * may be reading a long answer page by page. */
#define IDLE_SECONDS 600.0

struct control_session {
	LIST_ENTRY(control_session) next;
	struct control_sessions *all;
	struct channel_handler handler;
	struct channel *channel;
	struct control_task *task;
	struct ev_timer step;
	struct ev_timer idle;
	/* It is closed as soon as the loop has the time. */
	bool is_lost;
};

LIST_HEAD(control_session_list, control_session);

struct control_sessions {
	struct ev_loop *loop;
	struct listener_client client;
	const struct control_command *commands;
	struct control_services services;
	struct control_session_list list;
	unsigned count;
};

static void
end_task(struct control_session *session)
{
	struct control_task *task = session->task;

	ev_timer_stop(session->all->loop, &session->step);
	session->task = NULL;
	if (task != NULL)
		task->end(task);
}

static void
destroy(struct control_session *session)
{
	end_task(session);
	ev_timer_stop(session->all->loop, &session->idle);
	channel_destroy(session->channel);
	LIST_REMOVE(session, next);
	session->all->count--;
	free(session);
}

static void
closed(struct channel_handler *handler, const char *why)
{
	(void)why;
	destroy(container_of(handler, struct control_session, handler));
}

static void
idle_is_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	destroy(container_of(timer, struct control_session, idle));
}

static void
note_activity(struct control_session *session)
{
	if (!session->is_lost)
		ev_timer_again(session->all->loop, &session->idle);
}

/* Who calls may still use the session: it is destroyed by the loop. */
static void
lose(struct control_session *session)
{
	session->is_lost = true;
	ev_timer_stop(session->all->loop, &session->step);
	ev_feed_event(session->all->loop, &session->idle, EV_TIMER);
}

void
control_session_close(struct control_session *session, const char *why)
{
	if (session->is_lost)
		return;
	log_warning("admin socket: a connection is closed: %s", why);
	lose(session);
}

void
control_session_write(struct control_session *session,
    const struct buf *message)
{
	assert(!message->full);
	if (!session->is_lost && !channel_write(session->channel, message))
		lose(session);
}

void
control_session_finish(struct control_session *session, struct buf *message)
{
	control_put_text(message, "end", "yes");
	attr_write_end(message);
	control_session_write(session, message);
	end_task(session);
}

void
control_session_fail(struct control_session *session, const char *format, ...)
{
	char memory[ERR_TEXT + 64];
	char text[ERR_TEXT];
	struct buf message;
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	buf_init(&message, memory, sizeof(memory));
	control_put_text(&message, "error", text);
	control_session_finish(session, &message);
}

static void
step(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct control_session *session =
	    container_of(timer, struct control_session, step);

	(void)loop;
	(void)events;
	if (channel_waiting(session->channel) > OUTPUT_LOW)
		return;
	note_activity(session);
	session->task->step(session->task);
}

void
control_session_start(struct control_session *session,
    struct control_task *task, double interval)
{
	assert(session->task == NULL);
	session->task = task;
	if (interval <= 0.0)
		return;
	ev_timer_set(&session->step, interval, interval);
	ev_timer_start(session->all->loop, &session->step);
}

double
control_session_now(const struct control_session *session)
{
	return ev_now(session->all->loop);
}

static void
begin(struct control_session *session, const struct message *request)
{
	const char *name = message_text(request, "request");
	const struct control_command *command;

	for (command = session->all->commands; command->name != NULL; command++)
		if (strcmp(command->name, name) == 0)
			break;
	if (command->name != NULL)
		command->begin(session, &session->all->services, request);
	else
		control_session_fail(session,
		    "the daemon does not know the request \"%.64s\"", name);
}

static void
heard(struct channel_handler *handler, const struct message *message)
{
	struct control_session *session =
	    container_of(handler, struct control_session, handler);
	struct control_task *task = session->task;

	if (session->is_lost)
		return;
	note_activity(session);
	if (task == NULL)
		begin(session, message);
	else if (task->heard != NULL)
		task->heard(task, message);
	else
		control_session_close(session,
		    "a request came before the one before was answered");
}

/* The other side finds this, whether it has asked already or not. */
static void
refuse(int descriptor)
{
	static const char refusal[] =
	    "error=there are too many connections to the admin socket\n"
	    "end=yes\n"
	    "\n";

	if (send(descriptor, refusal, sizeof(refusal) - 1,
		MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("admin socket: a refusal could not be sent");
	close(descriptor);
}

static void
accepted(struct listener_client *client, int descriptor, const char *peer)
{
	struct control_sessions *sessions =
	    container_of(client, struct control_sessions, client);
	struct control_session *session;

	(void)peer;
	if (sessions->count >= CONTROL_CONNECTIONS) {
		refuse(descriptor);
		return;
	}
	session = xcalloc(1, sizeof(*session));
	session->all = sessions;
	session->handler = (struct channel_handler){ heard, closed };
	session->channel = channel_create(sessions->loop, descriptor,
	    OUTPUT_MAX, &session->handler);
	ev_timer_init(&session->step, step, 0.0, 0.0);
	ev_timer_init(&session->idle, idle_is_over, 0.0, IDLE_SECONDS);
	note_activity(session);
	LIST_INSERT_HEAD(&sessions->list, session, next);
	sessions->count++;
}

struct control_sessions *
control_sessions_create(struct ev_loop *loop,
    const struct control_command *commands)
{
	struct control_sessions *sessions = xcalloc(1, sizeof(*sessions));

	sessions->loop = loop;
	sessions->client.accepted = accepted;
	sessions->commands = commands;
	return sessions;
}

void
control_sessions_destroy(struct control_sessions *sessions)
{
	if (sessions == NULL)
		return;
	while (!LIST_EMPTY(&sessions->list))
		destroy(LIST_FIRST(&sessions->list));
	free(sessions);
}

struct listener_client *
control_sessions_client(struct control_sessions *sessions)
{
	return &sessions->client;
}

static bool
are_same(const struct control_services *a, const struct control_services *b)
{
	return a->turn == b->turn && a->replica == b->replica &&
	       a->replicator == b->replicator && a->ldap == b->ldap &&
	       a->child == b->child && a->accepts_import == b->accepts_import;
}

void
control_sessions_configure(struct control_sessions *sessions,
    const struct control_services *services)
{
	struct control_session *session;

	if (are_same(&sessions->services, services))
		return;
	LIST_FOREACH(session, &sessions->list, next)
	if (session->task != NULL)
		control_session_fail(session,
		    "the configuration was changed meanwhile");
	sessions->services = *services;
}
