/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose senders have changed with an object.
 *
 * A new member of a group, or a new address of somebody, changes nothing in the
 * entries of the recipients that have the group or the person in their lists.
 * Active Directory keeps the way back: memberOf, and of each list a back link.
 */
#pragma once

#include "err.h"
#include "ldap_ids.h"
#include "ldap_run.h"

/* Entries that are looked at; with more of them a full load is the better
 * way. */
#define LDAP_DEPENDENTS_MAX 50000

/* Adds the recipients that have one of the changed objects, or a group that it
 * is in, in a list.  run->reload when these are too many.  Active Directory
 * only. */
int ldap_dependents_find(struct ldap_run *run, const struct ldap_ids *changed,
    struct ldap_ids *dependents, struct err *err);
