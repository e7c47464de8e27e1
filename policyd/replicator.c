/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "replicator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "ldap_hex.h"
#include "log.h"
#include "xalloc.h"

enum {
	/* Addresses or senders of one message (directoryd.h). */
	VALUES_MAX = 128,
	REQUEST_SIZE = REPLICA_STATE_MAX + 256,
};

/* After a failure the next run waits so long, twice as long after the next, up
 * to the second number. */
#define RETRY_FIRST 1.0
#define RETRY_LAST 60.0

/* Rows of generations that are over: so many at once, with such pauses. */
#define SWEEP_ROWS 100
#define SWEEP_PAUSE 0.02

struct replicator {
	struct ev_loop *loop;
	struct directory_child *child;
	struct replica *replica;
	struct directory_listener listener;
	struct replicator_policy policy;
	struct replicator_status status;
	/* The next run, the next full load, the next piece of the sweep. */
	struct ev_timer next;
	struct ev_timer reconcile;
	struct ev_timer sweep;
	double retry;
	/* The next run is to be a full load; the next full load is to be
	 * taken whatever it shrinks. */
	bool wants_full;
	bool forced;
	/* The run under way was told to stop, and the next begins so long
	 * after its end. */
	bool stopping;
	double pause;
	/* The store as it was when the run began. */
	unsigned long epoch;
};

static struct replicator *
replicator_of(struct directory_listener *listener)
{
	return container_of(listener, struct replicator, listener);
}

static time_t
now_of(const struct replicator *replicator)
{
	return (time_t)ev_now(replicator->loop);
}

static void
start_timer(struct replicator *replicator, struct ev_timer *timer,
    double seconds)
{
	ev_timer_stop(replicator->loop, timer);
	ev_timer_set(timer, seconds, 0.0);
	ev_timer_start(replicator->loop, timer);
}

static bool
send_request(struct replicator *replicator, const char *request,
    const char *full, const char *state)
{
	char memory[REQUEST_SIZE];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	attr_write(&out, "request", request, strlen(request));
	attr_write(&out, "full", full, strlen(full));
	attr_write(&out, "state", state, strlen(state));
	attr_write_end(&out);
	return !out.full &&
	       directory_child_write(replicator->child, DIRECTORY_SYNC, &out);
}

/* Begins a run.  Without a directory process it is tried again, and before that
 * when there is one: restarted(). */
static void
begin_run(struct replicator *replicator)
{
	const char *state = replica_state(replicator->replica);
	const bool full = replicator->wants_full || *state == '\0';

	ev_timer_stop(replicator->loop, &replicator->next);
	if (!send_request(replicator, "sync", full ? "yes" : "no",
		full ? "" : state)) {
		start_timer(replicator, &replicator->next, replicator->retry);
		return;
	}
	replicator->wants_full = false;
	replicator->stopping = false;
	replicator->epoch = replica_status(replicator->replica).epoch;
	replicator->status.running = true;
	replicator->status.full = full;
	replicator->status.objects = 0;
	replicator->status.since = now_of(replicator);
}

static void
next_is_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct replicator *replicator =
	    container_of(timer, struct replicator, next);

	(void)loop;
	(void)events;
	if (!replicator->status.running)
		begin_run(replicator);
}

/* Tells the run under way to stop; the next begins after a pause. */
static void
stop_run(struct replicator *replicator, double pause)
{
	replicator->pause = pause;
	if (replicator->stopping)
		return;
	replicator->stopping = true;
	send_request(replicator, "stop", "", "");
}

static void
begin_soon(struct replicator *replicator)
{
	if (replicator->status.running)
		stop_run(replicator, 0.0);
	else
		begin_run(replicator);
}

static void
schedule_reconcile(struct replicator *replicator)
{
	if (replicator->policy.reconcile_interval > 0.0)
		start_timer(replicator, &replicator->reconcile,
		    replicator->policy.reconcile_interval);
	else
		ev_timer_stop(replicator->loop, &replicator->reconcile);
}

static void
reconcile_is_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct replicator *replicator =
	    container_of(timer, struct replicator, reconcile);

	(void)loop;
	(void)events;
	schedule_reconcile(replicator);
	if (replicator->status.running && replicator->status.full)
		return;
	replicator->wants_full = true;
	begin_soon(replicator);
}

static void
sweep_is_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct replicator *replicator =
	    container_of(timer, struct replicator, sweep);

	(void)loop;
	(void)events;
	if (replica_sweep(replicator->replica, SWEEP_ROWS))
		start_timer(replicator, timer, SWEEP_PAUSE);
}

