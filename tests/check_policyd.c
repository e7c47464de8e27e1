/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All unit tests in one program, and one closing line.  Check's variables pick
 * one (CK_RUN_SUITE=attr), or run them without a process each (CK_FORK=no).
 */
#include "config.h"

#include <check.h>
#include <stdlib.h>

#include "suites.h"

static Suite *(*const suites[])(void) = {
	err_suite,
	buf_suite,
	log_suite,
	duration_suite,
	netaddr_suite,
	mailaddr_suite,
	netset_suite,
	conftext_suite,
	setting_suite,
	settings_suite,
	attr_suite,
	request_suite,
	reason_suite,
	verdict_suite,
	deferral_suite,
	metrics_suite,
	record_suite,
	store_suite,
	origin_suite,
	triplet_suite,
	greylist_suite,
	whitelist_suite,
	pipeline_suite,
	stage_greylist_suite,
	scenarios_suite,
	expiry_suite,
	report_suite,
	turn_suite,
	session_suite,
	conf_suite,
	answer_cache_suite,
	channel_suite,
	directory_child_suite,
	directory_outage_suite,
	directory_watch_suite,
	domainset_suite,
	harvest_suite,
	ldap_settings_suite,
	replica_suite,
	siphash_suite,
	stage_harvest_suite,
	stage_recipient_suite,
	tarpit_suite,
	control_suite,
	ldap_directory_suite,
	ldap_bind_suite,
	ldap_certificate_suite,
	ldap_dn_suite,
	ldap_events_suite,
	ldap_explain_suite,
	ldap_state_suite,
	policyctl_suite,
	account_suite,
	account_filter_suite,
};

int
main(void)
{
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
