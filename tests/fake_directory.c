/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory process for tests: it speaks the protocol of directoryd.h, and
 * the first word of a recipient's address says what happens.
 *
 *     valid-       a record, whose size limit is the number of questions so far
 *     unknown-     no such recipient
 *     unavailable- no answer from the server
 *     broken-      a record that is none
 *     stranger-    answers that nobody has asked for, then "unknown"
 *     late-        valid, after a twentieth of a second
 *     later-       valid, after three of them
 *     never-       nothing
 *     exit-        the process ends with code 3
 *     die-         it is killed
 *     hang-        it does nothing any more
 *     garbage-     it sends what is no message
 *     stay-        it will not end when its sockets close
 *     lost-        from now on it has no server
 *
 * The sender's first word says in which list it is: permitted-, refused-,
 * allowed-, unavailable-.  On the other socket, request=inspect tells what the
 * process was started with.
 */
#include "config.h"

#include <dirent.h>
#include <ev.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attr.h"
#include "channel.h"
#include "directory.h"
#include "ldap_hex.h"
#include "xalloc.h"

struct late {
	struct ev_timer timer;
	char id[32];
};

static struct ev_loop *loop;
static struct channel *lookups;
static struct channel *sync_events;
static const char *argument;
static struct buf descriptors;
static char base[256];
static unsigned questions;
static bool stays;
static bool is_lost;

static bool
begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static void
put(struct buf *out, const char *name, const char *value)
{
	attr_write(out, name, value, strlen(value));
}

static void
send_to(struct channel *channel, struct buf *out)
{
	attr_write_end(out);
	if (out->full || !channel_write(channel, out))
		abort();
}

static void
begin(struct buf *out, char *memory, size_t size, const char *answer,
    const char *id)
{
	buf_init(out, memory, size);
	put(out, "answer", answer);
	put(out, "id", id);
}

static void
answer(const char *kind, const char *id, const char *status)
{
	char memory[512];
	struct buf out;

	begin(&out, memory, sizeof(memory), kind, id);
	put(&out, "status", status);
	send_to(lookups, &out);
}

static void
answer_valid(const char *id)
{
	const struct recipient_record record = {
		.id = "an entry",
		.refuses = true,
		.max_size = questions,
	};
	char row[RECORD_SIZE];
	char memory[512];
	struct buf out;

	begin(&out, memory, sizeof(memory), "find", id);
	put(&out, "status", "valid");
	buf_puts(&out, "record=");
	ldap_hex_write(&out, row, recipient_record_write(&record, row));
	buf_putc(&out, '\n');
	send_to(lookups, &out);
}

static void
answer_broken(const char *id)
{
	char memory[512];
	struct buf out;

	begin(&out, memory, sizeof(memory), "find", id);
	put(&out, "status", "valid");
	put(&out, "record", "0102zz");
	send_to(lookups, &out);
}

static void
answer_strangers(const char *id)
{
	answer("find", "4711", "unknown");
	answer("find", "99999999999999999999", "unknown");
	answer("find", "", "unknown");
	answer("sermon", "1", "unknown");
	answer("find", id, "unknown");
	answer("find", id, "unavailable");
}

static void
late_due(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	struct late *late = (struct late *)timer;

	(void)ev;
	(void)events;
	answer_valid(late->id);
	free(late);
}

static void
answer_late(const char *id, double seconds)
{
	struct late *late = xcalloc(1, sizeof(*late));

	snprintf(late->id, sizeof(late->id), "%s", id);
	ev_timer_init(&late->timer, late_due, seconds, 0.0);
	ev_timer_start(loop, &late->timer);
}

static void
answer_garbage(void)
{
	static char garbage[] = "neither fish nor fowl\n";
	const struct buf out = { .data = garbage, .len = sizeof(garbage) - 1 };

	channel_write(lookups, &out);
}

static void
hang(void)
{
	for (;;)
		pause();
}

