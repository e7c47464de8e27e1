/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One suite for each module that has tests; check_policyd.c runs them all.
 */
#pragma once

#include <check.h>

Suite *account_filter_suite(void);
Suite *account_suite(void);
Suite *answer_cache_suite(void);
Suite *attr_suite(void);
Suite *buf_suite(void);
Suite *channel_suite(void);
Suite *conf_suite(void);
Suite *conftext_suite(void);
Suite *control_suite(void);
Suite *deferral_suite(void);
Suite *directory_child_suite(void);
Suite *directory_outage_suite(void);
Suite *directory_watch_suite(void);
Suite *domainset_suite(void);
Suite *duration_suite(void);
Suite *err_suite(void);
Suite *expiry_suite(void);
Suite *greylist_suite(void);
Suite *harvest_suite(void);
Suite *ldap_bind_suite(void);
Suite *ldap_certificate_suite(void);
Suite *ldap_directory_suite(void);
Suite *ldap_dn_suite(void);
Suite *ldap_events_suite(void);
Suite *ldap_explain_suite(void);
Suite *ldap_settings_suite(void);
Suite *ldap_state_suite(void);
Suite *log_suite(void);
Suite *mailaddr_suite(void);
Suite *metrics_suite(void);
Suite *netaddr_suite(void);
Suite *netset_suite(void);
Suite *origin_suite(void);
Suite *pipeline_suite(void);
Suite *policyctl_suite(void);
Suite *reason_suite(void);
Suite *record_suite(void);
Suite *replica_suite(void);
Suite *report_suite(void);
Suite *request_suite(void);
Suite *scenarios_suite(void);
Suite *session_suite(void);
Suite *setting_suite(void);
Suite *settings_suite(void);
Suite *siphash_suite(void);
Suite *stage_greylist_suite(void);
Suite *stage_harvest_suite(void);
Suite *stage_recipient_suite(void);
Suite *store_suite(void);
Suite *tarpit_suite(void);
Suite *triplet_suite(void);
Suite *turn_suite(void);
Suite *verdict_suite(void);
Suite *whitelist_suite(void);
