/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_greylist.h"

#include <assert.h>
#include <stdio.h>

#include "container.h"
#include "deferral.h"
#include "stage_client.h"

static const struct stage_greylist *
stage_greylist_of(const struct stage *stage)
{
	return container_of(stage, const struct stage_greylist, stage);
}

static const struct greylist_policy *
policy_of(const struct stage_greylist *greylist, const struct decision *d)
{
	return stage_client_policy(d, greylist->policy);
}

static void
answered(struct lookup *lookup)
{
	decision_answered(container_of(lookup, struct decision,
			      triplet.get.lookup),
	    lookup);
}

/* The row of a first attempt goes along with the question, so that a new
 * triplet costs one search: most of them come from networks that have never
 * passed. */
static void
ask(const struct stage *stage, struct decision *d)
{
	const struct stage_greylist *greylist = stage_greylist_of(stage);
	struct store_get *get = &d->triplet.get;
	struct triplet_record first = { 0 };

	triplet_of(greylist->origin, d->request, &d->triplet.key);
	*get = (struct store_get){
		.lookup = { .done = answered },
		.table = STORE_TRIPLET,
		.key = d->triplet.key.key,
		.key_len = d->triplet.key.key_len,
		.likely_absent = d->client.get.status == STORE_MISSING,
	};
	if (store_has_room(greylist->store)) {
		greylist_judge(policy_of(greylist, d), &first, d->now);
		get->absent_len = triplet_record_write(&first, get->absent);
	}
	d->rests_on_store = true;
	decision_expect(d, &get->lookup);
	store_get(greylist->store, get);
}

static void
save(const struct stage_greylist *greylist, const struct decision *d,
    const struct triplet_record *record)
{
	char bytes[RECORD_SIZE];
	const struct store_row row = {
		.key = d->triplet.get.key,
		.key_len = d->triplet.get.key_len,
		.value = bytes,
		.value_len = triplet_record_write(record, bytes),
	};

	store_update(greylist->store, STORE_TRIPLET, &row);
}

static void
defer(const struct stage_greylist *greylist, struct decision *d,
    enum reason reason, time_t wait)
{
	char text[VERDICT_TEXT];
	struct buf out;
	bool fits;

	buf_init(&out, text, sizeof(text));
	deferral_write(policy_of(greylist, d)->code,
	    policy_of(greylist, d)->text, wait, d->request->recipient, &out);
	fits = verdict_defer(&d->verdict, reason, out.data, out.len);
	assert(fits);
}

/* The first pass of a triplet: the message says how long it was delayed, once,
 * however many recipients it has. */
static void
pass(const struct stage_greylist *greylist, struct decision *d, time_t delay)
{
	char header[64];

	verdict_pass(&d->verdict, REASON_PASSED);
	if (!policy_of(greylist, d)->header || d->has_header ||
	    *d->request->instance == '\0')
		return;
	snprintf(header, sizeof(header),
	    "X-Greylist: delayed %lld seconds by policyd", (long long)delay);
	verdict_prepend(&d->verdict, REASON_PASSED, header);
}

static void
write_verdict(const struct stage_greylist *greylist, struct decision *d,
    const struct greylist_judgement *judgement)
{
	switch (judgement->outcome) {
	case GREYLIST_NEW:
		defer(greylist, d, REASON_GREYLISTED_NEW, judgement->wait);
		break;
	case GREYLIST_EARLY:
		defer(greylist, d, REASON_GREYLISTED_EARLY, judgement->wait);
		break;
	case GREYLIST_LATE:
		defer(greylist, d, REASON_GREYLISTED_LATE, judgement->wait);
		break;
	case GREYLIST_PASS:
		pass(greylist, d, judgement->delay);
		break;
	case GREYLIST_KNOWN:
		verdict_pass(&d->verdict, REASON_KNOWN);
		break;
	}
	d->verdict.delay = judgement->delay;
	d->verdict.wait = judgement->wait;
	if (policy_of(greylist, d)->mode == GREYLIST_OBSERVE)
		verdict_only_observe(&d->verdict);
}

/* What the store said of the triplet; all zero when it is new, or when the row
 * cannot be read. */
static struct triplet_record
record_of(const struct decision *d)
{
	const struct store_get *get = &d->triplet.get;
	struct triplet_record record = { 0 };

	if (get->status == STORE_FOUND)
		triplet_record_read(get->value, get->value_len, &record);
	return record;
}

static void
count_pass(const struct stage_greylist *greylist, const struct decision *d)
{
	struct client_record client = stage_client_record(d);

	if (!mailaddr_is_null(d->request->sender) &&
	    greylist_count_pass(policy_of(greylist, d), &client, d->now))
		stage_client_save(d, greylist->store, &client);
}

static enum ruling
judge(const struct stage *stage, struct decision *d)
{
	const struct stage_greylist *greylist = stage_greylist_of(stage);
	const enum store_status status = d->triplet.get.status;
	struct triplet_record record;
	struct greylist_judgement judgement;

	if (status == STORE_UNAVAILABLE) {
		verdict_pass(&d->verdict, REASON_STORE_UNAVAILABLE);
		return DECIDED;
	}
	if (status == STORE_MISSING && d->triplet.get.absent_len == 0) {
		verdict_pass(&d->verdict, REASON_STORE_FULL);
		return DECIDED;
	}
	record = record_of(d);
	judgement = greylist_judge(policy_of(greylist, d), &record, d->now);
	if (status == STORE_FOUND && judgement.changed)
		save(greylist, d, &record);
	if (judgement.outcome == GREYLIST_PASS ||
	    judgement.outcome == GREYLIST_KNOWN)
		count_pass(greylist, d);
	write_verdict(greylist, d, &judgement);
	return DECIDED;
}

void
stage_greylist_init(struct stage_greylist *greylist,
    const struct greylist_policy *policy, const struct origin_policy *origin,
    struct store *store)
{
	*greylist = (struct stage_greylist){
		.stage = { .name = "greylist", .ask = ask, .judge = judge },
		.policy = policy,
		.origin = origin,
		.store = store,
	};
}
