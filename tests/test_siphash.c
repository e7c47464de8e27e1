/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "siphash.h"

#include <check.h>

#include "suites.h"

/* The secret of the paper's test values is the bytes 00 to 0f, and the input
 * the first bytes of 00 01 02 ... */
static const struct siphash_secret secret = { { 0x0706050403020100,
    0x0f0e0d0c0b0a0908 } };

static const struct hash_case {
	const char *name;
	size_t len;
	uint64_t hash;
} cases[] = {
	{ "nothing", 0, 0x726fdb47dd0e0e31 },
	{ "one byte", 1, 0x74f839c593dc67fd },
	{ "one word less a byte", 7, 0xab0200f58b01d137 },
	{ "one word", 8, 0x93f5f5799a932462 },
	{ "the paper's example", 15, 0xa129ca6149be45e5 },
};

START_TEST(hashes_are_those_of_the_paper)
{
	const struct hash_case *c = &cases[_i];
	unsigned char bytes[16];
	uint64_t hash;

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	hash = siphash(&secret, bytes, c->len);
	ck_assert_msg(hash == c->hash, "%s: %llx", c->name,
	    (unsigned long long)hash);
}
END_TEST

START_TEST(another_secret_makes_another_hash)
{
	struct siphash_secret other = secret;

	other.half[1] ^= 1;
	ck_assert(siphash(&other, "x", 1) != siphash(&secret, "x", 1));
	other = secret;
	other.half[0] ^= 1;
	ck_assert(siphash(&other, "x", 1) != siphash(&secret, "x", 1));
}
END_TEST

Suite *
siphash_suite(void)
{
	Suite *suite = suite_create("siphash");
	TCase *tests = tcase_create("siphash");

	tcase_add_loop_test(tests, hashes_are_those_of_the_paper, 0,
	    sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, another_secret_makes_another_hash);
	suite_add_tcase(suite, tests);
	return suite;
}
