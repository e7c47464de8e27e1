/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The questions of the daemon (directoryd.h), answered by searches: find, is
 * there a recipient of this address, and sender, in which of its lists is this
 * sender.
 *
 * "unknown" is said only when the directory has answered that search with
 * success and no entry.  Every failure is "unavailable".
 */
#pragma once

#include "buf.h"
#include "channel.h"
#include "ldap_link.h"
#include "ldap_settings.h"

struct ldap_lookup;

struct ldap_lookup_handler {
	/* An answer, a whole message, borrowed for the call. */
	void (*answer)(struct ldap_lookup_handler *handler,
	    const struct buf *message);
};

/* Keeps them all; it lives as long as the link. */
struct ldap_lookup *ldap_lookup_create(struct ldap_link *link,
    const struct ldap_settings *settings, struct ldap_lookup_handler *handler);

/* Takes request=find or request=sender; the answer may come before this
 * returns.  False when the message is neither. */
bool ldap_lookup_ask(struct ldap_lookup *lookup, const struct message *message);
