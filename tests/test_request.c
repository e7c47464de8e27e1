/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "request.h"

#include <check.h>
#include <string.h>

#include "suites.h"

static struct request request;

static void
set_up(void)
{
	request_init(&request);
}

static void
set(const char *name, const char *value)
{
	request_set(&request, &(struct attr){ .name = name,
				  .name_len = strlen(name),
				  .value = value,
				  .value_len = strlen(value) });
}

/* Each attribute that is used, and where it is put. */
static const struct {
	const char *name;
	const char **member;
} members[] = {
	{ "request", &request.request },
	{ "protocol_state", &request.protocol_state },
	{ "client_address", &request.client_address },
	{ "client_name", &request.client_name },
	{ "sender", &request.sender },
	{ "recipient", &request.recipient },
	{ "instance", &request.instance },
	{ "queue_id", &request.queue_id },
	{ "sasl_method", &request.sasl_method },
	{ "sasl_username", &request.sasl_username },
	{ "ccert_subject", &request.ccert_subject },
	{ "ccert_fingerprint", &request.ccert_fingerprint },
	{ "ccert_pubkey_fingerprint", &request.ccert_pubkey_fingerprint },
	{ "policy_context", &request.policy_context },
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

START_TEST(an_attribute_sets_its_member_only)
{
	set(members[_i].name, "here");
	for (size_t i = 0; i < MEMBERS; i++)
		ck_assert_str_eq(*members[i].member,
		    i == (size_t)_i ? "here" : "");
}
END_TEST

START_TEST(other_attributes_are_ignored)
{
	static const char *const others[] = { "sendex", "client_port", "size",
		"Sender", "sender2", "helo_name", "encryption_protocol",
		"ccert_issuer" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		set(others[i], "x");
	for (size_t i = 0; i < MEMBERS; i++)
		ck_assert_str_eq(*members[i].member, "");
}
END_TEST

START_TEST(the_last_of_two_counts)
{
	set("sender", "a@b");
	set("sender", "c@d");
	ck_assert_str_eq(request.sender, "c@d");
}
END_TEST

static const struct {
	const char *text;
	enum protocol_state state;
} states[] = {
	{ "RCPT", PROTOCOL_STATE_RCPT },
	{ "VRFY", PROTOCOL_STATE_VRFY },
	{ "DATA", PROTOCOL_STATE_OTHER },
	{ "END-OF-MESSAGE", PROTOCOL_STATE_OTHER },
	{ "rcpt", PROTOCOL_STATE_OTHER },
	{ "", PROTOCOL_STATE_OTHER },
};

START_TEST(a_state_is_typed)
{
	struct err err;

	set("request", "smtpd_access_policy");
	set("protocol_state", states[_i].text);
	ck_assert_int_eq(request_finish(&request, &err), 0);
	ck_assert_int_eq(request.state, states[_i].state);
}
END_TEST

static const struct {
	const char *text;
	int family;
} addresses[] = {
	{ "192.0.2.1", 4 },
	{ "2001:db8::1", 6 },
	{ "::ffff:192.0.2.1", 4 },
	{ "unknown", 0 },
	{ "", 0 },
	{ "192.0.2.256", 0 },
	{ "192.0.2.1/24", 0 },
};

START_TEST(an_address_is_typed_or_unknown)
{
	struct err err;

	set("request", "smtpd_access_policy");
	set("client_address", addresses[_i].text);
	ck_assert_int_eq(request_finish(&request, &err), 0);
	ck_assert_int_eq(request.client.family, addresses[_i].family);
}
END_TEST

START_TEST(another_request_is_refused)
{
	struct err err = { "" };

	ck_assert_int_eq(request_finish(&request, &err), -1);
	ck_assert_str_ne(err.text, "");
	set("request", "junk");
	ck_assert_int_eq(request_finish(&request, &err), -1);
}
END_TEST

START_TEST(who_has_authenticated_is_known)
{
	ck_assert(!request_is_authenticated(&request));
	ck_assert(!request_has_client_certificate(&request));
	set("sasl_username", "bob");
	ck_assert(request_is_authenticated(&request));
	set("ccert_pubkey_fingerprint", "12:34");
	ck_assert(request_has_client_certificate(&request));
}
END_TEST

Suite *
request_suite(void)
{
	Suite *suite = suite_create("request");
	TCase *tests = tcase_create("request");

	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_loop_test(tests, an_attribute_sets_its_member_only, 0,
	    MEMBERS);
	tcase_add_test(tests, other_attributes_are_ignored);
	tcase_add_test(tests, the_last_of_two_counts);
	tcase_add_loop_test(tests, a_state_is_typed, 0,
	    sizeof(states) / sizeof(states[0]));
	tcase_add_loop_test(tests, an_address_is_typed_or_unknown, 0,
	    sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(tests, another_request_is_refused);
	tcase_add_test(tests, who_has_authenticated_is_known);
	suite_add_tcase(suite, tests);
	return suite;
}
