/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active Directory's changes by their numbers: each server counts what changes
 * in its database, and uSNChanged of an entry is the number of its last change.
 *
 * It needs no right.  But the numbers are each server's own, and deletions are
 * seen only by an account that may read CN=Deleted Objects.
 */
#pragma once

#include "err.h"
#include "ldap_objects.h"
#include "ldap_run.h"
#include "ldap_state.h"

/* Tells what has changed since state->usn, and notes the new number in the
 * state.  run->reload when only a full load would tell it. */
int ldap_usn_changes(struct ldap_run *run, struct ldap_objects *objects,
    struct ldap_state *state, struct err *err);
