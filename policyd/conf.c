/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "deferral.h"
#include "listener.h"
#include "netset.h"
#include "xalloc.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, YEAR = 365 * DAY };

#define KILO ((int64_t)1 << 10)
#define MEGA ((int64_t)1 << 20)
#define TERA ((int64_t)1 << 40)

static const char *const logs[] = {
	[CONF_LOG_SYSLOG] = "syslog",
	[CONF_LOG_STDERR] = "stderr",
	NULL,
};

static const char *const durabilities[] = {
	[CONF_RELAXED] = "relaxed",
	[CONF_FULL] = "full",
	NULL,
};

static const char *const modes[] = {
	[GREYLIST_ENFORCE] = "enforce",
	[GREYLIST_OBSERVE] = "observe",
	[GREYLIST_OFF] = "off",
	NULL,
};

static int
check_network(const char *value, struct err *err)
{
	struct netaddr network;

	return network_parse(value, &network, err);
}

static int
check_folder(const char *value, struct err *err)
{
	/* Room for the names of the files in it. */
	if (*value == '/' && strlen(value) < PATH_MAX - 256)
		return 0;
	err_set(err, "\"%s\" is not an absolute path", value);
	return -1;
}

static int
check_file(const char *value, struct err *err)
{
	return *value == '\0' ? 0 : check_folder(value, err);
}

#define FIELD(member) .offset = offsetof(struct conf, member)

