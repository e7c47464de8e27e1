/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_child.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "container.h"
#include "directory_fixture.h"
#include "suites.h"

/* What came on one of the sockets. */
struct listener {
	struct directory_listener listener;
	bool is_heard;
	bool is_restarted;
	unsigned restarts;
	char argument[64];
	char base[64];
	char descriptors[64];
	unsigned long long signals;
};

static struct directory_fixture fixture;
static struct listener lookups;
static struct listener sync_events;

static void
heard(struct directory_listener *listener, const struct message *message)
{
	struct listener *to = container_of(listener, struct listener, listener);

	to->is_heard = true;
	snprintf(to->argument, sizeof(to->argument), "%s",
	    message_text(message, "argument"));
	snprintf(to->base, sizeof(to->base), "%s",
	    message_text(message, "base"));
	snprintf(to->descriptors, sizeof(to->descriptors), "%s",
	    message_text(message, "descriptors"));
	to->signals = message_number(message, "signals", 1000, 1000);
}

static void
restarted(struct directory_listener *listener)
{
	struct listener *to = container_of(listener, struct listener, listener);

	to->is_restarted = true;
	to->restarts++;
}

static void
set_up(void)
{
	const struct listener listener = {
		.listener = { .heard = heard, .restarted = restarted },
	};

	lookups = listener;
	sync_events = listener;
	directory_fixture_init(&fixture);
}

static void
tear_down(void)
{
	directory_fixture_finish(&fixture);
}

/* Starts the process and returns its number. */
static pid_t
start(void)
{
	directory_fixture_start(&fixture);
	directory_child_listen(fixture.child, DIRECTORY_LOOKUPS,
	    &lookups.listener);
	directory_child_listen(fixture.child, DIRECTORY_SYNC,
	    &sync_events.listener);
	return directory_fixture_pid(&fixture);
}

static void
say(enum directory_socket socket, const char *text)
{
	char memory[256];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	ck_assert(buf_puts(&out, text));
	ck_assert(directory_child_write(fixture.child, socket, &out));
}

static void
ask(const char *recipient)
{
	char text[128];

	snprintf(text, sizeof(text), "request=find\nid=1\nrecipient=%s\n\n",
	    recipient);
	say(DIRECTORY_LOOKUPS, text);
}

/* When the question behind it is answered, it has been heard. */
static void
ask_to_stay(void)
{
	ask("stay-x");
	ask("unknown-x");
	directory_fixture_wait(&fixture, &lookups.is_heard);
}

static void
inspect(void)
{
	sync_events.is_heard = false;
	say(DIRECTORY_SYNC, "request=inspect\n\n");
	directory_fixture_wait(&fixture, &sync_events.is_heard);
}

static const struct directory_child_status *
status(void)
{
	return directory_child_status(fixture.child);
}

static bool
is_gone(pid_t pid)
{
	return kill(pid, 0) != 0 && errno == ESRCH;
}

START_TEST(runs_a_process_that_is_ours_alone)
{
	struct sigaction before;
	sigset_t blocked;
	sigset_t old;
	pid_t pid;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &old);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN },
	    &before);
	pid = start();
	sigaction(SIGPIPE, &before, NULL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	ck_assert_int_gt(pid, 0);
	ck_assert(status()->running);
	ck_assert_str_eq(status()->problem, "");
	ck_assert_uint_eq(status()->restarts, 0);
	inspect();
	ck_assert_str_eq(sync_events.argument, "--directory-process");
	ck_assert_str_eq(sync_events.base, "dc=example");
	ck_assert_uint_eq(sync_events.signals, 0);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
	ck_assert_str_eq(sync_events.descriptors, " 3 4");
#endif
}
END_TEST

START_TEST(carries_answers_to_who_listens)
{
	start();
	ask("unknown-x");
	directory_fixture_wait(&fixture, &lookups.is_heard);
	ck_assert(!sync_events.is_heard);
	inspect();
	ck_assert_uint_eq(directory_fixture_logged(""), 1);
}
END_TEST

static const struct death {
	const char *recipient;
	const char *log;
} deaths[] = {
	{ "die-x", "was ended by signal 9" },
	{ "exit-x", "has ended with exit code 3" },
	{ "garbage-x", "what came is no message" },
};

