/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "request.h"

#include <check.h>
#include <string.h>

#include "descriptors.h"
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
	{ "size", &request.size },
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
	static const char *const others[] = { "sendex", "client_port", "sizes",
		"Sender", "sender2", "helo_name", "encryption_protocol",
		"ccert_issuer", "sasl_sender", "reverse_client_name",
		"recipient_count", "server_address" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		set(others[i], "x");
	for (size_t i = 0; i < MEMBERS; i++)
		ck_assert_str_eq(*members[i].member, "");
}
END_TEST

/* Members are told apart by their length first, so each letter matters. */
START_TEST(a_name_that_is_nearly_ours_is_ignored)
{
	char name[64];
	const size_t len = strlen(members[_i].name);

	for (size_t at = 0; at < len; at++) {
		memcpy(name, members[_i].name, len + 1);
		name[at] = 'X';
		set(name, "x");
	}
	memcpy(name, members[_i].name, len + 1);
	memcpy(name + len, "s", 2);
	set(name, "x");
	name[len - 1] = '\0';
	set(name, "x");
	for (size_t i = 0; i < MEMBERS; i++)
		ck_assert_str_eq(*members[i].member, "");
}
END_TEST

START_TEST(the_last_of_two_counts)
{
	set("sender", "a@b");
	set("sender", "c@d");
	ck_assert_str_eq(request.sender, "c@d");
	set("sender", "");
	ck_assert_str_eq(request.sender, "");
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
	static const char *const others[] = { "junk", "smtpd_access_policy ",
		"SMTPD_ACCESS_POLICY", "smtpd_access_polic", "" };
	struct err err = { "" };

	ck_assert_int_eq(request_finish(&request, &err), -1);
	ck_assert_str_ne(err.text, "");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		set("request", others[i]);
		ck_assert_int_eq(request_finish(&request, &err), -1);
	}
}
END_TEST

static const char *const states_of_postfix[] = { "CONNECT", "EHLO", "HELO",
	"MAIL", "DATA", "END-OF-MESSAGE", "ETRN", "RCPT ", "RCP", "VRFYX" };

START_TEST(another_state_is_no_recipient)
{
	struct err err;

	set("request", "smtpd_access_policy");
	set("protocol_state", states_of_postfix[_i]);
	ck_assert_int_eq(request_finish(&request, &err), 0);
	ck_assert_int_eq(request.state, PROTOCOL_STATE_OTHER);
}
END_TEST

static const struct {
	const char *name;
	bool is_authenticated;
	bool has_certificate;
} proofs[] = {
	{ "sasl_method", true, false },
	{ "sasl_username", true, false },
	{ "sasl_sender", false, false },
	{ "ccert_subject", false, true },
	{ "ccert_fingerprint", false, true },
	{ "ccert_pubkey_fingerprint", false, true },
	{ "ccert_issuer", false, false },
	{ "encryption_protocol", false, false },
};

START_TEST(who_has_authenticated_is_known)
{
	set(proofs[_i].name, "");
	ck_assert(!request_is_authenticated(&request));
	ck_assert(!request_has_client_certificate(&request));
	set(proofs[_i].name, "x");
	ck_assert(
	    request_is_authenticated(&request) == proofs[_i].is_authenticated);
	ck_assert(request_has_client_certificate(&request) ==
		  proofs[_i].has_certificate);
}
END_TEST

static const struct {
	const char *text;
	uint64_t size;
} sizes[] = {
	{ "", 0 },
	{ "0", 0 },
	{ "14235", 14235 },
	{ "007", 7 },
	{ "-1", 0 },
	{ "+1", 0 },
	{ "1e9", 0 },
	{ "12 ", 0 },
	{ "1844674407370955159", UINT64_C(1844674407370955159) },
	{ "18446744073709551600", UINT64_C(18446744073709551600) },
	{ "18446744073709551615", UINT64_MAX },
	{ "18446744073709551616", UINT64_MAX },
	{ "99999999999999999999999999999999", UINT64_MAX },
};

START_TEST(the_announced_size_is_a_number_that_does_not_run_over)
{
	set("size", sizes[_i].text);
	ck_assert_uint_eq(request_size(&request), sizes[_i].size);
}
END_TEST

/* What Postfix 3.7 sends at RCPT TO, all 29 attributes. */
static const char of_postfix[] = "request=smtpd_access_policy\n"
				 "protocol_state=RCPT\n"
				 "protocol_name=ESMTP\n"
				 "client_address=2001:db8::25\n"
				 "client_name=mail.example.net\n"
				 "client_port=41234\n"
				 "reverse_client_name=mail.example.net\n"
				 "server_address=2001:db8::1\n"
				 "server_port=25\n"
				 "helo_name=mail.example.net\n"
				 "sender=prvs=1234abcdef=bob@example.net\n"
				 "recipient=ann+a=b@example.com\n"
				 "recipient_count=0\n"
				 "queue_id=\n"
				 "instance=3f2a.6742.1.0\n"
				 "size=14235\n"
				 "etrn_domain=\n"
				 "stress=\n"
				 "sasl_method=plain\n"
				 "sasl_username=bob\n"
				 "sasl_sender=\n"
				 "ccert_subject=mail.example.net\n"
				 "ccert_issuer=Example CA\n"
				 "ccert_fingerprint=AA:BB\n"
				 "ccert_pubkey_fingerprint=CC:DD\n"
				 "encryption_protocol=TLSv1.3\n"
				 "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
				 "encryption_keysize=256\n"
				 "policy_context=greylist\n"
				 "\n";

