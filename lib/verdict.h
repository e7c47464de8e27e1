/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is answered to Postfix: an action, the reason for it, and its text.
 *
 * verdict_write() is the only place that makes reply bytes, and it cannot
 * write what Postfix misreads (tried on Postfix 3.7): an empty action or one
 * that is all digits is taken for PERMIT, CR LF makes Postfix wait for its
 * time-out, a byte that is not UTF-8 makes it discard the reply, and a second
 * line would be another attribute.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "buf.h"
#include "reason.h"

/* A reply line has at most 512 octets with its codes (RFC 5321 4.5.3.1.5),
 * and Postfix puts "<recipient>: Recipient address rejected: " before ours. */
#define VERDICT_TEXT 384

/* Enough for verdict_write(), whatever the verdict. */
#define VERDICT_REPLY (VERDICT_TEXT + 32)

enum action {
	/* No objection: Postfix goes on with its next restriction. */
	ACTION_DUNNO = 0,
	/* Try again later. */
	ACTION_DEFER,
	/* No objection, and one header for the message. */
	ACTION_PREPEND,
	/* Never. */
	ACTION_REJECT,
	/* Try again later: we do not know. */
	ACTION_TEMPFAIL,
	ACTIONS,
};

struct verdict {
	enum action action;
	/* What the action would have been, were the mode not observe. */
	enum action would;
	enum reason reason;
	/* Seconds since the first attempt, and seconds still to wait. */
	time_t delay;
	time_t wait;
	/* What follows "action=", but for DUNNO, which has no text. */
	char text[VERDICT_TEXT];
};

/* The word in the log: dunno, defer, prepend, reject, tempfail. */
const char *action_word(enum action action);

/* No objection, for this reason. */
void verdict_pass(struct verdict *verdict, enum reason reason);

/* A deferral.  `text` is a whole access(5) action with its text, such as
 * "DEFER_IF_PERMIT 4.2.0 Try later"; of more than VERDICT_TEXT - 1 bytes it is
 * refused and false returned, the verdict unchanged. */
bool verdict_defer(struct verdict *verdict, enum reason reason,
    const char *text, size_t len);

/* A refusal.  `text` is a reply with its codes: "550 5.1.1 User unknown", for
 * ever, or "451 4.3.0 Try again later". */
void verdict_reject(struct verdict *verdict, enum reason reason,
    const char *text);
void verdict_tempfail(struct verdict *verdict, enum reason reason,
    const char *text);

/* No objection; `header` is one "Name: value". */
bool verdict_prepend(struct verdict *verdict, enum reason reason,
    const char *header);

/* Takes back what the verdict does to the mail and keeps what it says: the
 * action becomes DUNNO, `would` the old one. */
void verdict_only_observe(struct verdict *verdict);

/* Appends the reply, ended by the empty line.  `out` must have VERDICT_REPLY
 * bytes of room. */
void verdict_write(const struct verdict *verdict, struct buf *out);
