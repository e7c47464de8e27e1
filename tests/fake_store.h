/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store with moods, in front of a real one: it can be down, or late.
 *
 * While it is down every question is STORE_UNAVAILABLE, changes are dropped and
 * commits fail.  While it is late it keeps the questions, and answers them when
 * it is told to; a question that is cancelled is forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store.h"

#define FAKE_STORE_OPEN 4

struct fake_store {
	struct store store;
	struct store *behind;
	bool is_down;
	bool is_late;
	/* Questions so far; those that are open, in their order; and those
	 * that were cancelled. */
	unsigned asked;
	struct store_get *open[FAKE_STORE_OPEN];
	size_t open_count;
	unsigned cancelled;
};

/* Both are borrowed; one fake store at a time. */
void fake_store_init(struct fake_store *fake, struct store *behind);

/* Answers the oldest open question. */
void fake_store_answer(struct fake_store *fake);
