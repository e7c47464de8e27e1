/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state that a sync leaves behind: where the next one goes on, and what
 * must not have changed until then.
 *
 * As text it is one line, "METHOD:" and fields in hexadecimal digits with
 * blanks between them: the settings' fingerprint, the server's entry
 * (dsServiceName), the identity of its database (invocationId), its last
 * change, the domain's identity, the flags, the cookie.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "ldap_run.h"
#include "ldap_settings.h"
#include "record.h"

/* The longest text: a state of the replica (replica.h). */
#define LDAP_STATE_MAX 32768
/* The longest cookie. */
#define LDAP_COOKIE_MAX 15000
#define LDAP_SERVICE_MAX 512

struct ldap_state {
	enum ldap_sync_method method;
	/* Of what decides which entries are recipients. */
	uint64_t settings;
	/* Active Directory: whose `usn` it is. */
	char service[LDAP_SERVICE_MAX + 1];
	unsigned char invocation[RECIPIENT_ID];
	uint64_t usn;
	unsigned char domain[RECIPIENT_ID];
	/* Of DirSync. */
	unsigned flags;
	unsigned char cookie[LDAP_COOKIE_MAX];
	size_t cookie_len;
};

/* "dirsync", "usn", "syncrepl", "full". */
const char *ldap_method_name(enum ldap_sync_method method);

/* A state without a cookie: these settings, this server. */
void ldap_state_init(struct ldap_state *state, enum ldap_sync_method method,
    const struct ldap_settings *settings, const struct ldap_root *root);

/* Whether a sync can go on from this state with these settings at this server;
 * -1 and `err`, why it cannot. */
int ldap_state_check(const struct ldap_state *state,
    const struct ldap_settings *settings, const struct ldap_root *root,
    struct err *err);

/* False, and no change, when it is too long to be kept. */
bool ldap_state_set_cookie(struct ldap_state *state, const void *cookie,
    size_t len);

/* Appends the text and a NUL. */
bool ldap_state_write(const struct ldap_state *state, struct buf *out);

/* False when the text is none that was written here. */
bool ldap_state_read(const char *text, struct ldap_state *state);
