/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lookup that is answered by time going by: with it a stage holds an answer
 * back.
 *
 * This is the interface; tarpit.h waits with the event loop.  A pause that is
 * cut short by the deadline is cancelled as every other lookup.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "lookup.h"

struct pauser;

struct pause {
	struct lookup lookup;
	/* How long, above 0. */
	double seconds;
	/* The pauser's, while it holds the pause. */
	TAILQ_ENTRY(pause) queue;
	struct pauser *pauser;
	double end;
};

struct pauser {
	bool (*hold)(struct pauser *pauser, struct pause *pause);
};

/* Holds the pause for its time and then answers it.  Returns whether it is
 * held: when too many are held already it is answered at once.  It belongs to
 * the caller and must stay until the answer. */
static inline bool
pauser_hold(struct pauser *pauser, struct pause *pause)
{
	return pauser->hold(pauser, pause);
}
