/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_child.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "container.h"
#include "directory_outage.h"
#include "directory_spawn.h"
#include "directory_watch.h"
#include "log.h"
#include "xalloc.h"

/* Bytes that may wait for the process, on each of its sockets. */
static const size_t output_max[DIRECTORY_SOCKETS] = {
	[DIRECTORY_LOOKUPS] = 1 << 20,
	[DIRECTORY_SYNC] = 2 * CHANNEL_MESSAGE,
};

/* How long a process may take to end when its sockets are closed. */
#define END_SECONDS 0.25
#define PAUSE_LEAST 0.05
#define PAUSE_MOST 1.0
/* A process that has lived so long is replaced at once. */
#define LIFE_LONG 10.0

/* A process that runs, or that has been given up and is about to end. */
struct process {
	LIST_ENTRY(process) next;
	struct directory_child *child;
	pid_t pid;
	double started;
	/* Its end is news: nobody wanted it, and the one before had served. */
	bool is_news;
	/* What it is ended for; "" when it ended by itself. */
	char why[256];
	struct ev_child ended;
	struct ev_timer patience;
};

LIST_HEAD(process_list, process);

/* One of the sockets, with the process that serves now. */
struct line {
	struct directory_child *child;
	struct channel_handler handler;
	/* NULL when none serves. */
	struct channel *channel;
	struct directory_listener *listener;
	bool is_paused;
};

struct directory_child {
	struct ev_loop *loop;
	char *program;
	struct directory_child_status status;
	struct line lines[DIRECTORY_SOCKETS];
	struct process_list processes;
	/* The one that serves. */
	struct process *current;
	/* Before the next start, when this one lives only briefly. */
	double pause;
	struct ev_timer restart;
	struct ev_timer ping;
	struct directory_watch watch;
	/* When the process died, and how often until one serves again; 0: one
	 * does. */
	double dead_since;
	unsigned deaths;
	struct directory_outage outage;
	/* Why it could not be started the last time; "" if it could. */
	char start_problem[256];
	/* The settings as the message that tells them. */
	struct buf settings;
	char settings_memory[CHANNEL_MESSAGE];
};

/* Starts the process, now or, if that fails, later. */
static void start(struct directory_child *child);

static void
set_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text);
}

static void
set_server(struct directory_child *child, const char *server,
    const char *problem)
{
	struct directory_child_status *status = &child->status;

	set_text(status->server, sizeof(status->server), server);
	set_text(status->problem, sizeof(status->problem), problem);
}

/* How it ended, for the log. */
static void
tell_end(const struct process *process)
{
	const int status = process->ended.rstatus;
	const char *colon = *process->why != '\0' ? ": " : "";

	if (WIFSIGNALED(status))
		log_warning("the directory process %ld was ended by signal %d "
			    "(%s)%s%s; the next one is started",
		    (long)process->pid, WTERMSIG(status),
		    strsignal(WTERMSIG(status)), colon, process->why);
	else
		log_warning("the directory process %ld has ended with exit "
			    "code %d%s%s; the next one is started",
		    (long)process->pid, WEXITSTATUS(status), colon,
		    process->why);
}

static void
process_forget(struct process *process)
{
	struct directory_child *child = process->child;

	ev_child_stop(child->loop, &process->ended);
	ev_timer_stop(child->loop, &process->patience);
	LIST_REMOVE(process, next);
	free(process);
}

static void
patience_over(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	const struct process *process =
	    container_of(timer, struct process, patience);

	(void)loop;
	(void)events;
	kill(process->pid, SIGKILL);
}

/* Takes the service from the process, which ends when its sockets close, or
 * soon after. */
static void
retire(struct directory_child *child, const char *why)
{
	struct process *process = child->current;

	for (size_t i = 0; i < DIRECTORY_SOCKETS; i++) {
		channel_destroy(child->lines[i].channel);
		child->lines[i].channel = NULL;
	}
	ev_timer_stop(child->loop, &child->ping);
	set_text(process->why, sizeof(process->why), why);
	ev_timer_start(child->loop, &process->patience);
	child->current = NULL;
	child->status.running = false;
	set_server(child, "", "the directory process does not run");
}

static void
start_after(struct directory_child *child, double seconds)
{
	ev_timer_stop(child->loop, &child->restart);
	ev_timer_set(&child->restart, seconds, 0.0);
	ev_timer_start(child->loop, &child->restart);
}

static void
start_after_pause(struct directory_child *child)
{
	start_after(child, child->pause);
	child->pause =
	    child->pause * 2 < PAUSE_MOST ? child->pause * 2 : PAUSE_MOST;
}

/* When the process has lived long the next one starts at once. */
static void
start_again(struct directory_child *child, double lived)
{
	if (lived < LIFE_LONG) {
		start_after_pause(child);
		return;
	}
	child->pause = PAUSE_LEAST;
	start(child);
}

