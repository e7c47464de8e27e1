/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bound connection on an event loop, with many searches under way.
 *
 * The handle does not block, so nothing here waits.
 */
#pragma once

#include <ev.h>
#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "ldap_dialer.h"
#include "ldap_search.h"

struct ldap_stream;

/* Called from the event loop, never from within a function of this module. */
struct ldap_stream_handler {
	/* Something was read; the stream may be closed. */
	void (*served)(struct ldap_stream_handler *handler,
	    struct ldap_stream *stream);
	/* The connection is at its end; the handler closes the stream. */
	void (*lost)(struct ldap_stream_handler *handler,
	    struct ldap_stream *stream);
	/* The server has no time for this search, which is the handler's now;
	 * the stream may not be closed. */
	void (*refused)(struct ldap_stream_handler *handler,
	    struct ldap_stream *stream, struct ldap_search *search,
	    const struct err *problem);
};

struct ldap_stream {
	struct ev_loop *loop;
	struct ldap_stream_handler *handler;
	LDAP *ld;
	/* Owned. */
	char *uri;
	size_t rank;
	int descriptor;
	ev_io readable;
	/* Sent and not answered, the oldest first. */
	struct ldap_searches sent;
	/* Found dead while others were in the middle of it. */
	bool dead;
	/* When it was made, when the server last answered a search (0: never),
	 * and when it was last asked. */
	long long made_ms;
	long long heard_ms;
	long long used_ms;
};

/* Takes the handle; keeps the handler. */
struct ldap_stream *ldap_stream_create(struct ev_loop *loop,
    const struct ldap_dialed *dialed, struct ldap_stream_handler *handler);

/* No search may be under way any more. */
void ldap_stream_close(struct ldap_stream *stream);

/* Sends a search, which is not in a list, and has it in `sent`; the server may
 * take `timeout` seconds.  False when the connection takes none for now, or is
 * lost, as the handler will hear: the search is as it was.  A search that can
 * not be sent to any server is answered. */
bool ldap_stream_send(struct ldap_stream *stream, struct ldap_search *search,
    unsigned timeout);

/* Gives up what was sent at `since_ms` or earlier, and answers it UNAVAILABLE.
 * How many that were; `hangs` is set when the server has answered nothing at
 * all since the oldest of them was sent. */
size_t ldap_stream_expire(struct ldap_stream *stream, long long since_ms,
    bool *hangs);
