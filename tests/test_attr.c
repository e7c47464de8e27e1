/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attr.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "suites.h"

static const struct attr_limits limits = {
	.attributes = 4,
	.value = 8,
	.request = 64,
};

/* What a request was read as: "name>value;" for each attribute, then how it
 * ended. */
struct reading {
	char pairs[4096];
	enum attr_status end;
	size_t size;
};

static void
note_pair(struct reading *reading, const struct attr *attr)
{
	ck_assert_uint_eq(strlen(attr->name), attr->name_len);
	ck_assert_uint_eq(strlen(attr->value), attr->value_len);
	strcat(reading->pairs, attr->name);
	strcat(reading->pairs, ">");
	strcat(reading->pairs, attr->value);
	strcat(reading->pairs, ";");
}

/* Reads on with `len` bytes there; false when the request has ended. */
static bool
read_on(struct attr_reader *reader, char *bytes, size_t len,
    struct reading *reading)
{
	struct attr attr;

	for (;;) {
		reading->end = attr_read(reader, bytes, len, &attr);
		if (reading->end != ATTR_PAIR)
			break;
		note_pair(reading, &attr);
	}
	reading->size = attr_size(reader);
	return reading->end == ATTR_MORE;
}

/* Reads a text whose first `split` bytes come alone.  It stands in memory of
 * its own size, so that a byte too far is noticed. */
static struct reading
read_split(const char *text, size_t len, size_t split)
{
	struct reading reading = { .pairs = "" };
	struct attr_reader reader;
	char *bytes = malloc(len);

	memcpy(bytes, text, len);
	attr_reader_init(&reader, &limits);
	if (split == 0 || read_on(&reader, bytes, split, &reading))
		read_on(&reader, bytes, len, &reading);
	if (reading.end == ATTR_MALFORMED)
		ck_assert_ptr_nonnull(attr_complaint(&reader));
	free(bytes);
	return reading;
}

#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *what;
	const char *text;
	size_t len;
	enum attr_status end;
	const char *pairs;
} cases[] = {
	{ "one attribute", TEXT("a=b\n\n"), ATTR_END, "a>b;" },
	{ "an empty value", TEXT("a=\n\n"), ATTR_END, "a>;" },
	{ "a value with = and spaces", TEXT("a= b=c \n\n"), ATTR_END,
	    "a> b=c ;" },
	{ "bytes that are not UTF-8", TEXT("a=\xff\xfe\n\n"), ATTR_END,
	    "a>\xff\xfe;" },
	{ "no end yet", TEXT("a=b\nc=d\n"), ATTR_MORE, "a>b;c>d;" },
	{ "half a line", TEXT("a=b\nc"), ATTR_MORE, "a>b;" },
	{ "what follows the end is not read", TEXT("a=b\n\nc=d\n\n"), ATTR_END,
	    "a>b;" },
	{ "an empty request", TEXT("\n"), ATTR_MALFORMED, "" },
	{ "no =", TEXT("abc\n\n"), ATTR_MALFORMED, "" },
	{ "no name", TEXT("=b\n\n"), ATTR_MALFORMED, "" },
	{ "NUL in a value", TEXT("a=b\0c\n\n"), ATTR_MALFORMED, "" },
	{ "NUL in a name", TEXT("a\0b=c\n\n"), ATTR_MALFORMED, "" },
	{ "CR LF", TEXT("a=b\r\n\r\n"), ATTR_MALFORMED, "" },
	{ "an empty line of CR LF", TEXT("a=b\n\r\n"), ATTR_MALFORMED, "a>b;" },
	{ "CR inside a value", TEXT("a=b\rc\n\n"), ATTR_END, "a>b\rc;" },
	{ "the longest value", TEXT("a=12345678\n\n"), ATTR_END,
	    "a>12345678;" },
	{ "a value too long", TEXT("a=123456789\n\n"), ATTR_MALFORMED, "" },
	{ "the longest name", TEXT("12345678=a\n\n"), ATTR_END, "12345678>a;" },
	{ "a name too long", TEXT("123456789=a\n\n"), ATTR_MALFORMED, "" },
	{ "as many attributes as may be", TEXT("a=1\nb=2\nc=3\nd=4\n\n"),
	    ATTR_END, "a>1;b>2;c>3;d>4;" },
	{ "an attribute too many", TEXT("a=1\nb=2\nc=3\nd=4\ne=5\n\n"),
	    ATTR_MALFORMED, "a>1;b>2;c>3;d>4;" },
	{ "a line without an end", TEXT("a=12345678901234567890"),
	    ATTR_MALFORMED, "" },
};

