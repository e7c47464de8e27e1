/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comma-separated values, as in RFC 4180: a field that holds a comma, a quote
 * or the end of a line stands in quotes, and a quote in it is doubled.  Lines
 * may end in CR LF or in LF.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "err.h"

/* Fields of a row, and bytes. */
#define CSV_FIELDS 64
#define CSV_ROW_MAX (64UL << 20)

struct csv {
	FILE *file;
	/* Of the row that was read last, and of what comes next. */
	unsigned long line;
	unsigned long next_line;
	/* Its fields. */
	char *field[CSV_FIELDS];
	size_t count;
	/* Where they are. */
	char *memory;
	size_t len;
	size_t room;
	size_t start[CSV_FIELDS];
};

enum csv_status { CSV_ROW, CSV_END, CSV_BAD };

/* Reads from `file`, which stays the caller's. */
void csv_init(struct csv *csv, FILE *file);
void csv_finish(struct csv *csv);

/* Reads a row; its fields stay until the next.  CSV_BAD: `err` says what is
 * wrong, as a sentence without a line. */
enum csv_status csv_read(struct csv *csv, struct err *err);

/* Writes a field, and before all but the first a comma. */
void csv_write(FILE *out, bool is_first, const char *field);
