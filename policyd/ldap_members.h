/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses behind a distinguished name: of one entry, or of all members
 * of a group and of the groups in it.
 *
 * Active Directory finds the members of a group by memberOf, whatever its size;
 * other servers name them in the group, and each is read on its own.  A name
 * that this server does not have is passed over; every other failure is one.
 */
#pragma once

#include <stddef.h>

#include "err.h"
#include "ldap_run.h"

/* Addresses of one group or recipient at most: the daemon removes them at once,
 * and 5000 rows take it 15 ms.  How deep groups are followed, and how many. */
#define LDAP_ADDRESSES_MAX 5000
#define LDAP_GROUP_DEPTH 10
#define LDAP_GROUPS_MAX 200

/* Folded addresses, owned; zeroed is none. */
struct ldap_addresses {
	char **name;
	size_t count;
	size_t room;
};

/* Appends a copy; false when there are LDAP_ADDRESSES_MAX. */
bool ldap_addresses_add(struct ldap_addresses *addresses, const char *name);
void ldap_addresses_finish(struct ldap_addresses *addresses);

struct ldap_members;

/* Keeps `run`.  What it finds about a group it remembers, so it should live no
 * longer than one load. */
struct ldap_members *ldap_members_create(struct ldap_run *run);

/* NULL is accepted. */
void ldap_members_destroy(struct ldap_members *members);

/* The addresses of the entry `dn`, borrowed until the next call.  NULL and
 * `err` on failure; then run->too_many tells whether one of the limits above is
 * the reason. */
const struct ldap_addresses *ldap_members_entry(struct ldap_members *members,
    const char *dn, struct err *err);

/* The addresses of the members of the group `dn`. */
const struct ldap_addresses *ldap_members_group(struct ldap_members *members,
    const char *dn, struct err *err);
