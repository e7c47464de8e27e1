/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "verdict.h"

#include <check.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

static char memory[VERDICT_REPLY + 1];

/* The reply as a string. */
static const char *
reply_of(const struct verdict *verdict)
{
	struct buf out;

	buf_init(&out, memory, VERDICT_REPLY);
	verdict_write(verdict, &out);
	memory[out.len] = '\0';
	if (out.full || strlen(memory) != out.len)
		ck_abort_msg("no reply: %s", memory);
	return memory;
}

static const struct {
	const char *what;
	const char *text;
	const char *reply;
} texts[] = {
	{ "a deferral", "DEFER_IF_PERMIT 4.2.0 Wait",
	    "action=DEFER_IF_PERMIT 4.2.0 Wait\n\n" },
	{ "UTF-8", "450 caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
	    "action=450 caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\n" },
	{ "nothing", "", "action=DUNNO\n\n" },
	{ "digits only", "450", "action=DUNNO\n\n" },
	{ "digits and blanks", " 45 0 ", "action=DUNNO\n\n" },
	{ "a new line", "450 a\nb=c\n\n", "action=450 a?b=c??\n\n" },
	{ "CR LF", "450 a\r\n", "action=450 a??\n\n" },
	{ "control bytes", "450 \x01\x1b\x7f", "action=450 ???\n\n" },
	{ "not UTF-8", "450 \xff\xfe", "action=450 ??\n\n" },
	{ "a sequence that ends too early", "450 \xe2\x82",
	    "action=450 ??\n\n" },
	{ "a sequence that is broken", "450 \xe2\x28\xa1",
	    "action=450 ?(?\n\n" },
	{ "an overlong slash", "450 \xc0\xaf", "action=450 ??\n\n" },
	{ "an overlong sequence of three", "450 \xe0\x80\xaf",
	    "action=450 ???\n\n" },
	{ "a surrogate", "450 \xed\xa0\x80", "action=450 ???\n\n" },
	{ "beyond Unicode", "450 \xf4\x90\x80\x80", "action=450 ????\n\n" },
	{ "the last character", "450 \xf4\x8f\xbf\xbf",
	    "action=450 \xf4\x8f\xbf\xbf\n\n" },
	{ "sequences of five and six", "450 \xf8\x88\x80\x80\x80\xfc\x84",
	    "action=450 ???????\n\n" },
	{ "a continuation alone", "450 \x80\xbf", "action=450 ??\n\n" },
	{ "a start before a whole sequence", "450 \xe2\xc3\xa9",
	    "action=450 ?\xc3\xa9\n\n" },
	{ "an overlong sequence of four", "450 \xf0\x8f\xbf\xbf",
	    "action=450 ????\n\n" },
	{ "a second reply", "450 a\n\naction=DUNNO\n\n",
	    "action=450 a??action=DUNNO??\n\n" },
	{ "a tab", "450\ta", "action=450?a\n\n" },
	{ "one blank", " ", "action=DUNNO\n\n" },
	{ "many digits", "45012345678901234567890", "action=DUNNO\n\n" },
	{ "digits that are not ASCII", "\xd9\xa4\xd9\xa5",
	    "action=\xd9\xa4\xd9\xa5\n\n" },
	{ "digits and a letter", "450 a", "action=450 a\n\n" },
	{ "what looks like an attribute", "a=b", "action=a=b\n\n" },
	{ "a percent sign", "450 %s%n", "action=450 %s%n\n\n" },
};

START_TEST(no_text_is_misread)
{
	struct verdict verdict = { 0 };

	ck_assert(verdict_defer(&verdict, REASON_GREYLISTED_NEW, texts[_i].text,
	    strlen(texts[_i].text)));
	ck_assert_msg(strcmp(reply_of(&verdict), texts[_i].reply) == 0,
	    "%s: %s", texts[_i].what, memory);
}
END_TEST

/* How many bytes follow the first one of a character (RFC 3629 3); 4 when no
 * character begins with it. */
static size_t
bytes_behind(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first < 0xc0 || first >= 0xf8)
		return 4;
	return first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
}

static bool
is_character(unsigned long number, size_t more)
{
	static const unsigned long least[] = { 0, 0x80, 0x800, 0x10000 };

	return number >= least[more] && number <= 0x10ffff &&
	       (number < 0xd800 || number > 0xdfff);
}

