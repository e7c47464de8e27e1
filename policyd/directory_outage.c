/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_outage.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

/* A problem that changes is told no more often. */
#define TELL_SECONDS 60.0

static void
tell_problem(struct directory_outage *outage, const char *problem, double now)
{
	if (*outage->problem != '\0' &&
	    (strcmp(problem, outage->problem) == 0 ||
		now - outage->told_at < TELL_SECONDS))
		return;
	log_warning("no directory server is reached: %s", problem);
	snprintf(outage->problem, sizeof(outage->problem), "%s", problem);
	outage->told_at = now;
}

/* A new process has no server yet; this is told when it lasts. */
void
directory_outage_go_on(struct directory_outage *outage, const char *problem,
    double now)
{
	if (outage->since == 0)
		outage->since = now;
	else
		tell_problem(outage, problem, now);
}

void
directory_outage_end(struct directory_outage *outage, const char *server,
    double now)
{
	if (*outage->problem != '\0')
		log_info("the directory server %s is reached, after %.0f "
			 "seconds without any",
		    server, now - outage->since);
	else if (strcmp(server, outage->server) != 0)
		log_info("the directory server %s is asked", server);
	snprintf(outage->server, sizeof(outage->server), "%s", server);
	outage->problem[0] = '\0';
	outage->since = 0;
}
