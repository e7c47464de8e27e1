/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tarpit.h"

#include <stdlib.h>

#include "clock.h"
#include "container.h"
#include "xalloc.h"

TAILQ_HEAD(pause_queue, pause);

struct tarpit {
	struct pauser pauser;
	struct ev_loop *loop;
	size_t max_held;
	size_t held;
	/* The next one to end is the first. */
	struct pause_queue queue;
	struct ev_timer timer;
};

static struct tarpit *
tarpit_of(struct pauser *pauser)
{
	return container_of(pauser, struct tarpit, pauser);
}

static void
take_out(struct tarpit *tarpit, struct pause *pause)
{
	TAILQ_REMOVE(&tarpit->queue, pause, queue);
	tarpit->held--;
	pause->pauser = NULL;
}

/* Sets the timer for the first pause. */
static void
set_timer(struct tarpit *tarpit)
{
	const struct pause *first = TAILQ_FIRST(&tarpit->queue);
	double seconds;

	ev_timer_stop(tarpit->loop, &tarpit->timer);
	if (first == NULL)
		return;
	seconds = first->end - clock_seconds();
	ev_timer_set(&tarpit->timer, seconds > 0 ? seconds : 0, 0.0);
	ev_timer_start(tarpit->loop, &tarpit->timer);
}

static void
cancel(struct lookup *lookup)
{
	struct pause *pause = container_of(lookup, struct pause, lookup);
	struct tarpit *tarpit;

	if (pause->pauser == NULL)
		return;
	tarpit = tarpit_of(pause->pauser);
	take_out(tarpit, pause);
	/* A timer that comes too early is set anew; one for nobody would keep
	 * the loop alive. */
	if (tarpit->held == 0)
		set_timer(tarpit);
}

/* Almost always to the end: only a new configuration makes pauses shorter. */
static void
put_in(struct tarpit *tarpit, struct pause *pause)
{
	struct pause *before = TAILQ_LAST(&tarpit->queue, pause_queue);

	while (before != NULL && before->end > pause->end)
		before = TAILQ_PREV(before, pause_queue, queue);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&tarpit->queue, before, pause, queue);
	else
		TAILQ_INSERT_HEAD(&tarpit->queue, pause, queue);
	tarpit->held++;
}

static bool
hold(struct pauser *pauser, struct pause *pause)
{
	struct tarpit *tarpit = tarpit_of(pauser);

	pause->pauser = NULL;
	pause->lookup.cancel = cancel;
	if (tarpit->held >= tarpit->max_held) {
		pause->lookup.done(&pause->lookup);
		return false;
	}
	pause->pauser = pauser;
	pause->end = clock_seconds() + pause->seconds;
	put_in(tarpit, pause);
	if (TAILQ_FIRST(&tarpit->queue) == pause)
		set_timer(tarpit);
	return true;
}

static void
answer_ended(struct tarpit *tarpit)
{
	const double now = clock_seconds();
	struct pause *pause;

	/* An answer may cancel any other, so the first is looked up anew. */
	while ((pause = TAILQ_FIRST(&tarpit->queue)) != NULL &&
	       pause->end <= now) {
		take_out(tarpit, pause);
		pause->lookup.done(&pause->lookup);
	}
	set_timer(tarpit);
}

static void
timer_fired(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	answer_ended(container_of(timer, struct tarpit, timer));
}

struct tarpit *
tarpit_create(struct ev_loop *loop)
{
	struct tarpit *tarpit = xcalloc(1, sizeof(*tarpit));

	tarpit->pauser.hold = hold;
	tarpit->loop = loop;
	TAILQ_INIT(&tarpit->queue);
	ev_timer_init(&tarpit->timer, timer_fired, 0.0, 0.0);
	return tarpit;
}

void
tarpit_destroy(struct tarpit *tarpit)
{
	struct pause *pause;

	if (tarpit == NULL)
		return;
	while ((pause = TAILQ_FIRST(&tarpit->queue)) != NULL)
		take_out(tarpit, pause);
	ev_timer_stop(tarpit->loop, &tarpit->timer);
	free(tarpit);
}

void
tarpit_configure(struct tarpit *tarpit, size_t max_held)
{
	tarpit->max_held = max_held;
}

struct pauser *
tarpit_pauser(struct tarpit *tarpit)
{
	return &tarpit->pauser;
}

size_t
tarpit_held(const struct tarpit *tarpit)
{
	return tarpit->held;
}
