/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "netset.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "xalloc.h"

enum { FIRST_CAPACITY = 16, LONGEST_PREFIX = 128 };

struct netset {
	/* Open addressing; a slot of family 0 is free.  The capacity is a power
	 * of two, and at most half of the slots are taken. */
	struct netaddr *slots;
	size_t capacity;
	size_t count;
	/* Which prefix lengths occur. */
	bool ipv4_prefix[LONGEST_PREFIX + 1];
	bool ipv6_prefix[LONGEST_PREFIX + 1];
};

struct netset *
netset_create(void)
{
	struct netset *set = xcalloc(1, sizeof(*set));

	set->capacity = FIRST_CAPACITY;
	set->slots = xcalloc(set->capacity, sizeof(*set->slots));
	return set;
}

void
netset_destroy(struct netset *set)
{
	if (set == NULL)
		return;
	free(set->slots);
	free(set);
}

/* FNV-1a.  The networks come from the administrator, who has no reason to make
 * them collide. */
static size_t
hash(const struct netaddr *network)
{
	uint64_t value = 0xcbf29ce484222325;

	value = (value ^ network->prefix) * 0x100000001b3;
	for (size_t i = 0; i < netaddr_bytes(network); i++)
		value = (value ^ network->bytes[i]) * 0x100000001b3;
	return (size_t)(value ^ value >> 32);
}

/* Where the network is, or the free slot where it would be. */
static struct netaddr *
slot_of(const struct netset *set, const struct netaddr *network)
{
	const size_t mask = set->capacity - 1;

	for (size_t i = hash(network);; i++) {
		struct netaddr *slot = &set->slots[i & mask];

		if (slot->family == 0 || netaddr_compare(slot, network) == 0)
			return slot;
	}
}

static void
grow(struct netset *set)
{
	struct netaddr *old = set->slots;
	const size_t capacity = set->capacity;

	set->capacity *= 2;
	set->slots = xcalloc(set->capacity, sizeof(*set->slots));
	for (size_t i = 0; i < capacity; i++)
		if (old[i].family != 0)
			*slot_of(set, &old[i]) = old[i];
	free(old);
}

bool
netset_add(struct netset *set, const struct netaddr *network)
{
	struct netaddr *slot = slot_of(set, network);

	assert(network->family != 0);
	if (slot->family != 0)
		return false;
	*slot = *network;
	if (network->family == 4)
		set->ipv4_prefix[network->prefix] = true;
	else
		set->ipv6_prefix[network->prefix] = true;
	if (++set->count * 2 > set->capacity)
		grow(set);
	return true;
}

bool
netset_match(const struct netset *set, const struct netaddr *address,
    struct netaddr *found)
{
	const bool *has_prefix =
	    address->family == 4 ? set->ipv4_prefix : set->ipv6_prefix;
	struct netaddr network = *address;

	for (int prefix = address->prefix; prefix >= 0; prefix--) {
		if (!has_prefix[prefix])
			continue;
		netaddr_mask(&network, (unsigned)prefix);
		if (slot_of(set, &network)->family == 0)
			continue;
		if (found != NULL)
			*found = network;
		return true;
	}
	return false;
}

size_t
netset_count(const struct netset *set)
{
	return set->count;
}
