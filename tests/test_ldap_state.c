/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <string.h>

#include "ldap_state.h"
#include "suites.h"
#include "unconst.h"

#define SERVICE "CN=NTDS Settings,CN=DC1,CN=Servers,DC=example,DC=test"

static struct ldap_settings
some_settings(void)
{
	return (struct ldap_settings){
		.kind = ACCOUNT_ACTIVE_DIRECTORY,
		.addresses = { unconst("proxyAddresses"), unconst("mail") },
		.filter = unconst(""),
		.base = unconst("DC=example,DC=test"),
		.bind_dn = unconst("svc@example.test"),
	};
}

static struct ldap_root
some_root(void)
{
	return (struct ldap_root){
		.service = unconst(SERVICE),
		.invocation = { 1, 2, 3 },
		.usn = 4711,
		.domain = { 9, 8, 7 },
	};
}

static struct ldap_state
some_state(enum ldap_sync_method method)
{
	const struct ldap_settings settings = some_settings();
	const struct ldap_root root = some_root();
	struct ldap_state state;

	ldap_state_init(&state, method, &settings, &root);
	return state;
}

START_TEST(test_ldap_state_round_trip)
{
	static const enum ldap_sync_method method[] = { LDAP_SYNC_DIRSYNC,
		LDAP_SYNC_USN, LDAP_SYNC_SYNCREPL, LDAP_SYNC_FULL };
	static const size_t len[] = { 0, 1, 100, LDAP_COOKIE_MAX };
	static unsigned char cookie[LDAP_COOKIE_MAX];
	char text[LDAP_STATE_MAX];

	memset(cookie, 0xa5, sizeof(cookie));
	for (size_t i = 0; i < 4; i++) {
		struct ldap_state state = some_state(method[i]);
		struct ldap_state back;
		struct buf out;

		state.flags = 1;
		ck_assert(ldap_state_set_cookie(&state, cookie, len[i]));
		buf_init(&out, text, sizeof(text));
		ck_assert(ldap_state_write(&state, &out));
		ck_assert(strpbrk(text, "\r\n") == NULL);
		ck_assert(ldap_state_read(text, &back));
		ck_assert_int_eq(back.method, method[i]);
		ck_assert_str_eq(back.service, SERVICE);
		ck_assert_uint_eq(back.usn, 4711);
		ck_assert_uint_eq(back.settings, state.settings);
		ck_assert_uint_eq(back.flags, 1);
		ck_assert_uint_eq(back.cookie_len, len[i]);
		ck_assert_mem_eq(back.cookie, cookie, len[i]);
		ck_assert_mem_eq(back.domain, state.domain, RECIPIENT_ID);
		ck_assert_mem_eq(back.invocation, state.invocation,
		    RECIPIENT_ID);
	}
}
END_TEST

START_TEST(test_ldap_state_cookie_too_long)
{
	static const unsigned char cookie[LDAP_COOKIE_MAX + 1];
	struct ldap_state state = some_state(LDAP_SYNC_DIRSYNC);

	ck_assert(ldap_state_set_cookie(&state, "abc", 3));
	ck_assert(!ldap_state_set_cookie(&state, cookie, sizeof(cookie)));
	ck_assert_uint_eq(state.cookie_len, 3);
}
END_TEST

#define NUMBER " 0000000000000001"
#define ID " 000102030405060708090a0b0c0d0e0f"
#define GOOD "usn:" NUMBER " 4344" ID NUMBER ID NUMBER " -"

START_TEST(test_ldap_state_refused)
{
	static const struct {
		const char *name;
		const char *text;
	} cases[] = {
		{ "empty", "" },
		{ "a method only", "usn:" },
		{ "no method", NUMBER " 4344" ID NUMBER ID NUMBER " -" },
		{ "auto is no method",
		    "auto:" NUMBER " 4344" ID NUMBER ID NUMBER " -" },
		{ "unknown method",
		    "usm:" NUMBER " 4344" ID NUMBER ID NUMBER " -" },
		{ "odd digits", "usn:" NUMBER " 434" ID NUMBER ID NUMBER " -" },
		{ "no digit", "usn:" NUMBER " 43g4" ID NUMBER ID NUMBER " -" },
		{ "short identity",
		    "usn:" NUMBER " 4344 0001" NUMBER ID NUMBER " -" },
		{ "no identity",
		    "usn:" NUMBER " 4344 -" NUMBER ID NUMBER " -" },
		{ "long number",
		    "usn:" NUMBER "00 4344" ID NUMBER ID NUMBER " -" },
		{ "no cookie", "usn:" NUMBER " 4344" ID NUMBER ID NUMBER },
		{ "something behind it", GOOD " 00" },
		{ "two blanks",
		    "usn: " NUMBER " 4344" ID NUMBER ID NUMBER " -" },
	};
	struct ldap_state state;

	ck_assert(ldap_state_read(GOOD, &state));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(!ldap_state_read(cases[i].text, &state),
		    "%s: taken", cases[i].name);
}
END_TEST

START_TEST(test_ldap_state_check)
{
	static const struct {
		const char *name;
		enum ldap_sync_method method;
		const char *service;
		unsigned char invocation;
		unsigned char domain;
		uint64_t usn;
		const char *filter;
		int status;
	} cases[] = {
		{ "the same", LDAP_SYNC_USN, SERVICE, 1, 9, 4711, "", 0 },
		{ "more changes", LDAP_SYNC_USN, SERVICE, 1, 9, 4712, "", 0 },
		{ "fewer changes", LDAP_SYNC_USN, SERVICE, 1, 9, 4710, "", -1 },
		{ "another database", LDAP_SYNC_USN, SERVICE, 2, 9, 5000, "",
		    -1 },
		{ "another server", LDAP_SYNC_USN, "CN=DC2", 2, 9, 5000, "",
		    -1 },
		{ "another filter", LDAP_SYNC_USN, SERVICE, 1, 9, 4711,
		    "(mail=*)", -1 },
		{ "DirSync, the same", LDAP_SYNC_DIRSYNC, SERVICE, 1, 9, 4711,
		    "", 0 },
		{ "DirSync, another server", LDAP_SYNC_DIRSYNC, "CN=DC2", 2, 9,
		    100, "", 0 },
		{ "DirSync, another database", LDAP_SYNC_DIRSYNC, SERVICE, 2, 9,
		    5000, "", -1 },
		{ "DirSync, an older database", LDAP_SYNC_DIRSYNC, SERVICE, 1,
		    9, 4710, "", -1 },
		{ "DirSync, another domain", LDAP_SYNC_DIRSYNC, "CN=DC2", 2, 8,
		    5000, "", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ldap_state state = some_state(cases[i].method);
		struct ldap_settings settings = some_settings();
		struct ldap_root root = some_root();
		struct err err;

		settings.filter = unconst(cases[i].filter);
		root.service = unconst(cases[i].service);
		root.invocation[0] = cases[i].invocation;
		root.domain[0] = cases[i].domain;
		root.usn = cases[i].usn;
		ck_assert_msg(ldap_state_check(&state, &settings, &root,
				  &err) == cases[i].status,
		    "%s", cases[i].name);
	}
}
END_TEST

Suite *
ldap_state_suite(void)
{
	Suite *suite = suite_create("ldap_state");
	TCase *tcase = tcase_create("ldap_state");

	tcase_add_test(tcase, test_ldap_state_round_trip);
	tcase_add_test(tcase, test_ldap_state_cookie_too_long);
	tcase_add_test(tcase, test_ldap_state_refused);
	tcase_add_test(tcase, test_ldap_state_check);
	suite_add_tcase(suite, tcase);
	return suite;
}
