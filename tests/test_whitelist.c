/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "whitelist.h"

#include <check.h>

#include "suites.h"

static const struct {
	const char *what;
	enum protocol_state state;
	const char *client;
	const char *sasl_method;
	const char *sasl_username;
	const char *fingerprint;
	enum reason reason;
} cases[] = {
	{ "a stranger", PROTOCOL_STATE_RCPT, "192.0.2.1", "", "", "",
	    REASON_NOT_CHECKED },
	{ "VRFY", PROTOCOL_STATE_VRFY, "192.0.2.1", "", "", "", REASON_VRFY },
	{ "VRFY of our own", PROTOCOL_STATE_VRFY, "10.1.1.1", "", "", "",
	    REASON_WHITELISTED_NETWORK },
	{ "DATA", PROTOCOL_STATE_OTHER, "192.0.2.1", "", "", "",
	    REASON_NOT_RCPT },
	{ "a SASL user", PROTOCOL_STATE_RCPT, "192.0.2.1", "", "bob", "",
	    REASON_AUTHENTICATED },
	{ "a SASL method alone", PROTOCOL_STATE_RCPT, "192.0.2.1", "PLAIN", "",
	    "", REASON_AUTHENTICATED },
	{ "a certificate", PROTOCOL_STATE_RCPT, "192.0.2.1", "", "", "12:34",
	    REASON_TLS_CLIENT },
	{ "our network", PROTOCOL_STATE_RCPT, "10.1.2.3", "", "", "",
	    REASON_WHITELISTED_NETWORK },
	{ "our IPv6 network", PROTOCOL_STATE_RCPT, "2001:db8::9", "", "", "",
	    REASON_WHITELISTED_NETWORK },
	{ "next to our network", PROTOCOL_STATE_RCPT, "11.1.2.3", "", "", "",
	    REASON_NOT_CHECKED },
	{ "an unknown client", PROTOCOL_STATE_RCPT, "unknown", "", "", "",
	    REASON_NOT_CHECKED },
};

START_TEST(who_is_exempt_is_told_why)
{
	struct netset *networks = netset_create();
	struct netaddr network;
	struct request request;
	struct err err;

	network_parse("10.0.0.0/8", &network, &err);
	netset_add(networks, &network);
	network_parse("2001:db8::/32", &network, &err);
	netset_add(networks, &network);
	request_init(&request);
	request.state = cases[_i].state;
	if (!netaddr_parse(cases[_i].client, &request.client))
		request.client = (struct netaddr){ 0 };
	request.sasl_method = cases[_i].sasl_method;
	request.sasl_username = cases[_i].sasl_username;
	request.ccert_fingerprint = cases[_i].fingerprint;
	ck_assert_msg(whitelist_match(networks, &request) == cases[_i].reason,
	    "%s", cases[_i].what);
	netset_destroy(networks);
}
END_TEST

Suite *
whitelist_suite(void)
{
	Suite *suite = suite_create("whitelist");
	TCase *tests = tcase_create("whitelist");

	tcase_add_loop_test(tests, who_is_exempt_is_told_why, 0,
	    sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tests);
	return suite;
}
