/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_senders.h"

#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "ldap_members.h"
#include "xalloc.h"

/* A sender, borrowed while it is sorted, and the lists it is in. */
struct listed {
	char *name;
	unsigned listing;
};

/* Grows to twice the most senders of a recipient before the ones that are there
 * twice are merged. */
#define LISTED_ROOM (2 * (size_t)LDAP_ADDRESSES_MAX)

struct ldap_senders {
	struct ldap_run *run;
	/* Of each account only the identity and the lists. */
	struct account *restricted;
	size_t count;
	size_t room;
	size_t names;
	struct ldap_members *members;
	/* The senders of one recipient. */
	struct listed listed[2 * LDAP_ADDRESSES_MAX];
	size_t listed_count;
	/* All that have been told. */
	size_t told;
};

struct ldap_senders *
ldap_senders_create(struct ldap_run *run)
{
	struct ldap_senders *senders = xcalloc(1, sizeof(*senders));

	senders->run = run;
	return senders;
}

static void
clear_listed(struct ldap_senders *senders)
{
	for (size_t i = 0; i < senders->listed_count; i++)
		free(senders->listed[i].name);
	senders->listed_count = 0;
}

static void
clear(struct ldap_senders *senders)
{
	for (size_t i = 0; i < senders->count; i++)
		account_finish(&senders->restricted[i]);
	senders->count = 0;
	senders->names = 0;
	senders->told = 0;
	clear_listed(senders);
	ldap_members_destroy(senders->members);
	senders->members = NULL;
}

void
ldap_senders_destroy(struct ldap_senders *senders)
{
	if (senders == NULL)
		return;
	clear(senders);
	free(senders->restricted);
	free(senders);
}

static size_t
count_names(const struct account *account)
{
	return account->permitted.count + account->permitted_groups.count +
	       account->refused.count + account->refused_groups.count;
}

int
ldap_senders_add(struct ldap_senders *senders, struct account *account,
    struct err *err)
{
	const size_t plain =
	    account->allowed_senders.count + account->refused_senders.count;
	const size_t names = count_names(account) + plain;
	struct account *noted;

	if (names == 0)
		return 0;
	if (senders->count == LDAP_RESTRICTED_MAX ||
	    senders->names + names > LDAP_RESTRICTED_NAMES) {
		err_set(err,
		    "more than %d recipients with lists of senders, or %d "
		    "names in these",
		    LDAP_RESTRICTED_MAX, LDAP_RESTRICTED_NAMES);
		return -1;
	}
	if (senders->count == senders->room) {
		senders->room = 2 * senders->room + 16;
		senders->restricted = xrealloc(senders->restricted,
		    senders->room * sizeof(senders->restricted[0]));
	}
	noted = &senders->restricted[senders->count++];
	*noted = *account;
	noted->addresses = (struct account_names){ 0 };
	*account = (struct account){
		.record = noted->record,
		.addresses = account->addresses,
	};
	senders->names += names;
	return 0;
}

static int
compare_listed(const void *a, const void *b)
{
	const struct listed *left = a;
	const struct listed *right = b;

	return strcmp(left->name, right->name);
}

/* Each sender once, with the bits of all its lists. */
static void
merge(struct ldap_senders *senders)
{
	struct listed *listed = senders->listed;
	size_t kept = 0;

	if (senders->listed_count == 0)
		return;
	qsort(listed, senders->listed_count, sizeof(listed[0]), compare_listed);
	for (size_t i = 1; i < senders->listed_count; i++) {
		if (strcmp(listed[i].name, listed[kept].name) != 0) {
			listed[++kept] = listed[i];
			continue;
		}
		listed[kept].listing |= listed[i].listing;
		free(listed[i].name);
	}
	senders->listed_count = kept + 1;
}

static int
fail_too_many(struct ldap_senders *senders, struct err *err)
{
	senders->run->too_many = true;
	err_set(err, "a recipient has too many senders");
	return -1;
}

static int
list_sender(struct ldap_senders *senders, const char *name, unsigned listing,
    struct err *err)
{
	if (senders->listed_count == LISTED_ROOM)
		merge(senders);
	if (senders->listed_count == LISTED_ROOM)
		return fail_too_many(senders, err);
	senders->listed[senders->listed_count++] = (struct listed){
		.name = xstrdup(name),
		.listing = listing,
	};
	return 0;
}

