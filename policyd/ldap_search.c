/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_search.h"

void
ldap_searches_append(struct ldap_searches *list, struct ldap_search *search)
{
	search->in = list;
	search->previous = list->last;
	search->next = NULL;
	if (list->last != NULL)
		list->last->next = search;
	else
		list->first = search;
	list->last = search;
	list->count++;
}

void
ldap_searches_prepend(struct ldap_searches *list, struct ldap_search *search)
{
	search->in = list;
	search->previous = NULL;
	search->next = list->first;
	if (list->first != NULL)
		list->first->previous = search;
	else
		list->last = search;
	list->first = search;
	list->count++;
}

void
ldap_searches_remove(struct ldap_search *search)
{
	struct ldap_searches *list = search->in;

	if (search->previous != NULL)
		search->previous->next = search->next;
	else
		list->first = search->next;
	if (search->next != NULL)
		search->next->previous = search->previous;
	else
		list->last = search->previous;
	list->count--;
	search->in = NULL;
}

void
ldap_search_answer(struct ldap_search *search, enum ldap_outcome outcome,
    const char *problem)
{
	ldap_searches_remove(search);
	search->done(search, outcome, problem);
}

void
ldap_searches_fail(struct ldap_searches *list, const char *problem)
{
	while (list->first != NULL)
		ldap_search_answer(list->first, LDAP_OUTCOME_UNAVAILABLE,
		    problem);
}

void
ldap_searches_fail_old(struct ldap_searches *list, long long since_ms,
    const char *problem)
{
	struct ldap_searches old = { 0 };
	struct ldap_search *search = list->first;

	while (search != NULL) {
		struct ldap_search *next = search->next;

		if (search->since_ms <= since_ms) {
			ldap_searches_remove(search);
			ldap_searches_append(&old, search);
		}
		search = next;
	}
	ldap_searches_fail(&old, problem);
}
