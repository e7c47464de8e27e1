/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a directory server is reached, and what of it the log says.
 *
 * The directory process tells twice a second which server it is connected to,
 * or what is wrong.  A line is written when a server is asked for the first
 * time, when there has been none from one time to the next, when the reason
 * changes, but not more than once a minute, and when there is one again, with
 * how long it took.
 */
#pragma once

#include "err.h"

/* Zeroed is ready. */
struct directory_outage {
	/* When no server was reached any more; 0: one is. */
	double since;
	/* The server and the problem that were told, and when. */
	char server[256];
	char problem[ERR_TEXT];
	double told_at;
};

/* At `now` of clock.h the process says that it has this server. */
void directory_outage_end(struct directory_outage *outage, const char *server,
    double now);

/* At `now` it says that it has none, since there is this problem. */
void directory_outage_go_on(struct directory_outage *outage,
    const char *problem, double now);
