/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_find.h"

#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "directory.h"
#include "xalloc.h"

/* One address has one entry.  A few more are read, so that one that does not
 * count hides none that does. */
#define ENTRIES_MAX 10

static size_t
count_names(const char *const *names)
{
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	return count;
}

static const char **
add_name(const char *const *names, const char *name)
{
	const size_t count = count_names(names);
	const char **more = xcalloc(count + 2, sizeof(*more));

	memcpy(more, names, count * sizeof(*more));
	more[count] = name;
	return more;
}

void
ldap_reader_init(struct ldap_reader *reader, struct ldap_link *link,
    const struct ldap_settings *settings)
{
	reader->link = link;
	reader->settings = settings;
	reader->recipients = ldap_settings_policy(settings);
	reader->anybody = reader->recipients;
	reader->anybody.filter = "";
	reader->attributes = account_attributes(&reader->recipients);
	reader->sender_attributes = add_name(reader->attributes, "memberOf");
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static bool
counts(const struct ldap_find *find, const struct ldap_message *message,
    const struct account *account)
{
	return account_has(account, find->address) ||
	       ldap_message_rest(message) < message->count ||
	       !is_ascii(find->address);
}

/* An entry that matches must have an identity and an address: who does not see
 * them lacks the right to, and must not take it for no recipient. */
static void
take_entry(struct ldap_find *find, struct ldap_message *message)
{
	struct account account;

	if (!account_read(find->policy, message->attributes, message->count,
		&account)) {
		find->unreadable = true;
		return;
	}
	if (counts(find, message, &account))
		find->match(find, message, &account);
	else if (account.addresses.count == 0)
		find->unreadable = true;
	account_finish(&account);
}

static void
on_entry(struct ldap_search *search, LDAP *ld, LDAPMessage *entry)
{
	struct ldap_find *find = container_of(search, struct ldap_find, search);
	struct ldap_message message = { 0 };

	if (!ldap_message_read(&message, ld, entry, find->keeps)) {
		find->unreadable = true;
		return;
	}
	take_entry(find, &message);
	ldap_message_finish(&message);
}

static void
on_again(struct ldap_search *search)
{
	struct ldap_find *find = container_of(search, struct ldap_find, search);

	find->unreadable = false;
	find->again(find);
}

static void
on_done(struct ldap_search *search, enum ldap_outcome outcome,
    const char *problem)
{
	struct ldap_find *find = container_of(search, struct ldap_find, search);

	free(find->filter);
	find->filter = NULL;
	if (outcome == LDAP_OUTCOME_LIMITED)
		problem = "the directory has too many entries of this address";
	/* A base that is not there is a mistake in the configuration: it says
	 * nothing about the address. */
	if (outcome == LDAP_OUTCOME_NO_BASE)
		outcome = LDAP_OUTCOME_UNAVAILABLE;
	if (outcome == LDAP_OUTCOME_COMPLETE && find->unreadable) {
		outcome = LDAP_OUTCOME_LIMITED;
		problem = "the account may not read objectGUID or entryUUID, "
			  "or the addresses, of an entry";
	}
	find->done(find, outcome, problem);
}

static char *
make_filter(const struct ldap_find *find)
{
	char memory[ACCOUNT_FILTER_MAX];
	struct buf filter;

	buf_init(&filter, memory, sizeof(memory) - 1);
	if (strlen(find->address) > ADDRESS_MAX ||
	    !account_filter_one(find->policy, find->address, &filter))
		return NULL;
	memory[filter.len] = '\0';
	return xstrdup(memory);
}

void
ldap_find_start(struct ldap_find *find)
{
	find->unreadable = false;
	find->filter = make_filter(find);
	if (find->filter == NULL) {
		find->done(find, LDAP_OUTCOME_UNAVAILABLE,
		    "the address, or the filter of the configuration, is too "
		    "long");
		return;
	}
	find->search = (struct ldap_search){
		.base = find->reader->settings->base,
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = find->filter,
		.attributes = find->attributes,
		.size_limit = ENTRIES_MAX,
		.entry = on_entry,
		.again = on_again,
		.done = on_done,
	};
	ldap_link_search(find->reader->link, &find->search);
}
