/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of recipients (policyctl_rows.h): read and written.
 */
#pragma once

#include <stdio.h>

#include "err.h"
#include "policyctl_rows.h"

/* Reads an address a line; # begins a comment.  `name` is for errors, which are
 * "NAME:LINE: what is wrong". */
int file_read_text(FILE *in, const char *name, struct rows *rows,
    struct err *err);

/* Likewise, CSV. */
int file_read_csv(FILE *in, const char *name, struct rows *rows,
    struct err *err);

void file_write_text(FILE *out, const struct rows *rows);

/* The senders of the rows must be in the order of rows_arrange(). */
void file_write_csv(FILE *out, const struct rows *rows);
