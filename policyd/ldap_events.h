/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the thread that copies the directory says to the daemon and hears from
 * it (directoryd.h).
 *
 * Events are collected and written many at a time; writing waits until the
 * daemon takes them.  When the daemon is gone, so is the process: every
 * function here ends it then.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "account.h"
#include "record.h"

struct ldap_request {
	/* request=stop; else request=sync, with the rest. */
	bool stop;
	bool full;
	/* Owned by the events, until the next request is waited for. */
	const char *state;
};

struct ldap_events;

/* Takes the descriptor. */
struct ldap_events *ldap_events_create(int descriptor);

/* Closes the descriptor; what is held back is lost. */
void ldap_events_destroy(struct ldap_events *events);

int ldap_events_descriptor(const struct ldap_events *events);

/* Waits for the next request. */
struct ldap_request ldap_events_wait(struct ldap_events *events);

/* Whether there is a next request already. */
bool ldap_events_asked(struct ldap_events *events);

/* Writes what is held back. */
void ldap_events_flush(struct ldap_events *events);
bool ldap_events_held(const struct ldap_events *events);

void ldap_events_begin(struct ldap_events *events, bool full,
    const char *method);

/* The object with all of its addresses. */
void ldap_events_object(struct ldap_events *events,
    const struct account *account);

/* These senders are in these lists of the object. */
void ldap_events_senders(struct ldap_events *events,
    const unsigned char id[static RECIPIENT_ID], unsigned listing,
    const char *const *senders, size_t count);

void ldap_events_gone(struct ldap_events *events,
    const unsigned char id[static RECIPIENT_ID]);

void ldap_events_state(struct ldap_events *events, const char *state);

/* These two also flush. */
void ldap_events_current(struct ldap_events *events);
void ldap_events_end(struct ldap_events *events);
void ldap_events_failed(struct ldap_events *events, const char *problem,
    bool full);
