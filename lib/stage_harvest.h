/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage against directory harvesters: strangers that have asked for many
 * unknown recipients get their answers late, or are told to come again later.
 *
 * It stands behind the whitelist and before the recipients: who is deferred
 * here costs the directory nothing.  Who is slowed is answered all the same,
 * and what he asks for counts on; what is deferred is not looked up, so it
 * cannot count, and the origin is heard again when its count has faded.
 */
#pragma once

#include "harvest.h"
#include "origin.h"
#include "pause.h"
#include "pipeline.h"

struct stage_harvest {
	struct stage stage;
	const struct harvest_policy *policy;
	const struct origin_policy *origin;
	struct harvest *harvest;
	struct pauser *pauser;
};

/* Sets the stage up in memory of the caller; the pointers are kept.  With
 * HARVEST_OFF, harvest and pauser may be NULL. */
void stage_harvest_init(struct stage_harvest *stage,
    const struct harvest_policy *policy, const struct origin_policy *origin,
    struct harvest *harvest, struct pauser *pauser);

/* The decision's recipient is unknown: counts it, unless the client is exempt.
 * For the stage that finds it out. */
void stage_harvest_note(const struct stage_harvest *stage,
    const struct decision *decision);
