/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The attributes of an entry that a search has found, all values of them.
 *
 * Active Directory gives no more than 1,500 values of an attribute at once and
 * calls it "member;range=0-1499" then; the rest is asked for here.
 */
#pragma once

#include <stddef.h>

#include "account.h"
#include "err.h"
#include "ldap_run.h"

struct ldap_entry;

struct ldap_entry *ldap_entry_create(void);

/* NULL is accepted. */
void ldap_entry_destroy(struct ldap_entry *entry);

/* Reads an entry instead of the one before.  The message is borrowed until the
 * next one is read. */
int ldap_entry_read(struct ldap_entry *entry, struct ldap_run *run,
    LDAPMessage *message, struct err *err);

/* The same, with the values that the message has. */
int ldap_entry_peek(struct ldap_entry *entry, struct ldap_run *run,
    LDAPMessage *message, struct err *err);

/* Its distinguished name. */
const char *ldap_entry_dn(const struct ldap_entry *entry);

/* Its attributes, borrowed until the next entry is read. */
const struct account_attribute *
ldap_entry_attributes(const struct ldap_entry *entry, size_t *count);

/* The attribute of this name, NULL when there is none with a value. */
const struct account_attribute *ldap_entry_find(const struct ldap_entry *entry,
    const char *name);
