/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stage_client.h"
#include "stage_greylist.h"
#include "stage_whitelist.h"
#include "xalloc.h"

struct engine {
	unsigned holders;
	struct engine_policy policy;
	char *code;
	char *text;
	struct stage_whitelist whitelist;
	struct stage_client client;
	struct stage_greylist greylist;
	/* Each ends with NULL. */
	const struct stage *all[4];
	const struct stage *none[1];
};

struct engine *
engine_create(const struct engine_policy *policy, struct store *store)
{
	struct engine *engine = xcalloc(1, sizeof(*engine));

	engine->holders = 1;
	engine->code = xstrdup(policy->greylist.code);
	engine->text = xstrdup(policy->greylist.text);
	engine->policy = *policy;
	engine->policy.greylist.code = engine->code;
	engine->policy.greylist.text = engine->text;
	stage_whitelist_init(&engine->whitelist, engine->policy.networks);
	stage_client_init(&engine->client, &engine->policy.greylist,
	    &engine->policy.origin, store);
	stage_greylist_init(&engine->greylist, &engine->policy.greylist,
	    &engine->policy.origin, store);
	engine->all[0] = &engine->whitelist.stage;
	engine->all[1] = &engine->client.stage;
	engine->all[2] = &engine->greylist.stage;
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
	free(engine->code);
	free(engine->text);
	free(engine);
}

const struct stage *const *
engine_stages(const struct engine *engine, const char *policy_context)
{
	if (strcmp(policy_context, "recipient") == 0 ||
	    strcmp(policy_context, "outbound") == 0)
		return engine->none;
	return engine->all;
}

const struct greylist_policy *
engine_greylist(const struct engine *engine)
{
	return &engine->policy.greylist;
}
