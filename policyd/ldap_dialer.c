/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_dialer.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "ldap_connection.h"
#include "unconst.h"
#include "xalloc.h"

struct order {
	bool given;
	/* Tried last, and where the servers end; owned, "" for none. */
	char *avoid;
	char *end;
};

/* Written by the thread, handed over under the mutex. */
struct outcome {
	LDAP *ld;
	char *uri;
	size_t rank;
	struct err problem;
};

struct ldap_dialer {
	struct ev_loop *loop;
	const struct ldap_settings *settings;
	struct ldap_dialer_handler *handler;
	struct ldap_guard guard;
	ev_async ready;
	/* The loop's own. */
	bool busy;
	/* Shared. */
	pthread_mutex_t mutex;
	pthread_cond_t wanted;
	struct order order;
	struct outcome outcome;
};

/* Whether it answers a search, and has the base.  A server that only accepts
 * binds must not take over from one that works. */
static bool
answers(const struct ldap_dialer *dialer, LDAP *ld, const char *uri,
    struct err *err)
{
	static const char *const nothing[] = { LDAP_NO_ATTRS, NULL };
	struct timeval limit = { .tv_sec = dialer->settings->search_timeout };
	LDAPMessage *answer = NULL;
	const int result = ldap_search_ext_s(ld, dialer->settings->base,
	    LDAP_SCOPE_BASE, "(objectClass=*)", unconst(nothing), 0, NULL, NULL,
	    &limit, 0, &answer);

	ldap_msgfree(answer);
	if (result == LDAP_SUCCESS)
		return true;
	ldap_fail(ld, uri, "cannot read the base", result, err);
	return false;
}

static LDAP *
open_server(struct ldap_dialer *dialer, const char *uri, struct err *err)
{
	LDAP *ld =
	    ldap_connection_open(dialer->settings, uri, &dialer->guard, err);

	if (ld == NULL || answers(dialer, ld, uri, err))
		return ld;
	ldap_unbind_ext(ld, NULL, NULL);
	return NULL;
}

static bool
try_server(struct ldap_dialer *dialer, const char *uri, size_t rank,
    struct outcome *outcome)
{
	struct err err;

	outcome->ld = open_server(dialer, uri, &err);
	if (outcome->ld != NULL) {
		outcome->uri = xstrdup(uri);
		outcome->rank = rank;
		return true;
	}
	if (outcome->problem.text[0] == '\0')
		outcome->problem = err;
	else
		err_set(&outcome->problem, "%s; %s", outcome->problem.text,
		    err.text);
	return false;
}

static void
try_servers(struct ldap_dialer *dialer, char *const *uris,
    const struct order *order, struct outcome *outcome)
{
	/* DNS deals the servers anew each time: none is preferred. */
	const bool ranked = dialer->settings->uri[0] != NULL;
	size_t avoided = 0;
	bool avoid = false;

	for (size_t i = 0; uris[i] != NULL; i++) {
		if (strcmp(uris[i], order->end) == 0)
			break;
		if (strcmp(uris[i], order->avoid) == 0) {
			avoid = true;
			avoided = i;
		} else if (try_server(dialer, uris[i], ranked ? i : 0,
			       outcome)) {
			return;
		}
	}
	if (avoid)
		try_server(dialer, uris[avoided], ranked ? avoided : 0,
		    outcome);
}

static struct outcome
carry_out(struct ldap_dialer *dialer, const struct order *order)
{
	struct outcome outcome = { 0 };
	char **uris = ldap_uris(dialer->settings, &outcome.problem);

	if (uris != NULL)
		try_servers(dialer, uris, order, &outcome);
	ldap_uris_free(uris);
	return outcome;
}

static struct order
await_order(struct ldap_dialer *dialer)
{
	struct order order;

	pthread_mutex_lock(&dialer->mutex);
	while (!dialer->order.given)
		pthread_cond_wait(&dialer->wanted, &dialer->mutex);
	order = dialer->order;
	dialer->order = (struct order){ 0 };
	pthread_mutex_unlock(&dialer->mutex);
	return order;
}

static void *
dial(void *argument)
{
	struct ldap_dialer *dialer = argument;

	for (;;) {
		const struct order order = await_order(dialer);
		const struct outcome outcome = carry_out(dialer, &order);

		free(order.avoid);
		free(order.end);
		pthread_mutex_lock(&dialer->mutex);
		dialer->outcome = outcome;
		pthread_mutex_unlock(&dialer->mutex);
		ev_async_send(dialer->loop, &dialer->ready);
	}
	return NULL;
}

static void
on_ready(struct ev_loop *loop, ev_async *ready, int events)
{
	struct ldap_dialer *dialer =
	    container_of(ready, struct ldap_dialer, ready);
	struct outcome outcome;
	struct ldap_dialed dialed;

	(void)loop;
	(void)events;
	pthread_mutex_lock(&dialer->mutex);
	outcome = dialer->outcome;
	dialer->outcome = (struct outcome){ 0 };
	pthread_mutex_unlock(&dialer->mutex);
	dialer->busy = false;
	dialed = (struct ldap_dialed){
		.ld = outcome.ld,
		.uri = outcome.uri != NULL ? outcome.uri : "",
		.rank = outcome.rank,
		.problem = outcome.problem.text,
	};
	dialer->handler->dialed(dialer->handler, &dialed);
	free(outcome.uri);
}

/* Signals are the business of the loop's thread. */
static int
start_thread(struct ldap_dialer *dialer)
{
	sigset_t all;
	sigset_t old;
	pthread_t thread;
	int failure;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failure = pthread_create(&thread, NULL, dial, dialer);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (failure == 0)
		pthread_detach(thread);
	return failure;
}

struct ldap_dialer *
ldap_dialer_create(struct ev_loop *loop, const struct ldap_settings *settings,
    struct ldap_dialer_handler *handler, struct err *err)
{
	struct ldap_dialer *dialer = xcalloc(1, sizeof(*dialer));
	int failure;

	dialer->loop = loop;
	dialer->settings = settings;
	dialer->handler = handler;
	pthread_mutex_init(&dialer->guard.mutex, NULL);
	pthread_mutex_init(&dialer->mutex, NULL);
	pthread_cond_init(&dialer->wanted, NULL);
	ev_async_init(&dialer->ready, on_ready);
	ev_async_start(loop, &dialer->ready);
	failure = start_thread(dialer);
	if (failure == 0)
		return dialer;
	err_set(err, "cannot start a thread: %s", strerror(failure));
	ev_async_stop(loop, &dialer->ready);
	free(dialer);
	return NULL;
}

bool
ldap_dialer_busy(const struct ldap_dialer *dialer)
{
	return dialer->busy;
}

static void
give_order(struct ldap_dialer *dialer, const char *avoid, const char *end)
{
	dialer->busy = true;
	pthread_mutex_lock(&dialer->mutex);
	dialer->order = (struct order){
		.given = true,
		.avoid = xstrdup(avoid),
		.end = xstrdup(end),
	};
	pthread_cond_signal(&dialer->wanted);
	pthread_mutex_unlock(&dialer->mutex);
}

void
ldap_dialer_connect(struct ldap_dialer *dialer, const char *avoid)
{
	give_order(dialer, avoid, "");
}

void
ldap_dialer_improve(struct ldap_dialer *dialer, const char *uri)
{
	give_order(dialer, "", uri);
}

bool
ldap_dialer_lost(struct ldap_dialer *dialer)
{
	return dialer->busy && ldap_guard_lost(&dialer->guard, ldap_now_ms());
}
