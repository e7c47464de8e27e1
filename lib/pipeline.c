/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "pipeline.h"

#include <assert.h>
#include <stddef.h>

static void
run(struct decision *decision)
{
	const struct stage *stage;

	decision->running = true;
	while ((stage = *decision->stage) != NULL) {
		if (!decision->asked) {
			decision->asked = true;
			if (stage->ask != NULL && !decision->given_up)
				stage->ask(stage, decision);
		}
		if (decision->open != NULL) {
			/* decision_answered() comes back here. */
			decision->running = false;
			return;
		}
		if (stage->judge(stage, decision) == DECIDED)
			break;
		decision->stage++;
		decision->asked = false;
	}
	decision->running = false;
	decision->done(decision);
}

void
pipeline_decide(struct decision *decision, const struct stage *const *stages)
{
	decision->exempt = REASON_NOT_CHECKED;
	decision->recipient.scope = RECIPIENT_NOT_LOOKED_AT;
	decision->recipient.whole.status = RECIPIENT_UNAVAILABLE;
	decision->recipient.base.status = RECIPIENT_UNAVAILABLE;
	decision->recipient.valid = NULL;
	decision->recipient.lists.status = SENDER_UNAVAILABLE;
	decision->greylist = NULL;
	decision->client.get.status = STORE_UNAVAILABLE;
	decision->triplet.get.status = STORE_UNAVAILABLE;
	decision->rests_on_store = false;
	verdict_pass(&decision->verdict, REASON_NOT_CHECKED);
	decision->stage = stages;
	decision->open = NULL;
	decision->asked = false;
	decision->given_up = false;
	run(decision);
}

static void
cancel_open(struct decision *decision)
{
	while (decision->open != NULL) {
		struct lookup *lookup = decision->open;

		decision->open = lookup->next;
		assert(lookup->cancel != NULL);
		lookup->cancel(lookup);
	}
}

void
pipeline_give_up(struct decision *decision)
{
	cancel_open(decision);
	decision->given_up = true;
	run(decision);
}

void
pipeline_cancel(struct decision *decision)
{
	cancel_open(decision);
}

void
decision_expect(struct decision *decision, struct lookup *lookup)
{
	lookup->cancel = NULL;
	lookup->next = decision->open;
	decision->open = lookup;
}

void
decision_answered(struct decision *decision, struct lookup *lookup)
{
	struct lookup **link = &decision->open;

	while (*link != lookup) {
		assert(*link != NULL);
		link = &(*link)->next;
	}
	*link = lookup->next;
	if (decision->open == NULL && !decision->running)
		run(decision);
}
