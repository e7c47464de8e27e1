/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_recipient.h"

#include <string.h>

#include "container.h"
#include "mailaddr.h"

/* Folds an address into a string; false when it is longer than any. */
static bool
fold(const char *address, char text[static ADDRESS_MAX + 1])
{
	struct buf buf;

	buf_init(&buf, text, ADDRESS_MAX);
	mailaddr_fold(address, &buf);
	text[buf.len] = '\0';
	return !buf.full;
}

static void
whole_answered(struct lookup *lookup)
{
	struct decision *decision =
	    container_of(lookup, struct decision, recipient.whole.lookup);

	decision->recipient.whole_is_open = false;
	decision_answered(decision, lookup);
}

static void
base_answered(struct lookup *lookup)
{
	decision_answered(container_of(lookup, struct decision,
			      recipient.base.lookup),
	    lookup);
}

static void
lists_answered(struct lookup *lookup)
{
	decision_answered(container_of(lookup, struct decision,
			      recipient.lists.lookup),
	    lookup);
}

static void
begin(struct decision *decision, struct recipient_query *query,
    const char *address, void (*done)(struct lookup *lookup))
{
	query->lookup.done = done;
	query->address = address;
	query->now = decision->now;
	decision_expect(decision, &query->lookup);
}

/* An address with an extension is asked for with and without it, at once.  Who
 * is known without it need not wait for the directory: hardly anybody has an
 * entry for an extension beside his own. */
static void
ask_both(const struct stage_recipient *stage, struct decision *decision)
{
	struct known_recipient *known = &decision->recipient;

	begin(decision, &known->base, known->plain, base_answered);
	directory_find(stage->directory, &known->base);
	begin(decision, &known->whole, known->address, whole_answered);
	known->whole_is_open = true;
	directory_find(stage->directory, &known->whole);
	if (!known->whole_is_open || known->base.status != RECIPIENT_VALID)
		return;
	known->whole.lookup.cancel(&known->whole.lookup);
	decision_answered(decision, &known->whole.lookup);
}

static void
ask_directory(const struct stage_recipient *stage, struct decision *decision)
{
	struct known_recipient *known = &decision->recipient;
	struct buf plain;

	buf_init(&plain, known->plain, ADDRESS_MAX);
	if (recipient_without_extension(stage->policy, known->address,
		&plain)) {
		known->plain[plain.len] = '\0';
		ask_both(stage, decision);
		return;
	}
	known->plain[0] = '\0';
	begin(decision, &known->whole, known->address, whole_answered);
	directory_find(stage->directory, &known->whole);
}

static bool
is_judged(const struct request *request)
{
	return request->state == PROTOCOL_STATE_RCPT ||
	       request->state == PROTOCOL_STATE_VRFY;
}

static bool
is_printable(const char *address)
{
	while ((unsigned char)*address >= ' ' && *address != 0x7f)
		address++;
	return *address == '\0';
}

/* Looks at the address, which becomes known.address. */
static enum recipient_scope
find_scope(const struct stage_recipient *recipient, struct decision *decision)
{
	const char *address = decision->request->recipient;
	const char *domain = strrchr(address, '@');
	char *folded = decision->recipient.address;
	bool fits;

	if (!is_judged(decision->request) || domain == NULL)
		return RECIPIENT_NOT_OURS;
	fits = fold(address, folded);
	if (!fits && !fold(domain, folded))
		return RECIPIENT_NOT_OURS;
	if (!recipient_is_ours(recipient->policy, folded))
		return RECIPIENT_NOT_OURS;
	return fits && is_printable(folded) ? RECIPIENT_OURS
					    : RECIPIENT_IMPOSSIBLE;
}

static enum recipient_scope
scope_of(const struct stage_recipient *recipient, struct decision *decision)
{
	struct known_recipient *known = &decision->recipient;

	if (known->scope == RECIPIENT_NOT_LOOKED_AT) {
		known->plain[0] = '\0';
		known->scope = find_scope(recipient, decision);
	}
	return known->scope;
}

static void
ask_recipient(const struct stage *stage, struct decision *decision)
{
	const struct stage_recipient *recipient =
	    container_of(stage, const struct stage_recipient, stage);

	if (scope_of(recipient, decision) == RECIPIENT_OURS)
		ask_directory(recipient, decision);
}

