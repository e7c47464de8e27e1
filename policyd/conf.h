/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration file of the daemon: read, checked as a whole, printed.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "buf.h"
#include "conf_keys.h"
#include "err.h"

/* Reads the file; the caller frees the result with conf_free().  On failure
 * `err` is "FILE:LINE: what is wrong, what is accepted" and NULL returned. */
struct conf *conf_read(const char *path, struct err *err);

/* NULL is accepted. */
void conf_free(struct conf *conf);

/* Prints every key with its default and its help: a file that can be read. */
void conf_print(FILE *out);

/* Says which keys differ that a reload does not change, as "user, cache-size";
 * false when there is none. */
bool conf_needs_restart(const struct conf *old, const struct conf *new,
    struct buf *keys);
