/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "attr.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
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
	const char *complaint;
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
	reading->complaint =
	    reading->end == ATTR_MALFORMED ? attr_complaint(reader) : NULL;
	return reading->end == ATTR_MORE;
}

/* Reads a text whose first `split` bytes come alone.  It stands in memory of
 * its own size, so that a byte too far is noticed. */
static struct reading
read_split(const struct attr_limits *within, const char *text, size_t len,
    size_t split)
{
	struct reading reading = { .pairs = "" };
	struct attr_reader reader;
	char *bytes = malloc(len);

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, text, len);
	attr_reader_init(&reader, within);
	if (split == 0 || read_on(&reader, bytes, split, &reading))
		read_on(&reader, bytes, len, &reading);
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
	const char *complaint;
} cases[] = {
	{ "one attribute", TEXT("a=b\n\n"), ATTR_END, "a>b;", NULL },
	{ "an empty value", TEXT("a=\n\n"), ATTR_END, "a>;", NULL },
	{ "a value with = and spaces", TEXT("a= b=c \n\n"), ATTR_END,
	    "a> b=c ;", NULL },
	{ "a value that is =", TEXT("a==\n\n"), ATTR_END, "a>=;", NULL },
	{ "a name twice", TEXT("a=b\na=c\n\n"), ATTR_END, "a>b;a>c;", NULL },
	{ "a name with a space", TEXT(" a =b\n\n"), ATTR_END, " a >b;", NULL },
	{ "bytes that are not UTF-8", TEXT("a=\xff\xfe\n\n"), ATTR_END,
	    "a>\xff\xfe;", NULL },
	{ "no end yet", TEXT("a=b\nc=d\n"), ATTR_MORE, "a>b;c>d;", NULL },
	{ "half a line", TEXT("a=b\nc"), ATTR_MORE, "a>b;", NULL },
	{ "what follows the end is not read", TEXT("a=b\n\nc=d\n\n"), ATTR_END,
	    "a>b;", NULL },
	{ "rubbish behind the end is not read", TEXT("a=b\n\n\0=\r\n"),
	    ATTR_END, "a>b;", NULL },
	{ "an empty request", TEXT("\n"), ATTR_MALFORMED, "",
	    "an empty request" },
	{ "no =", TEXT("abc\n\n"), ATTR_MALFORMED, "", "a line without \"=\"" },
	{ "no = in the second line", TEXT("a=b\nabc\n\n"), ATTR_MALFORMED,
	    "a>b;", "a line without \"=\"" },
	{ "no name", TEXT("=b\n\n"), ATTR_MALFORMED, "",
	    "an attribute without a name" },
	{ "neither name nor value", TEXT("=\n\n"), ATTR_MALFORMED, "",
	    "an attribute without a name" },
	{ "NUL in a value", TEXT("a=b\0c\n\n"), ATTR_MALFORMED, "",
	    "a NUL byte" },
	{ "NUL at the end of a value", TEXT("a=b\0\n\n"), ATTR_MALFORMED, "",
	    "a NUL byte" },
	{ "NUL in a name", TEXT("a\0b=c\n\n"), ATTR_MALFORMED, "",
	    "a NUL byte" },
	{ "NUL in the second line", TEXT("a=b\nc=\0\n\n"), ATTR_MALFORMED,
	    "a>b;", "a NUL byte" },
	{ "NUL as the first byte of the second line", TEXT("a=b\n\0c=d\n\n"),
	    ATTR_MALFORMED, "a>b;", "a NUL byte" },
	{ "NUL in the place of the empty line", TEXT("a=b\n\0\n\n"),
	    ATTR_MALFORMED, "a>b;", "a NUL byte" },
	{ "two lines with NUL", TEXT("a=\0\nc=\0\n\n"), ATTR_MALFORMED, "",
	    "a NUL byte" },
	{ "CR LF", TEXT("a=b\r\n\r\n"), ATTR_MALFORMED, "",
	    "a line that ends in CR LF" },
	{ "an empty line of CR LF", TEXT("a=b\n\r\n"), ATTR_MALFORMED, "a>b;",
	    "a line that ends in CR LF" },
	{ "CR inside a value", TEXT("a=b\rc\n\n"), ATTR_END, "a>b\rc;", NULL },
	{ "the longest value", TEXT("a=12345678\n\n"), ATTR_END, "a>12345678;",
	    NULL },
	{ "a value too long", TEXT("a=123456789\n\n"), ATTR_MALFORMED, "",
	    "a value longer than max-value-size" },
	{ "the longest name", TEXT("12345678=a\n\n"), ATTR_END, "12345678>a;",
	    NULL },
	{ "a name too long", TEXT("123456789=a\n\n"), ATTR_MALFORMED, "",
	    "a name longer than max-value-size" },
	{ "the longest line", TEXT("12345678=12345678\n\n"), ATTR_END,
	    "12345678>12345678;", NULL },
	{ "the longest line, not ended", TEXT("12345678=12345678"), ATTR_MORE,
	    "", NULL },
	{ "a line one byte too long, not ended", TEXT("12345678=123456789"),
	    ATTR_MALFORMED, "", "a value longer than max-value-size" },
	{ "a long second line without an end", TEXT("a=b\n123456789012345678"),
	    ATTR_MALFORMED, "a>b;", "a value longer than max-value-size" },
	{ "as many attributes as may be", TEXT("a=1\nb=2\nc=3\nd=4\n\n"),
	    ATTR_END, "a>1;b>2;c>3;d>4;", NULL },
	{ "an attribute too many", TEXT("a=1\nb=2\nc=3\nd=4\ne=5\n\n"),
	    ATTR_MALFORMED, "a>1;b>2;c>3;d>4;",
	    "more attributes than max-attributes" },
};

