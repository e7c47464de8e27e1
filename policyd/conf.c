/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "ldap_settings.h"
#include "settings.h"
#include "xalloc.h"

static int
complain(const char *path, const char *what, struct err *err)
{
	err_set(err, "%s: %s", path, what);
	return -1;
}

static bool
is_empty(const char *text)
{
	return *text == '\0';
}

static int
check_ldap(const struct conf *conf, const char *path, struct err *err)
{
	if (conf->ldap.uri.count == 0 && is_empty(conf->ldap.srv))
		return complain(path,
		    "ldap: neither uri nor srv says where the directory is",
		    err);
	if (conf->ldap.uri.count > 0 && !is_empty(conf->ldap.srv))
		return complain(path, "ldap: uri and srv exclude each other",
		    err);
	if (conf->ldap.uri.count > LDAP_SERVERS_MAX)
		return complain(path, "ldap: uri has more than 16 servers",
		    err);
	if (conf->ldap.addresses.count > LDAP_ADDRESS_ATTRIBUTES_MAX)
		return complain(path,
		    "ldap: address-attributes has more than 16 names", err);
	if (conf->ldap.bind == LDAP_BIND_SIMPLE &&
	    (is_empty(conf->ldap.bind_dn) ||
		is_empty(conf->ldap.password_file)))
		return complain(path,
		    "ldap: bind = simple needs bind-dn and password-file (or "
		    "say bind = anonymous)",
		    err);
	if (conf->ldap.bind == LDAP_BIND_EXTERNAL &&
	    (is_empty(conf->ldap.tls_certificate) ||
		is_empty(conf->ldap.tls_key)) &&
	    (conf->ldap.uri.count == 0 ||
		strncmp(conf->ldap.uri.item[0], "ldapi:", 6) != 0))
		return complain(path,
		    "ldap: bind = external needs tls-certificate and tls-key",
		    err);
	return 0;
}

static int
check_recipients(const struct conf *conf, const char *path, struct err *err)
{
	if (conf->recipients.source == CONF_SOURCE_NONE)
		return 0;
	if (conf->recipients.domains.count == 0)
		return complain(path,
		    "recipients: domains is empty: it says whose recipients "
		    "are checked",
		    err);
	if (2 * conf->recipients.harvest_delay > conf->answer_within)
		return complain(path,
		    "recipients: harvest-delay must be at most half of "
		    "answer-within: the directory needs time, too",
		    err);
	return conf->recipients.source == CONF_SOURCE_LDAP
		   ? check_ldap(conf, path, err)
		   : 0;
}

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
	if (check_recipients(conf, path, err) != 0)
		return -1;
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

	if (settings_read(conf_keys, conf_keys_count, path, conf, err) != 0) {
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
	settings_free(conf_keys, conf_keys_count, conf);
	free(conf);
}

void
conf_print(FILE *out)
{
	settings_print(conf_keys, conf_keys_count, out);
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
	add_key(keys, "recipients source",
	    old->recipients.source != new->recipients.source);
	add_key(keys, "recipients replica",
	    old->recipients.replica != new->recipients.replica);
	add_key(keys, "cache-size", old->cache_size != new->cache_size);
	add_key(keys, "checkpoint-size",
	    old->checkpoint_size != new->checkpoint_size);
	return keys->len > 0;
}
