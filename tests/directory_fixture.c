/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "descriptors.h"
#include "log.h"

/* What nobody's computer needs. */
#define PATIENCE 10.0

static char lines[64][256];
static unsigned line_count;

static void
keep_line(struct log_sink *sink, enum log_level level, const char *text,
    size_t len)
{
	(void)sink;
	(void)level;
	ck_assert_uint_lt(line_count, sizeof(lines) / sizeof(lines[0]));
	ck_assert_uint_lt(len, sizeof(lines[0]));
	memcpy(lines[line_count], text, len);
	lines[line_count++][len] = '\0';
}

unsigned
directory_fixture_logged(const char *text)
{
	unsigned count = 0;

	for (unsigned i = 0; i < line_count; i++)
		if (strstr(lines[i], text) != NULL)
			count++;
	return count;
}

void
directory_fixture_init(struct directory_fixture *fixture)
{
	static struct log_sink sink = { .line = keep_line };
	static char none[] = "";
	static char uri[] = "ldap://127.0.0.1";
	static char address[] = "mail";
	static char base[] = "dc=example";

	descriptors_count();
	line_count = 0;
	log_to(&sink, LOG_LEVEL_INFO);
	*fixture = (struct directory_fixture){
		.loop = ev_default_loop(EVFLAG_AUTO),
		.settings = {
			.uri = { uri },
			.srv = none,
			.addresses = { address },
			.filter = none,
			.base = base,
			.bind_dn = none,
			.password_file = none,
			.keytab = none,
			.tls_ca_file = none,
			.tls_certificate = none,
			.tls_key = none,
		},
	};
}

void
directory_fixture_start(struct directory_fixture *fixture)
{
	fixture->child = directory_child_create(fixture->loop, FAKE_DIRECTORY,
	    &fixture->settings);
	directory_fixture_next(fixture, 0);
}

void
directory_fixture_finish(struct directory_fixture *fixture)
{
	directory_child_destroy(fixture->child);
	ev_loop_destroy(fixture->loop);
	log_to(NULL, LOG_LEVEL_INFO);
	descriptors_check();
}

static void
wake(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
}

/* Returns after an event, or the time. */
static void
run_once(struct directory_fixture *fixture, double seconds)
{
	struct ev_timer timer;

	ev_timer_init(&timer, wake, seconds, 0.0);
	ev_now_update(fixture->loop);
	ev_timer_start(fixture->loop, &timer);
	ev_run(fixture->loop, EVRUN_ONCE);
	ev_timer_stop(fixture->loop, &timer);
}

void
directory_fixture_run(struct directory_fixture *fixture, double seconds)
{
	const double until = clock_seconds() + seconds;
	double left;

	while ((left = until - clock_seconds()) > 0)
		run_once(fixture, left);
}

void
directory_fixture_wait(struct directory_fixture *fixture, const bool *flag)
{
	const double until = clock_seconds() + PATIENCE;

	while (!*flag) {
		ck_assert_msg(clock_seconds() < until, "it does not happen");
		run_once(fixture, 1.0);
	}
}

pid_t
directory_fixture_pid(const struct directory_fixture *fixture)
{
	const char *server = directory_child_status(fixture->child)->server;

	return strncmp(server, "fake://", strlen("fake://")) == 0
		   ? (pid_t)atol(server + strlen("fake://"))
		   : 0;
}

pid_t
directory_fixture_next(struct directory_fixture *fixture, pid_t before)
{
	const double until = clock_seconds() + PATIENCE;
	pid_t pid = before;

	while (pid == before || pid == 0) {
		ck_assert_msg(clock_seconds() < until, "no process serves");
		run_once(fixture, 1.0);
		pid = directory_fixture_pid(fixture);
	}
	return pid;
}
