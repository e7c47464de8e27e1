/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control_sync.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "container.h"
#include "control_text.h"
#include "directory_child.h"
#include "replica.h"
#include "replicator.h"
#include "xalloc.h"

/* Between two looks at how far it is. */
#define LOOK_EVERY 0.25

/* So long the sync may take to begin: a directory process that has died is
 * started again within seconds. */
#define BEGIN_SECONDS 30.0

struct sync {
	struct control_task task;
	struct control_session *session;
	struct control_services services;
	/* How all was when it was asked. */
	struct replicator_status before;
	time_t loaded_before;
	double asked;
	/* When it was last seen at work. */
	double seen;
};

static void
end_sync(struct control_task *task)
{
	free(container_of(task, struct sync, task));
}

static void
report_progress(struct sync *sync, const struct replicator_status *status)
{
	const struct replica_status replica =
	    replica_status(sync->services.replica);
	char memory[256];
	struct buf message;

	buf_init(&message, memory, sizeof(memory));
	control_put_text(&message, "running", status->running ? "yes" : "no");
	control_put_number(&message, "objects",
	    status->running && status->full ? status->objects : 0);
	control_put_number(&message, "expected", replica.objects);
	attr_write_end(&message);
	control_session_write(sync->session, &message);
}

static void
report_success(struct sync *sync)
{
	const struct replica_status replica =
	    replica_status(sync->services.replica);
	char memory[256];
	struct buf message;

	buf_init(&message, memory, sizeof(memory));
	control_put_number(&message, "objects", replica.objects);
	control_put_number(&message, "addresses", replica.addresses);
	control_session_finish(sync->session, &message);
}

static void
report_refusal(struct sync *sync, const char *why)
{
	char memory[ERR_TEXT + 64];
	struct buf message;

	buf_init(&message, memory, sizeof(memory));
	control_put_text(&message, "refused", why);
	control_session_finish(sync->session, &message);
}

/* A full load was refused, or a run failed.  A sentence that was there before
 * is an older one, unless there is no other. */
static void
report_failure(struct sync *sync, const struct replicator_status *status)
{
	const bool is_new_problem =
	    strcmp(status->problem, sync->before.problem) != 0;
	const bool is_refused =
	    *status->alarm != '\0' &&
	    (strcmp(status->alarm, sync->before.alarm) != 0 || !is_new_problem);

	if (is_refused)
		report_refusal(sync, status->alarm);
	else
		control_session_fail(sync->session, "%s",
		    *status->problem != '\0' ? status->problem
					     : "the sync has failed");
}

static const char *
problem_of(const struct sync *sync, const struct replicator_status *status)
{
	if (sync->services.child != NULL) {
		const struct directory_child_status *child =
		    directory_child_status(sync->services.child);

		if (*child->problem != '\0')
			return child->problem;
	}
	return *status->problem != '\0' ? status->problem
					: "the directory process does not run";
}

/* Whether a full load has become valid since it was asked for.  When there was
 * another in the same second, that second must be over. */
static bool
is_loaded(const struct sync *sync)
{
	const struct replica_status replica =
	    replica_status(sync->services.replica);

	if (!replica.loaded || replica.loading ||
	    replicator_status(sync->services.replicator)->full)
		return false;
	return replica.loaded_at != sync->loaded_before ||
	       (replica.loaded_at >= (time_t)sync->asked &&
		   control_session_now(sync->session) > sync->asked + 1.5);
}

static void
look(struct control_task *task)
{
	struct sync *sync = container_of(task, struct sync, task);
	const struct replicator_status *status =
	    replicator_status(sync->services.replicator);
	const double now = control_session_now(sync->session);

	if (status->running)
		sync->seen = now;
	if (status->failures != sync->before.failures)
		report_failure(sync, status);
	else if (is_loaded(sync))
		report_success(sync);
	else if (now > sync->seen + BEGIN_SECONDS)
		control_session_fail(sync->session,
		    "the sync has not begun for %.0f seconds: %s",
		    BEGIN_SECONDS, problem_of(sync, status));
	else
		report_progress(sync, status);
}

void
control_sync(struct control_session *session,
    const struct control_services *services, const struct message *request)
{
	struct sync *sync;

	if (services->replicator == NULL || services->replica == NULL) {
		control_session_fail(session,
		    "there is nothing to sync: in the configuration, "
		    "recipients has not source = ldap, or replica = no");
		return;
	}
	sync = xcalloc(1, sizeof(*sync));
	sync->task = (struct control_task){ .step = look, .end = end_sync };
	sync->session = session;
	sync->services = *services;
	sync->before = *replicator_status(services->replicator);
	sync->loaded_before = replica_status(services->replica).loaded_at;
	sync->asked = control_session_now(session);
	sync->seen = sync->asked;
	control_session_start(session, &sync->task, LOOK_EVERY);
	replicator_sync(services->replicator, true,
	    strcmp(message_text(request, "force"), "yes") == 0);
}
