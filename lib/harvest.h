/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who tries out recipients.
 *
 * A directory harvester asks for many recipients to learn which exist.  So the
 * unknown recipients of each origin are counted, and an origin with more than
 * `threshold` of them is over: it is slowed or deferred (stage_harvest.h).  The
 * count fades: it halves in every `half_life`, smoothly.  So an origin may go
 * on for ever with about threshold * ln 2 / half_life unknown recipients a
 * second; and since no count grows beyond sixteen times the threshold, who
 * stops is forgiven after four half-lives at the latest.
 *
 * The table has a fixed size and forgets when the process ends.  An origin has
 * its place in one of eight ways of a set; in a full set a new origin takes the
 * place of the smallest count.  So origins by the million, with an unknown
 * recipient each, displace each other and not the harvester that made many.
 *
 * Of an origin's key the table keeps only the hash of 64 bits: an entry is half
 * as large, and that any two of two million origins share a hash has a chance
 * of one in ten million.  The secret keeps a sender from choosing
 * an address whose hash is that of somebody else, who would then be slowed for
 * what he did.
 *
 * Clocks step back: an entry from the future is taken for one of now.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "siphash.h"

enum harvest_action { HARVEST_OFF = 0, HARVEST_SLOW, HARVEST_DEFER };

struct harvest_policy {
	enum harvest_action action;
	/* At least 1. */
	unsigned threshold;
	/* Seconds, at least 1. */
	time_t half_life;
	/* Seconds for which an answer is held. */
	unsigned delay;
	/* What the table has room for. */
	size_t max_origins;
};

/* Since the start. */
struct harvest_counters {
	/* Unknown recipients. */
	uint64_t noted;
	/* Answers of origins that were over: held, at once because too many
	 * were held already, and deferred. */
	uint64_t slowed;
	uint64_t not_slowed;
	uint64_t deferred;
	/* Origins forgotten before their count had faded, for want of room. */
	uint64_t evicted;
};

struct harvest;

/* An empty table for `max_origins`, rounded up to a multiple of 8: 24 bytes
 * each.  The secret is random and copied. */
struct harvest *harvest_create(size_t max_origins,
    const struct siphash_secret *secret);
void harvest_destroy(struct harvest *harvest);

/* Makes room for another number of origins.  When the number changes, the
 * counts are forgotten. */
void harvest_resize(struct harvest *harvest, size_t max_origins);

/* Counts one unknown recipient of the origin with this key (origin.h). */
void harvest_note(struct harvest *harvest, const struct harvest_policy *policy,
    const char *key, size_t key_len, time_t now);

/* The count of the origin as it is now, 0 when it is not in the table. */
double harvest_count(struct harvest *harvest,
    const struct harvest_policy *policy, const char *key, size_t key_len,
    time_t now);

/* Whether the count is past the threshold. */
bool harvest_is_over(struct harvest *harvest,
    const struct harvest_policy *policy, const char *key, size_t key_len,
    time_t now);

/* For the stage to count in, and for the statistics to read. */
struct harvest_counters *harvest_counters(struct harvest *harvest);
