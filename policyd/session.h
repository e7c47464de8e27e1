/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of Postfix: bytes -> request -> decision -> reply.
 *
 * Postfix keeps its connections for long and has at most one request open on
 * each.  A session owns the bytes of its request, the decision and the reply,
 * so its memory is bounded and deciding allocates nothing.  It reads a request,
 * decides it, waits for the end of the turn, reports it, writes the reply, and
 * reads on; a second request that came in the meantime waits in the buffer or
 * in the socket.
 *
 * A malformed request is logged with the peer and ends its connection, without
 * a reply; the other connections notice nothing.  A connection that is idle for
 * too long is closed.  When there are too many, the one that has been idle the
 * longest makes room for the new one.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>

#include "attr.h"
#include "engine.h"
#include "listener.h"
#include "metrics.h"
#include "turn.h"

struct session_limits {
	struct attr_limits request;
	unsigned max_connections;
	/* Seconds. */
	double idle_timeout;
	double answer_within;
};

struct sessions;

/* No connections yet.  All pointers are kept. */
struct sessions *sessions_create(struct ev_loop *loop, struct turn *turn,
    struct metrics *metrics);

/* Closes all connections; none may have a decision open. */
void sessions_destroy(struct sessions *sessions);

/* What new requests are decided with; `engine` is held.  Connections that are
 * open keep their request limits. */
void sessions_configure(struct sessions *sessions,
    const struct session_limits *limits, struct engine *engine);

/* Takes the connections of a listener. */
struct listener_client *sessions_client(struct sessions *sessions);

/* Closes the connections that have no complete request, whether or not more
 * was to come.  The others close after their reply.  Returns how many are
 * left. */
size_t sessions_drain(struct sessions *sessions);
