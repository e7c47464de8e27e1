/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "policyctl_csv.h"
#include "policyctl_file.h"
#include "policyctl_rows.h"
#include "policyctl_settings.h"
#include "policyctl_text.h"
#include "suites.h"

enum { TEXT_SIZE = 4096 };

static FILE *
open_text(const char *text)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	ck_assert_ptr_nonnull(in);
	return in;
}

/* Addresses as text. */

static const struct {
	const char *address;
	const char *text;
} escaped[] = {
	{ "ann@a.example", "ann@a.example" },
	{ "o'neill,jr@a", "o'neill,jr@a" },
	{ "a b@a", "a\\x20b@a" },
	{ "\033[2J@a", "\\x1b[2J@a" },
	{ "\303\244@a", "\\xc3\\xa4@a" },
	{ "\"<\\>\"@a", "\\x22\\x3c\\x5c\\x3e\\x22@a" },
	{ "\\x41@a", "\\x5cx41@a" },
	{ "", "" },
};

START_TEST(an_address_is_escaped_and_read_back)
{
	char text[TEXT_SIZE] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	text_put_address(out, escaped[_i].address);
	fclose(out);
	ck_assert_str_eq(text, escaped[_i].text);
	ck_assert(text_unescape(text));
	ck_assert_str_eq(text, escaped[_i].address);
}
END_TEST

START_TEST(what_is_no_code_stays)
{
	char text[] = "\\x4@\\y\\x4g\\";
	char upper[] = "\\xC3";
	char nul[] = "a\\x00b";

	ck_assert(text_unescape(text));
	ck_assert_str_eq(text, "\\x4@\\y\\x4g\\");
	ck_assert(text_unescape(upper));
	ck_assert_str_eq(upper, "\303");
	ck_assert(!text_unescape(nul));
}
END_TEST

/* CSV. */

/* The fields of all rows, as "[one|two][three]"; what is wrong behind it. */
static const char *
read_all(const char *text)
{
	static char out[TEXT_SIZE];
	FILE *in = open_text(text);
	struct csv csv;
	struct err err;
	enum csv_status status;
	size_t len = 0;

	csv_init(&csv, in);
	while ((status = csv_read(&csv, &err)) == CSV_ROW) {
		for (size_t i = 0; i < csv.count; i++)
			len += (size_t)snprintf(out + len, sizeof(out) - len,
			    "%s%s", i == 0 ? "[" : "|", csv.field[i]);
		len += (size_t)snprintf(out + len, sizeof(out) - len, "]%lu",
		    csv.line);
	}
	if (status == CSV_BAD)
		snprintf(out + len, sizeof(out) - len, " %lu: %s", csv.line,
		    err.text);
	csv_finish(&csv);
	fclose(in);
	return out;
}

static const struct {
	const char *text;
	const char *rows;
} csvs[] = {
	{ "a,b\nc,d\n", "[a|b]1[c|d]2" },
	{ "a,b\r\nc,d\r\n", "[a|b]1[c|d]2" },
	{ "a,b", "[a|b]1" },
	{ ",\n", "[|]1" },
	{ "\n\r\na\n\n", "[a]3" },
	{ "\"a,b\",\"c\"\"d\"\n", "[a,b|c\"d]1" },
	{ "\"a\nb\"\nc\n", "[a\nb]1[c]3" },
	{ "\"\",\"\"\"\"\r\n", "[|\"]1" },
	{ "\xef\xbb\xbf"
	  "a\nb\n",
	    "[a]1[b]2" },
	{ "a\n\"b", "[a]1 2: a quote is not closed" },
	{ "a\n\"b\"c\n", "[a]1 2: there is something between the end of a "
			 "field and the comma" },
	{ "a\"b\n", " 1: a quote in a field that does not begin with one" },
	{ "a\rb\n", " 1: there is something between the end of a field and "
		    "the comma" },
};

START_TEST(csv_is_read)
{
	ck_assert_str_eq(read_all(csvs[_i].text), csvs[_i].rows);
}
END_TEST

START_TEST(csv_with_a_nul_is_refused)
{
	static char text[] = "a\0b,c\n";
	FILE *in = fmemopen(text, sizeof(text) - 1, "r");
	struct csv csv;
	struct err err;

	csv_init(&csv, in);
	ck_assert_int_eq(csv_read(&csv, &err), CSV_BAD);
	ck_assert_str_eq(err.text, "there is a NUL byte");
	csv_finish(&csv);
	fclose(in);
}
END_TEST

