/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stage_client.h"
#include "stage_greylist.h"
#include "stage_harvest.h"
#include "stage_recipient.h"
#include "stage_whitelist.h"
#include "xalloc.h"

struct engine {
	unsigned holders;
	struct engine_policy policy;
	char *code;
	char *text;
	char *delimiter;
	struct stage_whitelist whitelist;
	struct stage_harvest harvest;
	struct stage_recipient recipient;
	struct stage_sender sender;
	struct stage_client client;
	struct stage_greylist greylist;
	/* By policy_context; each ends with NULL. */
	const struct stage *all[7];
	const struct stage *only_recipient[5];
	const struct stage *only_greylist[4];
	const struct stage *none[1];
};

/* Copies the policy and what it borrows. */
static void
copy_policy(struct engine *engine, const struct engine_policy *policy)
{
	engine->policy = *policy;
	engine->code = xstrdup(policy->greylist.code);
	engine->text = xstrdup(policy->greylist.text);
	engine->delimiter = xstrdup(policy->recipient.delimiter);
	engine->policy.greylist.code = engine->code;
	engine->policy.greylist.text = engine->text;
	engine->policy.recipient.delimiter = engine->delimiter;
	engine->policy.recipient.domains = policy->domains;
	engine->policy.recipient.catch_all = policy->catch_all;
}

static void
init_stages(struct engine *engine, const struct engine_parts *parts)
{
	const struct engine_policy *policy = &engine->policy;

	stage_whitelist_init(&engine->whitelist, policy->networks);
	stage_harvest_init(&engine->harvest, &policy->harvest, &policy->origin,
	    parts->harvest, parts->pauser);
	stage_recipient_init(&engine->recipient, &policy->recipient,
	    parts->directory, &engine->harvest);
	stage_sender_init(&engine->sender, &policy->recipient,
	    &policy->greylist, parts->directory);
	stage_client_init(&engine->client, &policy->greylist, &policy->origin,
	    parts->store);
	stage_greylist_init(&engine->greylist, &policy->greylist,
	    &policy->origin, parts->store);
}

/* Appends the stages that ask the directory, and returns how many. */
static size_t
add_recipient(struct engine *engine, const struct engine_parts *parts,
    const struct stage **stages)
{
	if (parts->directory == NULL)
		return 0;
	stages[0] = &engine->harvest.stage;
	stages[1] = &engine->recipient.stage;
	stages[2] = &engine->sender.stage;
	return 3;
}

static size_t
add_greylist(struct engine *engine, const struct stage **stages)
{
	stages[0] = &engine->client.stage;
	stages[1] = &engine->greylist.stage;
	return 2;
}

struct engine *
engine_create(const struct engine_policy *policy,
    const struct engine_parts *parts)
{
	struct engine *engine = xcalloc(1, sizeof(*engine));
	size_t count = 1;

	engine->holders = 1;
	copy_policy(engine, policy);
	init_stages(engine, parts);
	engine->all[0] = &engine->whitelist.stage;
	count += add_recipient(engine, parts, engine->all + count);
	add_greylist(engine, engine->all + count);
	engine->only_recipient[0] = &engine->whitelist.stage;
	add_recipient(engine, parts, engine->only_recipient + 1);
	engine->only_greylist[0] = &engine->whitelist.stage;
	add_greylist(engine, engine->only_greylist + 1);
	return engine;
}

struct engine *
engine_hold(struct engine *engine)
{
	engine->holders++;
	return engine;
}

void
engine_release(struct engine *engine)
{
	if (engine == NULL)
		return;
	assert(engine->holders > 0);
	if (--engine->holders > 0)
		return;
	netset_destroy(engine->policy.networks);
	domainset_destroy(engine->policy.domains);
	domainset_destroy(engine->policy.catch_all);
	free(engine->code);
	free(engine->text);
	free(engine->delimiter);
	free(engine);
}

const struct stage *const *
engine_stages(const struct engine *engine, const char *policy_context)
{
	if (strcmp(policy_context, "recipient") == 0)
		return engine->only_recipient;
	if (strcmp(policy_context, "greylist") == 0)
		return engine->only_greylist;
	if (strcmp(policy_context, "outbound") == 0)
		return engine->none;
	return engine->all;
}

const struct greylist_policy *
engine_greylist(const struct engine *engine)
{
	return &engine->policy.greylist;
}