/* Whether a string is UTF-8, by decoding it: another way than verdict.c's. */
static bool
is_utf8(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at != '\0') {
		const size_t more = bytes_behind(*at);
		unsigned long number = *at & (0x7fu >> (more + (more > 0)));

		if (more == 4)
			return false;
		for (size_t i = 1; i <= more; i++) {
			if (at[i] < 0x80 || at[i] > 0xbf)
				return false;
			number = number << 6 | (at[i] & 0x3f);
		}
		if (!is_character(number, more))
			return false;
		at += more + 1;
	}
	return true;
}

/* Postfix reads one attribute of UTF-8, and does not take it for PERMIT. */
static bool
is_one_line(const char *reply)
{
	const char *action = reply + strlen("action=");
	const char *end = strchr(reply, '\n');

	return strncmp(reply, "action=", 7) == 0 && end != NULL &&
	       strcmp(end, "\n\n") == 0 && strchr(reply, '\r') == NULL &&
	       action + strspn(action, "0123456789 \t") != end &&
	       is_utf8(reply);
}

/* What is UTF-8 is kept, and only that. */
static bool
becomes_one_line(const char *text)
{
	struct verdict verdict = { 0 };
	const char *reply;

	verdict_defer(&verdict, REASON_GREYLISTED_NEW, text, strlen(text));
	reply = reply_of(&verdict);
	return is_one_line(reply) &&
	       is_utf8(text) == (strchr(reply, '?') == NULL);
}

/* Each start of a sequence: whole, broken, or cut by the end of the text. */
START_TEST(whatever_bytes_stand_there_it_is_one_line_of_utf8)
{
	static const char then[] = { '\0', 'a', (char)0xbf, (char)0xc3 };
	char text[] = "450 ____";

	for (unsigned i = 0x80 * 0x80; i < 0x100 * 0x80; i++) {
		text[4] = (char)(i / 0x80);
		text[5] = (char)(0x80 + i % 0x80);
		for (size_t n = 0; n < 16; n++) {
			text[6] = then[n / 4];
			text[7] = then[n % 4];
			if (!becomes_one_line(text))
				ck_abort_msg("%x %zu: %s", i, n, memory);
		}
	}
}
END_TEST

/* A character of more than a byte; surrogates, too. */
static size_t
put_character(unsigned long number, char *text)
{
	static const unsigned char start[] = { 0, 0xc0, 0xe0, 0xf0 };
	const size_t more = number < 0x800 ? 1 : number < 0x10000 ? 2 : 3;

	for (size_t i = more; i > 0; i--, number >>= 6)
		text[i] = (char)(0x80 | (number & 0x3f));
	text[0] = (char)(start[more] | number);
	return more + 1;
}

/* 64 characters at once are as they were, but for surrogates. */
static bool
are_kept(unsigned long first)
{
	char text[VERDICT_TEXT];
	struct verdict verdict = { 0 };
	const char *action;
	size_t len = 0;

	for (unsigned long i = 0; i < 64; i++)
		len += put_character(first + i, text + len);
	verdict_defer(&verdict, REASON_GREYLISTED_NEW, text, len);
	action = reply_of(&verdict) + strlen("action=");
	if (first >= 0xd800 && first <= 0xdfff)
		memset(text, '?', len);
	return memcmp(action, text, len) == 0 &&
	       strcmp(action + len, "\n\n") == 0;
}

START_TEST(every_character_passes_and_no_surrogate)
{
	for (unsigned long first = 0x80; first <= 0x10ffff; first += 64)
		if (!are_kept(first))
			ck_abort_msg("U+%lx: %s", first, memory);
}
END_TEST

static const struct {
	const char *what;
	const char *unit;
	const char *written;
} fillings[] = {
	{ "letters", "a", "a" },
	{ "line feeds", "\n", "?" },
	{ "bytes that are not UTF-8", "\xff", "?" },
	{ "starts of sequences", "\xf0", "?" },
	{ "whole sequences", "\xc3\xa9", "\xc3\xa9" },
	{ "long sequences", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "digits", "4", NULL },
	{ "blanks", " ", NULL },
};

