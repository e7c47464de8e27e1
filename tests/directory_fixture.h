/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the directory process need: a loop, a fake process
 * (fake_directory.c), and the lines of the log.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/types.h>

#include "directory_child.h"
#include "ldap_settings.h"

struct directory_fixture {
	struct ev_loop *loop;
	struct directory_child *child;
	struct ldap_settings settings;
};

/* A loop, and settings with this base; no process yet.  Counts descriptors and
 * lines of the log. */
void directory_fixture_init(struct directory_fixture *fixture);

/* Starts the fake process, and waits until it answers. */
void directory_fixture_start(struct directory_fixture *fixture);

/* Ends the process and checks the descriptors. */
void directory_fixture_finish(struct directory_fixture *fixture);

/* Runs the loop until `*flag` is set, for ten seconds at most. */
void directory_fixture_wait(struct directory_fixture *fixture,
    const bool *flag);

/* Runs the loop for some time. */
void directory_fixture_run(struct directory_fixture *fixture, double seconds);

/* Runs it until the process that serves is another one than `before`, and
 * returns its number. */
pid_t directory_fixture_next(struct directory_fixture *fixture, pid_t before);

/* The number of the process that serves, 0 when there is none. */
pid_t directory_fixture_pid(const struct directory_fixture *fixture);

/* How many lines of the log hold this text. */
unsigned directory_fixture_logged(const char *text);
