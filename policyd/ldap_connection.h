/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to an LDAP server: made, encrypted, bound, and explained when
 * that fails.
 *
 * ldap_connection_open() waits: libldap's TLS handshake and GSSAPI do, whatever
 * is asked of it.  It is called on a thread that may wait.  While it connects
 * and encrypts, the descriptor is noted in `guard` with a deadline of
 * `network_timeout` from the TCP connection on, and another thread that finds
 * the deadline over calls ldap_guard_check().
 */
#pragma once

#include <ldap.h>

#include "err.h"
#include "ldap_bind.h"
#include "ldap_explain.h"
#include "ldap_guard.h"
#include "ldap_settings.h"

/* The servers of the settings as URIs, by preference: `uri`, or what DNS says
 * of `srv`.  Waits for DNS.  Ends with NULL; free with ldap_uris_free().  NULL
 * and `err` when DNS gives none. */
char **ldap_uris(const struct ldap_settings *settings, struct err *err);
void ldap_uris_free(char **uris);

/* Connects and binds.  NULL and `err` on failure: a sentence that names the
 * server, what was tried, and in plain words what is wrong.  The handle has
 * referrals off, protocol 3, and its time limits set, and does not block in
 * ldap_result(); ldap_unbind_ext() ends it. */
LDAP *ldap_connection_open(const struct ldap_settings *settings,
    const char *uri, struct ldap_guard *guard, struct err *err);
