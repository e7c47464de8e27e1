/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "metrics.h"

#include <stddef.h>

struct row {
	const char *name;
	size_t offset;
};

static const struct row rows[] = {
	{ "connections", offsetof(struct metrics, connections_open) },
	{ "connections-accepted",
	    offsetof(struct metrics, connections_accepted) },
	{ "connections-displaced",
	    offsetof(struct metrics, connections_displaced) },
	{ "connections-idle", offsetof(struct metrics, connections_idle) },
	{ "requests-malformed", offsetof(struct metrics, requests_malformed) },
	{ "lookups-given-up", offsetof(struct metrics, lookups_given_up) },
	{ "commits-failed", offsetof(struct metrics, commits_failed) },
	{ "rows-expired", offsetof(struct metrics, rows_expired) },
	{ "dropped-log-lines", offsetof(struct metrics, log_lines_dropped) },
};

static uint64_t
value_of(const struct metrics *metrics, const struct row *row)
{
	return *(const uint64_t *)(const void *)((const char *)metrics +
						 row->offset);
}

static void
put(struct buf *out, const char *name, uint64_t value)
{
	if (out->len > 0)
		buf_putc(out, ' ');
	buf_puts(out, name);
	buf_putc(out, '=');
	buf_put_number(out, (long long)value);
}

void
metrics_write(const struct metrics *metrics, struct buf *out)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put(out, rows[i].name, value_of(metrics, &rows[i]));
	for (enum action i = 0; i < ACTIONS; i++)
		put(out, action_word(i), metrics->actions[i]);
	for (enum reason i = 0; i < REASONS; i++)
		put(out, reason_word(i), metrics->reasons[i]);
}
