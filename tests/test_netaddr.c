/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "netaddr.h"
#include "suites.h"

static struct netaddr
network(const char *text)
{
	struct netaddr result = { 0 };
	struct err err;

	ck_assert_msg(network_parse(text, &result, &err) == 0, "%s", err.text);
	return result;
}

START_TEST(test_parse_and_format)
{
	static const struct {
		const char *name;
		const char *text;
		const char *written;
		int family;
		int prefix;
	} cases[] = {
		{ "IPv4", "192.0.2.1", "192.0.2.1", 4, 32 },
		{ "IPv4, all zero", "0.0.0.0", "0.0.0.0", 4, 32 },
		{ "IPv6", "2001:db8::1", "2001:db8::1", 6, 128 },
		{ "IPv6 in capitals", "2001:DB8::A", "2001:db8::a", 6, 128 },
		{ "IPv6 in full", "2001:db8:0:0:0:0:0:1", "2001:db8::1", 6,
		    128 },
		{ "mapped IPv4", "::ffff:192.0.2.1", "192.0.2.1", 4, 32 },
		{ "mapped IPv4 in hex", "::ffff:c000:201", "192.0.2.1", 4, 32 },
		{ "compatible, not mapped", "::192.0.2.1", "::192.0.2.1", 6,
		    128 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr address;
		char text[NETADDR_TEXT];

		ck_assert_msg(netaddr_parse(cases[i].text, &address),
		    "%s: refused", cases[i].name);
		ck_assert_msg(address.family == cases[i].family &&
				  address.prefix == cases[i].prefix,
		    "%s: family %d, prefix %d", cases[i].name, address.family,
		    address.prefix);
		netaddr_format(&address, text);
		ck_assert_msg(strcmp(text, cases[i].written) == 0, "%s: %s",
		    cases[i].name, text);
	}
}
END_TEST

START_TEST(test_parse_refused)
{
	static const struct {
		const char *name;
		const char *text;
	} cases[] = {
		{ "empty", "" },
		{ "unknown", "unknown" },
		{ "network", "192.0.2.0/24" },
		{ "three parts", "192.0.2" },
		{ "five parts", "192.0.2.1.1" },
		{ "256", "192.0.2.256" },
		{ "octal", "192.0.02.1" },
		{ "hexadecimal", "0x7f.0.0.1" },
		{ "one number", "2130706433" },
		{ "space behind", "192.0.2.1 " },
		{ "space before", " 192.0.2.1" },
		{ "zone", "fe80::1%eth0" },
		{ "brackets", "[2001:db8::1]" },
		{ "Postfix's IPv6: prefix", "IPv6:2001:db8::1" },
		{ "two double colons", "2001::db8::1" },
		{ "five digits", "2001:0db80::1" },
		{ "long", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr address = { .family = 9 };

		ck_assert_msg(!netaddr_parse(cases[i].text, &address),
		    "%s: accepted", cases[i].name);
		ck_assert_msg(address.family == 9, "%s: result written",
		    cases[i].name);
	}
}
END_TEST

START_TEST(test_network_parse)
{
	static const struct {
		const char *text;
		const char *written;
	} cases[] = {
		{ "192.0.2.0/24", "192.0.2.0/24" },
		{ "192.0.2.128/25", "192.0.2.128/25" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1/32", "192.0.2.1" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "127.0.0.0/8", "127.0.0.0/8" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "2001:db8:8000::/33", "2001:db8:8000::/33" },
		{ "::1", "::1" },
		{ "::/0", "::/0" },
		{ "::ffff:192.0.2.0/120", "192.0.2.0/24" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct netaddr net = network(cases[i].text);
		char text[NETADDR_TEXT];

		netaddr_format(&net, text);
		ck_assert_str_eq(text, cases[i].written);
	}
}
END_TEST

START_TEST(test_network_refused)
{
	static const struct {
		const char *name;
		const char *text;
		const char *hint;
	} cases[] = {
		{ "empty", "", "write it like" },
		{ "name", "mail.example.com", "write it like" },
		{ "no length", "192.0.2.0/", "write it like" },
		{ "length too long for IPv4", "192.0.2.0/33", "write it like" },
		{ "length too long for IPv6", "::/129", "write it like" },
		{ "length of four digits", "::/0128", "write it like" },
		{ "negative length", "::/-1", "write it like" },
		{ "mask", "192.0.2.0/255.255.255.0", "write it like" },
		{ "space", "192.0.2.0 /24", "write it like" },
		{ "two lengths", "192.0.2.0/24/24", "write it like" },
		{ "two octets", "10.1/16", "write it like" },
		{ "host bits of IPv4", "192.0.2.1/24",
		    "write 192.0.2.0/24 for the network or 192.0.2.1 for the "
		    "host" },
		{ "host bits within a byte", "192.0.2.130/25",
		    "write 192.0.2.128/25 " },
		{ "host bits of IPv6", "2001:db8::1/64",
		    "write 2001:db8::/64 for the network" },
		{ "mapped, shorter than the mapping", "::ffff:0:0/95",
		    "write ::fffe:0:0/95 " },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr net = { .family = 9 };
		struct err err = { "" };

		ck_assert_msg(network_parse(cases[i].text, &net, &err) == -1,
		    "%s: accepted", cases[i].name);
		ck_assert_msg(net.family == 9, "%s: result written",
		    cases[i].name);
		ck_assert_msg(strstr(err.text, cases[i].hint) != NULL, "%s: %s",
		    cases[i].name, err.text);
	}
}
END_TEST

START_TEST(test_mask)
{
	static const struct {
		const char *text;
		unsigned prefix;
		const char *masked;
		size_t bytes;
	} cases[] = {
		{ "192.0.2.77", 24, "192.0.2.0/24", 3 },
		{ "192.0.2.255", 25, "192.0.2.128/25", 4 },
		{ "192.0.2.77", 32, "192.0.2.77", 4 },
		{ "192.0.2.77", 64, "192.0.2.77", 4 },
		{ "192.0.2.77", 0, "0.0.0.0/0", 0 },
		{ "192.0.2.0/24", 28, "192.0.2.0/24", 3 },
		{ "2001:db8:1:2:3::4", 64, "2001:db8:1:2::/64", 8 },
		{ "2001:db8:ffff::1", 33, "2001:db8:8000::/33", 5 },
		{ "2001:db8::1", 128, "2001:db8::1", 16 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netaddr net = network(cases[i].text);
		char text[NETADDR_TEXT];

		netaddr_mask(&net, cases[i].prefix);
		netaddr_format(&net, text);
		ck_assert_str_eq(text, cases[i].masked);
		ck_assert_uint_eq(netaddr_bytes(&net), cases[i].bytes);
	}
}
END_TEST

START_TEST(test_contains)
{
	static const struct {
		const char *name;
		const char *network;
		const char *address;
		bool contains;
	} cases[] = {
		{ "host in its network", "192.0.2.0/24", "192.0.2.9", true },
		{ "host next to it", "192.0.2.0/24", "192.0.3.9", false },
		{ "host in itself", "192.0.2.9", "192.0.2.9", true },
		{ "host in another", "192.0.2.9", "192.0.2.8", false },
		{ "network in itself", "192.0.2.0/24", "192.0.2.0/24", true },
		{ "network in a larger", "192.0.0.0/16", "192.0.2.0/24", true },
		{ "network in a smaller", "192.0.2.0/24", "192.0.0.0/16",
		    false },
		{ "IPv4 in all IPv4", "0.0.0.0/0", "192.0.2.9", true },
		{ "IPv6 in all IPv4", "0.0.0.0/0", "::1", false },
		{ "IPv4 in all IPv6", "::/0", "192.0.2.9", false },
		{ "mapped IPv4 in IPv4", "192.0.2.0/24", "::ffff:192.0.2.9",
		    true },
		{ "IPv6 within a byte", "2001:db8:8000::/33",
		    "2001:db8:9000::1", true },
		{ "IPv6 outside within a byte", "2001:db8:8000::/33",
		    "2001:db8:7000::1", false },
	};
	const struct netaddr none = { 0 };
	const struct netaddr all = network("0.0.0.0/0");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct netaddr net = network(cases[i].network);
		const struct netaddr address = network(cases[i].address);

		ck_assert_msg(netaddr_contains(&net, &address) ==
				  cases[i].contains,
		    "%s", cases[i].name);
	}
	ck_assert(!netaddr_contains(&none, &none));
	ck_assert(!netaddr_contains(&none, &all));
	ck_assert(!netaddr_contains(&all, &none));
}
END_TEST

START_TEST(test_compare_orders_all)
{
	static const char *const sorted[] = { "0.0.0.0/0", "10.0.0.0/8",
		"10.0.0.0/9", "10.0.0.1", "192.0.2.1", "::/0", "::1",
		"2001:db8::/32", "2001:db8::/33" };
	const size_t count = sizeof(sorted) / sizeof(sorted[0]);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < count; j++) {
			const struct netaddr a = network(sorted[i]);
			const struct netaddr b = network(sorted[j]);
			const int order = netaddr_compare(&a, &b);

			ck_assert_msg((order > 0) - (order < 0) ==
					  (i > j) - (i < j),
			    "%s and %s", sorted[i], sorted[j]);
		}
	}
}
END_TEST

START_TEST(test_no_address_is_unknown)
{
	const struct netaddr none = { 0 };
	char text[NETADDR_TEXT];

	netaddr_format(&none, text);
	ck_assert_str_eq(text, "unknown");
	ck_assert_uint_eq(netaddr_bytes(&none), 0);
}
END_TEST

Suite *
netaddr_suite(void)
{
	Suite *suite = suite_create("netaddr");
	TCase *tcase = tcase_create("netaddr");

	tcase_add_test(tcase, test_parse_and_format);
	tcase_add_test(tcase, test_parse_refused);
	tcase_add_test(tcase, test_network_parse);
	tcase_add_test(tcase, test_network_refused);
	tcase_add_test(tcase, test_mask);
	tcase_add_test(tcase, test_contains);
	tcase_add_test(tcase, test_compare_orders_all);
	tcase_add_test(tcase, test_no_address_is_unknown);
	suite_add_tcase(suite, tcase);
	return suite;
}
