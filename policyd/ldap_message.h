/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry as one message of a search brings it: its distinguished name and its
 * attributes.
 *
 * Of an attribute with very many values Active Directory sends only the first
 * ones, as "member;range=0-1499".  Here it stands as "member", and is marked as
 * a part; who wants all of it asks on and appends.
 */
#pragma once

#include <ldap.h>
#include <stdbool.h>
#include <stddef.h>

#include "account.h"

/* More attributes than anybody asks for. */
#define LDAP_MESSAGE_ATTRIBUTES 64

struct ldap_message {
	/* Owned. */
	char *dn;
	/* Names and arrays are owned; the bytes of the values are, too, when
	 * `keeps`. */
	struct account_attribute attributes[LDAP_MESSAGE_ATTRIBUTES];
	/* Of each attribute: the next value to ask for, 0: that was all. */
	unsigned rest[LDAP_MESSAGE_ATTRIBUTES];
	size_t count;
	bool keeps;
};

/* Reads an entry.  When it `keeps`, it outlives the entry.  False when the
 * entry makes no sense; there is nothing to finish then. */
bool ldap_message_read(struct ldap_message *message, LDAP *ld,
    LDAPMessage *entry, bool keeps);

void ldap_message_finish(struct ldap_message *message);

/* The first attribute of which there is more to ask for; `count` when there is
 * none. */
size_t ldap_message_rest(const struct ldap_message *message);

/* Appends the values of `part`, another answer for the same entry, of which
 * only the attribute `index` is taken.  `message` keeps.  False when the part
 * lacks it, or there are too many values. */
bool ldap_message_append(struct ldap_message *message, size_t index,
    const struct ldap_message *part);

/* The attribute of this name, NULL when there is none with a value. */
const struct account_attribute *
ldap_message_find(const struct ldap_message *message, const char *name);
