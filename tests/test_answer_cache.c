/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "answer_cache.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "suites.h"

/* A small one, so that answers get in each other's way. */
enum { ENTRIES = 16 };

static struct answer_cache *cache;
static const struct answer valid = {
	.status = RECIPIENT_VALID,
	.record = { .max_size = 4711 },
};
static const struct answer unknown = { .status = RECIPIENT_UNKNOWN };

static void
set_up(void)
{
	cache = answer_cache_create(ENTRIES);
}

static void
tear_down(void)
{
	answer_cache_destroy(cache);
}

static struct answer_key
key_of(const char *recipient)
{
	struct answer_key key;

	ck_assert(answer_key_recipient(&key, 1, recipient));
	return key;
}

static struct answer_key
sender_key_of(const char *recipient, const char *sender)
{
	struct answer_key key;

	ck_assert(answer_key_sender(&key, 1, recipient, sender));
	return key;
}

static void
put(const char *recipient, const struct answer *answer, double until)
{
	const struct answer_key key = key_of(recipient);

	answer_cache_put(cache, &key, answer, 0.0, until);
}

static enum recipient_status
get(const char *recipient, double now)
{
	const struct answer_key key = key_of(recipient);
	struct answer answer = { 0 };

	if (!answer_cache_get(cache, &key, now, &answer))
		return RECIPIENT_UNAVAILABLE;
	if (answer.status == RECIPIENT_VALID)
		ck_assert_uint_eq(answer.record.max_size, 4711);
	return answer.status;
}

START_TEST(remembers_until_the_time_is_over)
{
	put("ann@example.com", &valid, 10.0);
	put("bob@example.com", &unknown, 5.0);
	ck_assert_int_eq(get("ann@example.com", 9.9), RECIPIENT_VALID);
	ck_assert_int_eq(get("bob@example.com", 4.9), RECIPIENT_UNKNOWN);
	ck_assert_int_eq(get("bob@example.com", 5.0), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(get("ann@example.com", 10.0), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(get("cid@example.com", 1.0), RECIPIENT_UNAVAILABLE);
}
END_TEST

START_TEST(remembers_the_last_answer)
{
	put("ann@example.com", &unknown, 10.0);
	put("ann@example.com", &valid, 3.0);
	ck_assert_int_eq(get("ann@example.com", 2.9), RECIPIENT_VALID);
	ck_assert_int_eq(get("ann@example.com", 3.0), RECIPIENT_UNAVAILABLE);
}
END_TEST

START_TEST(does_not_remember_what_lasts_no_time)
{
	put("ann@example.com", &valid, 0.0);
	ck_assert_int_eq(get("ann@example.com", 0.0), RECIPIENT_UNAVAILABLE);
}
END_TEST

START_TEST(tells_senders_and_recipients_apart)
{
	const struct answer found = {
		.sender_status = SENDER_LOOKED_UP,
		.listing = SENDER_REFUSED,
	};
	struct answer_key key = sender_key_of("ann@a", "b@b");
	struct answer answer;

	answer_cache_put(cache, &key, &found, 0.0, 10.0);
	ck_assert_int_eq(get("ann@a", 1.0), RECIPIENT_UNAVAILABLE);
	ck_assert(answer_cache_get(cache, &key, 1.0, &answer));
	ck_assert_uint_eq(answer.listing, SENDER_REFUSED);
	key = sender_key_of("ann@a", "");
	ck_assert(!answer_cache_get(cache, &key, 1.0, &answer));
	key = sender_key_of("ann@ab", "@b");
	ck_assert(!answer_cache_get(cache, &key, 1.0, &answer));
}
END_TEST

START_TEST(forgets)
{
	put("ann@example.com", &valid, 10.0);
	answer_cache_forget(cache);
	ck_assert_int_eq(get("ann@example.com", 1.0), RECIPIENT_UNAVAILABLE);
}
END_TEST

/* Answers about `count` recipients, of which so many are remembered. */
static unsigned
count_remembered(char letter, unsigned count)
{
	char address[64];
	unsigned remembered = 0;

	for (unsigned i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "%c%u@example.com", letter,
		    i);
		if (get(address, 1.0) != RECIPIENT_UNAVAILABLE)
			remembered++;
	}
	return remembered;
}

static void
put_many(char letter, const struct answer *answer, double until, unsigned count)
{
	char address[64];

	for (unsigned i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "%c%u@example.com", letter,
		    i);
		put(address, answer, until);
	}
}

