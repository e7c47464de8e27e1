/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file of the daemon: its rows, their defaults, and what is
 * built from them.
 *
 * Every key has a default, so an empty file greylists.  The rows in conf.c are
 * the parser, the check, the sample file that `policyd -p` prints, and what
 * policyd.conf(5) explains.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine.h"
#include "err.h"
#include "session.h"
#include "settings.h"

enum conf_log { CONF_LOG_SYSLOG = 0, CONF_LOG_STDERR };
enum conf_durability { CONF_RELAXED = 0, CONF_FULL };

struct conf {
	struct setting_list listen;
	unsigned socket_mode;
	char *socket_owner;
	char *socket_group;
	char *state_directory;
	char *user;
	char *pid_file;
	int log;
	int durability;
	uint64_t cache_size;
	uint64_t checkpoint_size;
	int64_t max_connections;
	int64_t max_entries;
	int64_t answer_within;
	int64_t idle_timeout;
	int64_t max_attributes;
	uint64_t max_value_size;
	uint64_t max_request_size;
	int64_t sweep_interval;
	struct {
		struct setting_list networks;
	} whitelist;
	struct {
		int mode;
		int64_t delay;
		int64_t retry_window;
		int64_t keep;
		int64_t ipv4_prefix;
		int64_t ipv6_prefix;
		int64_t whitelist_after;
		char *code;
		char *text;
		bool header;
	} greylist;
};

/* Reads the file; the caller frees the result with conf_free().  On failure
 * `err` is "FILE:LINE: what is wrong, what is accepted" and NULL returned. */
struct conf *conf_read(const char *path, struct err *err);

/* NULL is accepted. */
void conf_free(struct conf *conf);

/* Prints every key with its default and its help: a file that can be read. */
void conf_print(FILE *out);

/* A new engine of this configuration, held once by the caller. */
struct engine *conf_engine(const struct conf *conf, struct store *store);

struct session_limits conf_session_limits(const struct conf *conf);

/* Says which keys differ that a reload does not change, as "user, cache-size";
 * false when there is none. */
bool conf_needs_restart(const struct conf *old, const struct conf *new,
    struct buf *keys);
