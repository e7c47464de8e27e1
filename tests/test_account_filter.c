/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is asked of a directory: attributes, filters, and more values.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "suites.h"

/* The bytes of a literal, and how many. */
#define BYTES(text) text, sizeof(text) - 1

static const char *const proxy[] = { "proxyAddresses", NULL };
static const char *const mail[] = { "mail", NULL };
static const char *const exchange[] = { "proxyAddresses", "mail", NULL };
static const char *const three[] = { "mail", "mailAlternateAddress",
	"proxyAddresses", NULL };

static void
check_attributes(enum account_kind kind, const char *const *addresses,
    const char *const *expected)
{
	const struct account_policy policy = { kind, addresses, "" };
	const char **names = account_attributes(&policy);
	size_t i = 0;

	for (; names[i] != NULL && expected[i] != NULL; i++)
		ck_assert_str_eq(names[i], expected[i]);
	ck_assert(names[i] == NULL && expected[i] == NULL);
	free(names);
}

START_TEST(what_is_asked_for)
{
	static const char *const of_ad[] = { "proxyAddresses", "mail",
		"msExchRequireAuthToSendTo", "delivContLength", "authOrig",
		"unauthOrig", "dLMemSubmitPerms", "dLMemRejectPerms",
		"policydGreylist", "policydDelay", "policydAllowedSender",
		"policydRefusedSender", "objectGUID", "userAccountControl",
		NULL };
	static const char *const of_openldap[] = { "mail",
		"mailAlternateAddress", "proxyAddresses",
		"msExchRequireAuthToSendTo", "delivContLength", "authOrig",
		"unauthOrig", "dLMemSubmitPerms", "dLMemRejectPerms",
		"policydGreylist", "policydDelay", "policydAllowedSender",
		"policydRefusedSender", "entryUUID", NULL };

	check_attributes(ACCOUNT_ACTIVE_DIRECTORY, exchange, of_ad);
	check_attributes(ACCOUNT_OPENLDAP, three, of_openldap);
}
END_TEST

