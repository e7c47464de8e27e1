/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control.h"

#include <stdio.h>
#include <stdlib.h>

#include "container.h"
#include "control_import.h"
#include "control_recipient.h"
#include "control_sync.h"
#include "replica.h"
#include "xalloc.h"

/* "unix:" and a path that is too long for a socket. */
enum { ENDPOINT_SIZE = 256 };

/* Of a replica that is filled by hand nobody else takes the old rows away: so
 * many at once, with such pauses; and how often there is a look. */
enum { SWEEP_ROWS = 100 };
#define SWEEP_PAUSE 0.02
#define SWEEP_LOOK 5.0

static const struct control_command commands[] = {
	{ "recipient-check", control_recipient_check },
	{ "recipient-list", control_recipient_list },
	{ "recipient-senders", control_recipient_senders },
	{ "recipient-sync", control_sync },
	{ "recipient-import", control_import },
	{ NULL, NULL },
};

struct control {
	struct ev_loop *loop;
	struct control_sessions *sessions;
	struct listeners *listeners;
	struct replica *replica;
	struct ev_timer sweep;
};

static void
sweep_is_due(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct control *control = container_of(timer, struct control, sweep);

	(void)events;
	timer->repeat = replica_sweep(control->replica, SWEEP_ROWS)
			    ? SWEEP_PAUSE
			    : SWEEP_LOOK;
	ev_timer_again(loop, timer);
}

struct control *
control_create(struct ev_loop *loop)
{
	struct control *control = xcalloc(1, sizeof(*control));

	control->loop = loop;
	control->sessions = control_sessions_create(loop, commands);
	control->listeners =
	    listeners_create(loop, control_sessions_client(control->sessions));
	ev_timer_init(&control->sweep, sweep_is_due, SWEEP_LOOK, SWEEP_LOOK);
	return control;
}

void
control_destroy(struct control *control)
{
	if (control == NULL)
		return;
	ev_timer_stop(control->loop, &control->sweep);
	listeners_destroy(control->listeners);
	control_sessions_destroy(control->sessions);
	free(control);
}

int
control_listen(struct control *control, const char *path,
    const struct listener_rights *rights, struct err *err)
{
	char endpoint[ENDPOINT_SIZE];
	char *item = endpoint;
	const struct setting_list endpoints = {
		.item = &item,
		.count = *path == '\0' ? 0 : 1,
	};

	snprintf(endpoint, sizeof(endpoint), "unix:%s", path);
	return listeners_set(control->listeners, &endpoints, rights, err);
}

void
control_configure(struct control *control,
    const struct control_services *services)
{
	control_sessions_configure(control->sessions, services);
	control->replica = services->accepts_import ? services->replica : NULL;
	ev_timer_stop(control->loop, &control->sweep);
	if (control->replica == NULL)
		return;
	ev_timer_set(&control->sweep, SWEEP_LOOK, SWEEP_LOOK);
	ev_timer_start(control->loop, &control->sweep);
}
