/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the client is, as the greylist sees it.
 *
 * Large senders retry from another address of the same network, so a client
 * stands for its network: /24 for IPv4 and /64 for IPv6 unless the
 * configuration says otherwise.  A client whose address Postfix does not know
 * has an origin of its own kind.
 *
 * An origin is the last part of a triplet's key, so its bytes begin with its
 * kind and hold no text: a proven domain can become another kind without
 * touching the keys that exist.
 */
#pragma once

#include "buf.h"
#include "netaddr.h"
#include "request.h"

/* Kind and address. */
#define ORIGIN_KEY_MAX 17

/* The first byte of an origin's key.  The numbers are on disk. */
enum origin_kind {
	ORIGIN_UNKNOWN = 0,
	ORIGIN_IPV4 = 4,
	ORIGIN_IPV6 = 6,
};

/* How many bits of an address make the network. */
struct origin_policy {
	unsigned ipv4_prefix;
	unsigned ipv6_prefix;
};

struct origin {
	/* Family 0: unknown. */
	struct netaddr network;
};

struct origin origin_of(const struct origin_policy *policy,
    const struct request *request);

/* Appends the bytes of the key: ORIGIN_KEY_MAX at most. */
void origin_write_key(const struct origin *origin, struct buf *key);
