/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_guard.h"

#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What is shut down returns within milliseconds. */
enum { LOST_MS = 1000 };

long long
ldap_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void
ldap_guard_set(struct ldap_guard *guard, int descriptor, long long deadline_ms)
{
	pthread_mutex_lock(&guard->mutex);
	if (guard->descriptor > 0)
		close(guard->descriptor);
	guard->descriptor = descriptor;
	guard->deadline_ms = deadline_ms;
	guard->over_ms = 0;
	pthread_mutex_unlock(&guard->mutex);
}

/* Since when it is over; 0 when it is not. */
static long long
check(struct ldap_guard *guard, long long now_ms)
{
	long long over_ms;

	pthread_mutex_lock(&guard->mutex);
	if (guard->deadline_ms != 0 && now_ms >= guard->deadline_ms) {
		if (guard->over_ms == 0)
			guard->over_ms = now_ms;
		if (guard->descriptor > 0)
			shutdown(guard->descriptor, SHUT_RDWR);
	}
	over_ms = guard->over_ms;
	pthread_mutex_unlock(&guard->mutex);
	return over_ms;
}

bool
ldap_guard_check(struct ldap_guard *guard, long long now_ms)
{
	return check(guard, now_ms) != 0;
}

bool
ldap_guard_lost(struct ldap_guard *guard, long long now_ms)
{
	const long long over_ms = check(guard, now_ms);

	return over_ms != 0 && now_ms - over_ms > LOST_MS;
}