static int
list_addresses(struct ldap_senders *senders, char *const *names, size_t count,
    unsigned listing, struct err *err)
{
	int status = 0;

	for (size_t i = 0; i < count && status == 0; i++)
		status = list_sender(senders, names[i], listing, err);
	return status;
}

static int
list_entries(struct ldap_senders *senders, const struct account_names *names,
    unsigned listing, struct err *err)
{
	const struct ldap_addresses *found;

	for (size_t i = 0; i < names->count; i++) {
		found =
		    ldap_members_entry(senders->members, names->name[i], err);
		if (found == NULL || list_addresses(senders, found->name,
					 found->count, listing, err) != 0)
			return -1;
	}
	return 0;
}

static int
list_groups(struct ldap_senders *senders, const struct account_names *names,
    unsigned listing, struct err *err)
{
	const struct ldap_addresses *found;

	for (size_t i = 0; i < names->count; i++) {
		found =
		    ldap_members_group(senders->members, names->name[i], err);
		if (found == NULL || list_addresses(senders, found->name,
					 found->count, listing, err) != 0)
			return -1;
	}
	return 0;
}

static int
list_all(struct ldap_senders *senders, const struct account *account,
    struct err *err)
{
	if (list_entries(senders, &account->permitted, SENDER_PERMITTED, err) ||
	    list_groups(senders, &account->permitted_groups, SENDER_PERMITTED,
		err) ||
	    list_entries(senders, &account->refused, SENDER_REFUSED, err) ||
	    list_groups(senders, &account->refused_groups, SENDER_REFUSED, err))
		return -1;
	if (list_addresses(senders, account->allowed_senders.name,
		account->allowed_senders.count, SENDER_ALLOWED, err) != 0)
		return -1;
	return list_addresses(senders, account->refused_senders.name,
	    account->refused_senders.count, SENDER_REFUSED, err);
}

/* Tells the senders that are in exactly these lists. */
static void
tell_listing(struct ldap_senders *senders, const struct account *account,
    unsigned listing)
{
	const char *name[100];
	size_t count = 0;

	for (size_t i = 0; i < senders->listed_count; i++) {
		if (senders->listed[i].listing != listing)
			continue;
		name[count++] = senders->listed[i].name;
		if (count < sizeof(name) / sizeof(name[0]))
			continue;
		ldap_events_senders(senders->run->events, account->record.id,
		    listing, name, count);
		count = 0;
	}
	ldap_events_senders(senders->run->events, account->record.id, listing,
	    name, count);
}

/* Fills `listed`, each sender once. */
static int
find_all(struct ldap_senders *senders, const struct account *account,
    struct err *err)
{
	senders->run->too_many = false;
	if (list_all(senders, account, err) != 0)
		return -1;
	merge(senders);
	if (senders->listed_count > LDAP_ADDRESSES_MAX ||
	    senders->told + senders->listed_count > LDAP_SENDERS_MAX)
		return fail_too_many(senders, err);
	return 0;
}

static void
tell_all(struct ldap_senders *senders, const struct account *account)
{
	const unsigned all = SENDER_PERMITTED | SENDER_REFUSED | SENDER_ALLOWED;

	for (unsigned listing = 1; listing <= all; listing++)
		tell_listing(senders, account, listing);
	senders->told += senders->listed_count;
}

/* One recipient with too many senders must not keep all others from being
 * copied. */
static void
tell_many(struct ldap_senders *senders, const struct account *account)
{
	const struct recipient_record *record = &account->record;
	const unsigned lists = (record->permits ? SENDER_PERMITTED : 0) |
			       (record->refuses ? SENDER_REFUSED : 0) |
			       (record->allows ? SENDER_ALLOWED : 0);
	const char *const many[] = { SENDER_MANY };

	ldap_events_senders(senders->run->events, record->id, lists, many, 1);
}

static int
tell_account(struct ldap_senders *senders, const struct account *account,
    struct err *err)
{
	const int status = find_all(senders, account, err);

	if (status == 0)
		tell_all(senders, account);
	else if (senders->run->too_many)
		tell_many(senders, account);
	clear_listed(senders);
	return status == 0 || senders->run->too_many ? 0 : -1;
}

int
ldap_senders_tell(struct ldap_senders *senders, struct err *err)
{
	int status = 0;

	if (senders->count == 0)
		return 0;
	senders->members = ldap_members_create(senders->run);
	for (size_t i = 0; i < senders->count && status == 0; i++)
		status = tell_account(senders, &senders->restricted[i], err);
	clear(senders);
	return status;
}
