/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail addresses, as Postfix passes them on: unquoted, and "" for the null
 * sender.
 *
 * What stands before the last @ is the local part, what stands behind it the
 * domain; an address may lack the @ and the domain ("postmaster").
 *
 * Greylisting remembers who has written to whom.  Two spellings of one address
 * must be remembered as one, or a retry is taken for a first attempt.  For a
 * recipient that is a question of upper and lower case.  A sender's address may
 * also carry something that changes with each message or each day - a
 * signature, a counter - and the canonical sender is what is left without it.
 *
 * The functions append to a buffer and never write more bytes than the address
 * has, so room for strlen(address) bytes is enough; with less they write
 * nothing and set the buffer's `full`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

/* The parts of an address, borrowed from its text. */
struct mailaddr {
	const char *local;
	size_t local_len;
	/* "" when there is none. */
	const char *domain;
	size_t domain_len;
};

void mailaddr_split(const char *text, struct mailaddr *address);

/* Whether it is the sender of bounces, <>. */
bool mailaddr_is_null(const char *address);

/* Appends the address in lower case (ASCII letters only, UTF-8 stays as it is)
 * and without the dot that may end a domain. */
void mailaddr_fold(const char *address, struct buf *out);

/*
 * Appends the folded sender without what changes from message to message.  In
 * this order:
 *
 * - A signature that changes every day (BATV, draft-levine-smtp-batv-01):
 *   prvs=1234abcdef=ann@b.example becomes ann@b.example.
 * - The hash and the day of a forwarder ("The Sender Rewriting Scheme",
 *   libsrs2.org): SRS0=Xy9z=4K=b.example=ann@f.example becomes
 *   srs0=b.example=ann@f.example, and
 *   SRS1=Qq0v=c.example==Xy9z=4K=b.example=ann@f.example becomes
 *   srs1=c.example=b.example=ann@f.example.
 * - An extension, often the mailing list's or the message's (as postgrey):
 *   ann+list-17@b.example becomes ann@b.example.
 * - A number that stands alone, as mailing lists count their messages (as
 *   postgrey): bounce-4711-ann@b.example becomes bounce-#-ann@b.example.  So
 *   4711@b.example and 4712@b.example are one sender, while ann1@b.example and
 *   ann2@b.example are two.
 *
 * An address without an @ is only folded.
 */
void mailaddr_canonical_sender(const char *sender, struct buf *out);
