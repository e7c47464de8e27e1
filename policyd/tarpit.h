/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers that are held back for a while: the pauses of pause.h, on the event
 * loop.
 *
 * They wait in the order in which they end, behind one timer.  Each one keeps a
 * process of Postfix waiting, so only so many are held at once.
 */
#pragma once

#include <ev.h>
#include <stddef.h>

#include "pause.h"

struct tarpit;

/* Holds nothing until it is configured; `loop` is kept. */
struct tarpit *tarpit_create(struct ev_loop *loop);

/* Forgets what is held, without an answer. */
void tarpit_destroy(struct tarpit *tarpit);

/* How many are held at most; those that are held already stay. */
void tarpit_configure(struct tarpit *tarpit, size_t max_held);

struct pauser *tarpit_pauser(struct tarpit *tarpit);

/* How many are held now. */
size_t tarpit_held(const struct tarpit *tarpit);
