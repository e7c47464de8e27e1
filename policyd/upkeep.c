/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "upkeep.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "expiry.h"
#include "log.h"
#include "xalloc.h"

enum {
	/* Of setpriority(2). */
	LAST_PRIORITY = 19,
	/* Rows between two looks at the clock. */
	SWEEP_ROWS = 32,
	/* Seconds between attempts to open a failed store, growing. */
	REOPEN_FIRST = 1,
	REOPEN_LAST = 60,
	/* Seconds between two complaints about a store that stays away. */
	COMPLAIN_EVERY = 60,
};

#define LOOK_EVERY 1.0

/* Seconds of computing without a beat of the loop: a turn takes milliseconds.
 * A loop that waits, for a disk or a debugger, does not compute. */
#define SPIN_SECONDS 10

/* A slice takes half a millisecond, fifty times a second: in the worst case a
 * fortieth of the loop's time. */
#define SWEEP_SLICE 0.0005
#define SWEEP_PAUSE 0.02

struct upkeep {
	struct ev_loop *loop;
	struct store_bdb *bdb;
	struct turn *turn;
	struct metrics *metrics;

	/* The loop's: the sweep. */
	struct engine *engine;
	double sweep_interval;
	struct ev_timer sweep;
	struct expiry expiry;
	struct ev_timer look;
	ev_tstamp complained;
	struct turn_flusher flusher;
	struct ev_async news;

	/* The loop lives: it counts up once a second. */
	atomic_uint beats;
	clockid_t loop_clock;

	/* All threads', under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wake_flush;
	pthread_cond_t wake_tidy;
	bool stopping;
	bool flush_wanted;
	bool flush_done;
	bool flush_durable;
	bool reopened;
	enum store_bdb_result result;
	struct err err;

	/* Held while the log is flushed, and while the store is opened again:
	 * what is closed is not flushed. */
	pthread_mutex_t environment;
	pthread_t flush_thread;
	pthread_t tidy_thread;
};

/* When the loop's thread had last given a sign of life. */
struct pulse {
	unsigned beats;
	time_t computed;
};

/* Waits for a call or for some seconds; the lock is held. */
static void
wait(struct upkeep *upkeep, pthread_cond_t *call, time_t seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_cond_timedwait(call, &upkeep->lock, &until);
}

static bool
flush(struct upkeep *upkeep)
{
	struct err err;
	bool durable;

	pthread_mutex_lock(&upkeep->environment);
	durable = !store_bdb_is_shut(upkeep->bdb) &&
		  store_bdb_flush(upkeep->bdb, &err) == 0;
	pthread_mutex_unlock(&upkeep->environment);
	return durable;
}

/* Berkeley DB does not return from some damaged pages (all zero, as a file
 * system may leave them after a power cut), and the thread in it cannot be
 * stopped.  The process ends, and the next one begins with an empty store. */
static void
end_process(struct upkeep *upkeep)
{
	struct err err;

	store_bdb_abandon(upkeep->bdb, &err);
	syslog(LOG_MAIL | LOG_CRIT, "damaged store, ending: %s", err.text);
	fprintf(stderr, "policyd: damaged store, ending: %s\n", err.text);
	_exit(EX_SOFTWARE);
}

/* Seconds that the loop's thread has computed. */
static time_t
computed_by_loop(const struct upkeep *upkeep)
{
	struct timespec computed;

	clock_gettime(upkeep->loop_clock, &computed);
	return computed.tv_sec;
}

static void
check_pulse(struct upkeep *upkeep, struct pulse *pulse)
{
	const unsigned beats = atomic_load(&upkeep->beats);
	const time_t computed = computed_by_loop(upkeep);

	if (beats != pulse->beats)
		*pulse = (struct pulse){ beats, computed };
	else if (computed > pulse->computed + SPIN_SECONDS)
		end_process(upkeep);
}

static void *
flush_thread(void *argument)
{
	struct upkeep *upkeep = argument;
	struct pulse pulse = { 0, computed_by_loop(upkeep) };
	bool wanted;
	bool durable;

	pthread_mutex_lock(&upkeep->lock);
	while (!upkeep->stopping) {
		if (!upkeep->flush_wanted)
			wait(upkeep, &upkeep->wake_flush, 1);
		wanted = upkeep->flush_wanted;
		pthread_mutex_unlock(&upkeep->lock);
		check_pulse(upkeep, &pulse);
		durable = flush(upkeep);
		pthread_mutex_lock(&upkeep->lock);
		if (wanted) {
			upkeep->flush_wanted = false;
			upkeep->flush_done = true;
			upkeep->flush_durable = durable;
		}
		if (wanted)
			ev_async_send(upkeep->loop, &upkeep->news);
	}
	pthread_mutex_unlock(&upkeep->lock);
	return NULL;
}