static const char *const of_postfix_read[MEMBERS] = {
	"smtpd_access_policy",
	"RCPT",
	"2001:db8::25",
	"mail.example.net",
	"prvs=1234abcdef=bob@example.net",
	"ann+a=b@example.com",
	"3f2a.6742.1.0",
	"",
	"14235",
	"plain",
	"bob",
	"mail.example.net",
	"AA:BB",
	"CC:DD",
	"greylist",
};

/* Sets what there is in `len` bytes; returns the number of attributes. */
static size_t
read_on(struct attr_reader *reader, char *bytes, size_t len,
    enum attr_status *status)
{
	struct attr attr;
	size_t count = 0;

	while ((*status = attr_read(reader, bytes, len, &attr)) == ATTR_PAIR) {
		request_set(&request, &attr);
		count++;
	}
	return count;
}

static void
assert_is_of_postfix(void)
{
	struct err err;

	ck_assert_int_eq(request_finish(&request, &err), 0);
	ck_assert_int_eq(request.state, PROTOCOL_STATE_RCPT);
	ck_assert_uint_eq(request.client.family, 6);
	for (size_t i = 0; i < MEMBERS; i++)
		ck_assert_str_eq(*members[i].member, of_postfix_read[i]);
}

static const struct attr_limits limits = {
	.attributes = 29,
	.value = 64,
	.request = sizeof(of_postfix) - 1,
};

START_TEST(a_request_of_postfix_is_read_in_every_split)
{
	const size_t len = sizeof(of_postfix) - 1;
	char bytes[sizeof(of_postfix)];
	struct attr_reader reader;
	enum attr_status status;
	size_t count;

	for (size_t split = 0; split < len; split++) {
		memcpy(bytes, of_postfix, len);
		attr_reader_init(&reader, &limits);
		request_init(&request);
		count = read_on(&reader, bytes, split, &status);
		ck_assert_int_eq(status, ATTR_MORE);
		count += read_on(&reader, bytes, len, &status);
		ck_assert_int_eq(status, ATTR_END);
		ck_assert_uint_eq(count, 29);
		ck_assert_uint_eq(attr_size(&reader), len);
		assert_is_of_postfix();
	}
}
END_TEST

START_TEST(a_request_of_postfix_is_read_byte_by_byte)
{
	char bytes[sizeof(of_postfix)];
	struct attr_reader reader;
	enum attr_status status;
	size_t len = 0;

	attr_reader_init(&reader, &limits);
	do {
		bytes[len] = of_postfix[len];
		len++;
		read_on(&reader, bytes, len, &status);
	} while (status == ATTR_MORE);
	ck_assert_int_eq(status, ATTR_END);
	ck_assert_uint_eq(len, sizeof(of_postfix) - 1);
	assert_is_of_postfix();
}
END_TEST

Suite *
request_suite(void)
{
	Suite *suite = suite_create("request");
	TCase *tests = tcase_create("request");

	tcase_add_checked_fixture(tests, descriptors_count, descriptors_check);
	tcase_add_checked_fixture(tests, set_up, NULL);
	tcase_add_loop_test(tests, an_attribute_sets_its_member_only, 0,
	    MEMBERS);
	tcase_add_test(tests, other_attributes_are_ignored);
	tcase_add_loop_test(tests, a_name_that_is_nearly_ours_is_ignored, 0,
	    MEMBERS);
	tcase_add_test(tests, the_last_of_two_counts);
	tcase_add_loop_test(tests, a_state_is_typed, 0,
	    sizeof(states) / sizeof(states[0]));
	tcase_add_loop_test(tests, another_state_is_no_recipient, 0,
	    sizeof(states_of_postfix) / sizeof(states_of_postfix[0]));
	tcase_add_loop_test(tests, an_address_is_typed_or_unknown, 0,
	    sizeof(addresses) / sizeof(addresses[0]));
	tcase_add_test(tests, another_request_is_refused);
	tcase_add_loop_test(tests, who_has_authenticated_is_known, 0,
	    sizeof(proofs) / sizeof(proofs[0]));
	tcase_add_loop_test(tests,
	    the_announced_size_is_a_number_that_does_not_run_over, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tests, a_request_of_postfix_is_read_in_every_split);
	tcase_add_test(tests, a_request_of_postfix_is_read_byte_by_byte);
	suite_add_tcase(suite, tests);
	return suite;
}
