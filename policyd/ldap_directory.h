/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory (directory.h) that asks an LDAP server, through the directory
 * process.
 *
 * Equal questions under way share one search; answers are remembered for a
 * short time, in a table of fixed size; questions that wait are bounded.  What
 * cannot be asked, or is not answered within the limit, is UNAVAILABLE at once.
 * When the directory process dies the questions under way are asked again of
 * the next one.
 */
#pragma once

#include <ev.h>
#include <stdint.h>

#include "directory.h"
#include "directory_child.h"

struct ldap_directory_policy {
	/* Questions under way; one more is UNAVAILABLE. */
	unsigned max_questions;
	/* Answers that are remembered: how many, and for how many seconds when
	 * the recipient is valid, and when it is unknown; 0: not at all. */
	unsigned cache_entries;
	double cache_valid;
	double cache_unknown;
	/* A question that is not answered by then is UNAVAILABLE. */
	double question_timeout;
};

struct ldap_directory_counters {
	uint64_t questions;
	uint64_t shared;
	uint64_t cache_hits;
	uint64_t refused;
	uint64_t timeouts;
	uint64_t unavailable;
	unsigned open;
};

struct ldap_directory;

/* Keeps `child`, whose look-up channel is then its own. */
struct ldap_directory *ldap_directory_create(struct ev_loop *loop,
    struct directory_child *child, const struct ldap_directory_policy *policy);

/* Before the child is.  Cancels nothing: nobody may wait for an answer.  NULL is
 * accepted. */
void ldap_directory_destroy(struct ldap_directory *ldap);

void ldap_directory_configure(struct ldap_directory *ldap,
    const struct ldap_directory_policy *policy);

struct directory *ldap_directory_directory(struct ldap_directory *ldap);

/* Forgets what is remembered. */
void ldap_directory_forget(struct ldap_directory *ldap);

const struct ldap_directory_counters *ldap_directory_counters(
    const struct ldap_directory *ldap);
