/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_sync.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "ldap_dirsync.h"
#include "ldap_events.h"
#include "ldap_objects.h"
#include "ldap_root.h"
#include "ldap_run.h"
#include "ldap_server.h"
#include "ldap_state.h"
#include "ldap_syncrepl.h"
#include "ldap_usn.h"
#include "xalloc.h"

struct ldap_sync {
	struct ldap_events *events;
	const struct ldap_settings *settings;
	struct ldap_guard *guard;
};

/* One request, answered. */
struct answer {
	struct ldap_run run;
	struct ldap_objects *objects;
	struct ldap_state state;
	bool full;
};

static int
tell_state(struct answer *answer, struct err *err)
{
	char bytes[LDAP_STATE_MAX];
	struct buf text;

	buf_init(&text, bytes, sizeof(bytes));
	if (!ldap_state_write(&answer->state, &text)) {
		err_set(err, "the state is too long to be kept");
		return -1;
	}
	ldap_events_state(answer->run.events, bytes);
	return 0;
}

static void
begin(struct answer *answer)
{
	ldap_events_begin(answer->run.events, answer->full,
	    ldap_method_name(answer->state.method));
}

/* A full load, complete when its state is told. */
static int
load(struct answer *answer, struct err *err)
{
	begin(answer);
	if (ldap_objects_load(answer->objects, err) != 0)
		return -1;
	return tell_state(answer, err);
}

static int
end(struct answer *answer)
{
	ldap_events_current(answer->run.events);
	ldap_events_end(answer->run.events);
	return 0;
}

static int
run_full(struct answer *answer, struct err *err)
{
	answer->full = true;
	if (load(answer, err) != 0)
		return -1;
	return end(answer);
}

/* What changes while everything is loaded is told after it: the cookie, or the
 * number, is older than the load. */
static int
run_dirsync(struct answer *answer, struct err *err)
{
	struct ldap_run *run = &answer->run;

	if (answer->full &&
	    (ldap_dirsync_start(run, &answer->state, err) != 0 ||
		load(answer, err) != 0))
		return -1;
	if (!answer->full)
		begin(answer);
	if (ldap_dirsync_changes(run, answer->objects, &answer->state, err) !=
		0 ||
	    tell_state(answer, err) != 0)
		return -1;
	return end(answer);
}

static int
run_usn(struct answer *answer, struct err *err)
{
	struct ldap_run *run = &answer->run;

	if (answer->full && load(answer, err) != 0)
		return -1;
	if (!answer->full)
		begin(answer);
	if (ldap_usn_changes(run, answer->objects, &answer->state, err) != 0 ||
	    tell_state(answer, err) != 0)
		return -1;
	return end(answer);
}

/* Why the server cannot do it; NULL when it can. */
static const char *
find_obstacle(const struct ldap_run *run, enum ldap_sync_method method)
{
	const struct ldap_root *root = &run->root;

	switch (method) {
	case LDAP_SYNC_DIRSYNC:
		if (!root->dirsync)
			return "the server does not offer DirSync";
		if (!root->identified)
			return "the account may not read the server's "
			       "invocationId";
		if (!ldap_root_covers(root, run->settings->base))
			return "DirSync needs a base in the server's domain";
		return NULL;
	case LDAP_SYNC_USN:
		if (!root->active_directory)
			return "the server is no Active Directory";
		if (!root->identified)
			return "the account may not read the server's "
			       "invocationId";
		return NULL;
	case LDAP_SYNC_SYNCREPL:
		if (!root->syncrepl)
			return "the server does not offer RFC 4533 (overlay "
			       "syncprov)";
		if (run->policy.kind != ACCOUNT_OPENLDAP)
			return "the server is said to be an Active Directory";
		return NULL;
	case LDAP_SYNC_AUTO:
	case LDAP_SYNC_FULL:
		return NULL;
	}
	return NULL;
}

static int
run_method(struct answer *answer, struct err *err)
{
	switch (answer->state.method) {
	case LDAP_SYNC_DIRSYNC:
		return run_dirsync(answer, err);
	case LDAP_SYNC_USN:
		return run_usn(answer, err);
	case LDAP_SYNC_SYNCREPL:
		return ldap_syncrepl_follow(&answer->run, answer->objects,
		    &answer->state, answer->full, err);
	case LDAP_SYNC_AUTO:
	case LDAP_SYNC_FULL:
		return run_full(answer, err);
	}
	return -1;
}

/* A full load, and the best method afterwards that the server does not
 * refuse. */