START_TEST(csv_with_too_many_fields_is_refused)
{
	char text[CSV_FIELDS + 2];

	memset(text, ',', CSV_FIELDS);
	strcpy(text + CSV_FIELDS, "\n");
	ck_assert_ptr_nonnull(strstr(read_all(text), "more than 64 fields"));
	ck_assert_ptr_nonnull(strstr(read_all(text + 1), "]1"));
}
END_TEST

START_TEST(csv_is_written)
{
	char text[TEXT_SIZE] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	csv_write(out, true, "a b");
	csv_write(out, false, "c,d");
	csv_write(out, false, "e\"f");
	csv_write(out, false, "");
	fclose(out);
	ck_assert_str_eq(text, "a b,\"c,d\",\"e\"\"f\",");
}
END_TEST

/* Settings. */

static const struct recipient_setting *
setting(const char *name)
{
	const struct recipient_setting *row = recipient_settings;

	while (strcmp(row->name, name) != 0)
		row++;
	return row;
}

static const struct {
	const char *name;
	const char *text;
	/* As it is written again; NULL when it is refused. */
	const char *written;
} settings[] = {
	{ "id", "000102030405060708090a0b0c0d0e0f",
	    "000102030405060708090a0b0c0d0e0f" },
	{ "id", "000102", NULL },
	{ "id", "x00102030405060708090a0b0c0d0e0f", NULL },
	{ "disabled", "yes", "yes" },
	{ "disabled", "no", "no" },
	{ "disabled", "", "no" },
	{ "disabled", "maybe", NULL },
	{ "internal_only", "yes", "yes" },
	{ "permits", "yes", "yes" },
	{ "refuses", "yes", "yes" },
	{ "allows", "yes", "yes" },
	{ "max_size", "10M", "10M" },
	{ "max_size", "1000", "1000B" },
	{ "max_size", "0", "" },
	{ "max_size", "", "" },
	{ "max_size", "-1", NULL },
	{ "max_size", "10 apples", NULL },
	{ "max_size", "99999999999999999999999", NULL },
	{ "max_size", "9223372036854775807", NULL },
	{ "greylist", "default", "" },
	{ "greylist", "", "" },
	{ "greylist", "on", "on" },
	{ "greylist", "observe", "observe" },
	{ "greylist", "off", "off" },
	{ "greylist", "perhaps", NULL },
	{ "delay", "5m", "5m" },
	{ "delay", "", "" },
	{ "delay", "5", NULL },
	{ "delay", "-5m", NULL },
};

START_TEST(a_setting_is_read_and_written)
{
	const struct recipient_setting *row = setting(settings[_i].name);
	struct recipient_record record = { .disabled = false };
	char memory[SETTING_TEXT];
	struct buf out;
	struct err err = { "" };
	const int result =
	    recipient_setting_read(row, settings[_i].text, &record, &err);

	if (settings[_i].written == NULL) {
		ck_assert_int_eq(result, -1);
		ck_assert_str_ne(err.text, "");
		return;
	}
	ck_assert_int_eq(result, 0);
	buf_init(&out, memory, sizeof(memory) - 1);
	recipient_setting_write(row, &record, &out);
	memory[out.len] = '\0';
	ck_assert_str_eq(memory, settings[_i].written);
}
END_TEST

/* Rows. */

START_TEST(an_id_is_a_hash)
{
	/* The vectors of FNV-1a. */
	static const unsigned char of_nothing[RECIPIENT_ID] = { 0x6c, 0x62,
		0x27, 0x2e, 0x07, 0xbb, 0x01, 0x42, 0x62, 0xb8, 0x21, 0x75,
		0x62, 0x95, 0xc5, 0x8d };
	static const unsigned char of_a[RECIPIENT_ID] = { 0xd2, 0x28, 0xcb,
		0x69, 0x6f, 0x1a, 0x8c, 0xaf, 0x78, 0x91, 0x2b, 0x70, 0x4e,
		0x4a, 0x89, 0x64 };
	unsigned char id[RECIPIENT_ID];

	rows_make_id("", id);
	ck_assert_mem_eq(id, of_nothing, sizeof(id));
	rows_make_id("a", id);
	ck_assert_mem_eq(id, of_a, sizeof(id));
}
END_TEST

