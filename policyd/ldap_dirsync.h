/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active Directory's changes by DirSync (1.2.840.113556.1.4.841): the server
 * tells which objects have changed since a cookie that it has given.
 *
 * With the right "Replicating Directory Changes" it tells of all objects,
 * without it of those that the account may read.  Only the identities are taken
 * from its answers: each object is read again.
 */
#pragma once

#include "err.h"
#include "ldap_objects.h"
#include "ldap_run.h"
#include "ldap_state.h"

/* Gets a first cookie into the state: what changes from now on will be told.
 * run->refused when the server or the account cannot do it. */
int ldap_dirsync_start(struct ldap_run *run, struct ldap_state *state,
    struct err *err);

/* Tells what has changed since the state's cookie, and notes the new one in the
 * state.  run->reload when only a full load would tell it. */
int ldap_dirsync_changes(struct ldap_run *run, struct ldap_objects *objects,
    struct ldap_state *state, struct err *err);
