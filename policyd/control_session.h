/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of the admin socket (control.h), and what answers on them.
 *
 * A request is a message (channel.h) with the name of a command: `request=NAME`
 * and its arguments.  It is answered by one message or more, the last of them
 * with `end=yes`; `error=SENTENCE end=yes` is a refusal.  Then the next request
 * may come.
 *
 * What takes more than one turn of the loop is a task.  It is called again and
 * again, and does a little each time, as long as the other side reads what is
 * written to it: a task never waits and never fills the memory.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>

#include "buf.h"
#include "channel.h"
#include "err.h"
#include "listener.h"

/* Connections at most; one more is refused. */
#define CONTROL_CONNECTIONS 16

/* What a task may write in one step: it is called only when there is room. */
#define CONTROL_STEP (5 * CHANNEL_MESSAGE)

/* Seconds between the steps of a task that has something to do: bulk work
 * leaves time for the mail in between. */
#define CONTROL_PACE 0.001

/* What the commands work on.  Any but the turn may be NULL. */
struct control_services {
	struct turn *turn;
	struct replica *replica;
	struct replicator *replicator;
	struct ldap_directory *ldap;
	struct directory_child *child;
	/* Recipients may be imported: no directory would overwrite them. */
	bool accepts_import;
};

struct control_session;

/* What answers one kind of request. */
struct control_command {
	const char *name;
	/* Answers, or starts a task.  The message is borrowed for the call. */
	void (*begin)(struct control_session *session,
	    const struct control_services *services,
	    const struct message *request);
};

/* A command that goes on; embedded in who does it. */
struct control_task {
	/* Goes on; NULL when only an event from elsewhere does. */
	void (*step)(struct control_task *task);
	/* A message that came while the task is there; NULL when none may. */
	void (*heard)(struct control_task *task, const struct message *message);
	/* The task is over, finished or not: it frees what it has. */
	void (*end)(struct control_task *task);
};

struct control_sessions;

/* The commands end with one without a name, and are kept, like the loop. */
struct control_sessions *control_sessions_create(struct ev_loop *loop,
    const struct control_command *commands);

/* Ends every task and closes every connection.  NULL is accepted. */
void control_sessions_destroy(struct control_sessions *sessions);

/* Who takes new connections. */
struct listener_client *control_sessions_client(
    struct control_sessions *sessions);

/* The services are copied.  When they differ from those before, tasks that are
 * under way are refused: what they work on may be about to go. */
void control_sessions_configure(struct control_sessions *sessions,
    const struct control_services *services);

/* The time, as the loop knows it. */
double control_session_now(const struct control_session *session);

/* Sends a message, whole, that is not the last one. */
void control_session_write(struct control_session *session,
    const struct buf *message);

/* Sends the last message, to which it adds `end=yes`, and ends the task. */
void control_session_finish(struct control_session *session,
    struct buf *message);

/* Sends a refusal, and ends the task. */
void control_session_fail(struct control_session *session, const char *format,
    ...) __attribute__((format(printf, 2, 3)));

/* The task steps every so many seconds, the first time after as many; with 0
 * never.  It ends by control_session_finish() or _fail(), or when the connection
 * does. */
void control_session_start(struct control_session *session,
    struct control_task *task, double interval);

/* Closes the connection, which was lied to or does not keep to the protocol. */
void control_session_close(struct control_session *session, const char *why);
