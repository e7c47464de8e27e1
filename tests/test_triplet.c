/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "triplet.h"

#include <check.h>
#include <string.h>

#include "suites.h"

static const struct origin_policy policy = {
	.ipv4_prefix = 24,
	.ipv6_prefix = 64,
};

static struct triplet
triplet(const char *client, const char *sender, const char *recipient)
{
	struct request request;
	struct triplet result;

	request_init(&request);
	if (!netaddr_parse(client, &request.client))
		request.client = (struct netaddr){ 0 };
	request.sender = sender;
	request.recipient = recipient;
	triplet_of(&policy, &request, &result);
	ck_assert_uint_le(result.key_len, sizeof(result.key));
	return result;
}

static bool
is_same(const struct triplet *a, const struct triplet *b)
{
	return a->key_len == b->key_len &&
	       memcmp(a->key, b->key, a->key_len) == 0;
}

#define BOB "bob@example.net"
#define ANN "ann@example.com"

static const struct {
	const char *what;
	bool same;
	const char *a[3];
	const char *b[3];
} pairs[] = {
	{ "one /24 is one origin", true, { "192.0.2.1", BOB, ANN },
	    { "192.0.2.254", BOB, ANN } },
	{ "two /24 are two", false, { "192.0.2.1", BOB, ANN },
	    { "192.0.3.1", BOB, ANN } },
	{ "one /64 is one origin", true, { "2001:db8::1", BOB, ANN },
	    { "2001:db8::ffff:ffff:ffff:ffff", BOB, ANN } },
	{ "two /64 are two", false, { "2001:db8::1", BOB, ANN },
	    { "2001:db8:0:1::1", BOB, ANN } },
	{ "mapped IPv4 is IPv4", true, { "::ffff:192.0.2.1", BOB, ANN },
	    { "192.0.2.1", BOB, ANN } },
	{ "clients that are not known are one", true, { "unknown", BOB, ANN },
	    { "", BOB, ANN } },
	{ "none of them is 0.0.0.0", false, { "unknown", BOB, ANN },
	    { "0.0.0.0", BOB, ANN } },
	{ "the case of addresses does not matter", true,
	    { "192.0.2.1", "Bob@Example.NET", "ANN@example.com" },
	    { "192.0.2.1", BOB, ANN } },
	{ "another sender", false, { "192.0.2.1", "bobby@example.net", ANN },
	    { "192.0.2.1", BOB, ANN } },
	{ "another recipient", false, { "192.0.2.1", BOB, "carl@example.com" },
	    { "192.0.2.1", BOB, ANN } },
	{ "the null sender is a sender", false, { "192.0.2.1", "", ANN },
	    { "192.0.2.1", BOB, ANN } },
	{ "sender and recipient do not run together", false,
	    { "192.0.2.1", "a@b", "c@d" }, { "192.0.2.1", "c@d", "a@b" } },
	{ "BATV tags are folded", true,
	    { "192.0.2.1", "prvs=1234abcdef=bob@example.net", ANN },
	    { "192.0.2.1", BOB, ANN } },
};

START_TEST(what_belongs_together_has_one_key)
{
	const struct triplet a =
	    triplet(pairs[_i].a[0], pairs[_i].a[1], pairs[_i].a[2]);
	const struct triplet b =
	    triplet(pairs[_i].b[0], pairs[_i].b[1], pairs[_i].b[2]);

	ck_assert_msg(is_same(&a, &b) == pairs[_i].same, "%s", pairs[_i].what);
}
END_TEST

START_TEST(a_key_is_recipient_sender_origin)
{
	static const char wanted[] = ANN "\0" BOB "\0\4\xc0\0\2";
	const struct triplet key = triplet("192.0.2.77", BOB, ANN);

	ck_assert_uint_eq(key.key_len, sizeof(wanted) - 1);
	ck_assert(memcmp(key.key, wanted, key.key_len) == 0);
}
END_TEST

/* Addresses of any length have keys, and differ when they differ. */
START_TEST(long_addresses_have_keys_of_their_own)
{
	static const size_t lengths[] = { 319, 320, 321, 4095, 4096, 60000 };
	static char a[60001];
	static char b[60001];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const size_t len = lengths[i];
		struct triplet keys[2];

		memset(a, 'a', len);
		a[len] = '\0';
		memcpy(b, a, len + 1);
		b[len - 1] = 'b';
		keys[0] = triplet("192.0.2.1", a, a);
		keys[1] = triplet("192.0.2.1", b, a);
		ck_assert(!is_same(&keys[0], &keys[1]));
		keys[1] = triplet("192.0.2.1", a, b);
		ck_assert(!is_same(&keys[0], &keys[1]));
		keys[1] = triplet("192.0.2.1", a, a);
		ck_assert(is_same(&keys[0], &keys[1]));
	}
}
END_TEST

Suite *
triplet_suite(void)
{
	Suite *suite = suite_create("triplet");
	TCase *tests = tcase_create("triplet");

	tcase_add_loop_test(tests, what_belongs_together_has_one_key, 0,
	    sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tests, a_key_is_recipient_sender_origin);
	tcase_add_test(tests, long_addresses_have_keys_of_their_own);
	suite_add_tcase(suite, tests);
	return suite;
}
