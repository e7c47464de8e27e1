/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyd.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf_policy.h"
#include "container.h"
#include "control.h"
#include "listener.h"
#include "log.h"
#include "logsink.h"
#include "metrics.h"
#include "process.h"
#include "recipients.h"
#include "session.h"
#include "store_bdb.h"
#include "turn.h"
#include "upkeep.h"
#include "xalloc.h"

enum {
	/* Descriptors beside the connections: files of the store, listeners,
	 * log. */
	SPARE_DESCRIPTORS = 64,
	STATISTICS_LINE = 4096,
	CONTROL_MODE = 0660,
};

/* The statistics are logged once an hour. */
#define STATISTICS_EVERY 3600.0

/* Seconds that the last answers may take after SIGTERM, beside
 * answer-within. */
#define DRAIN_SECONDS 1.0

struct policyd {
	const struct policyd_options *options;
	struct conf *conf;
	struct ev_loop *loop;
	struct metrics metrics;
	struct log_sink *sink;
	struct store_bdb *bdb;
	struct turn *turn;
	struct recipients *recipients;
	struct control *control;
	struct upkeep *upkeep;
	struct sessions *sessions;
	struct listeners *listeners;
	struct ev_signal terminate;
	struct ev_signal interrupt;
	struct ev_signal hangup;
	struct ev_signal user1;
	struct ev_timer statistics;
	struct ev_timer drained;
	uid_t uid;
	gid_t gid;
	int lock;
	/* Who waits until we serve; -1: nobody. */
	int ready;
	bool has_pid_file;
};

/* Rows of a table; while the store is shut another thread may count them. */
static long long
rows_of(const struct policyd *policyd, enum store_table table)
{
	if (store_bdb_is_shut(policyd->bdb))
		return 0;
	return (long long)store_bdb_store(policyd->bdb)->rows[table];
}

static void
log_statistics(struct policyd *policyd)
{
	char memory[STATISTICS_LINE];
	struct buf line;

	policyd->metrics.commits_failed = turn_failures(policyd->turn);
	buf_init(&line, memory, sizeof(memory));
	buf_puts(&line, "statistics: triplets=");
	buf_put_number(&line, rows_of(policyd, STORE_TRIPLET));
	buf_puts(&line, " clients=");
	buf_put_number(&line, rows_of(policyd, STORE_CLIENT));
	recipients_statistics(policyd->recipients, &line);
	metrics_write(&policyd->metrics, &line);
	log_line(LOG_LEVEL_INFO, line.data, line.len);
}

static void
statistics(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	log_statistics(container_of(timer, struct policyd, statistics));
}

static void
user1(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	(void)loop;
	(void)events;
	log_statistics(container_of(watcher, struct policyd, user1));
}

