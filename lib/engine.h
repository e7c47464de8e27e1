/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One configuration, ready to decide: the stages in their order, with their
 * rules and the store.
 *
 * The attribute policy_context, which main.cf may set for each
 * check_policy_service, picks the stages: "recipient" validates recipients
 * only, "greylist" greylists only, "outbound" is for mail of our own users;
 * everything else, and no policy_context at all, runs all stages.
 *
 * An engine does not change.  A reload makes a new one; decisions that have
 * begun hold the old one until they are done.
 */
#pragma once

#include "domainset.h"
#include "greylist.h"
#include "harvest.h"
#include "netset.h"
#include "origin.h"
#include "pause.h"
#include "pipeline.h"
#include "recipient.h"
#include "store.h"

struct engine_policy {
	struct greylist_policy greylist;
	struct origin_policy origin;
	/* Clients that are never greylisted. */
	struct netset *networks;
	struct recipient_policy recipient;
	struct harvest_policy harvest;
	/* Those that `recipient` borrows. */
	struct domainset *domains;
	struct domainset *catch_all;
};

/* What an engine asks. */
struct engine_parts {
	struct store *store;
	/* Who knows the recipients; NULL: they are not checked. */
	struct directory *directory;
	/* With a directory only. */
	struct harvest *harvest;
	struct pauser *pauser;
};

struct engine;

/* A new engine, held once.  It copies `policy` and its strings, takes the
 * networks and the domains, and keeps the parts. */
struct engine *engine_create(const struct engine_policy *policy,
    const struct engine_parts *parts);

struct engine *engine_hold(struct engine *engine);

/* The last release destroys it; NULL is accepted. */
void engine_release(struct engine *engine);

/* The stages for a policy_context, as pipeline_decide() takes them. */
const struct stage *const *engine_stages(const struct engine *engine,
    const char *policy_context);

const struct greylist_policy *engine_greylist(const struct engine *engine);
