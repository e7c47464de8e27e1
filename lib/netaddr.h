/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One IP address or network.
 *
 * "192.0.2.1", "2001:db8::1", "192.0.2.0/24".  An address is a network of one
 * host, so both are one struct.  An IPv4 address that is written as an IPv6
 * one, "::ffff:192.0.2.1", is the IPv4 address: it is the same host.
 *
 * Invariants of what the functions here return: the bits behind the prefix are
 * zero, and so are bytes 4 to 15 of an IPv4 address.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Bytes of the longest text that netaddr_format() writes, NUL included. */
#define NETADDR_TEXT 52

struct netaddr {
	/* 4 or 6; 0: no address. */
	uint8_t family;
	/* Significant bits; 32 or 128 is one host. */
	uint8_t prefix;
	/* In network order. */
	uint8_t bytes[16];
};

/* Reads an address without a prefix length.  False, and nothing written, when
 * it is none: no host names, zones ("%eth0"), brackets or octal numbers. */
bool netaddr_parse(const char *text, struct netaddr *address);

/* Reads "address" or "address/length".  Bits behind the prefix are refused,
 * since 192.0.2.1/24 may be meant as the network or as the host; the error
 * names both. */
int network_parse(const char *text, struct netaddr *network, struct err *err);

/* Makes the address the network of `prefix` bits around it.  A prefix that is
 * longer than its own changes nothing. */
void netaddr_mask(struct netaddr *address, unsigned prefix);

/* Whether the address, or the whole network, lies in the network.  "No
 * address" contains nothing and lies in nothing. */
bool netaddr_contains(const struct netaddr *network,
    const struct netaddr *address);

/* A total order, as strcmp() returns it: IPv4 before IPv6, then by the bytes,
 * then the larger network before the smaller. */
int netaddr_compare(const struct netaddr *a, const struct netaddr *b);

/* Writes "192.0.2.0/24", a host without its length, "unknown" for none. */
void netaddr_format(const struct netaddr *address,
    char text[static NETADDR_TEXT]);

/* Number of leading bytes that hold the significant bits. */
size_t netaddr_bytes(const struct netaddr *address);
