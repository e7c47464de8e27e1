/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a deferred sender is told, as the administrator worded it.
 *
 * The code is an action that defers: DEFER_IF_PERMIT, DEFER, or a reply code
 * 4NN, perhaps with an enhanced status 4.N.N (RFC 3463 2).  Some senders take a
 * 450 for final and a 451 not, and Exchange once stumbled over 4.7.1, so it can
 * be chosen.  In the text %d becomes the seconds still to wait, %r the
 * recipient, and %% a percent sign.
 */
#pragma once

#include <time.h>

#include "buf.h"
#include "err.h"

/* Bytes of a code and of a text, so that a deferral fits a verdict. */
#define DEFERRAL_CODE_MAX 32
#define DEFERRAL_TEXT_MAX 160

/* A recipient with more bytes is written as "this recipient". */
#define DEFERRAL_RECIPIENT_MAX 128

/* Whether the configured text can be used; settings check with these. */
int deferral_check_code(const char *code, struct err *err);
int deferral_check_text(const char *text, struct err *err);

/* Appends the whole action of a checked code and text: VERDICT_TEXT - 1 bytes
 * at most. */
void deferral_write(const char *code, const char *text, time_t wait,
    const char *recipient, struct buf *out);
