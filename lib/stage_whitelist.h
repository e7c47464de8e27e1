/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stage that exempts from greylisting and says why (whitelist.h).  It
 * decides nothing: later stages do.
 */
#pragma once

#include "netset.h"
#include "pipeline.h"

struct stage_whitelist {
	struct stage stage;
	const struct netset *networks;
};

/* Sets the stage up in memory of the caller; `networks` is kept. */
void stage_whitelist_init(struct stage_whitelist *whitelist,
    const struct netset *networks);