START_TEST(has_a_fixed_size)
{
	put_many('u', &valid, 10.0, 10000);
	ck_assert_uint_eq(count_remembered('u', 10000), ENTRIES);
}
END_TEST

START_TEST(keeps_valid_recipients_in_a_flood_of_unknown_ones)
{
	unsigned before;

	put_many('u', &valid, 60.0, ENTRIES / 2);
	before = count_remembered('u', ENTRIES / 2);
	put_many('x', &unknown, 5.0, 10000);
	ck_assert_uint_gt(before, ENTRIES / 4);
	ck_assert_uint_ge(count_remembered('u', ENTRIES / 2) + 1, before);
}
END_TEST

START_TEST(remembers_nothing_without_room)
{
	answer_cache_destroy(cache);
	cache = answer_cache_create(0);
	put("ann@example.com", &valid, 10.0);
	ck_assert_int_eq(get("ann@example.com", 1.0), RECIPIENT_UNAVAILABLE);
	answer_cache_forget(cache);
}
END_TEST

/* An address of this many bytes. */
static const char *
long_address(char *memory, size_t len)
{
	memset(memory, 'a', len);
	memory[len] = '\0';
	return memory;
}

START_TEST(does_not_remember_long_keys)
{
	char recipient[ADDRESS_MAX + 1];
	char sender[ADDRESS_MAX + 1];
	struct answer_key key = key_of(long_address(recipient, ADDRESS_MAX));
	struct answer answer;

	answer_cache_put(cache, &key, &valid, 0.0, 10.0);
	ck_assert(answer_cache_get(cache, &key, 1.0, &answer));
	key = sender_key_of(recipient, long_address(sender, ADDRESS_MAX));
	ck_assert_uint_eq(key.len, 2 * ADDRESS_MAX + 1);
	answer_cache_put(cache, &key, &valid, 0.0, 10.0);
	ck_assert(!answer_cache_get(cache, &key, 1.0, &answer));
	key = sender_key_of(recipient, "");
	ck_assert_uint_eq(key.len, ADDRESS_MAX + 1);
	answer_cache_put(cache, &key, &valid, 0.0, 10.0);
	ck_assert(!answer_cache_get(cache, &key, 1.0, &answer));
}
END_TEST

static const struct refused {
	const char *recipient;
	const char *sender;
} refused[] = {
	{ "", "ann@example.com" },
	{ "ann@example.com\r", "" },
	{ "ann\n@example.com", "" },
	{ "ann\t@example.com", "" },
	{ "ann\x7f@example.com", "" },
	{ "ann@example.com", "bob\n" },
};

START_TEST(takes_only_what_can_be_an_address)
{
	const struct refused *row = &refused[_i];
	struct answer_key key;

	ck_assert(!answer_key_sender(&key, 1, row->recipient, row->sender));
	if (strcmp(row->recipient, "ann@example.com") != 0)
		ck_assert(!answer_key_recipient(&key, 1, row->recipient));
}
END_TEST

START_TEST(takes_no_address_that_is_too_long)
{
	char memory[ADDRESS_MAX + 2];
	const char *address = long_address(memory, ADDRESS_MAX + 1);
	struct answer_key key;

	ck_assert(!answer_key_recipient(&key, 1, address));
	ck_assert(!answer_key_sender(&key, 1, address, ""));
	ck_assert(!answer_key_sender(&key, 1, "ann@example.com", address));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
answer_cache_suite(void)
{
	Suite *suite = suite_create("answer_cache");
	TCase *tests = tcase_create("answer_cache");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, remembers_until_the_time_is_over);
	tcase_add_test(tests, remembers_the_last_answer);
	tcase_add_test(tests, does_not_remember_what_lasts_no_time);
	tcase_add_test(tests, tells_senders_and_recipients_apart);
	tcase_add_test(tests, forgets);
	tcase_add_test(tests, has_a_fixed_size);
	tcase_add_test(tests,
	    keeps_valid_recipients_in_a_flood_of_unknown_ones);
	tcase_add_test(tests, remembers_nothing_without_room);
	tcase_add_test(tests, does_not_remember_long_keys);
	tcase_add_loop_test(tests, takes_only_what_can_be_an_address, 0,
	    COUNT(refused));
	tcase_add_test(tests, takes_no_address_that_is_too_long);
	suite_add_tcase(suite, tests);
	return suite;
}
