/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches a thread that may hang in libldap.
 *
 * Neither LDAP_OPT_NETWORK_TIMEOUT nor LDAP_OPT_TIMEOUT ends a TLS handshake
 * with a mute server (measured on libldap 2.5.13).  What ends it is that
 * another thread shuts the socket down.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

/* Zeroed is ready but for the mutex: PTHREAD_MUTEX_INITIALIZER. */
struct ldap_guard {
	pthread_mutex_t mutex;
	/* -1 or 0 with deadline_ms 0: nothing to watch. */
	int descriptor;
	/* CLOCK_MONOTONIC, milliseconds; 0: none. */
	long long deadline_ms;
	/* When the deadline was found over; 0: not yet. */
	long long over_ms;
};

/* Watches this descriptor, which the guard takes and closes: a duplicate, so
 * that what is shut down is this socket, never another one that got the number
 * when libldap had closed it.  -1 and 0: nothing any more. */
void ldap_guard_set(struct ldap_guard *guard, int descriptor,
    long long deadline_ms);

/* From a thread that does not wait: shuts the descriptor down when the
 * deadline is over.  True when it is over, now or before, and the guarded call
 * has still not returned: called more than a second later, the thread is
 * lost and the process had better end. */
bool ldap_guard_check(struct ldap_guard *guard, long long now_ms);

/* Checks, and is true when shutting down has not helped for a second. */
bool ldap_guard_lost(struct ldap_guard *guard, long long now_ms);

/* CLOCK_MONOTONIC in milliseconds. */
long long ldap_now_ms(void);
