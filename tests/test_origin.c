/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "origin.h"

#include <check.h>
#include <string.h>

#include "suites.h"

static const struct {
	const char *address;
	struct origin_policy policy;
	const char *key;
	size_t len;
} cases[] = {
	{ "192.0.2.77", { 24, 64 }, "\4\xc0\0\2", 4 },
	{ "192.0.2.77", { 32, 64 }, "\4\xc0\0\2\x4d", 5 },
	{ "192.0.255.77", { 20, 64 }, "\4\xc0\0\xf0", 4 },
	{ "192.0.2.77", { 1, 64 }, "\4\x80", 2 },
	{ "2001:db8:1:2:3::4", { 24, 64 }, "\6\x20\x01\x0d\xb8\0\1\0\2", 9 },
	{ "2001:db8:1:2:3::4", { 24, 128 },
	    "\6\x20\x01\x0d\xb8\0\1\0\2\0\3\0\0\0\0\0\4", 17 },
	{ "unknown", { 24, 64 }, "\0", 1 },
};

START_TEST(an_origin_is_the_masked_network)
{
	char memory[ORIGIN_KEY_MAX];
	struct request request;
	struct origin origin;
	struct buf key;

	request_init(&request);
	if (!netaddr_parse(cases[_i].address, &request.client))
		request.client = (struct netaddr){ 0 };
	origin = origin_of(&cases[_i].policy, &request);
	buf_init(&key, memory, sizeof(memory));
	origin_write_key(&origin, &key);
	ck_assert(!key.full);
	ck_assert_uint_eq(key.len, cases[_i].len);
	ck_assert(memcmp(key.data, cases[_i].key, key.len) == 0);
}
END_TEST

Suite *
origin_suite(void)
{
	Suite *suite = suite_create("origin");
	TCase *tests = tcase_create("origin");

	tcase_add_loop_test(tests, an_origin_is_the_masked_network, 0,
	    sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tests);
	return suite;
}
