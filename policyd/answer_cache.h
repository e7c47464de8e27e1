/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of a directory that are remembered for a short time.
 *
 * The table has a fixed size and never grows.  An answer has a few places where
 * it may stand; when they are taken, the one whose time is over first makes
 * room.  So a flood of unknown recipients, which are remembered for less long,
 * does not push the valid ones out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"

/* A question as bytes: a recipient, or a recipient, NUL and a sender. */
struct answer_key {
	uint64_t hash;
	size_t len;
	bool is_sender;
	char bytes[2 * ADDRESS_MAX + 1];
};

/* An answer to the one or the other; zero is UNAVAILABLE. */
struct answer {
	enum recipient_status status;
	struct recipient_record record;
	enum sender_status sender_status;
	unsigned listing;
};

/* Sets the key of a question.  `seed` is secret, so that nobody can choose
 * addresses that get in each other's way.  False when an address is too long,
 * or holds a control byte. */
bool answer_key_recipient(struct answer_key *key, uint64_t seed,
    const char *recipient);
bool answer_key_sender(struct answer_key *key, uint64_t seed,
    const char *recipient, const char *sender);

bool answer_key_equal(const struct answer_key *a, const struct answer_key *b);

struct answer_cache;

/* Room for this many answers, or a few more; 0: none is remembered. */
struct answer_cache *answer_cache_create(unsigned entries);

/* NULL is accepted. */
void answer_cache_destroy(struct answer_cache *cache);

/* False when there is none that is valid at `now` (clock.h). */
bool answer_cache_get(const struct answer_cache *cache,
    const struct answer_key *key, double now, struct answer *answer);

/* Remembers the answer until then.  One whose key is longer than an address is
 * not remembered. */
void answer_cache_put(struct answer_cache *cache, const struct answer_key *key,
    const struct answer *answer, double now, double until);

void answer_cache_forget(struct answer_cache *cache);
