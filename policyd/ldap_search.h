/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One search, from whoever asks to the server and back, and lists of them.
 */
#pragma once

#include <ldap.h>
#include <stddef.h>

struct ldap_searches;

enum ldap_outcome {
	/* No answer, or not the whole one. */
	LDAP_OUTCOME_UNAVAILABLE = 0,
	/* All entries that match have come. */
	LDAP_OUTCOME_COMPLETE,
	/* There are more entries than were wanted. */
	LDAP_OUTCOME_LIMITED,
	/* The base does not exist, or may not be seen. */
	LDAP_OUTCOME_NO_BASE,
};

/* Stays with whoever asks until the answer; the strings are borrowed. */
struct ldap_search {
	const char *base;
	int scope;
	const char *filter;
	/* Ends with NULL. */
	const char *const *attributes;
	/* 0: none. */
	int size_limit;
	/* An entry has come; both are borrowed for the call. */
	void (*entry)(struct ldap_search *search, LDAP *ld, LDAPMessage *entry);
	/* The search is sent once more: its entries so far do not count. */
	void (*again)(struct ldap_search *search);
	/* The answer; exactly once.  `problem` is a sentence when UNAVAILABLE
	 * or NO_BASE. */
	void (*done)(struct ldap_search *search, enum ldap_outcome outcome,
	    const char *problem);
	/* Of whoever has it: its list and neighbours, its number at the server,
	 * how often it was sent, and since when it is where it is. */
	struct ldap_searches *in;
	struct ldap_search *previous;
	struct ldap_search *next;
	int id;
	unsigned attempts;
	long long since_ms;
};

/* Zeroed is empty. */
struct ldap_searches {
	struct ldap_search *first;
	struct ldap_search *last;
	size_t count;
};

void ldap_searches_append(struct ldap_searches *list,
    struct ldap_search *search);
void ldap_searches_prepend(struct ldap_searches *list,
    struct ldap_search *search);

/* Takes the search out of its list. */
void ldap_searches_remove(struct ldap_search *search);

/* Takes the search out of its list, then answers it. */
void ldap_search_answer(struct ldap_search *search, enum ldap_outcome outcome,
    const char *problem);

/* Answers UNAVAILABLE to all of them, or to those that are there since
 * `since_ms` or longer. */
void ldap_searches_fail(struct ldap_searches *list, const char *problem);
void ldap_searches_fail_old(struct ldap_searches *list, long long since_ms,
    const char *problem);
