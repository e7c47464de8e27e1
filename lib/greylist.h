/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Greylisting: the rules, as pure functions of what is known and of the time.
 *
 * A client that delivers real mail tries again after a deferral; much of what
 * sends unwanted mail does not.  So the first attempt of a triplet is deferred,
 * and so is every further one until `delay` is over; an early retry does not
 * start the clock again.  An attempt between `delay` and `retry_window` passes,
 * and from then on the triplet is known: it passes at once, as long as it is
 * used within `keep`.  An attempt after the window counts as the first.
 *
 * A network whose triplets have been let through `whitelist_after` times,
 * counted at most once an hour, has proved that its hosts retry: it is no
 * longer asked to (auto-whitelisted), until it has not been seen for `keep`.
 * The null sender neither counts for that nor gains by it: bounces go through
 * their triplets.
 *
 * Clocks step back.  An age below zero counts as zero, and a row from the
 * future begins anew, so that it waits no longer than any other.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "record.h"

/* Passes of one network count at most once in so many seconds, as postgrey
 * does it: a burst of mail is one proof. */
#define GREYLIST_COUNT_INTERVAL 3600

/* A row's last use is noted down when it is off by this part of `keep`, so
 * that a busy triplet costs no write; it lives that much shorter at most. */
#define GREYLIST_NOTE_PART 1000

enum greylist_mode { GREYLIST_ENFORCE = 0, GREYLIST_OBSERVE, GREYLIST_OFF };

struct greylist_policy {
	enum greylist_mode mode;
	/* Seconds. */
	time_t delay;
	time_t retry_window;
	time_t keep;
	/* 0: never. */
	unsigned whitelist_after;
	/* The deferral's action and text (deferral.h).  Borrowed. */
	const char *code;
	const char *text;
	/* Whether a message that was delayed gets an X-Greylist header. */
	bool header;
};

enum greylist_outcome {
	/* Deferred. */
	GREYLIST_NEW = 0,
	GREYLIST_EARLY,
	GREYLIST_LATE,
	/* Let through, for the first time and again. */
	GREYLIST_PASS,
	GREYLIST_KNOWN,
};

struct greylist_judgement {
	enum greylist_outcome outcome;
	/* Seconds since the first attempt, and still to wait. */
	time_t delay;
	time_t wait;
	/* The record has changed and is to be saved. */
	bool changed;
};

/* Judges an attempt at `now`.  `record` is what the store knows of the triplet,
 * all zero when it knows nothing; it becomes what is to be known from now on.
 */
struct greylist_judgement greylist_judge(const struct greylist_policy *policy,
    struct triplet_record *record, time_t now);

/* Whether the network has passed often enough. */
bool greylist_trusts(const struct greylist_policy *policy,
    const struct client_record *client, time_t now);

/* Notes that the network, all zero when it was unknown, is used at `now`
 * without a pass to count.  Returns whether the record has changed. */
bool greylist_note_use(const struct greylist_policy *policy,
    struct client_record *client, time_t now);

/* Counts a pass of the network.  Returns whether the record has changed. */
bool greylist_count_pass(const struct greylist_policy *policy,
    struct client_record *client, time_t now);

/* Whether a row says nothing any more and can be forgotten. */
bool greylist_triplet_is_over(const struct greylist_policy *policy,
    const struct triplet_record *record, time_t now);
bool greylist_client_is_over(const struct greylist_policy *policy,
    const struct client_record *record, time_t now);
