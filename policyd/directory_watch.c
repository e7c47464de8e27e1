/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_watch.h"

enum {
	SILENT_MOST = 2,
	SILENT_MOST_AT_FIRST = 17,
};

/* A question that is later than this was held up. */
#define LATE_SECONDS 0.15

void
directory_watch_begin(struct directory_watch *watch, double now)
{
	*watch = (struct directory_watch){
		.due = now + DIRECTORY_WATCH_SECONDS,
	};
}

void
directory_watch_hear(struct directory_watch *watch)
{
	watch->silent = 0;
	watch->is_heard = true;
	watch->is_awake = true;
}

bool
directory_watch_ask(struct directory_watch *watch, double now, bool listened)
{
	const bool is_late = now - watch->due > LATE_SECONDS;

	if (!watch->is_heard && !is_late && listened)
		watch->silent++;
	watch->is_heard = false;
	watch->due = now + DIRECTORY_WATCH_SECONDS;
	return watch->silent >=
	       (watch->is_awake ? SILENT_MOST : SILENT_MOST_AT_FIRST);
}