/* Reads a file and arranges it; what is wrong, or "". */
static const char *
load(const char *text, bool is_csv, struct rows *rows)
{
	static struct err err;
	FILE *in = open_text(text);
	int failed;

	err.text[0] = '\0';
	*rows = (struct rows){ .count = 0 };
	failed = (is_csv ? file_read_csv : file_read_text)(in, "f", rows, &err);
	fclose(in);
	if (failed == 0)
		failed = rows_arrange(rows, "f", &err);
	ck_assert_int_eq(failed == 0, *err.text == '\0');
	return err.text;
}

START_TEST(a_text_has_an_address_a_line)
{
	struct rows rows;

	ck_assert_str_eq(load("# staff\n\n Ann@A.example \r\n"
			      "bob\\x20jr@a.example\nann@a.example\n#\n"
			      "last@a.example",
			     false, &rows),
	    "");
	rows_sort_by_address(&rows);
	ck_assert_uint_eq(rows.count, 3);
	ck_assert_str_eq(rows.recipient[0].address, "ann@a.example");
	ck_assert_str_eq(rows.recipient[1].address, "bob jr@a.example");
	ck_assert_str_eq(rows.recipient[2].address, "last@a.example");
	rows_finish(&rows);
}
END_TEST

static const struct {
	bool is_csv;
	const char *text;
	const char *problem;
} bad_files[] = {
	{ false, "a@b\nann\n", "f:2: ann has no domain" },
	{ false, "ann@\n", "f:1: ann@ has no domain" },
	{ false, "@a.example\n", "f:1: @a.example has nothing before the @" },
	{ false, "ann@a.example OK\n", "f:1: ann@a.example OK has a space" },
	{ false, "a\033b@a.example\n",
	    "f:1: a\\x1bb@a.example has a control byte" },
	{ false, "a\\x0ab@a.example\n", "has a control byte" },
	{ false, "a\\x00b@a.example\n", "has a NUL byte" },
	{ true, "", "f:1: the file is empty" },
	{ true, "name\nann@a\n", "f:1: name is no column that is known" },
	{ true, "id\nann@a\n", "f:1: the first row, which names" },
	{ true, "address,address\n", "f:1: address is there twice" },
	{ true, "ann@a.example\n", "f:1: ann@a.example is no column" },
	{ true, "address,delay\na@b,5m\nc@d\n",
	    "f:3: there are 1 fields, and 2 columns" },
	{ true, "address,delay\na@b,5\n", "f:2: delay: " },
	{ true, "address,disabled\n\"a\nb@c\",no\n",
	    "f:2: a\\x0ab@c has a control byte" },
	{ true, "address\na@b\n\"c\n", "f:3: a quote is not closed" },
	{ true, "address,refused\na@b,c d@e\n", "f:2: refused: c has no" },
	{ true, "address,delay\na@b,5m\nx@y,\na@b,6m\n",
	    "f:4: a@b contradicts line 2: the address" },
	{ true,
	    "address,id,delay\n"
	    "z@b,000102030405060708090a0b0c0d0e0f,5m\n"
	    "a@b,000102030405060708090a0b0c0d0e0f,6m\n",
	    "f:3: a@b contradicts line 2: the id" },
	{ true,
	    "address,id\n"
	    "a@b,000102030405060708090a0b0c0d0e0f\n"
	    "a@b,010102030405060708090a0b0c0d0e0f\n",
	    "f:3: a@b contradicts line 2: the address" },
};

START_TEST(what_is_wrong_with_a_file_is_told)
{
	struct rows rows;
	const char *problem =
	    load(bad_files[_i].text, bad_files[_i].is_csv, &rows);

	ck_assert_msg(strstr(problem, bad_files[_i].problem) != NULL,
	    "\"%s\" is not in \"%s\"", bad_files[_i].problem, problem);
	rows_finish(&rows);
}
END_TEST

START_TEST(too_long_an_address_is_refused)
{
	char text[ADDRESS_MAX + 16];
	struct rows rows;

	memset(text, 'a', sizeof(text));
	strcpy(text + ADDRESS_MAX - 2, "@b\n");
	ck_assert_str_eq(load(text, false, &rows), "");
	rows_finish(&rows);
	strcpy(text + ADDRESS_MAX - 2, "@bc\n");
	ck_assert_ptr_nonnull(strstr(load(text, false, &rows), "is too long"));
	rows_finish(&rows);
}
END_TEST

