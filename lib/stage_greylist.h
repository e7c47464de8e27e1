/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that greylists: asks the store what it remembers of the triplet,
 * has the greylist judge (greylist.h), and saves what is to be remembered.  It
 * comes after stage_client, which has let through who is not to be asked.
 *
 * A store that does not answer, or has no room, holds up no mail.
 */
#pragma once

#include "greylist.h"
#include "origin.h"
#include "pipeline.h"
#include "store.h"

struct stage_greylist {
	struct stage stage;
	const struct greylist_policy *policy;
	const struct origin_policy *origin;
	struct store *store;
};

/* Sets the stage up in memory of the caller; the pointers are kept. */
void stage_greylist_init(struct stage_greylist *greylist,
    const struct greylist_policy *policy, const struct origin_policy *origin,
    struct store *store);
