/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "stage_whitelist.h"

#include "container.h"
#include "whitelist.h"

static enum ruling
judge(const struct stage *stage, struct decision *decision)
{
	const struct stage_whitelist *whitelist =
	    container_of(stage, const struct stage_whitelist, stage);

	decision->exempt =
	    whitelist_match(whitelist->networks, decision->request);
	return CONTINUE;
}

void
stage_whitelist_init(struct stage_whitelist *whitelist,
    const struct netset *networks)
{
	*whitelist = (struct stage_whitelist){
		.stage = { .name = "whitelist", .judge = judge },
		.networks = networks,
	};
}
