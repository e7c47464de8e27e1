/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The triplet of a request: recipient, sender and origin, as the store's key.
 *
 *     recipient NUL sender NUL origin
 *
 * Recipient and sender are folded (mailaddr.h).  The recipient stands first, so
 * that the rows of one recipient stand together: the help desk's question
 * "what waits for Bob?" reads a few rows, and all origins of one sender and
 * recipient are neighbours.
 *
 * An address that is longer than any that RFC 5321 4.5.3.1 allows (64 octets, @
 * and 255) takes part with its beginning and a hash of the whole, so a key has
 * a bound and two such addresses still have two keys.
 */
#pragma once

#include "mailaddr.h"
#include "origin.h"
#include "request.h"
#include "store.h"

/* The longest address that stands in a key as it is. */
#define TRIPLET_ADDRESS_MAX 320

struct triplet {
	char key[STORE_KEY_MAX];
	size_t key_len;
};

_Static_assert(2 * (TRIPLET_ADDRESS_MAX + 1) + ORIGIN_KEY_MAX <= STORE_KEY_MAX,
    "the longest triplet fits a key of the store");

void triplet_of(const struct origin_policy *policy,
    const struct request *request, struct triplet *triplet);
