/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "recipient.h"

#include <string.h>

#include "mailaddr.h"

static bool
is_in(const struct domainset *set, const char *address)
{
	struct mailaddr parts;

	mailaddr_split(address, &parts);
	return domainset_contains(set, parts.domain, parts.domain_len);
}

bool
recipient_is_ours(const struct recipient_policy *policy, const char *address)
{
	return is_in(policy->domains, address);
}

bool
recipient_without_extension(const struct recipient_policy *policy,
    const char *address, struct buf *out)
{
	struct mailaddr parts;
	size_t len;

	mailaddr_split(address, &parts);
	if (parts.local_len == 0)
		return false;
	/* What begins with a delimiter is not an extension of nothing. */
	len = 1 + strcspn(parts.local + 1, policy->delimiter);
	if (len >= parts.local_len)
		return false;
	buf_append(out, parts.local, len);
	buf_putc(out, '@');
	return buf_append(out, parts.domain, parts.domain_len);
}

/* What the mailbox system would refuse to this client later. */
static enum reason
judge_valid(const struct recipient_policy *policy,
    const struct recipient_record *record, const struct request *request)
{
	if (record->disabled && policy->reject_disabled)
		return REASON_DISABLED_RECIPIENT;
	if (record->internal_only && !request_is_authenticated(request) &&
	    !request_has_client_certificate(request))
		return REASON_INTERNAL_RECIPIENT;
	if (record->max_size > 0 && request_size(request) > record->max_size)
		return REASON_MESSAGE_TOO_BIG;
	return REASON_VALID_RECIPIENT;
}

enum reason
recipient_judge(const struct recipient_policy *policy, const char *address,
    enum recipient_status status, const struct recipient_record *record,
    const struct request *request)
{
	if (status == RECIPIENT_VALID)
		return judge_valid(policy, record, request);
	if (is_in(policy->catch_all, address))
		return REASON_VALID_RECIPIENT;
	if (status == RECIPIENT_UNKNOWN)
		return REASON_UNKNOWN_RECIPIENT;
	return policy->accept_on_failure ? REASON_VALID_RECIPIENT
					 : REASON_DIRECTORY_UNAVAILABLE;
}

bool
recipient_has_lists(const struct recipient_record *record)
{
	return record->permits || record->refuses || record->allows;
}

enum reason
recipient_judge_sender(const struct recipient_policy *policy,
    const struct recipient_record *record, const struct sender_query *query)
{
	const unsigned listing = query->listing;

	if (query->status != SENDER_LOOKED_UP)
		return policy->accept_on_failure ||
			       !(record->permits || record->refuses)
			   ? REASON_VALID_RECIPIENT
			   : REASON_DIRECTORY_UNAVAILABLE;
	if (record->permits && (listing & SENDER_PERMITTED) == 0)
		return REASON_SENDER_REFUSED;
	if ((listing & SENDER_ALLOWED) != 0)
		return REASON_ALLOWED_SENDER;
	return (listing & SENDER_REFUSED) != 0 ? REASON_SENDER_REFUSED
					       : REASON_VALID_RECIPIENT;
}

/* The codes are Exchange's where it has one (550 5.1.1, 5.7.1), else those of
 * RFC 3463. */
bool
recipient_refuse(enum reason reason, struct verdict *verdict)
{
	static const char *const texts[REASONS] = {
		[REASON_UNKNOWN_RECIPIENT] = "550 5.1.1 User unknown",
		[REASON_DISABLED_RECIPIENT] = "550 5.2.1 Mailbox disabled",
		[REASON_INTERNAL_RECIPIENT] =
		    "550 5.7.1 Only authenticated senders may write to this "
		    "recipient",
		[REASON_MESSAGE_TOO_BIG] =
		    "552 5.3.4 Message too big for this recipient",
		[REASON_SENDER_REFUSED] =
		    "550 5.7.1 Sender not permitted for this recipient",
		[REASON_DIRECTORY_UNAVAILABLE] =
		    "451 4.3.0 Recipient cannot be verified now, try again "
		    "later",
	};
	const char *text = texts[reason];

	if (text == NULL)
		return false;
	if (*text == '4')
		verdict_tempfail(verdict, reason, text);
	else
		verdict_reject(verdict, reason, text);
	return true;
}

struct greylist_policy
recipient_greylist(const struct greylist_policy *policy,
    const struct recipient_record *record)
{
	struct greylist_policy own = *policy;

	switch (record->greylist) {
	case RECIPIENT_GREYLIST_DEFAULT:
		break;
	case RECIPIENT_GREYLIST_ON:
		own.mode = GREYLIST_ENFORCE;
		break;
	case RECIPIENT_GREYLIST_OBSERVE:
		own.mode = GREYLIST_OBSERVE;
		break;
	case RECIPIENT_GREYLIST_OFF:
		own.mode = GREYLIST_OFF;
		break;
	}
	/* A delay as long as the window would let nobody pass. */
	if (record->delay > 0 && record->delay < policy->retry_window)
		own.delay = record->delay;
	return own;
}