/* The run has come to an end; the next one begins after a while. */
static void
end_run(struct replicator *replicator, double pause)
{
	replicator->status.running = false;
	start_timer(replicator, &replicator->sweep, SWEEP_PAUSE);
	start_timer(replicator, &replicator->next,
	    replicator->stopping ? replicator->pause : pause);
	replicator->stopping = false;
}

static void
note_failure(struct replicator *replicator, const char *problem)
{
	struct replicator_status *status = &replicator->status;

	status->failures++;
	if (strcmp(status->problem, problem) == 0)
		return;
	log_warning("the replica is not kept up to date: %s", problem);
	snprintf(status->problem, sizeof(status->problem), "%s", problem);
}

static void
note_success(struct replicator *replicator)
{
	struct replicator_status *status = &replicator->status;

	replicator->retry = RETRY_FIRST;
	if (*status->problem != '\0')
		log_info("the replica is kept up to date again");
	status->problem[0] = '\0';
}

static void
failed(struct replicator *replicator, const struct message *message)
{
	const char *problem = message_text(message, "problem");

	if (!replicator->status.running ||
	    (!replicator->stopping && strcmp(problem, "stopped") == 0))
		return;
	replica_load_cancel(replicator->replica);
	if (strcmp(message_text(message, "full"), "yes") == 0)
		replicator->wants_full = true;
	if (!replicator->stopping)
		note_failure(replicator, problem);
	end_run(replicator, replicator->retry);
	replicator->retry *= 2.0;
	if (replicator->retry > RETRY_LAST)
		replicator->retry = RETRY_LAST;
}

/* The gathered values of all attributes of this name. */
static size_t
gather(const struct message *message, const char *name,
    const char *values[static VALUES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < message->count && count < VALUES_MAX; i++)
		if (strcmp(message->attributes[i].name, name) == 0)
			values[count++] = message->attributes[i].value;
	return count;
}

static bool
take_id(const struct message *message, unsigned char id[static RECIPIENT_ID])
{
	const char *digits = message_text(message, "id");

	return strlen(digits) == 2 * (size_t)RECIPIENT_ID &&
	       ldap_hex_read(digits, id);
}

static bool
take_record(const struct message *message, struct recipient_record *record)
{
	const char *digits = message_text(message, "record");
	unsigned char bytes[RECORD_SIZE];

	return strlen(digits) <= 2 * sizeof(bytes) &&
	       ldap_hex_read(digits, bytes) &&
	       recipient_record_read((const char *)bytes, strlen(digits) / 2,
		   record);
}

static void
take_object(struct replicator *replicator, const struct message *message,
    void (*put)(struct replica *, const struct recipient_record *,
	const char *const *, size_t))
{
	const char *addresses[VALUES_MAX];
	struct recipient_record record;

	if (take_record(message, &record))
		put(replicator->replica, &record, addresses,
		    gather(message, "address", addresses));
}

static void
take_senders(struct replicator *replicator, const struct message *message)
{
	const char *senders[VALUES_MAX];
	const size_t count = gather(message, "sender", senders);
	const unsigned listing =
	    (unsigned)message_number(message, "listing", 7, 0);
	unsigned char id[RECIPIENT_ID];

	if (!take_id(message, id))
		return;
	for (size_t i = 0; i < count; i++)
		replica_put_sender(replicator->replica, id, senders[i],
		    listing);
}

/* The replica stays as it is until somebody has looked, or the directory is
 * whole again at the next full load. */
static void
raise_alarm(struct replicator *replicator, const struct err *err)
{
	struct replicator_status *status = &replicator->status;
	const bool loaded = replica_status(replicator->replica).loaded;

	log_error("the replica stays as it is: %s; policyctl recipient sync "
		  "--force takes what the directory shows",
	    err->text);
	snprintf(status->alarm, sizeof(status->alarm), "%s", err->text);
	status->failures++;
	replicator->wants_full = true;
	stop_run(replicator,
	    loaded && replicator->policy.reconcile_interval > 0.0
		? replicator->policy.reconcile_interval
		: RETRY_LAST);
}

static void
take_gone(struct replicator *replicator, const struct message *message)
{
	unsigned char id[RECIPIENT_ID];
	struct err err;

	if (!take_id(message, id) || replica_remove(replicator->replica, id))
		return;
	err_set(&err, "more recipients are gone since the last full load than "
		      "max-shrink allows");
	raise_alarm(replicator, &err);
}

static bool
end_load(struct replicator *replicator)
{
	struct err err;

	if (replica_load_end(replicator->replica, now_of(replicator),
		replicator->forced, &err) != 0) {
		raise_alarm(replicator, &err);
		return false;
	}
	replicator->forced = false;
	replicator->status.alarm[0] = '\0';
	replicator->status.full = false;
	schedule_reconcile(replicator);
	start_timer(replicator, &replicator->sweep, SWEEP_PAUSE);
	return true;
}