START_TEST(starts_the_next_when_one_dies)
{
	const struct death *death = &deaths[_i];
	const pid_t pid = start();
	pid_t next;

	ask(death->recipient);
	next = directory_fixture_next(&fixture, pid);
	ck_assert(is_gone(pid));
	ck_assert(status()->running);
	ck_assert_uint_eq(status()->restarts, 1);
	ck_assert_uint_eq(lookups.restarts, 1);
	ck_assert_uint_eq(sync_events.restarts, 1);
	ck_assert_uint_eq(directory_fixture_logged(death->log), 1);
	ck_assert_uint_eq(directory_fixture_logged(" ended "), 1);
	ck_assert_uint_eq(directory_fixture_logged(" serves, "), 1);
	inspect();
	ck_assert_int_eq(directory_fixture_pid(&fixture), next);
}
END_TEST

START_TEST(can_say_nothing_when_none_runs)
{
	const struct buf nothing = { 0 };
	const pid_t pid = start();

	ask("die-x");
	while (status()->running)
		ev_run(fixture.loop, EVRUN_ONCE);
	ck_assert(
	    !directory_child_write(fixture.child, DIRECTORY_LOOKUPS, &nothing));
	ck_assert_str_eq(status()->server, "");
	ck_assert_str_ne(status()->problem, "");
	directory_fixture_next(&fixture, pid);
	ck_assert(
	    directory_child_write(fixture.child, DIRECTORY_LOOKUPS, &nothing));
}
END_TEST

START_TEST(replaces_one_that_hangs)
{
	const pid_t pid = start();
	const double then = clock_seconds();

	kill(pid, SIGSTOP);
	directory_fixture_next(&fixture, pid);
	ck_assert_double_ge(clock_seconds() - then, 0.9);
	ck_assert_double_le(clock_seconds() - then, 2.5);
	ck_assert(is_gone(pid));
	ck_assert_uint_eq(directory_fixture_logged("it was silent for 0.6 sec"),
	    1);
}
END_TEST

START_TEST(waits_longer_each_time_when_none_lives)
{
	fixture.child = directory_child_create(fixture.loop, "/bin/false",
	    &fixture.settings);
	directory_child_listen(fixture.child, DIRECTORY_SYNC,
	    &sync_events.listener);
	/* After 50, 150 and 350 ms, and a little more. */
	directory_fixture_run(&fixture, 0.3);
	ck_assert_uint_ge(sync_events.restarts, 1);
	ck_assert_uint_le(sync_events.restarts, 2);
	ck_assert_uint_eq(directory_fixture_logged(""), 1);
	ck_assert_uint_eq(directory_fixture_logged("exit code 1"), 1);
}
END_TEST

START_TEST(tells_that_there_is_no_program)
{
	fixture.child = directory_child_create(fixture.loop, "/nonexistent",
	    &fixture.settings);
	directory_fixture_run(&fixture, 0.08);
	ck_assert_str_eq(status()->server, "");
	ck_assert_uint_eq(directory_fixture_logged(""), 1);
	/* Under valgrind, the exit code of who could not run it. */
	ck_assert_uint_eq(directory_fixture_logged(
			      "No such file or directory") +
			      directory_fixture_logged("exit code 127"),
	    1);
}
END_TEST

START_TEST(tells_settings_that_are_too_long)
{
	static char filter[CHANNEL_MESSAGE + 1];
	pid_t pid;

	memset(filter, 'f', sizeof(filter) - 1);
	fixture.settings.filter = filter;
	fixture.child = directory_child_create(fixture.loop, FAKE_DIRECTORY,
	    &fixture.settings);
	directory_fixture_run(&fixture, 0.08);
	ck_assert_ptr_nonnull(strstr(status()->problem, "too long"));
	ck_assert_uint_eq(directory_fixture_logged(""), 1);
	filter[0] = '\0';
	directory_child_configure(fixture.child, &fixture.settings);
	pid = directory_fixture_next(&fixture, 0);
	ck_assert_int_gt(pid, 0);
}
END_TEST

START_TEST(keeps_the_process_when_no_setting_changes)
{
	const pid_t pid = start();
	const struct ldap_settings same = fixture.settings;

	directory_child_configure(fixture.child, &same);
	inspect();
	ck_assert_int_eq(directory_fixture_pid(&fixture), pid);
	ck_assert_uint_eq(sync_events.restarts, 0);
}
END_TEST