static void
assert_read_as(size_t number, const struct reading *reading, size_t split)
{
	const char *wanted = cases[number].complaint;

	ck_assert_msg(reading->end == cases[number].end, "%s, split at %zu",
	    cases[number].what, split);
	ck_assert_msg(strcmp(reading->pairs, cases[number].pairs) == 0,
	    "%s, split at %zu: %s", cases[number].what, split, reading->pairs);
	ck_assert_msg((reading->complaint == NULL) == (wanted == NULL) &&
			  (wanted == NULL ||
			      strcmp(reading->complaint, wanted) == 0),
	    "%s, split at %zu: %s", cases[number].what, split,
	    reading->complaint);
}

START_TEST(every_split_reads_the_same)
{
	for (size_t split = 0; split < cases[_i].len; split++) {
		const struct reading reading =
		    read_split(&limits, cases[_i].text, cases[_i].len, split);

		assert_read_as((size_t)_i, &reading, split);
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
	assert_read_as((size_t)_i, &reading, len);
}
END_TEST

START_TEST(no_new_bytes_change_nothing)
{
	char bytes[] = "a=b\nc";
	struct reading reading = { .pairs = "" };
	struct attr_reader reader;

	attr_reader_init(&reader, &limits);
	ck_assert(read_on(&reader, bytes, 0, &reading));
	ck_assert(read_on(&reader, bytes, 5, &reading));
	ck_assert(read_on(&reader, bytes, 5, &reading));
	ck_assert_str_eq(reading.pairs, "a>b;");
}
END_TEST

/* A connection: its bytes come in pieces, a request that has ended makes room
 * for the next one. */
struct connection {
	struct attr_reader reader;
	struct reading reading;
	char memory[64];
	struct buf in;
};

static void
begin(struct connection *connection)
{
	*connection = (struct connection){ .reading = { .pairs = "" } };
	buf_init(&connection->in, connection->memory,
	    sizeof(connection->memory));
	attr_reader_init(&connection->reader, &limits);
}

/* Each end of a request is noted as "|". */
static void
receive(struct connection *connection, const char *bytes, size_t len)
{
	struct buf *in = &connection->in;
	struct reading *reading = &connection->reading;

	ck_assert(buf_append(in, bytes, len));
	while (!read_on(&connection->reader, in->data, in->len, reading)) {
		ck_assert_int_eq(reading->end, ATTR_END);
		strcat(reading->pairs, "|");
		buf_consume(in, attr_size(&connection->reader));
		attr_reader_init(&connection->reader, &limits);
	}
}

static const char three[] = "a=b\n\nc=d\ne=f\n\ng=\n\nh=";
static const char three_read[] = "a>b;|c>d;e>f;|g>;|";

START_TEST(requests_in_one_buffer_are_told_apart)
{
	const size_t len = sizeof(three) - 1;
	struct connection connection;

	for (size_t split = 0; split <= len; split++) {
		begin(&connection);
		receive(&connection, three, split);
		receive(&connection, three + split, len - split);
		ck_assert_str_eq(connection.reading.pairs, three_read);
		ck_assert_uint_eq(connection.in.len, 2);
	}
}
END_TEST

START_TEST(requests_byte_by_byte_are_told_apart)
{
	struct connection connection;

	begin(&connection);
	for (size_t at = 0; at < sizeof(three) - 1; at++)
		receive(&connection, three + at, 1);
	ck_assert_str_eq(connection.reading.pairs, three_read);
}
END_TEST

/* The size of a request is that of all its bytes, not of what follows. */
START_TEST(a_request_ends_behind_its_empty_line)
{
	const struct reading reading =
	    read_split(&limits, TEXT("a=b\n\nc=d\n\n"), 0);

	ck_assert_uint_eq(reading.size, 5);
}
END_TEST

/* Makes a request of `len` bytes, of lines that are no problem themselves: the
 * first one has a name as long as is left over. */
static void
make_request(char *bytes, size_t len)
{
	memset(bytes, 'n', len);
	for (size_t at = (len - 1) % 4; at < len - 1; at += 4) {
		bytes[at + 1] = '=';
		bytes[at + 3] = '\n';
	}
	bytes[len - 1] = '\n';
}

static const struct {
	const char *what;
	size_t len;
	enum attr_status end;
} sizes[] = {
	{ "a byte less", 63, ATTR_END },
	{ "as many bytes as may be", 64, ATTR_END },
	{ "a byte too many", 65, ATTR_MALFORMED },
	{ "a line too many", 68, ATTR_MALFORMED },
};

START_TEST(a_request_has_a_bound)
{
	static const struct attr_limits many = {
		.attributes = 1000,
		.value = 8,
		.request = 64,
	};
	char bytes[128];

	make_request(bytes, sizes[_i].len);
	for (size_t split = 0; split < sizes[_i].len; split++) {
		const struct reading reading =
		    read_split(&many, bytes, sizes[_i].len, split);

		ck_assert_msg(reading.end == sizes[_i].end, "%s, split at %zu",
		    sizes[_i].what, split);
		if (reading.end == ATTR_END)
			ck_assert_uint_eq(reading.size, sizes[_i].len);
		else
			ck_assert_str_eq(reading.complaint,
			    "more bytes than max-request-size");
	}
}
END_TEST

/* A line that never ends is not waited for when its request is full. */
START_TEST(a_full_request_that_goes_on_is_refused)
{
	static const struct attr_limits small = {
		.attributes = 4,
		.value = 64,
		.request = 16,
	};
	const char text[] = "a=b\nc=0123456789";
	struct reading reading = read_split(&small, text, 15, 0);

	ck_assert_int_eq(reading.end, ATTR_MORE);
	reading = read_split(&small, text, 16, 0);
	ck_assert_int_eq(reading.end, ATTR_MALFORMED);
	ck_assert_str_eq(reading.complaint, "more bytes than max-request-size");
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
	ck_assert_uint_eq(out.len, strlen("action=DUNNO x\n\n"));
	reading = read_split(&limits, out.data, out.len, 0);
	ck_assert_int_eq(reading.end, ATTR_END);
	ck_assert_str_eq(reading.pairs, "action>DUNNO x;");
}
END_TEST

START_TEST(what_does_not_fit_is_not_written)
{
	char memory[9];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	ck_assert(attr_write(&out, "a", "12345", 5));
	ck_assert(attr_write_end(&out));
	ck_assert(!attr_write_end(&out));
	buf_clear(&out);
	ck_assert(!attr_write(&out, "a", "1234567", 7));
	ck_assert(out.full);
}
END_TEST

Suite *
attr_suite(void)
{
	const int count = sizeof(cases) / sizeof(cases[0]);
	Suite *suite = suite_create("attr");
	TCase *tests = tcase_create("attr");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_loop_test(tests, every_split_reads_the_same, 0, count);
	tcase_add_loop_test(tests, byte_by_byte_reads_the_same, 0, count);
	tcase_add_test(tests, no_new_bytes_change_nothing);
	tcase_add_test(tests, requests_in_one_buffer_are_told_apart);
	tcase_add_test(tests, requests_byte_by_byte_are_told_apart);
	tcase_add_test(tests, a_request_ends_behind_its_empty_line);
	tcase_add_loop_test(tests, a_request_has_a_bound, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tests, a_full_request_that_goes_on_is_refused);
	tcase_add_test(tests, what_is_written_can_be_read);
	tcase_add_test(tests, what_does_not_fit_is_not_written);
	suite_add_tcase(suite, tests);
	return suite;
}