/* The process that served is dead, or as good as that. */
static void
lose(struct directory_child *child, const char *why)
{
	const double now = clock_seconds();
	const double lived = now - child->current->started;

	child->current->is_news = child->deaths++ == 0;
	if (child->current->is_news)
		child->dead_since = now;
	child->status.restarts++;
	retire(child, why);
	start_again(child, lived);
}

static void
process_ended(struct ev_loop *loop, struct ev_child *ended, int events)
{
	struct process *process = container_of(ended, struct process, ended);
	struct directory_child *child = process->child;

	(void)loop;
	(void)events;
	if (process == child->current)
		lose(child, "");
	if (process->is_news)
		tell_end(process);
	process_forget(process);
}

static void
line_closed(struct channel_handler *handler, const char *why)
{
	const struct line *line = container_of(handler, struct line, handler);

	lose(line->child, why);
}

/* The first word of a new process. */
static void
tell_awake(struct directory_child *child)
{
	if (child->deaths == 0)
		return;
	log_info("the directory process %ld serves, %.1f seconds after the "
		 "first of %u ends",
	    (long)child->current->pid, clock_seconds() - child->dead_since,
	    child->deaths);
	child->deaths = 0;
}

static void
hear_ping(struct directory_child *child, const struct message *message)
{
	const char *server = message_text(message, "server");
	const char *problem = message_text(message, "problem");

	if (*server != '\0')
		directory_outage_end(&child->outage, server, clock_seconds());
	else
		directory_outage_go_on(&child->outage, problem,
		    clock_seconds());
	set_server(child, server, *server != '\0' ? "" : problem);
}

static void
line_heard(struct channel_handler *handler, const struct message *message)
{
	struct line *line = container_of(handler, struct line, handler);
	struct directory_child *child = line->child;

	if (!child->watch.is_awake)
		tell_awake(child);
	directory_watch_hear(&child->watch);
	if (strcmp(message_text(message, "answer"), "ping") == 0)
		hear_ping(child, message);
	else if (strcmp(message_text(message, "answer"), "note") == 0)
		log_warning("directory: %s", message_text(message, "text"));
	else if (line->listener != NULL)
		line->listener->heard(line->listener, message);
}

static void
send_ping(struct directory_child *child)
{
	char ping[] = "request=ping\n\n";
	const struct buf message = { .data = ping, .len = sizeof(ping) - 1 };

	/* When its socket is full it is silent, which is noticed. */
	(void)channel_write(child->lines[DIRECTORY_LOOKUPS].channel, &message);
	ev_timer_set(&child->ping, DIRECTORY_WATCH_SECONDS, 0.0);
	ev_timer_start(child->loop, &child->ping);
}

static void
give_up(struct directory_child *child)
{
	char why[128];

	snprintf(why, sizeof(why), "it was silent for %.1f seconds",
	    child->watch.silent * DIRECTORY_WATCH_SECONDS);
	kill(child->current->pid, SIGKILL);
	lose(child, why);
}

static void
ping_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct directory_child *child =
	    container_of(timer, struct directory_child, ping);

	(void)loop;
	(void)events;
	if (directory_watch_ask(&child->watch, clock_seconds(),
		!child->lines[DIRECTORY_LOOKUPS].is_paused))
		give_up(child);
	else
		send_ping(child);
}

static void
serve(struct directory_child *child, pid_t pid)
{
	struct process *process = xcalloc(1, sizeof(*process));

	process->child = child;
	process->pid = pid;
	process->started = clock_seconds();
	ev_child_init(&process->ended, process_ended, pid, 0);
	ev_child_start(child->loop, &process->ended);
	ev_timer_init(&process->patience, patience_over, END_SECONDS, 0.0);
	LIST_INSERT_HEAD(&child->processes, process, next);
	child->current = process;
	child->status.running = true;
	set_server(child, "", "the directory process has just begun");
}

static void
open_lines(struct directory_child *child, const int *sockets)
{
	for (size_t i = 0; i < DIRECTORY_SOCKETS; i++) {
		struct line *line = &child->lines[i];

		line->channel = channel_create(child->loop, sockets[i],
		    output_max[i], &line->handler);
		channel_listen(line->channel, !line->is_paused);
	}
}

static void
cannot_start(struct directory_child *child, const char *why)
{
	char problem[256];

	snprintf(problem, sizeof(problem),
	    "the directory process cannot be started: %s", why);
	if (strcmp(problem, child->start_problem) != 0)
		log_error("%s", problem);
	set_text(child->start_problem, sizeof(child->start_problem), problem);
	set_server(child, "", problem);
	start_after_pause(child);
}

