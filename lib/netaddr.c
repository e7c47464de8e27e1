/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "netaddr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { MAPPED_PREFIX = 96 };

static unsigned
longest_prefix(const struct netaddr *address)
{
	return address->family == 4 ? 32 : 128;
}

/* The address as it is written: a mapped one stays IPv6. */
static bool
parse_as_written(const char *text, struct netaddr *address)
{
	struct netaddr written = { .family = 4, .prefix = 32 };

	if (inet_pton(AF_INET, text, written.bytes) != 1) {
		written = (struct netaddr){ .family = 6, .prefix = 128 };
		if (inet_pton(AF_INET6, text, written.bytes) != 1)
			return false;
	}
	*address = written;
	return true;
}

static void
unmap(struct netaddr *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct netaddr plain = { .family = 4 };

	if (address->family != 6 || address->prefix < MAPPED_PREFIX ||
	    memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
		return;
	plain.prefix = (uint8_t)(address->prefix - MAPPED_PREFIX);
	memcpy(plain.bytes, address->bytes + sizeof(mapped), 4);
	*address = plain;
}

bool
netaddr_parse(const char *text, struct netaddr *address)
{
	if (!parse_as_written(text, address))
		return false;
	unmap(address);
	return true;
}

/* One to three digits and nothing else. */
static bool
parse_length(const char *text, unsigned *length)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits < 1 || digits > 3 || text[digits] != '\0')
		return false;
	*length = 0;
	for (size_t i = 0; i < digits; i++)
		*length = *length * 10 + (unsigned)(text[i] - '0');
	return true;
}

/* Reads "address" or "address/length" and leaves the host bits in. */
static bool
parse_with_length(const char *text, struct netaddr *address, unsigned *length)
{
	const size_t len = strcspn(text, "/");
	char host[INET6_ADDRSTRLEN];

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!parse_as_written(host, address))
		return false;
	*length = longest_prefix(address);
	return text[len] == '\0' || (parse_length(text + len + 1, length) &&
					*length <= longest_prefix(address));
}

int
network_parse(const char *text, struct netaddr *network, struct err *err)
{
	struct netaddr address;
	struct netaddr masked;
	unsigned length;
	char meant[NETADDR_TEXT];
	char host[NETADDR_TEXT];

	if (!parse_with_length(text, &address, &length)) {
		err_set(err,
		    "\"%.80s\" is neither an address nor a network; write it "
		    "like 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32",
		    text);
		return -1;
	}
	masked = address;
	netaddr_mask(&masked, length);
	if (memcmp(masked.bytes, address.bytes, sizeof(masked.bytes)) != 0) {
		netaddr_format(&masked, meant);
		netaddr_format(&address, host);
		err_set(err,
		    "\"%s\" has bits set behind its length; write %s for the "
		    "network or %s for the host",
		    text, meant, host);
		return -1;
	}
	unmap(&masked);
	*network = masked;
	return 0;
}

void
netaddr_mask(struct netaddr *address, unsigned prefix)
{
	if (prefix >= address->prefix)
		return;
	address->prefix = (uint8_t)prefix;
	if (prefix % 8 != 0)
		address->bytes[prefix / 8] &= (uint8_t)(0xff00 >> prefix % 8);
	for (size_t i = netaddr_bytes(address); i < 16; i++)
		address->bytes[i] = 0;
}

bool
netaddr_contains(const struct netaddr *network, const struct netaddr *address)
{
	struct netaddr masked = *address;

	if (network->family == 0 || network->prefix > address->prefix)
		return false;
	netaddr_mask(&masked, network->prefix);
	return netaddr_compare(network, &masked) == 0;
}

int
netaddr_compare(const struct netaddr *a, const struct netaddr *b)
{
	int order;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	if (order != 0)
		return order;
	return (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

void
netaddr_format(const struct netaddr *address, char text[static NETADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN];

	if (address->family == 0) {
		snprintf(text, NETADDR_TEXT, "unknown");
		return;
	}
	inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes,
	    host, sizeof(host));
	if (address->prefix == longest_prefix(address))
		snprintf(text, NETADDR_TEXT, "%s", host);
	else
		snprintf(text, NETADDR_TEXT, "%s/%d", host, address->prefix);
}

size_t
netaddr_bytes(const struct netaddr *address)
{
	return (address->prefix + 7u) / 8;
}
