/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "greylist.h"

#include <limits.h>

static time_t
age(time_t now, time_t then)
{
	return now > then ? now - then : 0;
}

bool
greylist_triplet_is_over(const struct greylist_policy *policy,
    const struct triplet_record *record, time_t now)
{
	if (record->passed != 0)
		return age(now, record->last) > policy->keep;
	return age(now, record->first) > policy->retry_window;
}

bool
greylist_client_is_over(const struct greylist_policy *policy,
    const struct client_record *record, time_t now)
{
	return age(now, record->last) > policy->keep;
}

/* Whether a last use is so long ago that it is to be noted down again. */
static bool
is_stale(const struct greylist_policy *policy, time_t last, time_t now)
{
	return last > now || age(now, last) > policy->keep / GREYLIST_NOTE_PART;
}

static struct greylist_judgement
begin_anew(const struct greylist_policy *policy, struct triplet_record *record,
    enum greylist_outcome outcome, time_t now)
{
	*record = (struct triplet_record){
		.first = now,
		.last = now,
		.deferred = 1,
	};
	return (struct greylist_judgement){
		.outcome = outcome,
		.wait = policy->delay,
		.changed = true,
	};
}

static struct greylist_judgement
judge_known(const struct greylist_policy *policy, struct triplet_record *record,
    time_t now)
{
	const bool stale = is_stale(policy, record->last, now);

	if (stale)
		record->last = now;
	if (record->first > now)
		record->first = record->passed = now;
	return (struct greylist_judgement){
		.outcome = GREYLIST_KNOWN,
		.changed = stale,
	};
}

static struct greylist_judgement
judge_pending(const struct greylist_policy *policy,
    struct triplet_record *record, time_t now)
{
	const time_t delay = age(now, record->first);

	record->last = now;
	if (delay < policy->delay) {
		if (record->deferred < UINT_MAX)
			record->deferred++;
		return (struct greylist_judgement){
			.outcome = GREYLIST_EARLY,
			.delay = delay,
			.wait = policy->delay - delay,
			.changed = true,
		};
	}
	record->passed = now;
	return (struct greylist_judgement){
		.outcome = GREYLIST_PASS,
		.delay = delay,
		.changed = true,
	};
}

struct greylist_judgement
greylist_judge(const struct greylist_policy *policy,
    struct triplet_record *record, time_t now)
{
	const bool is_new = record->first == 0;

	if (is_new)
		return begin_anew(policy, record, GREYLIST_NEW, now);
	if (greylist_triplet_is_over(policy, record, now))
		return begin_anew(policy, record,
		    record->passed != 0 ? GREYLIST_NEW : GREYLIST_LATE, now);
	if (record->passed != 0)
		return judge_known(policy, record, now);
	if (record->first > now)
		return begin_anew(policy, record, GREYLIST_EARLY, now);
	return judge_pending(policy, record, now);
}

bool
greylist_trusts(const struct greylist_policy *policy,
    const struct client_record *client, time_t now)
{
	return policy->whitelist_after > 0 &&
	       client->passes >= policy->whitelist_after &&
	       !greylist_client_is_over(policy, client, now);
}

bool
greylist_note_use(const struct greylist_policy *policy,
    struct client_record *client, time_t now)
{
	if (client->first == 0 || !is_stale(policy, client->last, now))
		return false;
	client->last = now;
	if (client->first > now)
		client->first = client->counted = now;
	return true;
}

bool
greylist_count_pass(const struct greylist_policy *policy,
    struct client_record *client, time_t now)
{
	if (client->first == 0 || greylist_client_is_over(policy, client, now))
		*client = (struct client_record){ .first = now };
	else if (client->counted <= now &&
		 age(now, client->counted) < GREYLIST_COUNT_INTERVAL)
		return greylist_note_use(policy, client, now);
	if (client->first > now)
		client->first = now;
	client->counted = now;
	client->last = now;
	if (client->passes < UINT_MAX)
		client->passes++;
	return true;
}