static void
find(const char *id, const char *recipient)
{
	questions++;
	if (begins(recipient, "valid-"))
		answer_valid(id);
	else if (begins(recipient, "unknown-"))
		answer("find", id, "unknown");
	else if (begins(recipient, "unavailable-"))
		answer("find", id, "unavailable");
	else if (begins(recipient, "broken-"))
		answer_broken(id);
	else if (begins(recipient, "stranger-"))
		answer_strangers(id);
	else if (begins(recipient, "late-"))
		answer_late(id, 0.05);
	else if (begins(recipient, "later-"))
		answer_late(id, 0.15);
	else if (begins(recipient, "exit-"))
		_exit(3);
	else if (begins(recipient, "die-"))
		kill(getpid(), SIGKILL);
	else if (begins(recipient, "hang-"))
		hang();
	else if (begins(recipient, "garbage-"))
		answer_garbage();
	else if (begins(recipient, "stay-"))
		stays = true;
	else if (begins(recipient, "lost-"))
		is_lost = true;
}

static void
find_sender(const char *id, const char *sender)
{
	char memory[512];
	struct buf out;
	char listing = '0';

	if (begins(sender, "unavailable-")) {
		answer("sender", id, "unavailable");
		return;
	}
	if (begins(sender, "permitted-"))
		listing = '1';
	else if (begins(sender, "refused-"))
		listing = '2';
	else if (begins(sender, "allowed-"))
		listing = '4';
	else if (begins(sender, "nonsense-"))
		listing = '8';
	begin(&out, memory, sizeof(memory), "sender", id);
	put(&out, "status", "found");
	attr_write(&out, "listing", &listing, 1);
	send_to(lookups, &out);
}

static void
answer_ping(void)
{
	char memory[512];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	put(&out, "answer", "ping");
	if (is_lost)
		put(&out, "problem", "it is out to lunch");
	else
		buf_printf(&out, "server=fake://%ld\n", (long)getpid());
	send_to(lookups, &out);
}

static void
heard_question(struct channel_handler *handler, const struct message *message)
{
	const char *request = message_text(message, "request");
	const char *id = message_text(message, "id");

	(void)handler;
	if (strcmp(request, "find") == 0)
		find(id, message_text(message, "recipient"));
	else if (strcmp(request, "sender") == 0)
		find_sender(id, message_text(message, "sender"));
	else if (strcmp(request, "ping") == 0)
		answer_ping();
	else if (strcmp(request, "configure") == 0)
		snprintf(base, sizeof(base), "%s",
		    message_text(message, "base"));
	else
		abort();
}

static void
list_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	while ((entry = readdir(folder)) != NULL) {
		const int descriptor = atoi(entry->d_name);

		if (descriptor > STDERR_FILENO && descriptor != dirfd(folder))
			buf_printf(&descriptors, " %d", descriptor);
	}
	closedir(folder);
}

/* Those that are blocked or ignored. */
static int
count_signals(void)
{
	struct sigaction action;
	sigset_t blocked;
	int count = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int i = 1; i < SIGRTMIN; i++) {
		if (sigismember(&blocked, i) == 1)
			count++;
		if (sigaction(i, NULL, &action) == 0 &&
		    action.sa_handler == SIG_IGN)
			count++;
	}
	return count;
}

static void
heard_request(struct channel_handler *handler, const struct message *message)
{
	char memory[4096];
	struct buf out;

	(void)handler;
	if (strcmp(message_text(message, "request"), "inspect") != 0)
		abort();
	buf_init(&out, memory, sizeof(memory));
	put(&out, "event", "inspect");
	put(&out, "argument", argument);
	put(&out, "base", base);
	attr_write(&out, "descriptors", descriptors.data, descriptors.len);
	buf_printf(&out, "signals=%d\n", count_signals());
	send_to(sync_events, &out);
}

static void
closed(struct channel_handler *handler, const char *why)
{
	(void)handler;
	(void)why;
	if (stays)
		hang();
	exit(EXIT_SUCCESS);
}

int
main(int count, char **arguments)
{
	struct channel_handler on_lookups = { heard_question, closed };
	struct channel_handler on_sync = { heard_request, closed };
	char memory[256];

	argument = count == 2 ? arguments[1] : "";
	buf_init(&descriptors, memory, sizeof(memory));
	list_descriptors();
	loop = ev_default_loop(EVFLAG_AUTO);
	lookups = channel_create(loop, 3, 1 << 22, &on_lookups);
	sync_events = channel_create(loop, 4, CHANNEL_MESSAGE, &on_sync);
	ev_run(loop, 0);
	return EXIT_FAILURE;
}
