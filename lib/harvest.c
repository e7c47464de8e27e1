/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "harvest.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "xalloc.h"

enum { WAYS = 8, MOST_THRESHOLDS = 16 };

/* A count below this has faded: nothing is lost when it is forgotten. */
#define FADED 0.5

/* The hashes stand together, so that most questions, which are for origins that
 * are not here, read no more than them. */
struct set {
	/* 0: free. */
	uint64_t hash[WAYS];
	double count[WAYS];
	/* When the count was as it stands here. */
	time_t noted[WAYS];
};

struct harvest {
	struct siphash_secret secret;
	struct harvest_counters counters;
	size_t set_count;
	struct set *sets;
};

/* The place of an origin: a set, and the way in it, WAYS when it has none. */
struct place {
	struct set *set;
	uint64_t hash;
	size_t way;
};

static void
make_sets(struct harvest *harvest, size_t set_count)
{
	harvest->set_count = set_count;
	harvest->sets = xcalloc(set_count, sizeof(*harvest->sets));
}

static size_t
sets_for(size_t max_origins)
{
	assert(max_origins > 0 && max_origins / WAYS < UINT32_MAX);
	return (max_origins + WAYS - 1) / WAYS;
}

struct harvest *
harvest_create(size_t max_origins, const struct siphash_secret *secret)
{
	struct harvest *harvest = xcalloc(1, sizeof(*harvest));

	harvest->secret = *secret;
	make_sets(harvest, sets_for(max_origins));
	return harvest;
}

void
harvest_destroy(struct harvest *harvest)
{
	if (harvest == NULL)
		return;
	free(harvest->sets);
	free(harvest);
}

void
harvest_resize(struct harvest *harvest, size_t max_origins)
{
	const size_t set_count = sets_for(max_origins);

	if (set_count == harvest->set_count)
		return;
	free(harvest->sets);
	make_sets(harvest, set_count);
}

static struct place
find(const struct harvest *harvest, const char *key, size_t key_len)
{
	const uint64_t hash = siphash(&harvest->secret, key, key_len);
	const uint64_t set = (hash >> 32) * harvest->set_count >> 32;
	struct place place = {
		.set = &harvest->sets[set],
		.hash = hash != 0 ? hash : 1,
	};

	while (place.way < WAYS && place.set->hash[place.way] != place.hash)
		place.way++;
	return place;
}

/* The count in a way of the set as it is now. */
static double
fade(const struct harvest_policy *policy, struct set *set, size_t way,
    time_t now)
{
	double age;

	/* The age of an entry from the future begins now: else it would not
	 * fade until the clock is there again. */
	if (set->noted[way] > now)
		set->noted[way] = now;
	age = (double)(now - set->noted[way]);
	return set->count[way] * exp2(-age / (double)policy->half_life);
}

/* The way with the smallest count; that of a free one is 0. */
static size_t
smallest(const struct harvest_policy *policy, struct set *set, time_t now,
    double *count)
{
	size_t found = 0;

	*count = fade(policy, set, 0, now);
	for (size_t way = 1; way < WAYS; way++) {
		const double other = fade(policy, set, way, now);

		if (other < *count) {
			*count = other;
			found = way;
		}
	}
	return found;
}

static size_t
make_room(struct harvest *harvest, const struct harvest_policy *policy,
    struct set *set, time_t now)
{
	double count;
	const size_t way = smallest(policy, set, now, &count);

	if (count >= FADED)
		harvest->counters.evicted++;
	set->count[way] = 0;
	return way;
}

void
harvest_note(struct harvest *harvest, const struct harvest_policy *policy,
    const char *key, size_t key_len, time_t now)
{
	const double most = (double)policy->threshold * MOST_THRESHOLDS;
	struct place place = find(harvest, key, key_len);
	struct set *set = place.set;
	double count;

	harvest->counters.noted++;
	if (place.way == WAYS) {
		place.way = make_room(harvest, policy, set, now);
		set->hash[place.way] = place.hash;
	}
	count = fade(policy, set, place.way, now) + 1;
	set->count[place.way] = count < most ? count : most;
	set->noted[place.way] = now;
}

double
harvest_count(struct harvest *harvest, const struct harvest_policy *policy,
    const char *key, size_t key_len, time_t now)
{
	const struct place place = find(harvest, key, key_len);

	return place.way < WAYS ? fade(policy, place.set, place.way, now) : 0;
}

bool
harvest_is_over(struct harvest *harvest, const struct harvest_policy *policy,
    const char *key, size_t key_len, time_t now)
{
	return harvest_count(harvest, policy, key, key_len, now) >
	       policy->threshold;
}

struct harvest_counters *
harvest_counters(struct harvest *harvest)
{
	return &harvest->counters;
}
