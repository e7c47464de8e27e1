/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "turn.h"

#include <stdlib.h>

#include "container.h"
#include "log.h"
#include "xalloc.h"

STAILQ_HEAD(turn_list, turn_entry);

struct turn {
	struct ev_loop *loop;
	struct ev_prepare before_sleep;
	struct store *store;
	struct turn_flusher *flusher;
	bool flushing;
	/* Decided in this turn; committed; waiting for the flush that runs. */
	struct turn_list decided;
	struct turn_list committed;
	struct turn_list in_flush;
	uint64_t failures;
};

/* The list is emptied first: settling may begin new decisions. */
static void
settle(struct turn_list *list, bool kept)
{
	struct turn_list settling = STAILQ_HEAD_INITIALIZER(settling);
	struct turn_entry *entry;

	STAILQ_CONCAT(&settling, list);
	while ((entry = STAILQ_FIRST(&settling)) != NULL) {
		STAILQ_REMOVE_HEAD(&settling, next);
		entry->settled(entry, kept);
	}
}

static void
start_flush(struct turn *turn)
{
	if (turn->flushing || STAILQ_EMPTY(&turn->committed))
		return;
	STAILQ_CONCAT(&turn->in_flush, &turn->committed);
	turn->flushing = true;
	turn->flusher->start(turn->flusher);
}

void
turn_flushed(struct turn *turn, bool durable)
{
	turn->flushing = false;
	settle(&turn->in_flush, durable);
	if (turn->flusher != NULL)
		start_flush(turn);
	else
		settle(&turn->committed, true);
}

static void
end_turn(struct turn *turn)
{
	const bool kept = store_commit(turn->store);

	if (!kept)
		turn->failures++;
	if (!kept || turn->flusher == NULL) {
		settle(&turn->decided, kept);
		return;
	}
	STAILQ_CONCAT(&turn->committed, &turn->decided);
	start_flush(turn);
}

static void
before_sleep(struct ev_loop *loop, struct ev_prepare *watcher, int events)
{
	(void)loop;
	(void)events;
	end_turn(container_of(watcher, struct turn, before_sleep));
	log_flush();
}

struct turn *
turn_create(struct ev_loop *loop, struct store *store)
{
	struct turn *turn = xcalloc(1, sizeof(*turn));

	turn->loop = loop;
	turn->store = store;
	STAILQ_INIT(&turn->decided);
	STAILQ_INIT(&turn->committed);
	STAILQ_INIT(&turn->in_flush);
	ev_prepare_init(&turn->before_sleep, before_sleep);
	ev_prepare_start(loop, &turn->before_sleep);
	/* The turn alone keeps no loop alive. */
	ev_unref(loop);
	return turn;
}

void
turn_destroy(struct turn *turn)
{
	if (turn == NULL)
		return;
	ev_ref(turn->loop);
	ev_prepare_stop(turn->loop, &turn->before_sleep);
	free(turn);
}

void
turn_set_flusher(struct turn *turn, struct turn_flusher *flusher)
{
	turn->flusher = flusher;
}

void
turn_add(struct turn *turn, struct turn_entry *entry)
{
	STAILQ_INSERT_TAIL(&turn->decided, entry, next);
}

uint64_t
turn_failures(const struct turn *turn)
{
	return turn->failures;
}