/* The sink that the configuration names. */
static void
open_log(struct policyd *policyd)
{
	uint64_t *dropped = &policyd->metrics.log_lines_dropped;

	policyd->sink = policyd->conf->log == CONF_LOG_STDERR
			    ? logsink_stream_create(STDERR_FILENO, dropped)
			    : logsink_syslog_create(dropped);
	log_to(policyd->sink,
	    policyd->options->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
}

static void
close_log(struct policyd *policyd)
{
	log_to(NULL, LOG_LEVEL_ERROR);
	if (policyd->conf->log == CONF_LOG_STDERR)
		logsink_stream_destroy(policyd->sink);
	else
		logsink_syslog_destroy(policyd->sink);
}

/* The admin's socket: only the daemon's user and group may connect. */
static int
open_control(struct policyd *policyd, const struct conf *conf, struct err *err)
{
	const struct listener_rights rights = {
		.mode = CONTROL_MODE,
		.owner = geteuid() == 0 ? policyd->uid : (uid_t)-1,
		.group = geteuid() == 0 ? policyd->gid : (gid_t)-1,
	};

	return control_listen(policyd->control, conf->control, &rights, err);
}

static int
open_endpoints(struct policyd *policyd, const struct conf *conf,
    struct err *err)
{
	struct listener_rights rights = { .mode = conf->socket_mode };
	const int found = process_find_owner(conf->socket_owner,
	    conf->socket_group, &rights.owner, &rights.group, err);

	if (found != 0)
		return found;
	/* Made as root, the socket is the daemon's all the same. */
	if (geteuid() == 0 && rights.owner == (uid_t)-1)
		rights.owner = policyd->uid;
	if (geteuid() == 0 && rights.group == (gid_t)-1)
		rights.group = policyd->gid;
	if (listeners_set(policyd->listeners, &conf->listen, &rights, err) !=
		0 ||
	    open_control(policyd, conf, err) != 0)
		return EX_CANTCREAT;
	return 0;
}

/* Gives everybody what the configuration says. */
static void
configure(struct policyd *policyd)
{
	const struct conf *conf = policyd->conf;
	const struct session_limits limits = conf_session_limits(conf);
	struct store *store = store_bdb_store(policyd->bdb);
	const struct engine_parts parts = recipients_parts(policyd->recipients);
	const struct control_services services =
	    recipients_services(policyd->recipients, policyd->turn);
	struct engine *engine = conf_engine(conf, &parts);

	store->max_entries = (uint64_t)conf->max_entries;
	sessions_configure(policyd->sessions, &limits, engine);
	control_configure(policyd->control, &services);
	upkeep_configure(policyd->upkeep, engine, (double)conf->sweep_interval,
	    conf->durability == CONF_FULL);
	engine_release(engine);
}

static void
log_reload(const struct policyd *policyd, const struct conf *old)
{
	char memory[256];
	struct buf keys;

	buf_init(&keys, memory, sizeof(memory));
	if (conf_needs_restart(old, policyd->conf, &keys))
		log_warning("reloaded %s; a restart is needed for %.*s",
		    policyd->options->file, (int)keys.len, keys.data);
	else
		log_info("reloaded %s", policyd->options->file);
}

/* Takes the new configuration when all of it can be had, else keeps the old. */
static void
reload(struct policyd *policyd)
{
	struct conf *old = policyd->conf;
	struct err err;
	struct conf *new = conf_read(policyd->options->file, &err);

	if (new == NULL || open_endpoints(policyd, new, &err) != 0) {
		log_error("not reloaded, the old configuration stays: %s",
		    err.text);
		conf_free(new);
		return;
	}
	close_log(policyd);
	policyd->conf = new;
	open_log(policyd);
	recipients_configure(policyd->recipients, new);
	configure(policyd);
	log_reload(policyd, old);
	conf_free(old);
}

static void
hangup(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	(void)loop;
	(void)events;
	reload(container_of(watcher, struct policyd, hangup));
}

static void
stop(struct ev_loop *loop, struct ev_signal *watcher, int events)
{
	(void)watcher;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void
give_up_draining(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* Answers what was asked before we were told to stop. */
static void
drain(struct policyd *policyd)
{
	const double patience =
	    (double)policyd->conf->answer_within + DRAIN_SECONDS;
	const ev_tstamp end = ev_time() + patience;

	listeners_destroy(policyd->listeners);
	policyd->listeners = NULL;
	ev_timer_init(&policyd->drained, give_up_draining, patience, 0.0);
	ev_timer_start(policyd->loop, &policyd->drained);
	/* What has arrived is read once more, and decided. */
	ev_run(policyd->loop, EVRUN_NOWAIT);
	while (sessions_drain(policyd->sessions) > 0 && ev_time() < end)
		ev_run(policyd->loop, EVRUN_ONCE);
	ev_timer_stop(policyd->loop, &policyd->drained);
}

static void
watch_signal(struct policyd *policyd, struct ev_signal *watcher,
    void (*heard)(struct ev_loop *, struct ev_signal *, int), int number)
{
	ev_signal_init(watcher, heard, number);
	ev_signal_start(policyd->loop, watcher);
}

static void
watch_signals(struct policyd *policyd)
{
	watch_signal(policyd, &policyd->terminate, stop, SIGTERM);
	watch_signal(policyd, &policyd->interrupt, stop, SIGINT);
	watch_signal(policyd, &policyd->hangup, hangup, SIGHUP);
	watch_signal(policyd, &policyd->user1, user1, SIGUSR1);
	ev_timer_init(&policyd->statistics, statistics, STATISTICS_EVERY,
	    STATISTICS_EVERY);
	ev_timer_start(policyd->loop, &policyd->statistics);
}

/* As many descriptors as max-connections needs, if we may. */
static void
raise_descriptors(const struct conf *conf)
{
	const rlim_t wanted = (rlim_t)conf->max_connections + SPARE_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warning("max-connections = %lld needs %llu descriptors: "
			    "%s",
		    (long long)conf->max_connections,
		    (unsigned long long)wanted, strerror(errno));
}

/* Makes what needs neither rights nor files. */
static void
build(struct policyd *policyd)
{
	const struct conf *conf = policyd->conf;
	const struct store_bdb_config config = {
		.directory = conf->state_directory,
		.cache_size = conf->cache_size,
		.checkpoint_size = conf->checkpoint_size,
		.max_entries = (uint64_t)conf->max_entries,
	};

	policyd->loop = ev_default_loop(EVFLAG_AUTO);
	policyd->bdb = store_bdb_create(&config);
	policyd->turn =
	    turn_create(policyd->loop, store_bdb_store(policyd->bdb));
	policyd->sessions =
	    sessions_create(policyd->loop, policyd->turn, &policyd->metrics);
	policyd->control = control_create(policyd->loop);
	policyd->listeners =
	    listeners_create(policyd->loop, sessions_client(policyd->sessions));
}

/* The opposite, and the rest. */
static void
demolish(struct policyd *policyd)
{
	listeners_destroy(policyd->listeners);
	sessions_destroy(policyd->sessions);
	control_destroy(policyd->control);
	recipients_destroy(policyd->recipients);
	upkeep_destroy(policyd->upkeep);
	turn_destroy(policyd->turn);
	store_bdb_destroy(policyd->bdb);
	if (policyd->has_pid_file)
		unlink(policyd->conf->pid_file);
	if (policyd->lock >= 0)
		close(policyd->lock);
	close_log(policyd);
	conf_free(policyd->conf);
	ev_loop_destroy(policyd->loop);
}

/* Takes what may need root, then becomes the user. */
static int
take_place(struct policyd *policyd, struct err *err)
{
	const struct conf *conf = policyd->conf;
	int code =
	    process_find_user(conf->user, &policyd->uid, &policyd->gid, err);

	if (code != 0)
		return code;
	raise_descriptors(conf);
	code = process_make_folder(conf->state_directory, policyd->uid,
	    policyd->gid, err);
	if (code == 0)
		code = process_lock(conf->state_directory, policyd->uid,
		    &policyd->lock, err);
	if (code == 0)
		code = open_endpoints(policyd, conf, err);
	if (code == 0 && *conf->pid_file != '\0') {
		code = process_write_pid(conf->pid_file, err);
		policyd->has_pid_file = code == 0;
	}
	if (code == 0)
		code =
		    process_become(conf->user, policyd->uid, policyd->gid, err);
	return code;
}

static int
open_store(struct policyd *policyd, struct err *err)
{
	switch (store_bdb_open(policyd->bdb, err)) {
	case STORE_BDB_REFUSED:
		return EX_CANTCREAT;
	case STORE_BDB_AWAY:
		log_error("starting without the store, nothing is greylisted "
			  "until it is back: %s",
		    err->text);
		break;
	case STORE_BDB_RECREATED:
		log_error("%s", err->text);
		break;
	case STORE_BDB_OPENED:
		break;
	}
	return 0;
}

static void
log_ready(const struct policyd *policyd)
{
	char memory[1024];
	struct buf endpoints;

	buf_init(&endpoints, memory, sizeof(memory));
	listeners_describe(policyd->listeners, &endpoints);
	log_info("ready: listening on %.*s; %lld triplets", (int)endpoints.len,
	    endpoints.data, rows_of(policyd, STORE_TRIPLET));
	log_flush();
}

static int
start(struct policyd *policyd, struct err *err)
{
	int code = take_place(policyd, err);

	if (code == 0)
		code = open_store(policyd, err);
	if (code != 0)
		return code;
	policyd->recipients = recipients_create(policyd->loop,
	    store_bdb_store(policyd->bdb), policyd->conf);
	policyd->upkeep = upkeep_create(policyd->loop, policyd->bdb,
	    policyd->turn, &policyd->metrics);
	configure(policyd);
	watch_signals(policyd);
	log_ready(policyd);
	process_ready(policyd->ready, policyd->conf->log == CONF_LOG_STDERR);
	return 0;
}

/* The last words go to whoever started us, too. */
static void
tell_failure(const struct policyd *policyd, const struct err *err)
{
	log_error("cannot start: %s", err->text);
	log_flush();
	if (policyd->conf->log != CONF_LOG_STDERR)
		fprintf(stderr, "policyd: %s\n", err->text);
}

int
policyd_run(const struct policyd_options *options, struct conf *conf)
{
	struct policyd policyd = {
		.options = options,
		.conf = conf,
		.lock = -1,
		.ready = -1,
	};
	struct err err;
	int code = 0;

	signal(SIGPIPE, SIG_IGN);
	/* A file-size limit is a full disk: an error, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	if (!options->foreground)
		code = process_background(&policyd.ready, &err);
	open_log(&policyd);
	build(&policyd);
	if (code == 0)
		code = start(&policyd, &err);
	if (code != 0) {
		tell_failure(&policyd, &err);
	} else {
		ev_run(policyd.loop, 0);
		drain(&policyd);
		log_statistics(&policyd);
		log_info("stopped");
	}
	demolish(&policyd);
	return code;
}
