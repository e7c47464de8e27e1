/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of the configuration file: the table of rows, and the struct that
 * holds their values.
 *
 * Every key has a default, so an empty file greylists.  The rows are the
 * parser, the check, the sample file that `policyd -p` prints, and what
 * policyd.conf(5) explains.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "setting.h"

enum conf_log { CONF_LOG_SYSLOG = 0, CONF_LOG_STDERR };
enum conf_durability { CONF_RELAXED = 0, CONF_FULL };
enum conf_source { CONF_SOURCE_NONE = 0, CONF_SOURCE_LDAP, CONF_SOURCE_FILE };
enum conf_preset {
	CONF_PRESET_NONE = 0,
	CONF_PRESET_INETORGPERSON,
	CONF_PRESET_POSTFIX_BOOK,
};

struct conf {
	struct setting_list listen;
	char *control;
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
	struct {
		int source;
		struct setting_list domains;
		struct setting_list catch_all;
		char *delimiter;
		int disabled;
		int on_failure;
		bool replica;
		int64_t replica_trusted_for;
		int64_t max_shrink;
		int64_t max_recipients;
		int harvest_action;
		int64_t harvest_threshold;
		int64_t harvest_half_life;
		int64_t harvest_delay;
		int64_t harvest_max_held;
		int64_t harvest_origins;
	} recipients;
	struct {
		struct setting_list uri;
		char *srv;
		int kind;
		int preset;
		char *base;
		char *filter;
		struct setting_list addresses;
		int bind;
		char *bind_dn;
		char *password_file;
		char *keytab;
		char *tls_ca_file;
		char *tls_certificate;
		char *tls_key;
		bool tls_verify;
		bool start_tls;
		int64_t network_timeout;
		int64_t bind_timeout;
		int64_t search_timeout;
		int64_t idle_timeout;
		int64_t max_outstanding;
		int64_t max_questions;
		int64_t cache_entries;
		int64_t cache_valid;
		int64_t cache_unknown;
		int sync;
		int64_t sync_interval;
		int64_t reconcile_interval;
		int64_t page_size;
	} ldap;
};

extern const struct setting conf_keys[];
extern const size_t conf_keys_count;
