/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One entry of an LDAP directory, and the recipient that it is.
 *
 * Active Directory and OpenLDAP keep addresses and restrictions in different
 * attributes; here are both conventions, and nowhere else.  These are pure
 * functions: whoever has read an entry passes its attributes in and gets the
 * recipient's record, its addresses and the names in its lists.
 *
 * Active Directory, as Exchange fills it: proxyAddresses has one value
 * "smtp:ann@example.com" for each address, "SMTP:" for the primary one; values
 * of other types (sip:, x500:, eum:) are no mail addresses.  Disabled accounts
 * are valid: shared and resource mailboxes are disabled by design.
 *
 * Both: the auxiliary class policydRecipient of schema/, if it is used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "directory.h"
#include "record.h"

/* Room for every filter that is made here: an address whose every byte is
 * escaped, a few times, and a configured filter. */
#define ACCOUNT_FILTER_MAX 16384

/* The most names that are taken of one kind; where there are so many, there may
 * be more. */
#define ACCOUNT_NAMES_MAX 20000

enum account_kind { ACCOUNT_ACTIVE_DIRECTORY = 0, ACCOUNT_OPENLDAP };

/* How the directory is read.  Strings are borrowed. */
struct account_policy {
	enum account_kind kind;
	/* Attributes that hold addresses, ending with NULL; the values of
	 * proxyAddresses have a type before them, those of others not. */
	const char *const *addresses;
	/* An entry must match this filter, too; "" for none. */
	const char *filter;
};

/* Attributes as they were read: binary values, borrowed. */
struct account_value {
	const char *bytes;
	size_t len;
};

struct account_attribute {
	/* Without options such as ";range=0-1499". */
	const char *name;
	const struct account_value *values;
	size_t count;
};

/* Strings, each of them owned. */
struct account_names {
	char **name;
	size_t count;
};

struct account {
	struct recipient_record record;
	/* Folded addresses, no two the same. */
	struct account_names addresses;
	/* Distinguished names: who may write (authOrig), whose members may
	 * (dLMemSubmitPerms), who may not (unauthOrig, dLMemRejectPerms). */
	struct account_names permitted;
	struct account_names permitted_groups;
	struct account_names refused;
	struct account_names refused_groups;
	/* Folded addresses or "@domain" of policydAllowedSender and
	 * policydRefusedSender. */
	struct account_names allowed_senders;
	struct account_names refused_senders;
};

/* The attributes that account_read() wants, ending with NULL: those of the
 * policy, the settings, and the identity (objectGUID or entryUUID).  The result
 * is freed by the caller, the names are not. */
const char **account_attributes(const struct account_policy *policy);

/* Appends the filter that finds the entry of this address (RFC 4515). */
bool account_filter_one(const struct account_policy *policy,
    const char *address, struct buf *out);

/* Appends the filter that finds every recipient. */
bool account_filter_all(const struct account_policy *policy, struct buf *out);

/* Appends a value so that it stands for itself in a filter: * ( ) \ / and space
 * and all that is not printable ASCII as \xx (RFC 4515 3). */
bool account_escape(const char *bytes, size_t len, struct buf *out);

/* Reads an entry.  False, and nothing to finish, when it is none with an
 * identity; an account without addresses is no recipient, but one that may
 * have been. */
bool account_read(const struct account_policy *policy,
    const struct account_attribute *attributes, size_t count,
    struct account *account);

/* Frees what account_read() made. */
void account_finish(struct account *account);

/* Whether one of the addresses is this one. */
bool account_has(const struct account *account, const char *address);

/* Reads "attr;range=0-1499" of a value that came in parts: the length of
 * "attr" in `name_len` and the number of the next value to ask for in `next`,
 * 0 when these were the last.  False when `name` has no range option. */
bool account_range(const char *name, size_t *name_len, unsigned *next);