START_TEST(starts_another_process_for_other_settings)
{
	static char base[] = "dc=other";
	const pid_t pid = start();
	bool is_over = false;

	fixture.settings.base = base;
	directory_child_configure(fixture.child, &fixture.settings);
	directory_fixture_next(&fixture, pid);
	ck_assert_uint_eq(sync_events.restarts, 1);
	ck_assert_uint_eq(status()->restarts, 0);
	inspect();
	ck_assert_str_eq(sync_events.base, "dc=other");
	for (unsigned i = 0; i < 100 && !is_over; i++) {
		directory_fixture_run(&fixture, 0.01);
		is_over = is_gone(pid);
	}
	ck_assert(is_over);
	ck_assert_uint_eq(directory_fixture_logged(" ended "), 0);
}
END_TEST

START_TEST(replaces_one_that_will_not_end)
{
	static char base[] = "dc=other";
	const pid_t pid = start();

	ask_to_stay();
	fixture.settings.base = base;
	directory_child_configure(fixture.child, &fixture.settings);
	directory_fixture_next(&fixture, pid);
	ck_assert(!is_gone(pid));
	directory_fixture_run(&fixture, 0.35);
	ck_assert(is_gone(pid));
}
END_TEST

START_TEST(ends_the_process)
{
	const pid_t pid = start();
	const double then = clock_seconds();

	directory_child_destroy(fixture.child);
	fixture.child = NULL;
	ck_assert(is_gone(pid));
	ck_assert_double_lt(clock_seconds() - then, 0.2);
}
END_TEST

START_TEST(kills_a_process_that_will_not_end)
{
	const pid_t pid = start();
	const double then = clock_seconds();

	ask_to_stay();
	directory_child_destroy(fixture.child);
	fixture.child = NULL;
	ck_assert(is_gone(pid));
	ck_assert_double_ge(clock_seconds() - then, 0.25);
	ck_assert_double_lt(clock_seconds() - then, 0.5);
}
END_TEST

START_TEST(holds_what_comes_while_it_is_paused)
{
	start();
	directory_child_pause(fixture.child, DIRECTORY_SYNC, true);
	say(DIRECTORY_SYNC, "request=inspect\n\n");
	directory_fixture_run(&fixture, 0.05);
	ck_assert(!sync_events.is_heard);
	directory_child_pause(fixture.child, DIRECTORY_SYNC, false);
	directory_fixture_wait(&fixture, &sync_events.is_heard);
}
END_TEST

START_TEST(stays_paused_with_the_next_process)
{
	const pid_t pid = start();

	directory_child_pause(fixture.child, DIRECTORY_SYNC, true);
	kill(pid, SIGKILL);
	directory_fixture_next(&fixture, pid);
	say(DIRECTORY_SYNC, "request=inspect\n\n");
	directory_fixture_run(&fixture, 0.05);
	ck_assert(!sync_events.is_heard);
}
END_TEST

START_TEST(tells_that_there_is_no_server)
{
	const double until = clock_seconds() + 5.0;

	start();
	ask("lost-x");
	while (*status()->server != '\0' && clock_seconds() < until)
		directory_fixture_run(&fixture, 0.01);
	ck_assert_str_eq(status()->server, "");
	ck_assert_str_eq(status()->problem, "it is out to lunch");
	ck_assert(status()->running);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
directory_child_suite(void)
{
	Suite *suite = suite_create("directory_child");
	TCase *tests = tcase_create("directory_child");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 30.0);
	tcase_add_test(tests, runs_a_process_that_is_ours_alone);
	tcase_add_test(tests, carries_answers_to_who_listens);
	tcase_add_loop_test(tests, starts_the_next_when_one_dies, 0,
	    COUNT(deaths));
	tcase_add_test(tests, can_say_nothing_when_none_runs);
	tcase_add_test(tests, replaces_one_that_hangs);
	tcase_add_test(tests, waits_longer_each_time_when_none_lives);
	tcase_add_test(tests, tells_that_there_is_no_program);
	tcase_add_test(tests, tells_settings_that_are_too_long);
	tcase_add_test(tests, keeps_the_process_when_no_setting_changes);
	tcase_add_test(tests, starts_another_process_for_other_settings);
	tcase_add_test(tests, replaces_one_that_will_not_end);
	tcase_add_test(tests, ends_the_process);
	tcase_add_test(tests, kills_a_process_that_will_not_end);
	tcase_add_test(tests, holds_what_comes_while_it_is_paused);
	tcase_add_test(tests, stays_paused_with_the_next_process);
	tcase_add_test(tests, tells_that_there_is_no_server);
	suite_add_tcase(suite, tests);
	return suite;
}
