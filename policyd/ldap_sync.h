/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of the directory process that copies the directory: full loads and
 * the changes since then, told as events (directoryd.h).
 *
 * Plain sequential code on a connection of its own: it waits for the server,
 * and for the daemon to take the events.
 */
#pragma once

#include "ldap_connection.h"
#include "ldap_settings.h"

/* Starts the thread, which takes requests from `descriptor` until it is closed
 * by the other side.  `settings` stays for the life of the process; `guard`
 * tells the event loop's thread where it may hang.  -1 and `err` when there can
 * be no thread. */
int ldap_sync_start(int descriptor, const struct ldap_settings *settings,
    struct ldap_guard *guard, struct err *err);
