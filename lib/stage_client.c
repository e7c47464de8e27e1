/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_client.h"

#include "container.h"

static const struct stage_client *
stage_client_of(const struct stage *stage)
{
	return container_of(stage, const struct stage_client, stage);
}

struct client_record
stage_client_record(const struct decision *decision)
{
	const struct store_get *get = &decision->client.get;
	struct client_record record = { 0 };

	/* A row that cannot be read is as if there were none. */
	if (get->status == STORE_FOUND)
		client_record_read(get->value, get->value_len, &record);
	return record;
}

void
stage_client_save(const struct decision *decision, struct store *store,
    const struct client_record *record)
{
	const struct store_get *get = &decision->client.get;
	char bytes[RECORD_SIZE];
	const struct store_row row = {
		.key = get->key,
		.key_len = get->key_len,
		.value = bytes,
		.value_len = client_record_write(record, bytes),
	};

	if (get->status == STORE_FOUND)
		store_update(store, get->table, &row);
	else
		store_insert(store, get->table, &row);
}

static void
answered(struct lookup *lookup)
{
	decision_answered(container_of(lookup, struct decision,
			      client.get.lookup),
	    lookup);
}

const struct greylist_policy *
stage_client_policy(const struct decision *decision,
    const struct greylist_policy *policy)
{
	return decision->greylist != NULL ? decision->greylist : policy;
}

static bool
is_asked(const struct stage_client *client, const struct decision *decision)
{
	return decision->exempt == REASON_NOT_CHECKED &&
	       stage_client_policy(decision, client->policy)->mode !=
		   GREYLIST_OFF;
}

static void
ask(const struct stage *stage, struct decision *decision)
{
	const struct stage_client *client = stage_client_of(stage);
	struct store_get *get = &decision->client.get;
	struct origin origin;
	struct buf key;

	if (!is_asked(client, decision))
		return;
	origin = origin_of(client->origin, decision->request);
	buf_init(&key, decision->client.key, sizeof(decision->client.key));
	origin_write_key(&origin, &key);
	*get = (struct store_get){
		.lookup = { .done = answered },
		.table = STORE_CLIENT,
		.key = key.data,
		.key_len = key.len,
	};
	decision->rests_on_store = true;
	decision_expect(decision, &get->lookup);
	store_get(client->store, get);
}

/* The null sender proves nothing of a network, and gains nothing by it. */
static bool
is_trusted(const struct greylist_policy *policy,
    const struct decision *decision, const struct client_record *record)
{
	return !mailaddr_is_null(decision->request->sender) &&
	       greylist_trusts(policy, record, decision->now);
}

static enum ruling
pass(struct decision *decision, enum reason reason)
{
	verdict_pass(&decision->verdict, reason);
	return DECIDED;
}

static enum ruling
judge(const struct stage *stage, struct decision *decision)
{
	const struct stage_client *client = stage_client_of(stage);
	const struct greylist_policy *policy =
	    stage_client_policy(decision, client->policy);
	struct client_record record;

	if (decision->exempt != REASON_NOT_CHECKED)
		return pass(decision, decision->exempt);
	if (policy->mode == GREYLIST_OFF)
		return pass(decision, REASON_MODE_OFF);
	if (decision->client.get.status == STORE_UNAVAILABLE)
		return pass(decision, REASON_STORE_UNAVAILABLE);
	record = stage_client_record(decision);
	if (!is_trusted(policy, decision, &record))
		return CONTINUE;
	if (greylist_note_use(policy, &record, decision->now))
		stage_client_save(decision, client->store, &record);
	return pass(decision, REASON_AUTO_WHITELISTED);
}

void
stage_client_init(struct stage_client *client,
    const struct greylist_policy *policy, const struct origin_policy *origin,
    struct store *store)
{
	*client = (struct stage_client){
		.stage = { .name = "client", .ask = ask, .judge = judge },
		.policy = policy,
		.origin = origin,
		.store = store,
	};
}
