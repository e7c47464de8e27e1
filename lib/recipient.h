/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recipients: the rules, as pure functions of what the directory says.
 *
 * A recipient of our domains that does not exist is refused, as is a message
 * that the mailbox system would refuse later: to a recipient that takes mail
 * from authenticated senders only, to one that does not take mail from this
 * sender, and one that is larger than the recipient's limit.  What the
 * directory could not be asked is never refused for good.
 *
 * Domains that are not ours are none of this module's business.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "directory.h"
#include "domainset.h"
#include "greylist.h"
#include "request.h"
#include "verdict.h"

struct recipient_policy {
	/* Ours; and those of them where every recipient exists.  Borrowed. */
	const struct domainset *domains;
	const struct domainset *catch_all;
	/* Characters that begin an extension of the local part, as Postfix's
	 * recipient_delimiter; "" for none.  Borrowed. */
	const char *delimiter;
	/* What cannot be asked is let through. */
	bool accept_on_failure;
	/* A disabled account takes no mail. */
	bool reject_disabled;
};

/* Whether the folded address is in one of our domains. */
bool recipient_is_ours(const struct recipient_policy *policy,
    const char *address);

/* Appends the folded address without its extension; false when it has none. */
bool recipient_without_extension(const struct recipient_policy *policy,
    const char *address, struct buf *out);

/* Judges what is known of the recipient.  VALID_RECIPIENT: no objection. */
enum reason recipient_judge(const struct recipient_policy *policy,
    const char *address, enum recipient_status status,
    const struct recipient_record *record, const struct request *request);

/* Whether the senders in the recipient's lists are to be asked for. */
bool recipient_has_lists(const struct recipient_record *record);

/* Judges the sender: VALID_RECIPIENT, SENDER_REFUSED, ALLOWED_SENDER or
 * DIRECTORY_UNAVAILABLE. */
enum reason recipient_judge_sender(const struct recipient_policy *policy,
    const struct recipient_record *record, const struct sender_query *query);

/* Writes the refusal for a reason of the two above; false, and nothing is
 * written, when it is none. */
bool recipient_refuse(enum reason reason, struct verdict *verdict);

/* The greylist's rules for this recipient. */
struct greylist_policy recipient_greylist(const struct greylist_policy *policy,
    const struct recipient_record *record);
