/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that makes connections for an event loop.
 *
 * It is told which servers to try, tries them one after the other, and hands
 * the first connection that is bound, or the reasons why there is none, to the
 * loop.  It never ends, since nothing can end a thread that waits for DNS or
 * Kerberos: a dialer lives as long as the process.
 */
#pragma once

#include <ev.h>
#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "ldap_settings.h"

struct ldap_dialer;

/* What came of an order. */
struct ldap_dialed {
	/* Bound, the receiver's own; NULL: there is none. */
	LDAP *ld;
	/* Borrowed for the call. */
	const char *uri;
	/* How many servers are preferred to this one. */
	size_t rank;
	/* Of every server that was tried in vain; "" when none was. */
	const char *problem;
};

struct ldap_dialer_handler {
	/* In the event loop. */
	void (*dialed)(struct ldap_dialer_handler *handler,
	    const struct ldap_dialed *dialed);
};

/* Starts the thread.  `settings` and `handler` are kept.  NULL and `err` when
 * there can be no thread. */
struct ldap_dialer *ldap_dialer_create(struct ev_loop *loop,
    const struct ldap_settings *settings, struct ldap_dialer_handler *handler,
    struct err *err);

/* Whether an order is under way; then there can be no other. */
bool ldap_dialer_busy(const struct ldap_dialer *dialer);

/* Tries all servers by preference, `avoid` ("": none) the last. */
void ldap_dialer_connect(struct ldap_dialer *dialer, const char *avoid);

/* Tries only those that are preferred to `uri`. */
void ldap_dialer_improve(struct ldap_dialer *dialer, const char *uri);

/* To be called a few times a second: ends a handshake that takes too long.
 * True when it cannot be ended: then the process had better end. */
bool ldap_dialer_lost(struct ldap_dialer *dialer);
