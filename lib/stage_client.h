/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that lets through whom greylisting has nothing to ask: who is
 * exempt, everybody when it is off, and clients whose network has passed often
 * enough, which it asks the store for.
 *
 * A store that does not answer holds up no mail.
 */
#pragma once

#include "greylist.h"
#include "origin.h"
#include "pipeline.h"
#include "store.h"

struct stage_client {
	struct stage stage;
	const struct greylist_policy *policy;
	const struct origin_policy *origin;
	struct store *store;
};

/* Sets the stage up in memory of the caller; the pointers are kept. */
void stage_client_init(struct stage_client *client,
    const struct greylist_policy *policy, const struct origin_policy *origin,
    struct store *store);

/* The greylist's rules for the decision's recipient, `policy` if it has none of
 * its own. */
const struct greylist_policy *
stage_client_policy(const struct decision *decision,
    const struct greylist_policy *policy);

/* What the store said of the decision's client: all zero when nothing. */
struct client_record stage_client_record(const struct decision *decision);

/* Saves what is to be known of the decision's client from now on. */
void stage_client_save(const struct decision *decision, struct store *store,
    const struct client_record *record);
