/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server says of itself in its root entry (RFC 4512 5.1), before
 * anything else is asked of it: an unknown critical control makes some of them
 * hang.
 */
#pragma once

#include "err.h"
#include "ldap_run.h"

/* Reads run->root.  For Active Directory also which database this is, since
 * the numbers of its changes mean something only there. */
int ldap_root_read(struct ldap_run *run, struct err *err);

/* Whether `base` is the domain's head or below it. */
bool ldap_root_covers(const struct ldap_root *root, const char *base);

void ldap_root_finish(struct ldap_root *root);
