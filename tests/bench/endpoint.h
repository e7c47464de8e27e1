/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a policy server listens, as Postfix writes it: unix:/path,
 * inet:127.0.0.1:10040, inet:[::1]:10040.
 */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

struct bench_endpoint {
	struct sockaddr_storage address;
	socklen_t len;
};

static inline bool
bench_endpoint_unix(const char *path, struct bench_endpoint *endpoint)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path));
	memcpy(&endpoint->address, &address, sizeof(address));
	endpoint->len = sizeof(address);
	return true;
}

/* HOST:PORT, or [HOST]:PORT. */
static inline bool
bench_endpoint_inet(const char *text, struct bench_endpoint *endpoint)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV };
	const bool bracket = *text == '[';
	const char *colon = strrchr(text, ':');
	struct addrinfo *found;
	char host[256];

	if (colon == NULL || (bracket && (colon == text || colon[-1] != ']')))
		return false;
	snprintf(host, sizeof(host), "%.*s",
	    (int)(colon - text - (bracket ? 2 : 0)), text + (bracket ? 1 : 0));
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return false;
	memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
	endpoint->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* False when the text names no endpoint. */
static inline bool
bench_endpoint_parse(const char *text, struct bench_endpoint *endpoint)
{
	if (strncmp(text, "unix:", 5) == 0)
		return bench_endpoint_unix(text + 5, endpoint);
	if (strncmp(text, "inet:", 5) == 0)
		return bench_endpoint_inet(text + 5, endpoint);
	return false;
}
