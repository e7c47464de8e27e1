/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "origin.h"

struct origin
origin_of(const struct origin_policy *policy, const struct request *request)
{
	struct origin origin = { .network = request->client };

	switch (origin.network.family) {
	case 4:
		netaddr_mask(&origin.network, policy->ipv4_prefix);
		break;
	case 6:
		netaddr_mask(&origin.network, policy->ipv6_prefix);
		break;
	default:
		break;
	}
	return origin;
}

static enum origin_kind
kind_of(const struct origin *origin)
{
	switch (origin->network.family) {
	case 4:
		return ORIGIN_IPV4;
	case 6:
		return ORIGIN_IPV6;
	default:
		return ORIGIN_UNKNOWN;
	}
}

void
origin_write_key(const struct origin *origin, struct buf *key)
{
	const enum origin_kind kind = kind_of(origin);

	buf_putc(key, (char)kind);
	if (kind != ORIGIN_UNKNOWN)
		buf_append(key, origin->network.bytes,
		    netaddr_bytes(&origin->network));
}