static void
reopen(struct upkeep *upkeep)
{
	enum store_bdb_result result;
	struct err err = { "" };

	pthread_mutex_lock(&upkeep->environment);
	result = store_bdb_open(upkeep->bdb, &err);
	pthread_mutex_unlock(&upkeep->environment);
	pthread_mutex_lock(&upkeep->lock);
	upkeep->reopened = true;
	upkeep->result = result;
	upkeep->err = err;
	pthread_mutex_unlock(&upkeep->lock);
	ev_async_send(upkeep->loop, &upkeep->news);
}

/* One round of the slow work; returns the seconds until the next one.  What
 * fails here shuts the store at the end of the loop's turn. */
static time_t
tidy(struct upkeep *upkeep, time_t pause)
{
	struct err err;

	if (!store_bdb_is_shut(upkeep->bdb)) {
		store_bdb_tidy(upkeep->bdb, &err);
		return REOPEN_FIRST;
	}
	reopen(upkeep);
	if (!store_bdb_is_shut(upkeep->bdb))
		return REOPEN_FIRST;
	return 2 * pause < REOPEN_LAST ? 2 * pause : REOPEN_LAST;
}

static void *
tidy_thread(void *argument)
{
	struct upkeep *upkeep = argument;
	time_t pause = REOPEN_FIRST;

	/* On Linux a thread has a priority of its own: where there is one core
	 * for both, the loop comes first. */
	setpriority(PRIO_PROCESS, (id_t)gettid(), LAST_PRIORITY);
	pthread_mutex_lock(&upkeep->lock);
	for (;;) {
		wait(upkeep, &upkeep->wake_tidy, pause);
		if (upkeep->stopping)
			break;
		pthread_mutex_unlock(&upkeep->lock);
		pause = tidy(upkeep, pause);
		pthread_mutex_lock(&upkeep->lock);
	}
	pthread_mutex_unlock(&upkeep->lock);
	return NULL;
}

static void
start_flush(struct turn_flusher *flusher)
{
	struct upkeep *upkeep = container_of(flusher, struct upkeep, flusher);

	pthread_mutex_lock(&upkeep->lock);
	upkeep->flush_wanted = true;
	pthread_cond_signal(&upkeep->wake_flush);
	pthread_mutex_unlock(&upkeep->lock);
}

static void
tell_reopened(enum store_bdb_result result, const struct err *err)
{
	switch (result) {
	case STORE_BDB_OPENED:
		log_info("the store is back");
		break;
	case STORE_BDB_RECREATED:
		log_error("%s", err->text);
		break;
	case STORE_BDB_AWAY:
	case STORE_BDB_REFUSED:
		log_debug("cannot open the store: %s", err->text);
		break;
	}
}

/* The first failure is told, and then one a minute while it lasts. */
static void
complain(struct upkeep *upkeep)
{
	const ev_tstamp now = ev_now(upkeep->loop);
	struct err err;

	if (upkeep->complained > 0 && upkeep->complained <= now &&
	    now < upkeep->complained + COMPLAIN_EVERY)
		return;
	upkeep->complained = now;
	store_bdb_complaint(upkeep->bdb, &err);
	log_error("the store failed, nothing is greylisted until it is back: "
		  "%s",
	    err.text);
}

static void
hear_news(struct ev_loop *loop, struct ev_async *async, int events)
{
	struct upkeep *upkeep = container_of(async, struct upkeep, news);
	enum store_bdb_result result;
	struct err err;
	bool reopened;
	bool flushed;
	bool durable;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&upkeep->lock);
	reopened = upkeep->reopened;
	result = upkeep->result;
	err = upkeep->err;
	flushed = upkeep->flush_done;
	durable = upkeep->flush_durable;
	upkeep->reopened = upkeep->flush_done = false;
	pthread_mutex_unlock(&upkeep->lock);
	if (reopened)
		tell_reopened(result, &err);
	if (flushed)
		turn_flushed(upkeep->turn, durable);
}

static void
sleep_for(struct upkeep *upkeep, double seconds)
{
	ev_timer_stop(upkeep->loop, &upkeep->sweep);
	ev_timer_set(&upkeep->sweep, seconds, 0.0);
	ev_timer_start(upkeep->loop, &upkeep->sweep);
}

static double
monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static enum expiry_status
sweep_slice(struct upkeep *upkeep)
{
	const double end = monotonic() + SWEEP_SLICE;
	enum expiry_status status;

	do
		status =
		    expiry_step(&upkeep->expiry, store_bdb_store(upkeep->bdb),
			engine_greylist(upkeep->engine),
			(time_t)ev_now(upkeep->loop), SWEEP_ROWS);
	while (status == EXPIRY_MORE && monotonic() < end);
	return status;
}

