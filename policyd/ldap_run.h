/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One run of the thread that copies the directory: a connection, what its
 * server says of itself, and searches that wait.
 *
 * Every wait is bounded, and ends when the daemon has another request: then
 * the run is over, and its problem is "stopped".
 */
#pragma once

#include <ldap.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "err.h"
#include "ldap_events.h"
#include "ldap_settings.h"

/* What the root entry says, and for Active Directory who this server is. */
struct ldap_root {
	bool active_directory;
	/* Controls that the server knows. */
	bool paged;
	bool dirsync;
	bool show_deleted;
	bool syncrepl;
	/* The domain's head; "" when there is none. */
	char *naming_context;
	/* The entry of this server in the configuration, "" when there is none;
	 * the identity of its database; its last change.  The identities count
	 * when the account may read them. */
	bool identified;
	char *service;
	unsigned char invocation[RECIPIENT_ID];
	uint64_t usn;
	/* The objectGUID of the domain's head. */
	unsigned char domain[RECIPIENT_ID];
};

struct ldap_run {
	const struct ldap_settings *settings;
	struct account_policy policy;
	/* What to ask of a recipient, and how all of them are found. */
	const char **attributes;
	char *filter;
	struct ldap_events *events;
	LDAP *ld;
	char *uri;
	struct ldap_root root;
	/* The result of the last search that has ended. */
	int result;
	/* The run has failed: only a full load helps; or the server does not
	 * offer the method, and nothing has been told. */
	bool reload;
	bool refused;
	/* The last failure was that there are too many senders. */
	bool too_many;
	/* Messages that were taken. */
	unsigned long taken;
};

struct ldap_query {
	const char *base;
	int scope;
	const char *filter;
	const char *const *attributes;
	/* In pages, if the server can. */
	bool paged;
	/* A base that this server does not have is no failure. */
	bool may_miss;
	/* One more control of the request, or NULL. */
	LDAPControl *control;
};

/* Whoever is shown the entries of a search as they come.  The message is
 * borrowed.  -1 and `err` end the search. */
struct ldap_visitor {
	int (*visit)(struct ldap_visitor *visitor, LDAPMessage *entry,
	    struct err *err);
};

/* Sends a search; returns its number, or -1. */
int ldap_run_send(struct ldap_run *run, const struct ldap_query *query,
    LDAPControl *const controls[], struct err *err);

/* The next message of the search `id`: its type (LDAP_RES_...), 0 when there is
 * none for `patience_ms`, -1 and `err`. */
int ldap_run_next(struct ldap_run *run, int id, long long patience_ms,
    LDAPMessage **message, struct err *err);

/* How long a server may be silent in the middle of a search. */
long long ldap_run_patience_ms(const struct ldap_run *run);

/* Searches once.  The controls of the result go to `*response`, owned by the
 * caller (ldap_controls_free()), when that is not NULL.  -1 and `err` when the
 * result is none of success; run->result then tells which. */
int ldap_run_ask(struct ldap_run *run, const struct ldap_query *query,
    LDAPControl *const controls[], struct ldap_visitor *visitor,
    LDAPControl ***response, struct err *err);

/* Searches, page by page. */
int ldap_run_search(struct ldap_run *run, const struct ldap_query *query,
    struct ldap_visitor *visitor, struct err *err);

/* Whether the last search has ended with a result that says that the server
 * does not want such a search at all, rather than that it is in trouble. */
bool ldap_run_is_refused(const struct ldap_run *run);

/* Sets the sentence for what libldap or the server says; returns -1. */
int ldap_run_fail(struct ldap_run *run, const char *what, int result,
    struct err *err);
