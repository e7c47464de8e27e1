/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon: builds every long-lived thing in its order, serves, reloads, and
 * stops.  The only place that knows them all.
 */
#pragma once

#include <stdbool.h>

#include "conf.h"

struct policyd_options {
	/* The configuration file, read again at a reload. */
	const char *file;
	bool foreground;
	bool verbose;
};

/* Serves until it is told to stop (SIGTERM, SIGINT), and returns an exit code
 * of sysexits.h.  `conf` is taken. */
int policyd_run(const struct policyd_options *options, struct conf *conf);
