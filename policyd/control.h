/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin socket: where policyctl asks the daemon.
 *
 * It is a UNIX stream socket; who may connect is decided by the rights of its
 * file.  A file that a dead daemon has left is replaced, a socket that is
 * answered is left alone (listener.h).  Requests and answers are those of
 * control_session.h; the commands are a table in control.c.
 */
#pragma once

#include <ev.h>

#include "control_session.h"
#include "err.h"
#include "listener.h"

struct control;

/* No socket yet, and nothing to work on.  The loop is kept. */
struct control *control_create(struct ev_loop *loop);

/* Closes the socket and every connection.  After it no turn may be settled.
 * NULL is accepted. */
void control_destroy(struct control *control);

/* Opens the socket at `path` instead of the one before; "": none.  On failure
 * -1, and nothing changes. */
int control_listen(struct control *control, const char *path,
    const struct listener_rights *rights, struct err *err);

/* What the commands work on from now on; copied.  It comes before anything of
 * the services before is destroyed. */
void control_configure(struct control *control,
    const struct control_services *services);
