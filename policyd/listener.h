/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sockets that Postfix connects to.
 *
 * An endpoint is "unix:/absolute/path", "inet:127.0.0.1:10040" or
 * "inet:[::1]:10040"; names are not looked up, since that would wait.  Each new
 * connection is handed on as a non-blocking descriptor.
 *
 * A socket file that a dead daemon has left is replaced; one that is answered,
 * and a file that is no socket, are refused.  When descriptors or memory run
 * out, accepting pauses for a second instead of spinning.
 */
#pragma once

#include <ev.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "settings.h"

/* The longest name of a peer: "[IPv6 address]:port". */
#define LISTENER_PEER 64

/* Takes new connections; embedded in who does. */
struct listener_client {
	/* Takes `fd` over.  `peer` is for the log, borrowed for the call. */
	void (*accepted)(struct listener_client *client, int fd,
	    const char *peer);
};

/* Rights of socket files.  (uid_t)-1 and (gid_t)-1 leave the owner. */
struct listener_rights {
	mode_t mode;
	uid_t owner;
	gid_t group;
};

struct listeners;

/* No endpoints yet; `loop` and `client` are kept. */
struct listeners *listeners_create(struct ev_loop *loop,
    struct listener_client *client);

/* Closes all and removes their socket files. */
void listeners_destroy(struct listeners *listeners);

/* Opens the endpoints that are not open yet, and closes those that are not in
 * the list.  When one cannot be opened nothing changes and -1 is returned. */
int listeners_set(struct listeners *listeners,
    const struct setting_list *endpoints, const struct listener_rights *rights,
    struct err *err);

/* Appends "unix:/path, inet:address:port". */
void listeners_describe(const struct listeners *listeners, struct buf *out);

/* Whether the text names an endpoint; settings check with it. */
int listener_check(const char *endpoint, struct err *err);
