/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the directory process is alive: it is asked three times a second,
 * and dead when two questions in a row were not answered: with the next one
 * started, answers come again within a second of a hang.
 *
 * Time in which we did not run is not held against it: when a question comes
 * late, the loop, or the whole machine, was held up.  Before its first answer
 * the process has five seconds, since it is being loaded, perhaps from a slow
 * disk.
 */
#pragma once

#include <stdbool.h>

/* From one question to the next. */
#define DIRECTORY_WATCH_SECONDS 0.3

struct directory_watch {
	/* When the next question is due. */
	double due;
	/* Questions that were not answered. */
	unsigned silent;
	/* Something was heard since the last question; since the beginning. */
	bool is_heard;
	bool is_awake;
};

/* At `now` of clock.h a new process is asked for the first time. */
void directory_watch_begin(struct directory_watch *watch, double now);

/* It has said something. */
void directory_watch_hear(struct directory_watch *watch);

/* At `now` it is to be asked again.  True when it must be given up.  `listened`
 * is false when we did not want to hear it. */
bool directory_watch_ask(struct directory_watch *watch, double now,
    bool listened);
