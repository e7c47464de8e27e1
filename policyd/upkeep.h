/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What keeps the store in order beside the decisions.
 *
 * Two threads do the slow disk work that the event loop must not wait for: one
 * makes the log durable, once a second or when a turn asks for it; the other
 * writes changed pages, sets checkpoints, removes old log files, and opens a
 * store that has failed again, with growing pauses.  On the loop, a timer
 * sweeps expired rows away in slices of less than a millisecond.
 *
 * Only the loop's thread logs: the threads tell it what happened.
 */
#pragma once

#include <ev.h>

#include "engine.h"
#include "metrics.h"
#include "store_bdb.h"
#include "turn.h"

struct upkeep;

/* Starts the threads.  All pointers are kept. */
struct upkeep *upkeep_create(struct ev_loop *loop, struct store_bdb *bdb,
    struct turn *turn, struct metrics *metrics);

/* Ends the threads, waiting for what they do. */
void upkeep_destroy(struct upkeep *upkeep);

/* Sweeps every `sweep_interval` seconds (0: never) by the rules of `engine`,
 * which is held; and with `durable` every turn waits for the disk. */
void upkeep_configure(struct upkeep *upkeep, struct engine *engine,
    double sweep_interval, bool durable);
