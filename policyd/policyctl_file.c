/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "directory.h"
#include "mailaddr.h"
#include "policyctl_csv.h"
#include "policyctl_settings.h"
#include "policyctl_text.h"
#include "xalloc.h"

/* The lists of a recipient and their columns. */
static const struct list {
	const char *name;
	unsigned listing;
} lists[] = {
	{ "permitted", SENDER_PERMITTED },
	{ "refused", SENDER_REFUSED },
	{ "allowed", SENDER_ALLOWED },
};

enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static const char null_sender[] = "<>";

/* What a column is: one of these is set, of "address" none. */
struct column {
	const struct recipient_setting *setting;
	const struct list *list;
};

struct reader {
	const char *name;
	struct rows *rows;
	struct csv csv;
	struct column columns[CSV_FIELDS];
	size_t count;
	size_t address;
};

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

/* What is wrong with an address, as the end of a sentence; NULL when nothing
 * is.  A sender may be a whole domain. */
static const char *
problem_of(const char *text, const char *address, bool may_be_domain)
{
	const char *at = strrchr(address, '@');

	if (strpbrk(text, " \t") != NULL)
		return "has a space in it (\\x20 stands for one)";
	if (has_control(address))
		return "has a control byte in it";
	if (at == NULL || at[1] == '\0')
		return "has no domain";
	if (at == address && !may_be_domain)
		return "has nothing before the @";
	if (strlen(address) > ADDRESS_MAX)
		return "is too long";
	return NULL;
}

static int
complain(const char *text, const char *problem, struct err *err)
{
	char memory[4 * ADDRESS_MAX];
	struct buf shown;

	buf_init(&shown, memory, sizeof(memory));
	if (!buf_put_escaped(&shown, text, strnlen(text, ADDRESS_MAX)))
		buf_puts(&shown, "the address");
	err_set(err, "%.*s %s", (int)shown.len, shown.data, problem);
	return -1;
}

/* Reads an address as it stands in a file: unescaped and folded. */
static int
read_address(const char *text, bool is_sender,
    char address[static ADDRESS_MAX + 1], struct err *err)
{
	char *raw = xstrdup(text);
	const char *problem = text_unescape(raw)
				  ? problem_of(text, raw, is_sender)
				  : "has a NUL byte in it";
	struct buf folded;

	buf_init(&folded, address, ADDRESS_MAX);
	if (problem == NULL)
		mailaddr_fold(raw, &folded);
	address[folded.len] = '\0';
	free(raw);
	return problem == NULL ? 0 : complain(text, problem, err);
}

/* Puts the file and the line before the sentence. */
static int
fail_at(const char *name, unsigned long line, struct err *err)
{
	const struct err what = *err;

	err_set(err, "%s:%lu: %s", name, line, what.text);
	return -1;
}

static char *
trim(char *line)
{
	size_t len;

	line += strspn(line, " \t");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r\n", line[len - 1]) != NULL)
		len--;
	line[len] = '\0';
	return line;
}

static int
read_line(char *line, size_t len, unsigned long number, struct rows *rows,
    struct err *err)
{
	struct recipient_record record = { .disabled = false };
	char address[ADDRESS_MAX + 1];

	if (strlen(line) != len) {
		err_set(err, "there is a NUL byte");
		return -1;
	}
	line = trim(line);
	if (*line == '\0' || *line == '#')
		return 0;
	if (read_address(line, false, address, err) != 0)
		return -1;
	rows_make_id(address, record.id);
	rows_add(rows, address, &record, number);
	return 0;
}

int
file_read_text(FILE *in, const char *name, struct rows *rows, struct err *err)
{
	char *line = NULL;
	size_t room = 0;
	unsigned long number = 0;
	ssize_t len;
	int failed = 0;

	while (failed == 0 && (len = getline(&line, &room, in)) >= 0)
		failed = read_line(line, (size_t)len, ++number, rows, err);
	free(line);
	if (failed != 0)
		return fail_at(name, number, err);
	if (!ferror(in))
		return 0;
	err_set(err, "%s: cannot be read: %s", name, strerror(errno));
	return -1;
}

static const struct recipient_setting *
find_setting(const char *name)
{
	const struct recipient_setting *setting = recipient_settings;

	while (setting->name != NULL && strcmp(setting->name, name) != 0)
		setting++;
	return setting->name != NULL ? setting : NULL;
}

static const struct list *
find_list(const char *name)
{
	for (size_t i = 0; i < LISTS; i++)
		if (strcmp(lists[i].name, name) == 0)
			return &lists[i];
	return NULL;
}

static int
read_column(struct reader *reader, size_t i, struct err *err)
{
	const char *name = reader->csv.field[i];
	struct column *column = &reader->columns[i];

	for (size_t j = 0; j < i; j++)
		if (strcmp(reader->csv.field[j], name) == 0)
			return complain(name, "is there twice", err);
	if (strcmp(name, "address") == 0) {
		reader->address = i;
		return 0;
	}
	column->setting = find_setting(name);
	column->list = find_list(name);
	if (column->setting == NULL && column->list == NULL)
		return complain(name, "is no column that is known", err);
	return 0;
}

static int
read_header(struct reader *reader, struct err *err)
{
	reader->address = CSV_FIELDS;
	reader->count = reader->csv.count;
	for (size_t i = 0; i < reader->count; i++)
		if (read_column(reader, i, err) != 0)
			return -1;
	if (reader->address < CSV_FIELDS)
		return 0;
	err_set(err, "the first row, which names the columns, names no column "
		     "\"address\"");
	return -1;
}

