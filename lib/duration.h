/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Durations and sizes as an administrator writes them.
 *
 * A duration is a number with a unit, "120s", "2m", "48h", or several of them
 * from the longest to the shortest, "2d12h"; the units are w, d, h, m and s.
 * A size is written likewise, "64M" or "1G512M", with the units T, G, M, K and
 * B, each 1024 times the next.  The unit is never left out: "120" is refused,
 * since one reader takes it for seconds and the next for minutes.
 */
#pragma once

#include <stdint.h>

#include "err.h"

/* Bytes of the longest text that duration_format() and size_format() write,
 * NUL included. */
#define DURATION_TEXT 32
#define SIZE_TEXT 24

/* "2d12h" -> seconds, never negative. */
int duration_parse(const char *text, int64_t *seconds, struct err *err);

/* Seconds -> "2d12h", in days and smaller units, so that 36 days stay "36d". */
void duration_format(int64_t seconds, char text[static DURATION_TEXT]);

/* "64M" -> bytes. */
int size_parse(const char *text, uint64_t *bytes, struct err *err);

/* Bytes -> "64M", in the largest unit that is exact: 1536 KiB are "1536K". */
void size_format(uint64_t bytes, char text[static SIZE_TEXT]);
