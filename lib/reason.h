/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a decision was what it was.
 *
 * Log, statistics and manual print the word from this one table; nobody spells
 * a reason anew.
 */
#pragma once

enum reason {
	/* No stage had anything to say. */
	REASON_NOT_CHECKED = 0,
	/* Judged by the recipient. */
	REASON_VALID_RECIPIENT,
	REASON_UNKNOWN_RECIPIENT,
	REASON_DISABLED_RECIPIENT,
	REASON_INTERNAL_RECIPIENT,
	REASON_MESSAGE_TOO_BIG,
	REASON_SENDER_REFUSED,
	REASON_DIRECTORY_UNAVAILABLE,
	REASON_HARVEST_DEFERRED,
	/* Exempt from greylisting, and why. */
	REASON_NOT_RCPT,
	REASON_VRFY,
	REASON_AUTHENTICATED,
	REASON_TLS_CLIENT,
	REASON_WHITELISTED_NETWORK,
	REASON_ALLOWED_SENDER,
	REASON_MODE_OFF,
	/* Judged by the greylist. */
	REASON_GREYLISTED_NEW,
	REASON_GREYLISTED_EARLY,
	REASON_GREYLISTED_LATE,
	REASON_PASSED,
	REASON_KNOWN,
	REASON_AUTO_WHITELISTED,
	/* The store could not be asked, or has no room. */
	REASON_STORE_UNAVAILABLE,
	REASON_STORE_FULL,
	REASONS,
};

/* The word, as in "reason=greylisted-new". */
const char *reason_word(enum reason reason);

/* One sentence for the manual and the statistics' help. */
const char *reason_help(enum reason reason);
