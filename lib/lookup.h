/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One open question: to the store, to a directory, to whatever may take time.
 *
 * Whoever asks embeds a lookup in the question, sets `done`, and hands the
 * question over.  Whoever answers first forgets the question, then writes the
 * answer, then calls `done`: exactly once, perhaps before the call that asked
 * returns, or never after `cancel`.  `cancel` is immediate; it is set by the
 * answerer while the question is open and may be NULL when every answer comes
 * at once.
 */
#pragma once

struct lookup {
	void (*done)(struct lookup *lookup);
	void (*cancel)(struct lookup *lookup);
	/* For whoever asked: the next of its open questions. */
	struct lookup *next;
};
