/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory process, as the daemon sees it: started, watched, ended and
 * started again.
 *
 * It is this program once more, run as `policyd: directory` (directoryd.h), so
 * that a hang or a crash in libldap touches no decision.  Two sockets lead to
 * it: one for look-ups, one for the sync, so that a bulk load holds no look-up
 * up.  It is asked whether it lives (directory_watch.h); when it is silent, it is
 * killed.  After its death the next one starts at once, or, when it has lived
 * only briefly, after a pause that doubles from 50 ms to 1 s.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "channel.h"
#include "ldap_settings.h"

struct directory_child;

enum directory_socket { DIRECTORY_LOOKUPS = 0, DIRECTORY_SYNC };

/* Who listens to one of the sockets. */
struct directory_listener {
	/* A message from the process, borrowed for the call. */
	void (*heard)(struct directory_listener *listener,
	    const struct message *message);
	/* A new process serves: what was under way in the old one is lost. */
	void (*restarted)(struct directory_listener *listener);
};

struct directory_child_status {
	bool running;
	/* The process has a bound connection to this server; "" if not, and
	 * then `problem` says why. */
	char server[256];
	char problem[ERR_TEXT];
	uint64_t restarts;
};

/* Starts the process.  The loop is libev's default one; `program` is the path to
 * run, "/proc/self/exe" for this one.  The settings are copied. */
struct directory_child *directory_child_create(struct ev_loop *loop,
    const char *program, const struct ldap_settings *settings);

/* Ends the process and waits for its end, a quarter of a second at most before
 * it is killed.  NULL is accepted. */
void directory_child_destroy(struct directory_child *child);

/* New settings: a new process, if they differ. */
void directory_child_configure(struct directory_child *child,
    const struct ldap_settings *settings);

void directory_child_listen(struct directory_child *child,
    enum directory_socket socket, struct directory_listener *listener);

/* Sends a message to the process.  False when none runs or its socket is full.
 */
bool directory_child_write(struct directory_child *child,
    enum directory_socket socket, const struct buf *message);

/* Reads no more from a socket until it is switched on again. */
void directory_child_pause(struct directory_child *child,
    enum directory_socket socket, bool pause);

const struct directory_child_status *directory_child_status(
    const struct directory_child *child);