/* As often as it fits into the longest text. */
START_TEST(the_longest_text_is_one_line_too)
{
	const size_t unit = strlen(fillings[_i].unit);
	const size_t written =
	    fillings[_i].written == NULL ? 0 : strlen(fillings[_i].written);
	const size_t count = (VERDICT_TEXT - 1) / unit;
	struct verdict verdict = { 0 };
	char text[VERDICT_TEXT];

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * unit, fillings[_i].unit, unit);
	ck_assert(
	    verdict_defer(&verdict, REASON_GREYLISTED_NEW, text, count * unit));
	ck_assert(is_one_line(reply_of(&verdict)));
	if (written == 0) {
		ck_assert_str_eq(memory, "action=DUNNO\n\n");
		return;
	}
	ck_assert_uint_eq(strlen(memory),
	    strlen("action=\n\n") + count * written);
	for (size_t i = 0; i < count; i++)
		ck_assert(memcmp(memory + 7 + i * written, fillings[_i].written,
			      written) == 0);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_refused)
{
	struct verdict verdict;
	char text[VERDICT_TEXT];

	memset(text, 'a', sizeof(text));
	verdict_pass(&verdict, REASON_KNOWN);
	ck_assert(!verdict_defer(&verdict, REASON_GREYLISTED_NEW, text,
	    sizeof(text)));
	ck_assert_int_eq(verdict.action, ACTION_DUNNO);
	ck_assert_int_eq(verdict.reason, REASON_KNOWN);
	ck_assert(verdict_defer(&verdict, REASON_GREYLISTED_NEW, text,
	    sizeof(text) - 1));
	ck_assert_uint_eq(strlen(reply_of(&verdict)),
	    strlen("action=\n\n") + sizeof(text) - 1);
}
END_TEST

START_TEST(a_pass_is_dunno)
{
	struct verdict verdict;

	memset(&verdict, 0x55, sizeof(verdict));
	verdict_pass(&verdict, REASON_KNOWN);
	ck_assert_str_eq(reply_of(&verdict), "action=DUNNO\n\n");
	ck_assert_int_eq(verdict.action, ACTION_DUNNO);
	ck_assert_int_eq(verdict.would, ACTION_DUNNO);
	ck_assert_int_eq(verdict.delay, 0);
	ck_assert_int_eq(verdict.wait, 0);
	ck_assert_str_eq(verdict.text, "");
}
END_TEST

START_TEST(actions_have_the_words_of_the_log)
{
	ck_assert_int_eq(ACTIONS, 5);
	ck_assert_str_eq(action_word(ACTION_DUNNO), "dunno");
	ck_assert_str_eq(action_word(ACTION_DEFER), "defer");
	ck_assert_str_eq(action_word(ACTION_PREPEND), "prepend");
	ck_assert_str_eq(action_word(ACTION_REJECT), "reject");
	ck_assert_str_eq(action_word(ACTION_TEMPFAIL), "tempfail");
}

START_TEST(a_refusal_is_written_as_it_is)
{
	struct verdict verdict;

	verdict_reject(&verdict, REASON_UNKNOWN_RECIPIENT,
	    "550 5.1.1 User unknown");
	ck_assert_str_eq(reply_of(&verdict),
	    "action=550 5.1.1 User unknown\n\n");
	ck_assert_int_eq(verdict.action, ACTION_REJECT);
	verdict_tempfail(&verdict, REASON_DIRECTORY_UNAVAILABLE,
	    "451 4.3.0 Try again later");
	ck_assert_str_eq(reply_of(&verdict),
	    "action=451 4.3.0 Try again later\n\n");
	ck_assert_int_eq(verdict.reason, REASON_DIRECTORY_UNAVAILABLE);
}
END_TEST

/* The answer that never came says nothing. */
START_TEST(an_empty_verdict_is_dunno)
{
	const struct verdict verdict = { 0 };

	ck_assert_str_eq(reply_of(&verdict), "action=DUNNO\n\n");
}
END_TEST

START_TEST(replies_follow_each_other)
{
	struct verdict verdict;
	struct buf out;

	buf_init(&out, memory, VERDICT_REPLY);
	verdict_pass(&verdict, REASON_KNOWN);
	verdict_write(&verdict, &out);
	verdict_write(&verdict, &out);
	memory[out.len] = '\0';
	ck_assert_str_eq(memory, "action=DUNNO\n\naction=DUNNO\n\n");
}
END_TEST

