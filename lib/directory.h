/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who knows the recipients.
 *
 * This is the interface; ldap_directory.h asks an LDAP server, replica.h the
 * copy in the store.  There are two questions, both lookups since an answer may
 * take time.  The first is whether there is a recipient of this address, and
 * with which settings.  The second is asked only for recipients that do not
 * accept mail from everybody: is this sender in their lists?
 *
 * Zero is "not available" in both answers, and never means "no".
 *
 * Addresses are in one spelling, the one of mailaddr_fold(): in lower case,
 * since Active Directory compares proxyAddresses without regard to case.
 */
#pragma once

#include <sys/queue.h>
#include <time.h>

#include "lookup.h"
#include "record.h"

/* The longest address: local part, @ and domain (RFC 5321 4.5.3.1). */
#define ADDRESS_MAX 320

enum recipient_status {
	/* No answer: never to be taken for "no such recipient". */
	RECIPIENT_UNAVAILABLE = 0,
	RECIPIENT_VALID,
	RECIPIENT_UNKNOWN,
};

/* Is there a recipient of this address? */
struct recipient_query {
	struct lookup lookup;
	/* Folded; borrowed until the answer. */
	const char *address;
	/* When it is asked. */
	time_t now;
	/* For a directory that passes the question on to another. */
	struct directory *passed_by;
	void (*passed_done)(struct lookup *lookup);
	/* For the directory that answers: the others that wait for the same
	 * answer. */
	LIST_ENTRY(recipient_query) sharing;
	/* The answer; record only when VALID. */
	enum recipient_status status;
	struct recipient_record record;
};

enum sender_status {
	SENDER_UNAVAILABLE = 0,
	SENDER_LOOKED_UP,
};

/* Bits of a listing: in which of a recipient's lists a sender is. */
enum {
	/* authOrig, dLMemSubmitPerms: may write where others may not. */
	SENDER_PERMITTED = 1,
	/* unauthOrig, dLMemRejectPerms, policydRefusedSender. */
	SENDER_REFUSED = 2,
	/* policydAllowedSender: not greylisted, and not refused. */
	SENDER_ALLOWED = 4,
};

/* Stands in a list instead of senders that are too many to be copied: whether
 * one of them is meant only the directory knows. */
#define SENDER_MANY "*"

/* In which lists of the recipient is the sender? */
struct sender_query {
	struct lookup lookup;
	/* Both folded; borrowed until the answer.  The null sender is "". */
	const char *recipient;
	const char *sender;
	/* Of the recipient's answer. */
	const struct recipient_record *record;
	LIST_ENTRY(sender_query) sharing;
	/* The answer; bits only when LOOKED_UP. */
	enum sender_status status;
	unsigned listing;
};

struct directory {
	void (
	    *find)(struct directory *directory, struct recipient_query *query);
	void (*find_sender)(struct directory *directory,
	    struct sender_query *query);
};

/* Asks; the query belongs to the caller and must stay until the answer, which
 * may come before this returns. */
static inline void
directory_find(struct directory *directory, struct recipient_query *query)
{
	directory->find(directory, query);
}

static inline void
directory_find_sender(struct directory *directory, struct sender_query *query)
{
	directory->find_sender(directory, query);
}