START_TEST(what_is_escaped)
{
	static const struct {
		const char *name;
		const char *bytes;
		size_t len;
		const char *escaped;
	} cases[] = {
		{ "nothing", BYTES(""), "" },
		{ "usual", BYTES("ann+x_1.y-z=@b.example"),
		    "ann+x_1.y-z=@b.example" },
		{ "asterisk", BYTES("*"), "\\2a" },
		{ "parentheses that close the filter and open another",
		    BYTES("x)(uid=*"), "x\\29\\28uid=\\2a" },
		{ "backslash, before digits too", BYTES("\\2a\\"),
		    "\\5c2a\\5c" },
		{ "slash", BYTES("a/b"), "a\\2fb" },
		{ "NUL in the middle and at the end", BYTES("a\0b\0"),
		    "a\\00b\\00" },
		{ "spaces, which a server may drop", BYTES(" a "),
		    "\\20a\\20" },
		{ "control bytes", BYTES("\r\n\x1b\x7f"), "\\0d\\0a\\1b\\7f" },
		{ "UTF-8", BYTES("j\xc3\xbcrg"), "j\\c3\\bcrg" },
		{ "not UTF-8", BYTES("\x80\xff"), "\\80\\ff" },
		{ "an identity", BYTES("\x01\x00\xff\x2a\x28\x29\x5c\x0a"),
		    "\\01\\00\\ff\\2a\\28\\29\\5c\\0a" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char memory[64];
		struct buf out;

		buf_init(&out, memory, sizeof(memory));
		ck_assert_msg(account_escape(cases[i].bytes, cases[i].len,
				  &out),
		    "%s: fits", cases[i].name);
		ck_assert_msg(out.len == strlen(cases[i].escaped) &&
				  memcmp(memory, cases[i].escaped, out.len) ==
				      0,
		    "%s: %.*s", cases[i].name, (int)out.len, memory);
	}
}
END_TEST

START_TEST(escape_never_cuts_a_code)
{
	char memory[5];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	ck_assert(!account_escape("**", 2, &out));
	ck_assert(out.full);
	ck_assert(out.len == 3 && memcmp(memory, "\\2a", 3) == 0);
}
END_TEST

START_TEST(filter_of_an_address)
{
	static const struct {
		const char *name;
		struct account_policy policy;
		const char *address;
		const char *filter;
	} cases[] = {
		{ "one attribute with a type",
		    { ACCOUNT_ACTIVE_DIRECTORY, proxy, "" }, "ann@b.example",
		    "(proxyAddresses=smtp:ann@b.example)" },
		{ "one plain attribute", { ACCOUNT_OPENLDAP, mail, "" },
		    "ann@b.example", "(mail=ann@b.example)" },
		{ "two attributes", { ACCOUNT_ACTIVE_DIRECTORY, exchange, "" },
		    "ann@b.example",
		    "(|(proxyAddresses=smtp:ann@b.example)"
		    "(mail=ann@b.example))" },
		{ "proxyAddresses has types in OpenLDAP, too",
		    { ACCOUNT_OPENLDAP, three, "" }, "a@b",
		    "(|(mail=a@b)(mailAlternateAddress=a@b)"
		    "(proxyAddresses=smtp:a@b))" },
		{ "one attribute and a filter",
		    { ACCOUNT_OPENLDAP, mail, "(objectClass=inetOrgPerson)" },
		    "a@b", "(&(objectClass=inetOrgPerson)(mail=a@b))" },
		{ "two attributes and a filter",
		    { ACCOUNT_ACTIVE_DIRECTORY, exchange, "(!(isDeleted=*))" },
		    "a@b",
		    "(&(!(isDeleted=*))(|(proxyAddresses=smtp:a@b)"
		    "(mail=a@b)))" },
		{ "an address that would match everything",
		    { ACCOUNT_OPENLDAP, mail, "" }, "*@*", "(mail=\\2a@\\2a)" },
		{ "an address that would end the filter",
		    { ACCOUNT_ACTIVE_DIRECTORY, proxy, "" },
		    "a)(|(uid=*)@b.example",
		    "(proxyAddresses=smtp:a\\29\\28|\\28uid=\\2a\\29"
		    "@b.example)" },
		{ "an internationalised address",
		    { ACCOUNT_ACTIVE_DIRECTORY, proxy, "" },
		    "j\xc3\xbcrg@b\xc3\xbc.example",
		    "(proxyAddresses=smtp:j\\c3\\bcrg@b\\c3\\bc.example)" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char memory[256];
		struct buf out;

		buf_init(&out, memory, sizeof(memory));
		ck_assert_msg(account_filter_one(&cases[i].policy,
				  cases[i].address, &out),
		    "%s: fits", cases[i].name);
		ck_assert_msg(out.len == strlen(cases[i].filter) &&
				  memcmp(memory, cases[i].filter, out.len) == 0,
		    "%s: %.*s", cases[i].name, (int)out.len, memory);
	}
}
END_TEST

START_TEST(filter_of_all_recipients)
{
	static const struct {
		const char *name;
		struct account_policy policy;
		const char *filter;
	} cases[] = {
		{ "one attribute", { ACCOUNT_ACTIVE_DIRECTORY, proxy, "" },
		    "(proxyAddresses=*)" },
		{ "three attributes", { ACCOUNT_OPENLDAP, three, "" },
		    "(|(mail=*)(mailAlternateAddress=*)(proxyAddresses=*))" },
		{ "one attribute and a filter",
		    { ACCOUNT_OPENLDAP, mail, "(mailEnabled=TRUE)" },
		    "(&(mailEnabled=TRUE)(mail=*))" },
		{ "two attributes and a filter",
		    { ACCOUNT_ACTIVE_DIRECTORY, exchange,
			"(objectClass=user)" },
		    "(&(objectClass=user)(|(proxyAddresses=*)(mail=*)))" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char memory[256];
		struct buf out;

		buf_init(&out, memory, sizeof(memory));
		ck_assert_msg(account_filter_all(&cases[i].policy, &out),
		    "%s: fits", cases[i].name);
		ck_assert_msg(out.len == strlen(cases[i].filter) &&
				  memcmp(memory, cases[i].filter, out.len) == 0,
		    "%s: %.*s", cases[i].name, (int)out.len, memory);
	}
}
END_TEST

/* There is room for the longest address, escaped throughout, in ten
 * attributes. */
START_TEST(filter_of_the_longest_address_fits)
{
	static const char *const ten[] = { "attribute0", "attribute1",
		"attribute2", "attribute3", "attribute4", "attribute5",
		"attribute6", "attribute7", "attribute8", "proxyAddresses",
		NULL };
	static const struct account_policy policy = { ACCOUNT_OPENLDAP, ten,
		"(objectClass=inetOrgPerson)" };
	char address[ADDRESS_MAX + 1];
	char memory[ACCOUNT_FILTER_MAX];
	struct buf out;

	memset(address, '*', ADDRESS_MAX);
	address[ADDRESS_MAX] = '\0';
	buf_init(&out, memory, sizeof(memory));
	ck_assert(account_filter_one(&policy, address, &out));
	ck_assert(out.len > 10 * 3 * (size_t)ADDRESS_MAX);
}
END_TEST

/* Wherever the room ends, the caller is told. */
START_TEST(filter_without_room_is_refused)
{
	static const struct account_policy policy = { ACCOUNT_ACTIVE_DIRECTORY,
		exchange, "(objectClass=user)" };
	static const char whole[] = "(&(objectClass=user)"
				    "(|(proxyAddresses=smtp:a\\2a@b)"
				    "(mail=a\\2a@b)))";
	char memory[sizeof(whole)];
	struct buf out;

	for (size_t room = 0; room < sizeof(whole) - 1; room++) {
		buf_init(&out, memory, room);
		ck_assert(!account_filter_one(&policy, "a*@b", &out));
		if (room < strlen("(&(objectClass=user)"
				  "(|(proxyAddresses=*)(mail=*)))")) {
			buf_init(&out, memory, room);
			ck_assert(!account_filter_all(&policy, &out));
		}
	}
	buf_init(&out, memory, sizeof(whole) - 1);
	ck_assert(account_filter_one(&policy, "a*@b", &out));
	ck_assert(memcmp(memory, whole, sizeof(whole) - 1) == 0);
}
END_TEST

START_TEST(ranges)
{
	static const struct {
		const char *name;
		const char *text;
		bool is_one;
		size_t len;
		unsigned next;
	} cases[] = {
		{ "the first part", "proxyAddresses;range=0-1499", true, 14,
		    1500 },
		{ "a later part", "member;range=1500-2999", true, 6, 3000 },
		{ "the last part", "member;range=1500-*", true, 6, 0 },
		{ "the only part", "member;range=0-*", true, 6, 0 },
		{ "one value", "member;range=7-7", true, 6, 8 },
		{ "option in upper case", "member;Range=0-4", true, 6, 5 },
		{ "no option", "member", false, 0, 0 },
		{ "another option", "mail;lang-en", false, 0, 0 },
		{ "an empty name", ";range=0-4", false, 0, 0 },
		{ "nothing", "", false, 0, 0 },
		{ "no numbers", "member;range=", false, 0, 0 },
		{ "no end", "member;range=0", false, 0, 0 },
		{ "an empty end", "member;range=0-", false, 0, 0 },
		{ "no beginning", "member;range=-4", false, 0, 0 },
		{ "backwards", "member;range=5-4", false, 0, 0 },
		{ "negative", "member;range=-5--4", false, 0, 0 },
		{ "something behind the end", "member;range=0-4;x", false, 0,
		    0 },
		{ "something behind the star", "member;range=0-*x", false, 0,
		    0 },
		{ "two stars", "member;range=*-*", false, 0, 0 },
		{ "hexadecimal", "member;range=0x0-0x4", false, 0, 0 },
		{ "space", "member;range= 0-4", false, 0, 0 },
		{ "the largest end", "member;range=0-999999999", true, 6,
		    1000000000 },
		{ "an end of 32 bits", "member;range=0-4294967295", false, 0,
		    0 },
		{ "an end beyond all numbers",
		    "member;range=0-99999999999999999999999", false, 0, 0 },
		{ "a beginning beyond all numbers",
		    "member;range=99999999999999999999999-*", false, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 4711;
		unsigned next = 4711;

		ck_assert_msg(account_range(cases[i].text, &len, &next) ==
				  cases[i].is_one,
		    "%s", cases[i].name);
		if (cases[i].is_one)
			ck_assert_msg(len == cases[i].len &&
					  next == cases[i].next,
			    "%s: %zu, %u", cases[i].name, len, next);
		else
			ck_assert_msg(len == 4711 && next == 4711,
			    "%s: left alone", cases[i].name);
	}
}
END_TEST

Suite *
account_filter_suite(void)
{
	Suite *suite = suite_create("account_filter");
	TCase *tests = tcase_create("account_filter");

	tcase_add_test(tests, what_is_asked_for);
	tcase_add_test(tests, what_is_escaped);
	tcase_add_test(tests, escape_never_cuts_a_code);
	tcase_add_test(tests, filter_of_an_address);
	tcase_add_test(tests, filter_of_all_recipients);
	tcase_add_test(tests, filter_of_the_longest_address_fits);
	tcase_add_test(tests, filter_without_room_is_refused);
	tcase_add_test(tests, ranges);
	suite_add_tcase(suite, tests);
	return suite;
}
