/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finds the entries of one address.
 *
 * An entry counts when the directory says that it matches and its attributes
 * have the address: the directory's idea of equality is wider than ours (it
 * may, for one, take two spaces for one).  Only where we cannot tell - the
 * values came in part, or the address is not ASCII, which the directory folds
 * by rules of its own - its word is enough.
 */
#pragma once

#include <stdbool.h>

#include "account.h"
#include "ldap_link.h"
#include "ldap_message.h"
#include "ldap_search.h"
#include "ldap_settings.h"

/* What look-ups have in common; it lives as long as the process. */
struct ldap_reader {
	struct ldap_link *link;
	const struct ldap_settings *settings;
	/* Who is a recipient, and whoever has an address. */
	struct account_policy recipients;
	struct account_policy anybody;
	/* Of a recipient; of a sender: memberOf, too. */
	const char **attributes;
	const char **sender_attributes;
};

void ldap_reader_init(struct ldap_reader *reader, struct ldap_link *link,
    const struct ldap_settings *settings);

struct ldap_find {
	const struct ldap_reader *reader;
	const struct account_policy *policy;
	const char *const *attributes;
	/* Folded; borrowed. */
	const char *address;
	/* Whether the messages outlive their call. */
	bool keeps;
	/* An entry; both are borrowed for the call.  Whoever takes the message
	 * leaves a zeroed one. */
	void (*match)(struct ldap_find *find, struct ldap_message *message,
	    const struct account *account);
	/* The entries so far do not count. */
	void (*again)(struct ldap_find *find);
	/* The answer: COMPLETE, or LIMITED when there may be other entries, or
	 * UNAVAILABLE; the latter two with a problem. */
	void (*done)(struct ldap_find *find, enum ldap_outcome outcome,
	    const char *problem);
	/* Its own. */
	struct ldap_search search;
	char *filter;
	bool unreadable;
};

/* The answer may come before this returns. */
void ldap_find_start(struct ldap_find *find);
