/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directoryd.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "attr.h"
#include "channel.h"
#include "container.h"
#include "ldap_connection.h"
#include "ldap_link.h"
#include "ldap_lookup.h"
#include "ldap_settings.h"
#include "ldap_sync.h"

enum { LOOKUPS = 3, SYNC = 4 };

/* Room for the answers of all questions that can be under way. */
#define OUTPUT_MAX (4UL << 20)

/* How often the threads that may hang in libldap are looked at. */
#define WATCH_INTERVAL 0.25

struct directoryd {
	struct ev_loop *loop;
	struct channel *channel;
	struct channel_handler heard;
	struct ldap_settings *settings;
	struct ldap_link *link;
	struct ldap_lookup *lookup;
	struct ldap_lookup_handler answered;
	ev_timer watch;
	struct ldap_guard sync;
};

/* The other threads may be anywhere in libldap, so nothing is cleaned up, not
 * even by exit(). */
static void
die(int code, const char *last_words)
{
	if (*last_words != '\0')
		fprintf(stderr, "policyd: directory: %s\n", last_words);
	_exit(code);
}

/* For the daemon's log. */
static void
write_note(struct directoryd *directoryd, const char *text)
{
	char memory[256];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	attr_write(&out, "answer", "note", 4);
	attr_write(&out, "text", text, strlen(text));
	attr_write_end(&out);
	channel_write(directoryd->channel, &out);
}

static void
on_watch(struct ev_loop *loop, ev_timer *watch, int events)
{
	struct directoryd *directoryd =
	    container_of(watch, struct directoryd, watch);

	(void)loop;
	(void)events;
	if (!ldap_link_lost(directoryd->link) &&
	    !ldap_guard_lost(&directoryd->sync, ldap_now_ms()))
		return;
	write_note(directoryd, "libldap hangs: the process ends");
	channel_destroy(directoryd->channel);
	die(EX_SOFTWARE, "");
}

/* What does not fit is lost; the daemon waits for no answer for ever. */
static void
on_answer(struct ldap_lookup_handler *handler, const struct buf *message)
{
	struct directoryd *directoryd =
	    container_of(handler, struct directoryd, answered);

	channel_write(directoryd->channel, message);
}

static void
answer_ping(struct directoryd *directoryd)
{
	char memory[2 * ERR_TEXT];
	struct buf out;
	const char *server = ldap_link_server(directoryd->link);
	const char *problem = ldap_link_problem(directoryd->link);

	buf_init(&out, memory, sizeof(memory));
	attr_write(&out, "answer", "ping", 4);
	if (*server != '\0')
		attr_write(&out, "server", server, strlen(server));
	else
		attr_write(&out, "problem", problem, strlen(problem));
	attr_write_end(&out);
	channel_write(directoryd->channel, &out);
}

/* The environment is set before there is a thread that may read it. */
static void
configure(struct directoryd *directoryd, const struct message *message)
{
	struct err err;

	directoryd->settings = ldap_settings_read(message);
	if (directoryd->settings == NULL)
		die(EX_CONFIG, "the settings make no sense");
	ldap_bind_prepare(directoryd->settings);
	directoryd->link =
	    ldap_link_create(directoryd->loop, directoryd->settings, &err);
	if (directoryd->link == NULL ||
	    ldap_sync_start(SYNC, directoryd->settings, &directoryd->sync,
		&err) != 0)
		die(EX_OSERR, err.text);
	directoryd->lookup = ldap_lookup_create(directoryd->link,
	    directoryd->settings, &directoryd->answered);
	ev_timer_start(directoryd->loop, &directoryd->watch);
}

static void
on_heard(struct channel_handler *handler, const struct message *message)
{
	struct directoryd *directoryd =
	    container_of(handler, struct directoryd, heard);
	const char *request = message_text(message, "request");
	const bool configured = directoryd->settings != NULL;

	if (strcmp(request, "configure") == 0 && !configured)
		configure(directoryd, message);
	else if (strcmp(request, "ping") == 0 && configured)
		answer_ping(directoryd);
	else if (!configured || !ldap_lookup_ask(directoryd->lookup, message))
		die(EX_PROTOCOL, "the daemon asks what makes no sense");
}

/* Without the daemon there is nothing to do. */
static void
on_closed(struct channel_handler *handler, const char *why)
{
	(void)handler;
	(void)why;
	die(EX_OK, "");
}

/* The daemon ends this process by closing its sockets, or by dying.  What a
 * terminal or a service manager sends to both is for the daemon. */
static void
set_process(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, "policyd-ldap");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

int
directoryd_run(void)
{
	struct directoryd directoryd = {
		.sync = { .mutex = PTHREAD_MUTEX_INITIALIZER },
	};

	if (fcntl(LOOKUPS, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(SYNC, F_SETFD, FD_CLOEXEC) != 0) {
		fputs("policyd: directory: this process is started by the "
		      "daemon only\n",
		    stderr);
		return EX_USAGE;
	}
	set_process();
	directoryd.loop = ev_default_loop(EVFLAG_AUTO);
	if (directoryd.loop == NULL)
		return EX_OSERR;
	directoryd.heard.heard = on_heard;
	directoryd.heard.closed = on_closed;
	directoryd.answered.answer = on_answer;
	ev_timer_init(&directoryd.watch, on_watch, WATCH_INTERVAL,
	    WATCH_INTERVAL);
	directoryd.channel = channel_create(directoryd.loop, LOOKUPS,
	    OUTPUT_MAX, &directoryd.heard);
	ev_run(directoryd.loop, 0);
	return EX_SOFTWARE;
}