static void
sweep(struct upkeep *upkeep)
{
	const uint64_t before = upkeep->expiry.forgotten;
	const enum expiry_status status = sweep_slice(upkeep);

	upkeep->metrics->rows_expired += upkeep->expiry.forgotten - before;
	if (status != EXPIRY_DONE) {
		sleep_for(upkeep, SWEEP_PAUSE);
		return;
	}
	log_debug("swept: %llu rows were over",
	    (unsigned long long)upkeep->expiry.forgotten);
	expiry_begin(&upkeep->expiry);
	sleep_for(upkeep, upkeep->sweep_interval);
}

static void
sweep_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	sweep(container_of(timer, struct upkeep, sweep));
}

/* This timer makes the loop wake up and end a turn, too: so a
 * failure that only the threads have seen is noticed without traffic. */
static void
look_timer(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct upkeep *upkeep = container_of(timer, struct upkeep, look);

	(void)loop;
	(void)events;
	atomic_fetch_add(&upkeep->beats, 1);
	if (store_bdb_is_shut(upkeep->bdb))
		complain(upkeep);
	else
		upkeep->complained = 0;
}

static void
start_threads(struct upkeep *upkeep)
{
	sigset_t all;
	sigset_t old;
	int error;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error =
	    pthread_create(&upkeep->flush_thread, NULL, flush_thread, upkeep);
	if (error == 0)
		error = pthread_create(&upkeep->tidy_thread, NULL, tidy_thread,
		    upkeep);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error != 0) {
		log_error("cannot start a thread: %s", strerror(error));
		log_flush();
		abort();
	}
}

static void
init_waits(struct upkeep *upkeep)
{
	pthread_condattr_t monotonic_clock;

	pthread_condattr_init(&monotonic_clock);
	pthread_condattr_setclock(&monotonic_clock, CLOCK_MONOTONIC);
	pthread_mutex_init(&upkeep->lock, NULL);
	pthread_mutex_init(&upkeep->environment, NULL);
	pthread_cond_init(&upkeep->wake_flush, &monotonic_clock);
	pthread_cond_init(&upkeep->wake_tidy, &monotonic_clock);
	pthread_condattr_destroy(&monotonic_clock);
}

struct upkeep *
upkeep_create(struct ev_loop *loop, struct store_bdb *bdb, struct turn *turn,
    struct metrics *metrics)
{
	struct upkeep *upkeep = xcalloc(1, sizeof(*upkeep));

	upkeep->loop = loop;
	upkeep->bdb = bdb;
	upkeep->turn = turn;
	upkeep->metrics = metrics;
	upkeep->flusher.start = start_flush;
	pthread_getcpuclockid(pthread_self(), &upkeep->loop_clock);
	init_waits(upkeep);
	expiry_begin(&upkeep->expiry);
	ev_timer_init(&upkeep->sweep, sweep_timer, 0.0, 0.0);
	ev_timer_init(&upkeep->look, look_timer, LOOK_EVERY, LOOK_EVERY);
	ev_timer_start(loop, &upkeep->look);
	ev_async_init(&upkeep->news, hear_news);
	ev_async_start(loop, &upkeep->news);
	start_threads(upkeep);
	return upkeep;
}

static void
stop_threads(struct upkeep *upkeep)
{
	pthread_mutex_lock(&upkeep->lock);
	upkeep->stopping = true;
	pthread_cond_signal(&upkeep->wake_flush);
	pthread_cond_signal(&upkeep->wake_tidy);
	pthread_mutex_unlock(&upkeep->lock);
	pthread_join(upkeep->flush_thread, NULL);
	pthread_join(upkeep->tidy_thread, NULL);
}

void
upkeep_destroy(struct upkeep *upkeep)
{
	if (upkeep == NULL)
		return;
	stop_threads(upkeep);
	turn_set_flusher(upkeep->turn, NULL);
	ev_timer_stop(upkeep->loop, &upkeep->sweep);
	ev_timer_stop(upkeep->loop, &upkeep->look);
	ev_async_stop(upkeep->loop, &upkeep->news);
	engine_release(upkeep->engine);
	pthread_cond_destroy(&upkeep->wake_flush);
	pthread_cond_destroy(&upkeep->wake_tidy);
	pthread_mutex_destroy(&upkeep->environment);
	pthread_mutex_destroy(&upkeep->lock);
	free(upkeep);
}

void
upkeep_configure(struct upkeep *upkeep, struct engine *engine,
    double sweep_interval, bool durable)
{
	engine_release(upkeep->engine);
	upkeep->engine = engine_hold(engine);
	upkeep->sweep_interval = sweep_interval;
	turn_set_flusher(upkeep->turn, durable ? &upkeep->flusher : NULL);
	if (sweep_interval > 0)
		sleep_for(upkeep, sweep_interval);
	else
		ev_timer_stop(upkeep->loop, &upkeep->sweep);
}