START_TEST(senders_of_all_rows_of_a_recipient_are_its_lists)
{
	static const char text[] =
	    "address,id,permitted,refused,allowed\n"
	    "b@a,000102030405060708090a0b0c0d0e0f,X@Y @z,,\n"
	    "a@a,000102030405060708090a0b0c0d0e0f,,<>,x@y\n"
	    "c@a,,,,\n";
	struct rows rows;
	size_t count;
	size_t at;

	ck_assert_str_eq(load(text, true, &rows), "");
	ck_assert_uint_eq(rows.count, 3);
	ck_assert_uint_eq(rows.senders, 3);
	ck_assert_str_eq(rows.recipient[0].address, "a@a");
	ck_assert(rows.recipient[0].record.permits);
	ck_assert(rows.recipient[0].record.refuses);
	ck_assert(rows.recipient[1].record.allows);
	ck_assert(!rows.recipient[2].record.permits);
	at = rows_find_senders(&rows, rows.recipient[0].record.id, &count);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(rows.sender[at].sender, "");
	ck_assert_uint_eq(rows.sender[at].listing, SENDER_REFUSED);
	ck_assert_str_eq(rows.sender[at + 2].sender, "x@y");
	ck_assert_uint_eq(rows.sender[at + 2].listing,
	    SENDER_PERMITTED | SENDER_ALLOWED);
	rows_find_senders(&rows, rows.recipient[2].record.id, &count);
	ck_assert_uint_eq(count, 0);
	rows_finish(&rows);
}
END_TEST

START_TEST(a_table_is_written_as_it_was_read)
{
	static const char text[] =
	    "address,id,disabled,internal_only,max_size,greylist,delay,"
	    "permits,refuses,allows,permitted,refused,allowed\r\n"
	    "\"a,b@a\",000102030405060708090a0b0c0d0e0f,yes,no,10M,off,5m,"
	    "yes,yes,no,\"@z x\\x20y@z\",\"<>\",\r\n"
	    "c@a,000102030405060708090a0b0c0d0e0f,yes,no,10M,off,5m,"
	    "yes,yes,no,,,\r\n"
	    "d@a,100102030405060708090a0b0c0d0e0f,no,yes,,,,"
	    "yes,no,no,,,\r\n";
	char written[TEXT_SIZE] = "";
	struct rows rows;
	FILE *out;

	ck_assert_str_eq(load(text, true, &rows), "");
	rows_sort_by_address(&rows);
	rows.recipient[0].tells_lists = true;
	out = fmemopen(written, sizeof(written), "w");
	file_write_csv(out, &rows);
	fclose(out);
	ck_assert_str_eq(written, text);
	out = fmemopen(written, sizeof(written), "w");
	file_write_text(out, &rows);
	fclose(out);
	ck_assert_str_eq(written, "a,b@a\nc@a\nd@a\n");
	rows_finish(&rows);
}
END_TEST

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

Suite *
policyctl_suite(void)
{
	Suite *suite = suite_create("policyctl");
	TCase *tests = tcase_create("policyctl");

	tcase_add_loop_test(tests, an_address_is_escaped_and_read_back, 0,
	    COUNT(escaped));
	tcase_add_test(tests, what_is_no_code_stays);
	tcase_add_loop_test(tests, csv_is_read, 0, COUNT(csvs));
	tcase_add_test(tests, csv_with_a_nul_is_refused);
	tcase_add_test(tests, csv_with_too_many_fields_is_refused);
	tcase_add_test(tests, csv_is_written);
	tcase_add_loop_test(tests, a_setting_is_read_and_written, 0,
	    COUNT(settings));
	tcase_add_test(tests, an_id_is_a_hash);
	tcase_add_test(tests, a_text_has_an_address_a_line);
	tcase_add_loop_test(tests, what_is_wrong_with_a_file_is_told, 0,
	    COUNT(bad_files));
	tcase_add_test(tests, too_long_an_address_is_refused);
	tcase_add_test(tests, senders_of_all_rows_of_a_recipient_are_its_lists);
	tcase_add_test(tests, a_table_is_written_as_it_was_read);
	suite_add_tcase(suite, tests);
	return suite;
}