static int
run_best(struct answer *answer, struct err *err)
{
	static const enum ldap_sync_method best[] = { LDAP_SYNC_DIRSYNC,
		LDAP_SYNC_USN, LDAP_SYNC_SYNCREPL, LDAP_SYNC_FULL };
	struct ldap_run *run = &answer->run;
	int status = -1;

	for (size_t i = 0; i < sizeof(best) / sizeof(best[0]); i++) {
		if (find_obstacle(run, best[i]) != NULL)
			continue;
		run->refused = false;
		ldap_state_init(&answer->state, best[i], run->settings,
		    &run->root);
		status = run_method(answer, err);
		if (status == 0 || !run->refused)
			break;
	}
	return status;
}

/* A full load with the configured method. */
static int
run_anew(struct answer *answer, struct err *err)
{
	struct ldap_run *run = &answer->run;
	const enum ldap_sync_method method = run->settings->sync;
	const char *obstacle = find_obstacle(run, method);

	answer->full = true;
	if (method == LDAP_SYNC_AUTO)
		return run_best(answer, err);
	if (obstacle != NULL) {
		err_set(err, "%s: %s", run->uri, obstacle);
		return -1;
	}
	ldap_state_init(&answer->state, method, run->settings, &run->root);
	return run_method(answer, err);
}

/* Whether the sync can go on from the state that was read. */
static int
check_state(struct answer *answer, struct err *err)
{
	struct ldap_run *run = &answer->run;
	const enum ldap_sync_method method = run->settings->sync;
	const char *obstacle = find_obstacle(run, answer->state.method);

	if (method != LDAP_SYNC_AUTO && method != answer->state.method)
		obstacle = "the sync is set to another method";
	if (obstacle != NULL) {
		err_set(err, "a full load is needed: %s", obstacle);
		return -1;
	}
	return ldap_state_check(&answer->state, run->settings, &run->root, err);
}

/* Goes on: the cookie is the old one, the server's last change is what it is
 * now; but uSNChanged counts from the old number. */
static int
run_on(struct answer *answer, struct err *err)
{
	struct ldap_run *run = &answer->run;

	if (check_state(answer, err) != 0) {
		run->reload = true;
		return -1;
	}
	if (answer->state.method == LDAP_SYNC_DIRSYNC) {
		const struct ldap_state old = answer->state;

		ldap_state_init(&answer->state, old.method, run->settings,
		    &run->root);
		answer->state.flags = old.flags;
		ldap_state_set_cookie(&answer->state, old.cookie,
		    old.cookie_len);
	}
	return run_method(answer, err);
}

static int
run(struct answer *answer, const struct ldap_request *request, struct err *err)
{
	const bool known = ldap_state_read(request->state, &answer->state);

	if (request->full || (known && answer->state.method == LDAP_SYNC_FULL))
		return run_anew(answer, err);
	if (known)
		return run_on(answer, err);
	answer->run.reload = true;
	err_set(err, "a full load is needed: the state is none that this "
		     "version has written");
	return -1;
}

static void
respond(struct ldap_sync *sync, const struct ldap_request *request)
{
	struct answer *answer = xcalloc(1, sizeof(*answer));
	struct err err = { .text = "" };
	bool reload = false;
	int status;

	status = ldap_server_open(&answer->run, sync->settings, sync->guard,
	    sync->events, &err);
	if (status == 0) {
		answer->objects = ldap_objects_create(&answer->run);
		status = run(answer, request, &err);
		reload = answer->run.reload;
		ldap_objects_destroy(answer->objects);
		ldap_server_close(&answer->run);
	}
	free(answer);
	if (status == 0)
		return;
	if (ldap_events_asked(sync->events))
		ldap_events_failed(sync->events, "stopped", false);
	else
		ldap_events_failed(sync->events, err.text, reload);
}

static void *
run_thread(void *data)
{
	struct ldap_sync *sync = data;
	struct ldap_request request;

	for (;;) {
		request = ldap_events_wait(sync->events);
		if (!request.stop)
			respond(sync, &request);
	}
	return NULL;
}

/* Signals are for the event loop's thread. */
static int
start_thread(struct ldap_sync *sync)
{
	pthread_t thread;
	sigset_t all;
	sigset_t old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(&thread, NULL, run_thread, sync);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		pthread_detach(thread);
	return error;
}

int
ldap_sync_start(int descriptor, const struct ldap_settings *settings,
    struct ldap_guard *guard, struct err *err)
{
	struct ldap_sync *sync = xcalloc(1, sizeof(*sync));
	int error;

	*sync = (struct ldap_sync){
		.events = ldap_events_create(descriptor),
		.settings = settings,
		.guard = guard,
	};
	error = start_thread(sync);
	if (error == 0)
		return 0;
	err_set(err, "cannot start a thread: %s", strerror(error));
	ldap_events_destroy(sync->events);
	free(sync);
	return -1;
}
