/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In which lists of a recipient is a sender?
 *
 * The recipient's lists are read; then the sender's own entries, which may be a
 * contact's, are found by address.  They are listed themselves, or one of their
 * groups is, or a group of these groups.  Groups are followed upwards, one
 * search for each: Active Directory says in memberOf which groups an entry is
 * in; elsewhere the groups that name it are searched for.
 */
#pragma once

#include "account.h"
#include "directory.h"
#include "ldap_dn.h"
#include "ldap_find.h"
#include "ldap_message.h"
#include "ldap_search.h"

/* Entries of the sender and groups that are followed, and how far. */
#define LDAP_LISTING_NODES 200
#define LDAP_LISTING_DEPTH 10

struct ldap_listing_node {
	char *dn;
	char *normal;
	unsigned depth;
};

struct ldap_listing {
	const struct ldap_reader *reader;
	/* Folded; borrowed. */
	const char *recipient;
	const char *sender;
	/* The answer; `listing` (SENDER_PERMITTED ...) only when LOOKED_UP,
	 * `problem` only when not. */
	void (*done)(struct ldap_listing *listing, enum sender_status status,
	    unsigned bits, const char *problem);
	/* Its own. */
	unsigned bits;
	struct ldap_find find;
	struct ldap_search search;
	/* The recipient: its entry, and its lists. */
	struct ldap_message entry;
	bool found;
	bool broken;
	char range[128];
	const char *range_attributes[2];
	struct ldap_dns permitted;
	struct ldap_dns permitted_groups;
	struct ldap_dns refused;
	struct ldap_dns refused_groups;
	/* The sender: its entries and their groups. */
	struct ldap_listing_node node[LDAP_LISTING_NODES];
	size_t nodes;
	size_t next;
	/* There is more than can be followed. */
	bool cut;
	char *filter;
};

/* Zeroed but for the first four.  The answer may come before this returns; in
 * `done` the listing may be freed. */
void ldap_listing_start(struct ldap_listing *listing);
