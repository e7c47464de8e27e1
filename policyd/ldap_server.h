/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the server for a run, and leaves it.
 */
#pragma once

#include "err.h"
#include "ldap_events.h"
#include "ldap_guard.h"
#include "ldap_run.h"
#include "ldap_settings.h"

/* Connects to the first server that answers and reads its root entry.  -1 and
 * `err`, and nothing to close, when there is none. */
int ldap_server_open(struct ldap_run *run, const struct ldap_settings *settings,
    struct ldap_guard *guard, struct ldap_events *events, struct err *err);
void ldap_server_close(struct ldap_run *run);