/* What the two answers say together. */
static enum recipient_status
status_of(struct known_recipient *known)
{
	const enum recipient_status whole = known->whole.status;

	if (known->scope == RECIPIENT_IMPOSSIBLE)
		return RECIPIENT_UNKNOWN;
	if (whole == RECIPIENT_VALID)
		known->valid = &known->whole;
	else if (known->base.status == RECIPIENT_VALID)
		known->valid = &known->base;
	if (known->valid != NULL)
		return RECIPIENT_VALID;
	return known->plain[0] == '\0' || known->base.status == whole
		   ? whole
		   : RECIPIENT_UNAVAILABLE;
}

static enum ruling
judge_recipient(const struct stage *stage, struct decision *decision)
{
	const struct stage_recipient *recipient =
	    container_of(stage, const struct stage_recipient, stage);
	struct known_recipient *known = &decision->recipient;
	enum recipient_status status;
	enum reason reason;

	if (scope_of(recipient, decision) == RECIPIENT_NOT_OURS)
		return CONTINUE;
	status = status_of(known);
	reason = recipient_judge(recipient->policy, known->address, status,
	    known->valid != NULL ? &known->valid->record : NULL,
	    decision->request);
	if (reason == REASON_UNKNOWN_RECIPIENT)
		stage_harvest_note(recipient->harvest, decision);
	if (recipient_refuse(reason, &decision->verdict))
		return DECIDED;
	/* The last word if no stage has another. */
	verdict_pass(&decision->verdict, reason);
	return CONTINUE;
}

static void
ask_sender(const struct stage *stage, struct decision *decision)
{
	const struct stage_sender *sender =
	    container_of(stage, const struct stage_sender, stage);
	struct known_recipient *known = &decision->recipient;

	if (known->valid == NULL ||
	    !recipient_has_lists(&known->valid->record) ||
	    !fold(decision->request->sender, known->sender))
		return;
	known->lists = (struct sender_query){
		.lookup = { .done = lists_answered },
		.recipient = known->valid->address,
		.sender = known->sender,
		.record = &known->valid->record,
	};
	decision_expect(decision, &known->lists.lookup);
	directory_find_sender(sender->directory, &known->lists);
}

/* The recipient's own rules of the greylist. */
static void
set_greylist(const struct stage_sender *sender, struct decision *decision)
{
	const struct recipient_record *record =
	    &decision->recipient.valid->record;

	if (record->greylist == RECIPIENT_GREYLIST_DEFAULT &&
	    record->delay == 0)
		return;
	decision->own_greylist = recipient_greylist(sender->greylist, record);
	decision->greylist = &decision->own_greylist;
}

static enum ruling
judge_sender(const struct stage *stage, struct decision *decision)
{
	const struct stage_sender *sender =
	    container_of(stage, const struct stage_sender, stage);
	const struct known_recipient *known = &decision->recipient;
	enum reason reason = REASON_VALID_RECIPIENT;

	if (known->valid == NULL)
		return CONTINUE;
	set_greylist(sender, decision);
	if (recipient_has_lists(&known->valid->record))
		reason = recipient_judge_sender(sender->policy,
		    &known->valid->record, &known->lists);
	if (recipient_refuse(reason, &decision->verdict))
		return DECIDED;
	if (reason == REASON_ALLOWED_SENDER &&
	    decision->exempt == REASON_NOT_CHECKED)
		decision->exempt = reason;
	return CONTINUE;
}

void
stage_recipient_init(struct stage_recipient *recipient,
    const struct recipient_policy *policy, struct directory *directory,
    const struct stage_harvest *harvest)
{
	*recipient = (struct stage_recipient){
		.stage = { .name = "recipient",
		    .ask = ask_recipient,
		    .judge = judge_recipient },
		.policy = policy,
		.directory = directory,
		.harvest = harvest,
	};
}

void
stage_sender_init(struct stage_sender *sender,
    const struct recipient_policy *policy,
    const struct greylist_policy *greylist, struct directory *directory)
{
	*sender = (struct stage_sender){
		.stage = { .name = "sender",
		    .ask = ask_sender,
		    .judge = judge_sender },
		.policy = policy,
		.greylist = greylist,
		.directory = directory,
	};
}