static void
log_load(const struct replicator *replicator)
{
	const struct replica_status status =
	    replica_status(replicator->replica);

	log_info("replica loaded: %llu recipients with %llu addresses in %lld "
		 "s",
	    (unsigned long long)status.objects,
	    (unsigned long long)status.addresses,
	    (long long)(now_of(replicator) - replicator->status.since));
}

static void
take_state(struct replicator *replicator, const struct message *message)
{
	if (replicator->stopping)
		return;
	if (replica_status(replicator->replica).loading) {
		if (!end_load(replicator))
			return;
		log_load(replicator);
	}
	replica_set_state(replicator->replica, message_text(message, "state"),
	    now_of(replicator));
	note_success(replicator);
}

static void
begun(struct replicator *replicator, const struct message *message)
{
	replicator->status.full =
	    strcmp(message_text(message, "full"), "yes") == 0;
	if (replicator->status.full)
		replica_load_begin(replicator->replica);
}

static void
take_event(struct replicator *replicator, const char *event,
    const struct message *message)
{
	if (strcmp(event, "begin") == 0)
		begun(replicator, message);
	else if (strcmp(event, "object") == 0)
		take_object(replicator, message, replica_put);
	else if (strcmp(event, "more") == 0)
		take_object(replicator, message, replica_add);
	else if (strcmp(event, "sender") == 0)
		take_senders(replicator, message);
	else if (strcmp(event, "gone") == 0)
		take_gone(replicator, message);
	else if (strcmp(event, "state") == 0)
		take_state(replicator, message);
	else if (strcmp(event, "current") == 0)
		replica_confirm(replicator->replica, now_of(replicator));
	if (strcmp(event, "object") == 0)
		replicator->status.objects++;
}

/* Whether what the run tells still fits what the store holds. */
static bool
is_valid(struct replicator *replicator)
{
	if (replicator->stopping ||
	    replica_status(replicator->replica).epoch == replicator->epoch)
		return !replicator->stopping;
	stop_run(replicator, 0.0);
	return false;
}

static void
heard(struct directory_listener *listener, const struct message *message)
{
	struct replicator *replicator = replicator_of(listener);
	const char *event = message_text(message, "event");

	if (strcmp(event, "failed") == 0) {
		failed(replicator, message);
	} else if (strcmp(event, "end") == 0) {
		replicator->status.runs++;
		end_run(replicator, replicator->policy.sync_interval);
	} else if (replicator->status.running && is_valid(replicator)) {
		take_event(replicator, event, message);
	}
}

/* A new directory process knows nothing of the run under way. */
static void
restarted(struct directory_listener *listener)
{
	struct replicator *replicator = replicator_of(listener);

	replica_load_cancel(replicator->replica);
	replicator->status.running = false;
	begin_run(replicator);
}

struct replicator *
replicator_create(struct ev_loop *loop, struct directory_child *child,
    struct replica *replica, const struct replicator_policy *policy)
{
	struct replicator *replicator = xcalloc(1, sizeof(*replicator));

	replicator->loop = loop;
	replicator->child = child;
	replicator->replica = replica;
	replicator->listener.heard = heard;
	replicator->listener.restarted = restarted;
	replicator->retry = RETRY_FIRST;
	ev_timer_init(&replicator->next, next_is_due, 0.0, 0.0);
	ev_timer_init(&replicator->reconcile, reconcile_is_due, 0.0, 0.0);
	ev_timer_init(&replicator->sweep, sweep_is_due, 0.0, 0.0);
	directory_child_listen(child, DIRECTORY_SYNC, &replicator->listener);
	replicator_configure(replicator, policy);
	start_timer(replicator, &replicator->next, 0.0);
	start_timer(replicator, &replicator->sweep, SWEEP_PAUSE);
	return replicator;
}

void
replicator_destroy(struct replicator *replicator)
{
	if (replicator == NULL)
		return;
	ev_timer_stop(replicator->loop, &replicator->next);
	ev_timer_stop(replicator->loop, &replicator->reconcile);
	ev_timer_stop(replicator->loop, &replicator->sweep);
	directory_child_listen(replicator->child, DIRECTORY_SYNC, NULL);
	free(replicator);
}

void
replicator_configure(struct replicator *replicator,
    const struct replicator_policy *policy)
{
	const bool same =
	    replicator->policy.reconcile_interval == policy->reconcile_interval;

	replicator->policy = *policy;
	if (!same)
		schedule_reconcile(replicator);
}

void
replicator_sync(struct replicator *replicator, bool full, bool force)
{
	replicator->forced = force;
	if (full)
		replicator->wants_full = true;
	begin_soon(replicator);
}

const struct replicator_status *
replicator_status(const struct replicator *replicator)
{
	return &replicator->status;
}
