/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of networks, asked for the longest one around an address.
 *
 * The networks that a site trusts, and later its lists of clients, may be a
 * handful or a hundred thousand.  An address is masked to each prefix length
 * that occurs in the set, from the longest to the shortest, and looked up in a
 * hash table; so a question costs as many look-ups as there are different
 * lengths, however many networks there are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "netaddr.h"

struct netset;

struct netset *netset_create(void);

/* NULL is accepted. */
void netset_destroy(struct netset *set);

/* Adds a network (family 4 or 6).  False when it was there already. */
bool netset_add(struct netset *set, const struct netaddr *network);

/* Finds the longest network of the set around an address or a network, and
 * writes it to `found` unless that is NULL. */
bool netset_match(const struct netset *set, const struct netaddr *address,
    struct netaddr *found);

size_t netset_count(const struct netset *set);
