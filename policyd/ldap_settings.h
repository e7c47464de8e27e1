/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the directory is reached and read: the section ldap of the
 * configuration, as the directory process needs it.
 *
 * The daemon reads the configuration and sends these settings to the process,
 * which has no configuration file of its own.  The password is not among them:
 * the process reads the file itself, each time it binds, so a new password
 * needs no restart.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "buf.h"
#include "channel.h"
#include "err.h"

enum ldap_bind {
	LDAP_BIND_SIMPLE = 0,
	LDAP_BIND_GSSAPI,
	LDAP_BIND_EXTERNAL,
	LDAP_BIND_ANONYMOUS,
};

enum ldap_sync_method {
	/* The best one that the server offers. */
	LDAP_SYNC_AUTO = 0,
	LDAP_SYNC_DIRSYNC,
	LDAP_SYNC_USN,
	LDAP_SYNC_SYNCREPL,
	/* Full loads only. */
	LDAP_SYNC_FULL,
};

#define LDAP_SERVERS_MAX 16
#define LDAP_ADDRESS_ATTRIBUTES_MAX 16

/* Strings are owned and never NULL; "" is absent.  Times in seconds. */
struct ldap_settings {
	/* URIs in the order of preference, ending with NULL, or a domain whose
	 * SRV records name the servers. */
	char *uri[LDAP_SERVERS_MAX + 1];
	char *srv;
	/* What `kind` needs, see account.h. */
	enum account_kind kind;
	char *addresses[LDAP_ADDRESS_ATTRIBUTES_MAX + 1];
	char *filter;
	char *base;
	enum ldap_bind bind;
	char *bind_dn;
	char *password_file;
	char *keytab;
	char *tls_ca_file;
	char *tls_certificate;
	char *tls_key;
	bool tls_verify;
	bool start_tls;
	/* Connect and TLS; bind; one search. */
	unsigned network_timeout;
	unsigned bind_timeout;
	unsigned search_timeout;
	/* A connection that was not used for so long is made anew: Active
	 * Directory closes it after 900 s (MaxConnIdleTime). */
	unsigned idle_timeout;
	/* Searches under way on one connection. */
	unsigned max_outstanding;
	/* Entries of a page (AD: MaxPageSize 1000). */
	unsigned page_size;
	enum ldap_sync_method sync;
};

/* Appends the settings as one message "request=configure". */
void ldap_settings_write(const struct ldap_settings *settings, struct buf *out);

/* Reads them back into new memory, NULL when the message lacks something. */
struct ldap_settings *ldap_settings_read(const struct message *message);

/* A copy, owned by the caller. */
struct ldap_settings *ldap_settings_copy(const struct ldap_settings *settings);

/* NULL is accepted. */
void ldap_settings_free(struct ldap_settings *settings);

/* The part of it that account.h takes; borrows from `settings`. */
struct account_policy ldap_settings_policy(
    const struct ldap_settings *settings);