static int
fail_in(const char *column, struct err *err)
{
	const struct err what = *err;

	err_set(err, "%s: %s", column, what.text);
	return -1;
}

static int
read_settings(const struct reader *reader, const char *address,
    struct recipient_record *record, struct err *err)
{
	static const unsigned char none[RECIPIENT_ID];

	for (size_t i = 0; i < reader->count; i++) {
		const struct recipient_setting *setting =
		    reader->columns[i].setting;

		if (setting != NULL &&
		    recipient_setting_read(setting, reader->csv.field[i],
			record, err) != 0)
			return fail_in(setting->name, err);
	}
	if (memcmp(record->id, none, sizeof(none)) == 0)
		rows_make_id(address, record->id);
	return 0;
}

static int
read_senders(struct reader *reader, const struct list *list, char *field,
    const unsigned char *id, struct err *err)
{
	char sender[ADDRESS_MAX + 1];
	char *rest;
	const char *word;

	for (word = strtok_r(field, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		if (strcmp(word, null_sender) == 0)
			sender[0] = '\0';
		else if (strcmp(word, SENDER_MANY) == 0)
			snprintf(sender, sizeof(sender), SENDER_MANY);
		else if (read_address(word, true, sender, err) != 0)
			return fail_in(list->name, err);
		rows_add_sender(reader->rows, id, sender, list->listing);
	}
	return 0;
}

static int
read_row(struct reader *reader, struct err *err)
{
	struct csv *csv = &reader->csv;
	struct recipient_record record = { .disabled = false };
	char address[ADDRESS_MAX + 1];

	if (csv->count != reader->count) {
		err_set(err, "there are %zu fields, and %zu columns",
		    csv->count, reader->count);
		return -1;
	}
	if (read_address(csv->field[reader->address], false, address, err) !=
		0 ||
	    read_settings(reader, address, &record, err) != 0)
		return -1;
	for (size_t i = 0; i < reader->count; i++) {
		const struct list *list = reader->columns[i].list;

		if (list != NULL && read_senders(reader, list, csv->field[i],
					record.id, err) != 0)
			return -1;
	}
	rows_add(reader->rows, address, &record, csv->line);
	return 0;
}

static int
read_rows(struct reader *reader, struct err *err)
{
	enum csv_status status = csv_read(&reader->csv, err);

	if (status == CSV_END) {
		err_set(err, "the file is empty");
		return -1;
	}
	if (status == CSV_BAD || read_header(reader, err) != 0)
		return -1;
	while ((status = csv_read(&reader->csv, err)) == CSV_ROW)
		if (read_row(reader, err) != 0)
			return -1;
	return status == CSV_END ? 0 : -1;
}

int
file_read_csv(FILE *in, const char *name, struct rows *rows, struct err *err)
{
	struct reader *reader = xcalloc(1, sizeof(*reader));
	int failed;

	reader->name = name;
	reader->rows = rows;
	csv_init(&reader->csv, in);
	failed = read_rows(reader, err);
	if (failed != 0)
		fail_at(name, reader->csv.line, err);
	csv_finish(&reader->csv);
	free(reader);
	return failed;
}

void
file_write_text(FILE *out, const struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		text_put_address(out, rows->recipient[i].address);
		putc('\n', out);
	}
}

/* An address as a field.  No byte of it needs quotes but the comma. */
static void
write_address(FILE *out, const char *address)
{
	const bool is_quoted = strchr(address, ',') != NULL;

	if (is_quoted)
		putc('"', out);
	text_put_address(out, address);
	if (is_quoted)
		putc('"', out);
}

static void
write_settings(FILE *out, const struct recipient_record *record)
{
	for (const struct recipient_setting *setting = recipient_settings;
	     setting->name != NULL; setting++) {
		char memory[SETTING_TEXT];
		struct buf text;

		buf_init(&text, memory, sizeof(memory) - 1);
		recipient_setting_write(setting, record, &text);
		memory[text.len] = '\0';
		csv_write(out, false, memory);
	}
}

static void
write_sender(FILE *out, const char *sender, bool is_first)
{
	if (!is_first)
		putc(' ', out);
	if (*sender == '\0')
		fputs(null_sender, out);
	else
		text_put_address(out, sender);
}

static void
write_list(FILE *out, const struct sender_row *senders, size_t count,
    unsigned listing)
{
	bool is_first = true;

	putc(',', out);
	for (size_t i = 0; i < count; i++) {
		if ((senders[i].listing & listing) == 0)
			continue;
		if (is_first)
			putc('"', out);
		write_sender(out, senders[i].sender, is_first);
		is_first = false;
	}
	if (!is_first)
		putc('"', out);
}

static void
write_header(FILE *out)
{
	csv_write(out, true, "address");
	for (const struct recipient_setting *setting = recipient_settings;
	     setting->name != NULL; setting++)
		csv_write(out, false, setting->name);
	for (size_t i = 0; i < LISTS; i++)
		csv_write(out, false, lists[i].name);
	fputs("\r\n", out);
}

static void
write_row(FILE *out, const struct rows *rows, const struct recipient_row *row)
{
	size_t count = 0;
	size_t at = 0;

	if (row->tells_lists)
		at = rows_find_senders(rows, row->record.id, &count);
	write_address(out, row->address);
	write_settings(out, &row->record);
	for (size_t i = 0; i < LISTS; i++)
		write_list(out, rows->sender + at, count, lists[i].listing);
	fputs("\r\n", out);
}

void
file_write_csv(FILE *out, const struct rows *rows)
{
	write_header(out);
	for (size_t i = 0; i < rows->count; i++)
		write_row(out, rows, &rows->recipient[i]);
}
