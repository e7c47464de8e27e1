/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The senders in the lists of restricted recipients.
 *
 * Active Directory's lists hold distinguished names; whose addresses these are
 * must be searched.  So a recipient with such lists is noted down while its
 * entry is read, and its senders are told afterwards.
 */
#pragma once

#include "account.h"
#include "err.h"
#include "ldap_run.h"

/* Restricted recipients, and the names in their lists, that can be noted down
 * between two calls of ldap_senders_tell(). */
#define LDAP_RESTRICTED_MAX 100000
#define LDAP_RESTRICTED_NAMES 1000000

struct ldap_senders;

/* Keeps `run`. */
struct ldap_senders *ldap_senders_create(struct ldap_run *run);

/* NULL is accepted. */
void ldap_senders_destroy(struct ldap_senders *senders);

/* Senders that one call of ldap_senders_tell() tells at most. */
#define LDAP_SENDERS_MAX 1000000

/* Notes the lists of an account down and takes them out of it; tells what can
 * be told at once. */
int ldap_senders_add(struct ldap_senders *senders, struct account *account,
    struct err *err);

/* Looks all names up and tells the senders; of a recipient that has too many of
 * them, only that (SENDER_MANY). */
int ldap_senders_tell(struct ldap_senders *senders, struct err *err);