static const struct setting rows[] = {
	{ .name = "listen",
	    .type = SETTING_LIST,
	    FIELD(listen),
	    .fallback = "{ \"unix:/run/policyd/policy\", "
			"\"inet:127.0.0.1:10040\" }",
	    .check = listener_check,
	    .help = "where Postfix connects to: unix:/path, "
		    "inet:127.0.0.1:10040, inet:[::1]:10040" },
	{ .name = "socket-mode",
	    .type = SETTING_MODE,
	    FIELD(socket_mode),
	    .fallback = "0666",
	    .help = "rights of the unix sockets" },
	{ .name = "socket-owner",
	    .type = SETTING_TEXT,
	    FIELD(socket_owner),
	    .fallback = "",
	    .help = "owner of the unix sockets; empty: the daemon's" },
	{ .name = "socket-group",
	    .type = SETTING_TEXT,
	    FIELD(socket_group),
	    .fallback = "",
	    .help = "group of the unix sockets; empty: the daemon's" },
	{ .name = "state-directory",
	    .type = SETTING_TEXT,
	    FIELD(state_directory),
	    .fallback = "/var/lib/policyd",
	    .check = check_folder,
	    .help = "where the store is" },
	{ .name = "user",
	    .type = SETTING_TEXT,
	    FIELD(user),
	    .fallback = "policyd",
	    .help = "started as root, the daemon becomes this user" },
	{ .name = "pid-file",
	    .type = SETTING_TEXT,
	    FIELD(pid_file),
	    .fallback = "/run/policyd/policyd.pid",
	    .check = check_file,
	    .help = "where the process number is written; empty: nowhere" },
	{ .name = "log",
	    .type = SETTING_WORD,
	    FIELD(log),
	    .fallback = "syslog",
	    .words = logs,
	    .help =
		"where log lines go; syslog has them in the facility mail" },
	{ .name = "durability",
	    .type = SETTING_WORD,
	    FIELD(durability),
	    .fallback = "relaxed",
	    .words = durabilities,
	    .help = "with relaxed a power cut may lose the last second; with "
		    "full an answer waits for the disk" },
	{ .name = "cache-size",
	    .type = SETTING_SIZE,
	    FIELD(cache_size),
	    .fallback = "64M",
	    .min = MEGA,
	    .max = TERA,
	    .help = "memory for the pages of the store" },
	{ .name = "checkpoint-size",
	    .type = SETTING_SIZE,
	    FIELD(checkpoint_size),
	    .fallback = "32M",
	    .min = MEGA,
	    .max = TERA,
	    .help = "log between two checkpoints; more makes the start after "
		    "a crash slower" },
	{ .name = "max-connections",
	    .type = SETTING_COUNT,
	    FIELD(max_connections),
	    .fallback = "1000",
	    .min = 1,
	    .max = 1000000,
	    .help = "connections of Postfix; one more closes the longest "
		    "idle" },
	{ .name = "max-entries",
	    .type = SETTING_COUNT,
	    FIELD(max_entries),
	    .fallback = "20000000",
	    .min = 1000,
	    .max = 10000000000,
	    .help = "rows in the store; with more, new triplets are let "
		    "through" },
	{ .name = "answer-within",
	    .type = SETTING_DURATION,
	    FIELD(answer_within),
	    .fallback = "5s",
	    .min = 1,
	    .max = 50,
	    .help = "what is not answered by then counts as unavailable" },
	{ .name = "idle-timeout",
	    .type = SETTING_DURATION,
	    FIELD(idle_timeout),
	    .fallback = "1100s",
	    .min = 1,
	    .max = DAY,
	    .help = "idle connections are closed; Postfix keeps its own up "
		    "to 1000 s" },
	{ .name = "max-attributes",
	    .type = SETTING_COUNT,
	    FIELD(max_attributes),
	    .fallback = "128",
	    .min = 32,
	    .max = 10000,
	    .help = "attributes of a request; with more it is malformed" },
	{ .name = "max-value-size",
	    .type = SETTING_SIZE,
	    FIELD(max_value_size),
	    .fallback = "4K",
	    .min = 512,
	    .max = MEGA,
	    .help = "bytes of an attribute's value" },
	{ .name = "max-request-size",
	    .type = SETTING_SIZE,
	    FIELD(max_request_size),
	    .fallback = "32K",
	    .min = 4 * KILO,
	    .max = MEGA,
	    .help = "bytes of a request; each connection has such a buffer" },
	{ .name = "sweep-interval",
	    .type = SETTING_DURATION,
	    FIELD(sweep_interval),
	    .fallback = "1h",
	    .min = 0,
	    .max = YEAR,
	    .help = "pause between two sweeps of expired rows; 0s: never" },
	{ .section = "whitelist",
	    .name = "networks",
	    .type = SETTING_LIST,
	    FIELD(whitelist.networks),
	    .fallback = "{ \"127.0.0.0/8\", \"::1\" }",
	    .check = check_network,
	    .help = "clients that are never greylisted" },
	{ .section = "greylist",
	    .name = "mode",
	    .type = SETTING_WORD,
	    FIELD(greylist.mode),
	    .fallback = "enforce",
	    .words = modes,
	    .help = "observe only logs what would be done" },
	{ .section = "greylist",
	    .name = "delay",
	    .type = SETTING_DURATION,
	    FIELD(greylist.delay),
	    .fallback = "2m",
	    .min = 1,
	    .max = DAY,
	    .help = "a new triplet is deferred for so long" },
	{ .section = "greylist",
	    .name = "retry-window",
	    .type = SETTING_DURATION,
	    FIELD(greylist.retry_window),
	    .fallback = "48h",
	    .min = 1,
	    .max = YEAR,
	    .help = "a retry after it counts as the first attempt" },
	{ .section = "greylist",
	    .name = "keep",
	    .type = SETTING_DURATION,
	    FIELD(greylist.keep),
	    .fallback = "36d",
	    .min = 1,
	    .max = 10 * (int64_t)YEAR,
	    .help = "what has passed is known so long after its last use" },
	{ .section = "greylist",
	    .name = "ipv4-prefix",
	    .type = SETTING_COUNT,
	    FIELD(greylist.ipv4_prefix),
	    .fallback = "24",
	    .min = 1,
	    .max = 32,
	    .help = "bits of an IPv4 address that make a client's network" },
	{ .section = "greylist",
	    .name = "ipv6-prefix",
	    .type = SETTING_COUNT,
	    FIELD(greylist.ipv6_prefix),
	    .fallback = "64",
	    .min = 1,
	    .max = 128,
	    .help = "bits of an IPv6 address that make a client's network" },
	{ .section = "greylist",
	    .name = "whitelist-after",
	    .type = SETTING_COUNT,
	    FIELD(greylist.whitelist_after),
	    .fallback = "5",
	    .min = 0,
	    .max = 1000000,
	    .help = "a network that has passed so often, counted once an "
		    "hour, is let through; 0: never" },
	{ .section = "greylist",
	    .name = "code",
	    .type = SETTING_TEXT,
	    FIELD(greylist.code),
	    .fallback = "DEFER_IF_PERMIT 4.2.0",
	    .check = deferral_check_code,
	    .help = "how to defer: DEFER_IF_PERMIT, DEFER or 4NN, and a "
		    "status" },
	{ .section = "greylist",
	    .name = "text",
	    .type = SETTING_TEXT,
	    FIELD(greylist.text),
	    .fallback = "Greylisted, please try again in %d seconds",
	    .check = deferral_check_text,
	    .help = "what to say: %d seconds left, %r recipient, %% percent" },
	{ .section = "greylist",
	    .name = "header",
	    .type = SETTING_YES_NO,
	    FIELD(greylist.header),
	    .fallback = "yes",
	    .help = "add X-Greylist to messages that were delayed" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What no row can say alone. */
static int
check_together(const struct conf *conf, const char *path, struct err *err)
{
	if (conf->greylist.delay >= conf->greylist.retry_window) {
		err_set(err,
		    "%s: greylist: retry-window must be longer than "
		    "delay, or no retry ever passes",
		    path);
		return -1;
	}
	if (conf->max_value_size * 2 > conf->max_request_size) {
		err_set(err,
		    "%s: max-request-size must be at least twice "
		    "max-value-size",
		    path);
		return -1;
	}
	if (conf->listen.count == 0) {
		err_set(err, "%s: listen is empty: nobody could connect", path);
		return -1;
	}
	return 0;
}

struct conf *
conf_read(const char *path, struct err *err)
{
	struct conf *conf = xcalloc(1, sizeof(*conf));

	if (settings_read(rows, ROWS, path, conf, err) != 0) {
		free(conf);
		return NULL;
	}
	if (check_together(conf, path, err) != 0) {
		conf_free(conf);
		return NULL;
	}
	return conf;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	settings_free(rows, ROWS, conf);
	free(conf);
}

void
conf_print(FILE *out)
{
	settings_print(rows, ROWS, out);
}

static struct netset *
networks_of(const struct setting_list *list)
{
	struct netset *networks = netset_create();
	struct netaddr network;
	struct err err;

	for (size_t i = 0; i < list->count; i++) {
		const int parsed = network_parse(list->item[i], &network, &err);

		assert(parsed == 0);
		netset_add(networks, &network);
	}
	return networks;
}

struct engine *
conf_engine(const struct conf *conf, struct store *store)
{
	const struct engine_policy policy = {
		.greylist = {
			.mode = (enum greylist_mode)conf->greylist.mode,
			.delay = conf->greylist.delay,
			.retry_window = conf->greylist.retry_window,
			.keep = conf->greylist.keep,
			.whitelist_after =
			    (unsigned)conf->greylist.whitelist_after,
			.code = conf->greylist.code,
			.text = conf->greylist.text,
			.header = conf->greylist.header,
		},
		.origin = {
			.ipv4_prefix = (unsigned)conf->greylist.ipv4_prefix,
			.ipv6_prefix = (unsigned)conf->greylist.ipv6_prefix,
		},
		.networks = networks_of(&conf->whitelist.networks),
	};

	return engine_create(&policy, store);
}

struct session_limits
conf_session_limits(const struct conf *conf)
{
	return (struct session_limits){
		.request = {
			.attributes = (size_t)conf->max_attributes,
			.value = conf->max_value_size,
			.request = conf->max_request_size,
		},
		.max_connections = (unsigned)conf->max_connections,
		.idle_timeout = (double)conf->idle_timeout,
		.answer_within = (double)conf->answer_within,
	};
}

static void
add_key(struct buf *keys, const char *key, bool differs)
{
	if (!differs)
		return;
	if (keys->len > 0)
		buf_puts(keys, ", ");
	buf_puts(keys, key);
}

bool
conf_needs_restart(const struct conf *old, const struct conf *new,
    struct buf *keys)
{
	add_key(keys, "state-directory",
	    strcmp(old->state_directory, new->state_directory) != 0);
	add_key(keys, "user", strcmp(old->user, new->user) != 0);
	add_key(keys, "pid-file", strcmp(old->pid_file, new->pid_file) != 0);
	add_key(keys, "cache-size", old->cache_size != new->cache_size);
	add_key(keys, "checkpoint-size",
	    old->checkpoint_size != new->checkpoint_size);
	return keys->len > 0;
}
