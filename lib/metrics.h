/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What policyd counts.
 *
 * Plain counters that only the event loop's thread touches; metrics_write()
 * makes the statistics line of the log from them.
 */
#pragma once

#include <stdint.h>

#include "buf.h"
#include "reason.h"
#include "verdict.h"

struct metrics {
	uint64_t reasons[REASONS];
	uint64_t actions[ACTIONS];
	/* Connections: open now, and since the start. */
	uint64_t connections_open;
	uint64_t connections_accepted;
	/* Closed to make room for a new one, or because of idle-timeout. */
	uint64_t connections_displaced;
	uint64_t connections_idle;
	/* Requests that were not answered: malformed; not fast enough. */
	uint64_t requests_malformed;
	uint64_t lookups_given_up;
	/* Turns whose changes the store did not take. */
	uint64_t commits_failed;
	/* Rows that sweeps have removed. */
	uint64_t rows_expired;
	uint64_t log_lines_dropped;
};

/* Appends "name=value name=value ..." of every counter, in a fixed order. */
void metrics_write(const struct metrics *metrics, struct buf *out);
