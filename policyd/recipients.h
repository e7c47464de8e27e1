/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that knows recipients, built from the configuration: the directory
 * process and what asks it, the replica and what keeps it up to date, and the
 * defence against directory harvesting.
 *
 * What there is depends on the source, which only a restart changes; a reload
 * changes the rest.
 */
#pragma once

#include <ev.h>

#include "buf.h"
#include "conf_keys.h"
#include "control_session.h"
#include "engine.h"
#include "store.h"
#include "turn.h"

struct recipients;

/* Starts the directory process, if there is one to ask.  Keeps the store. */
struct recipients *recipients_create(struct ev_loop *loop, struct store *store,
    const struct conf *conf);

/* No question may be open.  NULL is accepted. */
void recipients_destroy(struct recipients *recipients);

void recipients_configure(struct recipients *recipients,
    const struct conf *conf);

/* What an engine asks. */
struct engine_parts recipients_parts(const struct recipients *recipients);

/* What the admin's commands work on. */
struct control_services recipients_services(const struct recipients *recipients,
    struct turn *turn);

/* Appends " name=number" for the statistics. */
void recipients_statistics(const struct recipients *recipients,
    struct buf *out);