START_TEST(every_split_reads_the_same)
{
	for (size_t split = 0; split < cases[_i].len; split++) {
		const struct reading reading =
		    read_split(cases[_i].text, cases[_i].len, split);

		ck_assert_msg(reading.end == cases[_i].end, "%s, split at %zu",
		    cases[_i].what, split);
		ck_assert_msg(strcmp(reading.pairs, cases[_i].pairs) == 0,
		    "%s, split at %zu: %s", cases[_i].what, split,
		    reading.pairs);
	}
}
END_TEST

START_TEST(byte_by_byte_reads_the_same)
{
	struct reading reading = { .pairs = "" };
	struct attr_reader reader;
	char bytes[128];
	size_t len = 0;

	attr_reader_init(&reader, &limits);
	do {
		bytes[len] = cases[_i].text[len];
		len++;
	} while (read_on(&reader, bytes, len, &reading) && len < cases[_i].len);
	ck_assert_msg(reading.end == cases[_i].end, "%s", cases[_i].what);
	ck_assert_str_eq(reading.pairs, cases[_i].pairs);
}
END_TEST

START_TEST(two_requests_in_one_read_are_two)
{
	static const char text[] = "a=b\n\nc=d\ne=f\n\n";
	struct reading reading = read_split(TEXT(text), 0);

	ck_assert_uint_eq(reading.size, 5);
	reading = read_split(text + 5, sizeof(text) - 6, 0);
	ck_assert_int_eq(reading.end, ATTR_END);
	ck_assert_str_eq(reading.pairs, "c>d;e>f;");
}
END_TEST

/* A request of `len` bytes in lines that are no problem themselves. */
static enum attr_status
read_request_of(size_t len)
{
	static const struct attr_limits wide = {
		.attributes = 1000,
		.value = 8,
		.request = 64,
	};
	struct attr_reader reader;
	struct reading reading = { .pairs = "" };
	char bytes[128];

	memset(bytes, 'v', sizeof(bytes));
	for (size_t at = 0; at < len - 1; at += 4) {
		bytes[at] = 'n';
		bytes[at + 1] = '=';
		bytes[at + 3 < len - 2 ? at + 3 : len - 2] = '\n';
	}
	bytes[len - 1] = '\n';
	attr_reader_init(&reader, &wide);
	read_on(&reader, bytes, len, &reading);
	return reading.end;
}

START_TEST(a_request_has_a_bound)
{
	ck_assert_int_eq(read_request_of(61), ATTR_END);
	ck_assert_int_eq(read_request_of(64), ATTR_END);
	ck_assert_int_eq(read_request_of(65), ATTR_MALFORMED);
	ck_assert_int_eq(read_request_of(69), ATTR_MALFORMED);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
	char memory[32];
	struct buf out;
	struct reading reading;

	buf_init(&out, memory, sizeof(memory));
	ck_assert(attr_write(&out, "action", "DUNNO x", 7));
	ck_assert(attr_write_end(&out));
	reading = read_split(out.data, out.len, 0);
	ck_assert_int_eq(reading.end, ATTR_END);
	ck_assert_str_eq(reading.pairs, "action>DUNNO x;");
}
END_TEST

Suite *
attr_suite(void)
{
	const int count = sizeof(cases) / sizeof(cases[0]);
	Suite *suite = suite_create("attr");
	TCase *tests = tcase_create("attr");

	tcase_add_loop_test(tests, every_split_reads_the_same, 0, count);
	tcase_add_loop_test(tests, byte_by_byte_reads_the_same, 0, count);
	tcase_add_test(tests, two_requests_in_one_read_are_two);
	tcase_add_test(tests, a_request_has_a_bound);
	tcase_add_test(tests, what_is_written_can_be_read);
	suite_add_tcase(suite, tests);
	return suite;
}
