/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

enum { FIRST_ROOM = 4096 };

void
csv_init(struct csv *csv, FILE *file)
{
	*csv = (struct csv){ .file = file, .next_line = 1 };
}

void
csv_finish(struct csv *csv)
{
	free(csv->memory);
}

static int
next_byte(struct csv *csv)
{
	const int byte = getc(csv->file);

	if (byte == '\n')
		csv->next_line++;
	return byte;
}

static void
push_back(struct csv *csv, int byte)
{
	if (byte == EOF)
		return;
	ungetc(byte, csv->file);
	if (byte == '\n')
		csv->next_line--;
}

static int
add_byte(struct csv *csv, int byte, struct err *err)
{
	if (csv->len == CSV_ROW_MAX) {
		err_set(err, "the row is longer than %lu bytes", CSV_ROW_MAX);
		return -1;
	}
	if (csv->len == csv->room) {
		csv->room = csv->room == 0 ? FIRST_ROOM : 2 * csv->room;
		csv->memory = xrealloc(csv->memory, csv->room);
	}
	csv->memory[csv->len++] = (char)byte;
	return 0;
}

/* Reads behind the opening quote; returns what stands behind the closing one.
 */
static int
read_quoted(struct csv *csv, int *behind, struct err *err)
{
	for (;;) {
		int byte = next_byte(csv);

		if (byte == '"') {
			byte = next_byte(csv);
			if (byte != '"') {
				*behind = byte;
				return 0;
			}
		}
		if (byte == EOF) {
			err_set(err, "a quote is not closed");
			return -1;
		}
		if (add_byte(csv, byte, err) != 0)
			return -1;
	}
}

static int
read_plain(struct csv *csv, int byte, int *behind, struct err *err)
{
	while (byte != ',' && byte != '\r' && byte != '\n' && byte != EOF) {
		if (byte == '"') {
			err_set(err, "a quote in a field that does not begin "
				     "with one");
			return -1;
		}
		if (add_byte(csv, byte, err) != 0)
			return -1;
		byte = next_byte(csv);
	}
	*behind = byte;
	return 0;
}

/* Reads a field and what ends it: a comma, LF (also for CR LF) or EOF. */
static int
read_field(struct csv *csv, int *behind, struct err *err)
{
	const int first = next_byte(csv);
	const int failed = first == '"' ? read_quoted(csv, behind, err)
					: read_plain(csv, first, behind, err);

	if (failed != 0 || add_byte(csv, '\0', err) != 0)
		return -1;
	if (*behind == '\r')
		*behind = next_byte(csv);
	if (*behind == ',' || *behind == '\n' || *behind == EOF)
		return 0;
	err_set(err, "there is something between the end of a field and the "
		     "comma");
	return -1;
}

/* Excel writes a byte order mark before the first row. */
static bool
is_mark(const struct csv *csv, int byte)
{
	return csv->line == 1 && (byte == 0xef || byte == 0xbb || byte == 0xbf);
}

/* Empty lines are no rows. */
static bool
find_row(struct csv *csv)
{
	int byte;

	do {
		csv->line = csv->next_line;
		byte = next_byte(csv);
	} while (byte == '\n' || byte == '\r' || is_mark(csv, byte));
	push_back(csv, byte);
	return byte != EOF;
}

static int
read_fields(struct csv *csv, struct err *err)
{
	int behind = ',';

	while (behind == ',') {
		if (csv->count == CSV_FIELDS) {
			err_set(err, "there are more than %d fields",
			    CSV_FIELDS);
			return -1;
		}
		csv->start[csv->count++] = csv->len;
		if (read_field(csv, &behind, err) != 0)
			return -1;
	}
	return 0;
}

/* The memory no longer moves. */
static int
point_to_fields(struct csv *csv, struct err *err)
{
	size_t text = 0;

	for (size_t i = 0; i < csv->count; i++) {
		csv->field[i] = csv->memory + csv->start[i];
		text += strlen(csv->field[i]) + 1;
	}
	if (text == csv->len)
		return 0;
	err_set(err, "there is a NUL byte");
	return -1;
}

enum csv_status
csv_read(struct csv *csv, struct err *err)
{
	csv->len = 0;
	csv->count = 0;
	if (find_row(csv))
		return read_fields(csv, err) == 0 &&
			       point_to_fields(csv, err) == 0
			   ? CSV_ROW
			   : CSV_BAD;
	if (!ferror(csv->file))
		return CSV_END;
	err_set(err, "it cannot be read: %s", strerror(errno));
	return CSV_BAD;
}

void
csv_write(FILE *out, bool is_first, const char *field)
{
	if (!is_first)
		putc(',', out);
	if (field[strcspn(field, ",\"\r\n")] == '\0') {
		fputs(field, out);
		return;
	}
	putc('"', out);
	for (; *field != '\0'; field++) {
		if (*field == '"')
			putc('"', out);
		putc(*field, out);
	}
	putc('"', out);
}
