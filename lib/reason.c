/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "reason.h"

#include <assert.h>

struct row {
	const char *word;
	const char *help;
};

static const struct row rows[REASONS] = {
	[REASON_NOT_CHECKED] = { "not-checked",
	    "The policy_context asks for nothing that is configured." },
	[REASON_VALID_RECIPIENT] = { "valid-recipient",
	    "The directory knows the recipient; nothing else was asked." },
	[REASON_UNKNOWN_RECIPIENT] = { "unknown-recipient",
	    "The directory does not know the recipient." },
	[REASON_DISABLED_RECIPIENT] = { "disabled-recipient",
	    "The recipient's account is disabled." },
	[REASON_INTERNAL_RECIPIENT] = { "internal-recipient",
	    "The recipient takes mail from authenticated senders only." },
	[REASON_MESSAGE_TOO_BIG] = { "message-too-big",
	    "The message is larger than the recipient's limit." },
	[REASON_SENDER_REFUSED] = { "sender-refused",
	    "The recipient does not take mail from this sender." },
	[REASON_DIRECTORY_UNAVAILABLE] = { "directory-unavailable",
	    "The directory did not answer, and the replica does not know." },
	[REASON_HARVEST_DEFERRED] = { "harvest-deferred",
	    "The client has tried too many unknown recipients." },
	[REASON_NOT_RCPT] = { "not-rcpt",
	    "Not asked at RCPT TO: there is no single recipient to judge." },
	[REASON_VRFY] = { "vrfy", "A VRFY command is never greylisted." },
	[REASON_AUTHENTICATED] = { "authenticated",
	    "The client has authenticated with SASL." },
	[REASON_TLS_CLIENT] = { "tls-client",
	    "The client has shown a TLS certificate." },
	[REASON_WHITELISTED_NETWORK] = { "whitelisted-network",
	    "The client is in whitelist networks." },
	[REASON_ALLOWED_SENDER] = { "allowed-sender",
	    "The sender is in the recipient's list of allowed senders." },
	[REASON_MODE_OFF] = { "mode-off",
	    "Greylisting is switched off, by everybody or by the recipient." },
	[REASON_GREYLISTED_NEW] = { "greylisted-new",
	    "The first attempt of a triplet." },
	[REASON_GREYLISTED_EARLY] = { "greylisted-early",
	    "Tried again before the delay was over." },
	[REASON_GREYLISTED_LATE] = { "greylisted-late",
	    "Tried again after the retry window: counts as the first." },
	[REASON_PASSED] = { "passed",
	    "Tried again after the delay: from now on known." },
	[REASON_KNOWN] = { "known", "The triplet has passed before." },
	[REASON_AUTO_WHITELISTED] = { "auto-whitelisted",
	    "The client's network has passed often enough." },
	[REASON_STORE_UNAVAILABLE] = { "store-unavailable",
	    "The store failed; the mail is not held up." },
	[REASON_STORE_FULL] = { "store-full",
	    "The store holds max-entries; a new triplet is not held up." },
};

const char *
reason_word(enum reason reason)
{
	assert(reason < REASONS);
	return rows[reason].word;
}

const char *
reason_help(enum reason reason)
{
	assert(reason < REASONS);
	return rows[reason].help;
}
