/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every verb of policyctl is given, and what it returns.
 */
#pragma once

#include <stdbool.h>

/* Exit codes: policyctl(1) explains them. */
enum verb_exit {
	VERB_DONE = 0,
	VERB_NO = 1,
	VERB_USAGE = 2,
	/* The daemon cannot be reached. */
	VERB_AWAY = 3,
};

struct policyctl {
	/* The daemon's. */
	const char *socket;
	bool json;
};

/* What stands behind a verb: options that it knows, and other words. */
struct verb_arguments {
	bool force;
	bool csv;
	const char *domain;
	/* Ends with NULL. */
	char **word;
	int count;
};
