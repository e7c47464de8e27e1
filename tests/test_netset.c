/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "netset.h"
#include "suites.h"

static struct netaddr
network(const char *text)
{
	struct netaddr result = { 0 };
	struct err err;

	ck_assert_msg(network_parse(text, &result, &err) == 0, "%s", err.text);
	return result;
}

static bool
add(struct netset *set, const char *text)
{
	const struct netaddr net = network(text);

	return netset_add(set, &net);
}

START_TEST(test_the_longest_network_is_found)
{
	static const struct {
		const char *name;
		const char *address;
		/* NULL: none. */
		const char *found;
	} cases[] = {
		{ "only the largest", "10.9.9.9", "10.0.0.0/8" },
		{ "the middle", "10.1.9.9", "10.1.0.0/16" },
		{ "the host", "10.1.2.3", "10.1.2.3" },
		{ "next to the host", "10.1.2.4", "10.1.0.0/16" },
		{ "a network inside", "10.1.2.0/24", "10.1.0.0/16" },
		{ "a network in the set", "10.1.0.0/16", "10.1.0.0/16" },
		{ "a network around those of the set", "10.0.0.0/7", NULL },
		{ "outside", "11.0.0.1", NULL },
		{ "IPv6", "2001:db8:1::1", "2001:db8::/32" },
		{ "IPv6 outside", "2001:db9::1", NULL },
		{ "IPv6 with the bytes of an IPv4 network", "a00::1", NULL },
	};
	struct netset *set = netset_create();

	ck_assert(add(set, "10.1.2.3"));
	ck_assert(add(set, "10.0.0.0/8"));
	ck_assert(add(set, "2001:db8::/32"));
	ck_assert(add(set, "10.1.0.0/16"));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct netaddr address = network(cases[i].address);
		struct netaddr found = { 0 };
		char text[NETADDR_TEXT];

		ck_assert_msg(netset_match(set, &address, &found) ==
				  (cases[i].found != NULL),
		    "%s", cases[i].name);
		netaddr_format(&found, text);
		ck_assert_str_eq(text,
		    cases[i].found == NULL ? "unknown" : cases[i].found);
	}
	netset_destroy(set);
}
END_TEST

START_TEST(test_an_empty_set_matches_nothing)
{
	const struct netaddr address = network("192.0.2.1");
	struct netset *set = netset_create();

	ck_assert(!netset_match(set, &address, NULL));
	ck_assert_uint_eq(netset_count(set), 0);
	netset_destroy(set);
	netset_destroy(NULL);
}
END_TEST

START_TEST(test_all_networks_match_their_family_only)
{
	const struct netaddr ipv4 = network("192.0.2.1");
	const struct netaddr ipv6 = network("2001:db8::1");
	const struct netaddr none = { 0 };
	struct netset *set = netset_create();

	ck_assert(add(set, "::/0"));
	ck_assert(netset_match(set, &ipv6, NULL));
	ck_assert(!netset_match(set, &ipv4, NULL));
	ck_assert(!netset_match(set, &none, NULL));
	ck_assert(add(set, "0.0.0.0/0"));
	ck_assert(netset_match(set, &ipv4, NULL));
	ck_assert(!netset_match(set, &none, NULL));
	netset_destroy(set);
}
END_TEST

START_TEST(test_a_network_is_added_once)
{
	struct netset *set = netset_create();

	ck_assert(add(set, "192.0.2.0/24"));
	ck_assert(!add(set, "192.0.2.0/24"));
	ck_assert(!add(set, "::ffff:192.0.2.0/120"));
	ck_assert(add(set, "192.0.2.0/25"));
	ck_assert_uint_eq(netset_count(set), 2);
	netset_destroy(set);
}
END_TEST

/* The n-th of many different networks. */
static struct netaddr
nth_network(unsigned n)
{
	return (struct netaddr){
		.family = 4,
		.prefix = 24,
		.bytes = { (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n },
	};
}

START_TEST(test_a_hundred_thousand_networks)
{
	enum { MANY = 100000 };
	struct netset *set = netset_create();

	for (unsigned n = 0; n < MANY; n += 2) {
		const struct netaddr net = nth_network(n);

		ck_assert(netset_add(set, &net));
	}
	ck_assert_uint_eq(netset_count(set), MANY / 2);
	for (unsigned n = 0; n < MANY; n++) {
		struct netaddr host = nth_network(n);
		struct netaddr found;

		host.prefix = 32;
		host.bytes[3] = 1;
		ck_assert(netset_match(set, &host, &found) == (n % 2 == 0));
		if (n % 2 == 0)
			ck_assert(netaddr_contains(&found, &host));
	}
	netset_destroy(set);
}
END_TEST

Suite *
netset_suite(void)
{
	Suite *suite = suite_create("netset");
	TCase *tcase = tcase_create("netset");

	tcase_add_test(tcase, test_the_longest_network_is_found);
	tcase_add_test(tcase, test_an_empty_set_matches_nothing);
	tcase_add_test(tcase, test_all_networks_match_their_family_only);
	tcase_add_test(tcase, test_a_network_is_added_once);
	tcase_add_test(tcase, test_a_hundred_thousand_networks);
	suite_add_tcase(suite, tcase);
	return suite;
}
