/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One turn of the event loop: one commit, then all its replies.
 *
 * All requests that are ready are decided in one transaction of the store.
 * Before the loop sleeps the turn commits it, and only then is each decision
 * that waits here settled: its reply leaves.  So what was answered is
 * remembered, and many decisions share the cost of one commit.
 *
 * When what is committed must be on the disk as well (durability = full), the
 * turn asks for the log to be flushed and settles when that is done; turns that
 * come meanwhile share the next flush.  The loop itself never waits for it.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store.h"

/* A decision that waits for the end of its turn; embedded. */
struct turn_entry {
	STAILQ_ENTRY(turn_entry) next;
	/* `kept` is false when the store could not take the turn's changes:
	 * a decision that rests on them is worth nothing. */
	void (*settled)(struct turn_entry *entry, bool kept);
};

/* Makes the log durable without blocking; embedded in who can. */
struct turn_flusher {
	/* Starts one flush, whose end is told by turn_flushed(). */
	void (*start)(struct turn_flusher *flusher);
};

struct turn;

/* Begins to commit at the end of each turn of `loop`; both are kept. */
struct turn *turn_create(struct ev_loop *loop, struct store *store);
void turn_destroy(struct turn *turn);

/* With a flusher, which is kept, decisions wait until they are durable; with
 * NULL only until they are committed. */
void turn_set_flusher(struct turn *turn, struct turn_flusher *flusher);

/* Settles the decision at the end of its turn; `entry` must stay until then. */
void turn_add(struct turn *turn, struct turn_entry *entry);

/* The flush that was started last has ended. */
void turn_flushed(struct turn *turn, bool durable);

/* Turns whose commit has failed. */
uint64_t turn_failures(const struct turn *turn);
