/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One setting of the configuration: a row of the program's table.
 *
 * The row says how the setting is called, what kind of value it takes, within
 * which bounds, what it is when the file is silent, and in a line what it is
 * good for.  Values are written as a person says them: durations and sizes with
 * their units ("2m", "64M"), rights in octal digits, choices as words; a
 * number without a unit is refused where a unit belongs.  settings.h reads
 * whole files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "err.h"

enum setting_type {
	/* int64_t, seconds, written "2d12h" (duration.h). */
	SETTING_DURATION,
	/* uint64_t, bytes, written "64M" (duration.h). */
	SETTING_SIZE,
	/* int64_t, written in decimal digits. */
	SETTING_COUNT,
	/* bool, written yes or no. */
	SETTING_YES_NO,
	/* int, the index of one of the row's words. */
	SETTING_WORD,
	/* char *, never NULL. */
	SETTING_TEXT,
	/* struct setting_list. */
	SETTING_LIST,
	/* unsigned, the rights of a file, written in octal digits: "0660". */
	SETTING_MODE,
};

struct setting_list {
	char **item;
	size_t count;
};

struct setting {
	/* NULL: outside of all sections. */
	const char *section;
	const char *name;
	enum setting_type type;
	/* Of the value's field in the program's struct. */
	size_t offset;
	/* As in a file, but text without its quotes: "2m", "{ \"::1\" }". */
	const char *fallback;
	/* Bounds of durations, sizes and counts; both belong to the range. */
	int64_t min;
	int64_t max;
	/* The words of a SETTING_WORD, ended by NULL. */
	const char *const *words;
	/* A further check of the text, or of each item of a list; may be
	 * NULL.  Its error says what is accepted. */
	int (*check)(const char *value, struct err *err);
	/* One line, no full stop. */
	const char *help;
};

/* What the field of a row holds, by its type. */
union setting_value {
	int64_t number;
	uint64_t size;
	bool yes;
	int word;
	char *text;
	struct setting_list list;
	unsigned mode;
};

/* No value yet, and nothing to free. */
#define SETTING_NO_VALUE ((union setting_value){ .list = { NULL, 0 } })

/* Reads the text into `value`, which is SETTING_NO_VALUE; of a list it is the
 * next item.  setting_clear() frees it.  The error is complete, "WHAT IS WRONG;
 * accepted: ...", but names neither the setting nor the file. */
int setting_parse(const struct setting *row, const char *text,
    union setting_value *value, struct err *err);

/* Frees what the value owns and makes it SETTING_NO_VALUE. */
void setting_clear(const struct setting *row, union setting_value *value);

/* The row's field in the program's struct, from and to a value; the owner
 * changes with it, and the place it came from is zero. */
void setting_store(const struct setting *row, union setting_value *value,
    void *target);
void setting_take(const struct setting *row, void *target,
    union setting_value *value);

/* Appends what the row accepts, "1s to 1d"; nothing for texts and lists, whose
 * check alone knows. */
void setting_describe(const struct setting *row, struct buf *out);

/* Writes the row's help as a comment and its default, as in a file. */
void setting_print(const struct setting *row, const char *indent, FILE *out);
