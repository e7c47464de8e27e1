/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenLDAP's changes as they happen: the content synchronization operation
 * (RFC 4533), as OpenLDAP's own replicas use it.
 *
 * One search first refreshes, from nothing or from a cookie, and then persists:
 * it has no end but a failure.  A server that has forgotten what was deleted
 * since the cookie would tell what is left instead; then a full load is
 * needed.
 */
#pragma once

#include "err.h"
#include "ldap_objects.h"
#include "ldap_run.h"
#include "ldap_state.h"

/* Tells of all recipients (`full`), or what has changed since the state's
 * cookie, and then of every change, with a state after each.  Always returns -1
 * and `err`: run->refused when the server does not offer it and nothing has
 * been told, run->reload when only a full load helps. */
int ldap_syncrepl_follow(struct ldap_run *run, struct ldap_objects *objects,
    struct ldap_state *state, bool full, struct err *err);