static void
begin(struct directory_child *child)
{
	child->start_problem[0] = '\0';
	directory_watch_begin(&child->watch, clock_seconds());
	channel_write(child->lines[DIRECTORY_LOOKUPS].channel,
	    &child->settings);
	send_ping(child);
}

static void
tell_listeners(struct directory_child *child)
{
	for (size_t i = 0; i < DIRECTORY_SOCKETS; i++) {
		struct directory_listener *listener = child->lines[i].listener;

		if (listener != NULL)
			listener->restarted(listener);
	}
}

static void
start(struct directory_child *child)
{
	int sockets[DIRECTORY_SOCKETS];
	pid_t pid;
	int error;

	if (child->settings.full) {
		cannot_start(child, "its settings are too long");
		return;
	}
	error = directory_spawn(child->program, sockets, &pid);
	if (error != 0) {
		cannot_start(child, strerror(error));
		return;
	}
	serve(child, pid);
	open_lines(child, sockets);
	begin(child);
	tell_listeners(child);
}

static void
restart_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	start(container_of(timer, struct directory_child, restart));
}

static void
init_lines(struct directory_child *child)
{
	for (size_t i = 0; i < DIRECTORY_SOCKETS; i++) {
		child->lines[i].child = child;
		child->lines[i].handler.heard = line_heard;
		child->lines[i].handler.closed = line_closed;
	}
}

struct directory_child *
directory_child_create(struct ev_loop *loop, const char *program,
    const struct ldap_settings *settings)
{
	struct directory_child *child = xcalloc(1, sizeof(*child));

	/* Only that one hears of the end of processes. */
	assert(ev_is_default_loop(loop));
	child->loop = loop;
	child->program = xstrdup(program);
	child->pause = PAUSE_LEAST;
	LIST_INIT(&child->processes);
	ev_timer_init(&child->restart, restart_due, 0.0, 0.0);
	ev_timer_init(&child->ping, ping_due, 0.0, 0.0);
	/* What has come is read first. */
	ev_set_priority(&child->ping, EV_MINPRI);
	/* Nobody asks in vain when it is to start now. */
	ev_set_priority(&child->restart, EV_MAXPRI);
	init_lines(child);
	buf_init(&child->settings, child->settings_memory,
	    sizeof(child->settings_memory));
	ldap_settings_write(settings, &child->settings);
	start(child);
	return child;
}

static bool
has_ended(const struct process *process)
{
	return waitpid(process->pid, NULL, WNOHANG) != 0;
}

/* Waits for the end of all processes, but no longer than END_SECONDS. */
static void
wait_for_ends(struct directory_child *child)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	const double until = clock_seconds() + END_SECONDS;
	struct process *process;

	while ((process = LIST_FIRST(&child->processes)) != NULL) {
		if (has_ended(process))
			process_forget(process);
		else if (clock_seconds() < until)
			nanosleep(&pause, NULL);
		else
			return;
	}
}

static void
end_processes(struct directory_child *child)
{
	struct process *process;

	wait_for_ends(child);
	LIST_FOREACH(process, &child->processes, next)
	kill(process->pid, SIGKILL);
	wait_for_ends(child);
	while ((process = LIST_FIRST(&child->processes)) != NULL)
		process_forget(process);
}

void
directory_child_destroy(struct directory_child *child)
{
	if (child == NULL)
		return;
	if (child->current != NULL)
		retire(child, "");
	ev_timer_stop(child->loop, &child->restart);
	end_processes(child);
	free(child->program);
	free(child);
}

void
directory_child_configure(struct directory_child *child,
    const struct ldap_settings *settings)
{
	char memory[CHANNEL_MESSAGE];
	struct buf message;

	buf_init(&message, memory, sizeof(memory));
	ldap_settings_write(settings, &message);
	if (message.full == child->settings.full &&
	    message.len == child->settings.len &&
	    memcmp(message.data, child->settings.data, message.len) == 0)
		return;
	memcpy(child->settings_memory, memory, message.len);
	child->settings.len = message.len;
	child->settings.full = message.full;
	if (child->current != NULL)
		retire(child, "");
	child->pause = PAUSE_LEAST;
	start_after(child, 0.0);
}

void
directory_child_listen(struct directory_child *child,
    enum directory_socket socket, struct directory_listener *listener)
{
	child->lines[socket].listener = listener;
}

bool
directory_child_write(struct directory_child *child,
    enum directory_socket socket, const struct buf *message)
{
	struct channel *channel = child->lines[socket].channel;

	return channel != NULL && channel_write(channel, message);
}

void
directory_child_pause(struct directory_child *child,
    enum directory_socket socket, bool pause)
{
	struct line *line = &child->lines[socket];

	line->is_paused = pause;
	if (line->channel != NULL)
		channel_listen(line->channel, !pause);
}

const struct directory_child_status *
directory_child_status(const struct directory_child *child)
{
	return &child->status;
}