START_TEST(a_header_is_prepended)
{
	struct verdict verdict;

	ck_assert(verdict_prepend(&verdict, REASON_PASSED, "X-Y: z"));
	ck_assert_str_eq(reply_of(&verdict), "action=PREPEND X-Y: z\n\n");
	ck_assert_int_eq(verdict.action, ACTION_PREPEND);
	ck_assert_int_eq(verdict.would, ACTION_PREPEND);
	ck_assert_int_eq(verdict.reason, REASON_PASSED);
	ck_assert(
	    verdict_prepend(&verdict, REASON_PASSED, "X-Y: z\nX-Spam: no\xff"));
	ck_assert_str_eq(reply_of(&verdict),
	    "action=PREPEND X-Y: z?X-Spam: no?\n\n");
}
END_TEST

START_TEST(a_header_that_is_too_long_is_refused)
{
	static const char word[] = "PREPEND ";
	struct verdict verdict;
	char header[VERDICT_TEXT];
	const size_t longest = VERDICT_TEXT - sizeof(word);

	memset(header, 'h', sizeof(header));
	header[longest + 1] = '\0';
	verdict_pass(&verdict, REASON_KNOWN);
	ck_assert(!verdict_prepend(&verdict, REASON_PASSED, header));
	ck_assert_int_eq(verdict.action, ACTION_DUNNO);
	ck_assert_int_eq(verdict.reason, REASON_KNOWN);
	header[longest] = '\0';
	ck_assert(verdict_prepend(&verdict, REASON_PASSED, header));
	ck_assert(is_one_line(reply_of(&verdict)));
	ck_assert_str_eq(memory + strlen(memory) - 3, "h\n\n");
	ck_assert_uint_eq(strlen(memory),
	    strlen("action=\n\n") + VERDICT_TEXT - 1);
}
END_TEST

START_TEST(observing_takes_back_each_action)
{
	struct verdict verdict = { .action = (enum action)_i, .text = "450 a" };

	verdict_only_observe(&verdict);
	ck_assert_int_eq(verdict.action, ACTION_DUNNO);
	ck_assert_int_eq(verdict.would, _i);
	ck_assert_str_eq(reply_of(&verdict), "action=DUNNO\n\n");
}
END_TEST

START_TEST(observing_does_nothing_and_says_what_it_would)
{
	struct verdict verdict = { 0 };

	verdict_defer(&verdict, REASON_GREYLISTED_NEW, "450 a", 5);
	verdict_only_observe(&verdict);
	ck_assert_str_eq(reply_of(&verdict), "action=DUNNO\n\n");
	ck_assert_int_eq(verdict.would, ACTION_DEFER);
	ck_assert_int_eq(verdict.reason, REASON_GREYLISTED_NEW);
}
END_TEST

Suite *
verdict_suite(void)
{
	Suite *suite = suite_create("verdict");
	TCase *tests = tcase_create("verdict");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_loop_test(tests, no_text_is_misread, 0,
	    sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tests,
	    whatever_bytes_stand_there_it_is_one_line_of_utf8);
	tcase_add_test(tests, every_character_passes_and_no_surrogate);
	tcase_add_loop_test(tests, the_longest_text_is_one_line_too, 0,
	    sizeof(fillings) / sizeof(fillings[0]));
	tcase_add_test(tests, a_text_that_is_too_long_is_refused);
	tcase_add_test(tests, a_pass_is_dunno);
	tcase_add_test(tests, actions_have_the_words_of_the_log);
	tcase_add_test(tests, a_refusal_is_written_as_it_is);
	tcase_add_test(tests, an_empty_verdict_is_dunno);
	tcase_add_test(tests, replies_follow_each_other);
	tcase_add_test(tests, a_header_is_prepended);
	tcase_add_test(tests, a_header_that_is_too_long_is_refused);
	tcase_add_loop_test(tests, observing_takes_back_each_action, 0,
	    ACTIONS);
	tcase_add_test(tests, observing_does_nothing_and_says_what_it_would);
	suite_add_tcase(suite, tests);
	return suite;
}
