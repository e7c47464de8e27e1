/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_harvest.h"

#include "container.h"

struct origin_key {
	char bytes[ORIGIN_KEY_MAX];
	size_t len;
};

static const struct stage_harvest *
stage_harvest_of(const struct stage *stage)
{
	return container_of(stage, const struct stage_harvest, stage);
}

static struct origin_key
key_of(const struct stage_harvest *stage, const struct decision *decision)
{
	const struct origin origin =
	    origin_of(stage->origin, decision->request);
	struct origin_key key;
	struct buf buf;

	buf_init(&buf, key.bytes, sizeof(key.bytes));
	origin_write_key(&origin, &buf);
	key.len = buf.len;
	return key;
}

/* Whether it is a stranger that asks for a recipient. */
static bool
is_judged(const struct decision *decision)
{
	return (decision->exempt == REASON_NOT_CHECKED ||
		   decision->exempt == REASON_VRFY) &&
	       decision->request->state != PROTOCOL_STATE_OTHER &&
	       *decision->request->recipient != '\0';
}

static bool
is_over(const struct stage_harvest *stage, const struct decision *decision)
{
	struct origin_key key;

	if (!is_judged(decision))
		return false;
	key = key_of(stage, decision);
	return harvest_is_over(stage->harvest, stage->policy, key.bytes,
	    key.len, decision->now);
}

static void
answered(struct lookup *lookup)
{
	decision_answered(container_of(lookup, struct decision, pause.lookup),
	    lookup);
}

static void
ask(const struct stage *stage, struct decision *decision)
{
	const struct stage_harvest *self = stage_harvest_of(stage);
	struct harvest_counters *counters;

	if (self->policy->action != HARVEST_SLOW || self->policy->delay == 0 ||
	    !is_over(self, decision))
		return;
	counters = harvest_counters(self->harvest);
	decision->pause = (struct pause){
		.lookup = { .done = answered },
		.seconds = self->policy->delay,
	};
	decision_expect(decision, &decision->pause.lookup);
	if (pauser_hold(self->pauser, &decision->pause))
		counters->slowed++;
	else
		counters->not_slowed++;
}

static enum ruling
judge(const struct stage *stage, struct decision *decision)
{
	const struct stage_harvest *self = stage_harvest_of(stage);

	if (self->policy->action != HARVEST_DEFER || !is_over(self, decision))
		return CONTINUE;
	harvest_counters(self->harvest)->deferred++;
	verdict_tempfail(&decision->verdict, REASON_HARVEST_DEFERRED,
	    "450 4.7.1 Too many unknown recipients, try again later");
	return DECIDED;
}

void
stage_harvest_note(const struct stage_harvest *stage,
    const struct decision *decision)
{
	struct origin_key key;

	if (stage->policy->action == HARVEST_OFF || !is_judged(decision))
		return;
	key = key_of(stage, decision);
	harvest_note(stage->harvest, stage->policy, key.bytes, key.len,
	    decision->now);
}

void
stage_harvest_init(struct stage_harvest *stage,
    const struct harvest_policy *policy, const struct origin_policy *origin,
    struct harvest *harvest, struct pauser *pauser)
{
	*stage = (struct stage_harvest){
		.stage = { .name = "harvest", .ask = ask, .judge = judge },
		.policy = policy,
		.origin = origin,
		.harvest = harvest,
		.pauser = pauser,
	};
}
