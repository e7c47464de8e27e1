/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "answer_cache.h"

#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

/* Places where an answer may stand. */
enum { WAYS = 4 };

struct entry {
	/* 0: empty. */
	double until;
	uint64_t hash;
	uint16_t len;
	bool is_sender;
	struct answer answer;
	char key[ADDRESS_MAX];
};

struct answer_cache {
	/* A power of two, or 0. */
	size_t sets;
	struct entry *entries;
};

/* FNV-1a, begun with the seed; the last steps spread it over all bits. */
static uint64_t
hash(uint64_t seed, const char *bytes, size_t len)
{
	uint64_t sum = seed ^ UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	sum = (sum ^ sum >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 29;
}

/* What holds a control byte is nobody's address, and could end a line of the
 * protocol. */
static bool
is_askable(const char *address, size_t len)
{
	if (len > ADDRESS_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)address[i] < ' ' || address[i] == 0x7f)
			return false;
	return true;
}

bool
answer_key_recipient(struct answer_key *key, uint64_t seed,
    const char *recipient)
{
	const size_t len = strlen(recipient);

	if (len == 0 || !is_askable(recipient, len))
		return false;
	memcpy(key->bytes, recipient, len);
	key->len = len;
	key->is_sender = false;
	key->hash = hash(seed, key->bytes, key->len);
	return true;
}

bool
answer_key_sender(struct answer_key *key, uint64_t seed, const char *recipient,
    const char *sender)
{
	const size_t len = strlen(recipient);
	const size_t sender_len = strlen(sender);

	if (len == 0 || !is_askable(recipient, len) ||
	    !is_askable(sender, sender_len))
		return false;
	memcpy(key->bytes, recipient, len + 1);
	memcpy(key->bytes + len + 1, sender, sender_len);
	key->len = len + 1 + sender_len;
	key->is_sender = true;
	key->hash = hash(seed, key->bytes, key->len);
	return true;
}

bool
answer_key_equal(const struct answer_key *a, const struct answer_key *b)
{
	return a->hash == b->hash && a->len == b->len &&
	       a->is_sender == b->is_sender &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

struct answer_cache *
answer_cache_create(unsigned entries)
{
	struct answer_cache *cache = xcalloc(1, sizeof(*cache));

	if (entries == 0)
		return cache;
	for (cache->sets = 1; cache->sets * WAYS < entries; cache->sets *= 2)
		;
	cache->entries = xcalloc(cache->sets * WAYS, sizeof(struct entry));
	return cache;
}

void
answer_cache_destroy(struct answer_cache *cache)
{
	if (cache == NULL)
		return;
	free(cache->entries);
	free(cache);
}

static struct entry *
set_of(const struct answer_cache *cache, const struct answer_key *key)
{
	return &cache->entries[(key->hash & (cache->sets - 1)) * WAYS];
}

static bool
holds(const struct entry *entry, const struct answer_key *key)
{
	return entry->until != 0 && entry->hash == key->hash &&
	       entry->len == key->len && entry->is_sender == key->is_sender &&
	       memcmp(entry->key, key->bytes, key->len) == 0;
}

bool
answer_cache_get(const struct answer_cache *cache, const struct answer_key *key,
    double now, struct answer *answer)
{
	const struct entry *set;

	if (cache->sets == 0)
		return false;
	set = set_of(cache, key);
	for (int i = 0; i < WAYS; i++) {
		if (holds(&set[i], key) && now < set[i].until) {
			*answer = set[i].answer;
			return true;
		}
	}
	return false;
}

/* Where the answer stands already, or the place that is over first. */
static struct entry *
place(struct entry *set, const struct answer_key *key)
{
	struct entry *first = set;

	for (int i = 0; i < WAYS; i++) {
		if (holds(&set[i], key))
			return &set[i];
		if (set[i].until < first->until)
			first = &set[i];
	}
	return first;
}

void
answer_cache_put(struct answer_cache *cache, const struct answer_key *key,
    const struct answer *answer, double now, double until)
{
	struct entry *entry;

	if (cache->sets == 0 || key->len > ADDRESS_MAX || until <= now)
		return;
	entry = place(set_of(cache, key), key);
	entry->until = until;
	entry->hash = key->hash;
	entry->len = (uint16_t)key->len;
	entry->is_sender = key->is_sender;
	entry->answer = *answer;
	memcpy(entry->key, key->bytes, key->len);
}

void
answer_cache_forget(struct answer_cache *cache)
{
	for (size_t i = 0; i < cache->sets * WAYS; i++)
		cache->entries[i].until = 0;
}
