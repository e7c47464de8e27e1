/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "mailaddr.h"
#include "xalloc.h"

static const char *const member_of[] = { "memberOf", NULL };
static const char *const no_attributes[] = { LDAP_NO_ATTRS, NULL };

static void
free_nodes(struct ldap_listing *listing)
{
	for (size_t i = 0; i < listing->nodes; i++) {
		free(listing->node[i].dn);
		free(listing->node[i].normal);
	}
	listing->nodes = 0;
}

static void
finish(struct ldap_listing *listing, enum sender_status status,
    const char *problem)
{
	free_nodes(listing);
	ldap_message_finish(&listing->entry);
	ldap_dns_finish(&listing->permitted);
	ldap_dns_finish(&listing->permitted_groups);
	ldap_dns_finish(&listing->refused);
	ldap_dns_finish(&listing->refused_groups);
	free(listing->filter);
	listing->filter = NULL;
	listing->done(listing, status, listing->bits, problem);
}

static void
fail(struct ldap_listing *listing, const char *problem)
{
	finish(listing, SENDER_UNAVAILABLE, problem);
}

/* Whether groups can still tell something. */
static bool
is_open(const struct ldap_listing *listing)
{
	return (listing->permitted_groups.count > 0 &&
		   (listing->bits & SENDER_PERMITTED) == 0) ||
	       (listing->refused_groups.count > 0 &&
		   (listing->bits & SENDER_REFUSED) == 0);
}

/* The sender's own entries are at depth 0, its groups above. */
static void
judge(struct ldap_listing *listing, const char *normal, unsigned depth)
{
	const struct ldap_dns *permitted =
	    depth == 0 ? &listing->permitted : &listing->permitted_groups;
	const struct ldap_dns *refused =
	    depth == 0 ? &listing->refused : &listing->refused_groups;

	if (ldap_dns_have(permitted, normal))
		listing->bits |= SENDER_PERMITTED;
	if (ldap_dns_have(refused, normal))
		listing->bits |= SENDER_REFUSED;
}

static bool
is_known(const struct ldap_listing *listing, const char *normal)
{
	for (size_t i = 0; i < listing->nodes; i++)
		if (strcmp(listing->node[i].normal, normal) == 0)
			return true;
	return false;
}

static void
add_node(struct ldap_listing *listing, const char *dn, unsigned depth)
{
	char *normal = ldap_dn_normal(dn);

	judge(listing, normal, depth);
	if (is_known(listing, normal)) {
		free(normal);
		return;
	}
	if (listing->nodes == LDAP_LISTING_NODES ||
	    depth > LDAP_LISTING_DEPTH) {
		listing->cut = true;
		free(normal);
		return;
	}
	listing->node[listing->nodes++] = (struct ldap_listing_node){
		.dn = xstrdup(dn),
		.normal = normal,
		.depth = depth,
	};
}

static void
add_parents(struct ldap_listing *listing, const struct ldap_message *message,
    unsigned depth)
{
	const struct account_attribute *groups =
	    ldap_message_find(message, "memberOf");

	if (groups == NULL)
		return;
	if (ldap_message_rest(message) < message->count)
		listing->cut = true;
	for (size_t i = 0; i < groups->count; i++) {
		char *dn =
		    strndup(groups->values[i].bytes, groups->values[i].len);

		if (dn != NULL)
			add_node(listing, dn, depth);
		free(dn);
	}
}

/* What comes of a group, or the entry of a sender: its memberOf, or itself,
 * found because it has the node for a member. */
static void
on_group(struct ldap_search *search, LDAP *ld, LDAPMessage *entry)
{
	struct ldap_listing *listing =
	    container_of(search, struct ldap_listing, search);
	const unsigned depth = listing->node[listing->next].depth + 1;
	struct ldap_message message = { 0 };

	if (!ldap_message_read(&message, ld, entry, false)) {
		listing->cut = true;
		return;
	}
	if (search->scope == LDAP_SCOPE_BASE)
		add_parents(listing, &message, depth);
	else
		add_node(listing, message.dn, depth);
	ldap_message_finish(&message);
}

/* What was added is only known the earlier. */
static void
on_group_again(struct ldap_search *search)
{
	(void)search;
}

static void follow(struct ldap_listing *listing);

/* A group that is not to be seen says nothing of groups above it. */
static void
on_group_done(struct ldap_search *search, enum ldap_outcome outcome,
    const char *problem)
{
	struct ldap_listing *listing =
	    container_of(search, struct ldap_listing, search);

	if (outcome == LDAP_OUTCOME_UNAVAILABLE) {
		fail(listing, problem);
		return;
	}
	if (outcome == LDAP_OUTCOME_LIMITED)
		listing->cut = true;
	listing->next++;
	follow(listing);
}

static char *
members_filter(const char *dn)
{
	/* Each byte may become three, and it stands there twice. */
	const size_t room = strlen(dn) * 6 + 64;
	char *memory = xcalloc(1, room + 1);
	struct buf filter;

	buf_init(&filter, memory, room);
	buf_puts(&filter, "(|(member=");
	account_escape(dn, strlen(dn), &filter);
	buf_puts(&filter, ")(uniqueMember=");
	account_escape(dn, strlen(dn), &filter);
	buf_puts(&filter, "))");
	return memory;
}

static void
search_groups(struct ldap_listing *listing, const char *dn)
{
	const bool has_member_of =
	    listing->reader->settings->kind == ACCOUNT_ACTIVE_DIRECTORY;

	free(listing->filter);
	listing->filter =
	    has_member_of ? xstrdup("(objectClass=*)") : members_filter(dn);
	listing->search = (struct ldap_search){
		.base = has_member_of ? dn : listing->reader->settings->base,
		.scope = has_member_of ? LDAP_SCOPE_BASE : LDAP_SCOPE_SUBTREE,
		.filter = listing->filter,
		.attributes = has_member_of ? member_of : no_attributes,
		.size_limit = LDAP_LISTING_NODES,
		.entry = on_group,
		.again = on_group_again,
		.done = on_group_done,
	};
	ldap_link_search(listing->reader->link, &listing->search);
}

/* The memberOf of Active Directory's senders has come with them. */
static void
skip_senders(struct ldap_listing *listing)
{
	if (listing->reader->settings->kind != ACCOUNT_ACTIVE_DIRECTORY)
		return;
	while (listing->next < listing->nodes &&
	       listing->node[listing->next].depth == 0)
		listing->next++;
}

static void
follow(struct ldap_listing *listing)
{
	skip_senders(listing);
	if (is_open(listing) && listing->next < listing->nodes)
		search_groups(listing, listing->node[listing->next].dn);
	else if (is_open(listing) && listing->cut)
		fail(listing,
		    "the sender is in more groups than can be followed");
	else
		finish(listing, SENDER_LOOKED_UP, "");
}

static void
on_sender(struct ldap_find *find, struct ldap_message *message,
    const struct account *account)
{
	struct ldap_listing *listing =
	    container_of(find, struct ldap_listing, find);

	(void)account;
	add_node(listing, message->dn, 0);
	add_parents(listing, message, 1);
}

static void
on_sender_again(struct ldap_find *find)
{
	free_nodes(container_of(find, struct ldap_listing, find));
}

/* Not whole: perhaps the entry that is listed did not come. */
static void
on_sender_done(struct ldap_find *find, enum ldap_outcome outcome,
    const char *problem)
{
	struct ldap_listing *listing =
	    container_of(find, struct ldap_listing, find);

	if (outcome == LDAP_OUTCOME_COMPLETE)
		follow(listing);
	else
		fail(listing, problem);
}

static void
find_sender(struct ldap_listing *listing)
{
	listing->find = (struct ldap_find){
		.reader = listing->reader,
		.policy = &listing->reader->anybody,
		.attributes = listing->reader->sender_attributes,
		.address = listing->sender,
		.match = on_sender,
		.again = on_sender_again,
		.done = on_sender_done,
	};
	ldap_find_start(&listing->find);
}

/* "ann@example.com" or, for everybody there, "@example.com". */
static bool
has_sender(const struct account_names *names, const char *sender)
{
	const char *at = strrchr(sender, '@');

	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->name[i];

		if (strcmp(name, sender) == 0 ||
		    (at != NULL && *name == '@' && strcmp(name, at) == 0))
			return true;
	}
	return false;
}

/* The lists of the recipient; false when its entry makes no sense. */
static bool
read_lists(struct ldap_listing *listing)
{
	const struct ldap_message *entry = &listing->entry;
	struct account account;

	if (!account_read(&listing->reader->recipients, entry->attributes,
		entry->count, &account))
		return false;
	ldap_dns_init(&listing->permitted, account.permitted.name,
	    account.permitted.count);
	ldap_dns_init(&listing->permitted_groups, account.permitted_groups.name,
	    account.permitted_groups.count);
	ldap_dns_init(&listing->refused, account.refused.name,
	    account.refused.count);
	ldap_dns_init(&listing->refused_groups, account.refused_groups.name,
	    account.refused_groups.count);
	if (has_sender(&account.allowed_senders, listing->sender))
		listing->bits |= SENDER_ALLOWED;
	if (has_sender(&account.refused_senders, listing->sender))
		listing->bits |= SENDER_REFUSED;
	account_finish(&account);
	return true;
}

/* Whoever sends bounces has no entry. */
static void
use_lists(struct ldap_listing *listing)
{
	if (!read_lists(listing))
		fail(listing, "the recipient's entry cannot be read");
	else if (mailaddr_is_null(listing->sender) ||
		 listing->permitted.count + listing->permitted_groups.count +
			 listing->refused.count +
			 listing->refused_groups.count ==
		     0)
		finish(listing, SENDER_LOOKED_UP, "");
	else
		find_sender(listing);
}

static void
on_part(struct ldap_search *search, LDAP *ld, LDAPMessage *entry)
{
	struct ldap_listing *listing =
	    container_of(search, struct ldap_listing, search);
	struct ldap_message part = { 0 };

	/* It was broken until the part comes; a second one is none of it. */
	if (!listing->broken || !ldap_message_read(&part, ld, entry, false))
		return;
	if (ldap_message_append(&listing->entry,
		ldap_message_rest(&listing->entry), &part))
		listing->broken = false;
	ldap_message_finish(&part);
}

/* A part that has come is good. */
static void
on_part_again(struct ldap_search *search)
{
	(void)search;
}

static void read_rest(struct ldap_listing *listing);

static void
on_part_done(struct ldap_search *search, enum ldap_outcome outcome,
    const char *problem)
{
	struct ldap_listing *listing =
	    container_of(search, struct ldap_listing, search);

	if (outcome != LDAP_OUTCOME_COMPLETE)
		fail(listing, problem);
	else if (listing->broken)
		fail(listing, "the recipient's lists cannot be read");
	else
		read_rest(listing);
}

/* Asks for the next values of an attribute that came in part. */
static void
search_rest(struct ldap_listing *listing, size_t index)
{
	const struct ldap_message *entry = &listing->entry;

	snprintf(listing->range, sizeof(listing->range), "%.64s;range=%u-*",
	    entry->attributes[index].name, entry->rest[index]);
	listing->range_attributes[0] = listing->range;
	listing->broken = true;
	listing->search = (struct ldap_search){
		.base = entry->dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = listing->range_attributes,
		.entry = on_part,
		.again = on_part_again,
		.done = on_part_done,
	};
	ldap_link_search(listing->reader->link, &listing->search);
}

static void
read_rest(struct ldap_listing *listing)
{
	const size_t index = ldap_message_rest(&listing->entry);

	if (index < listing->entry.count)
		search_rest(listing, index);
	else
		use_lists(listing);
}

/* Of several entries the first one counts, as for the recipient itself. */
static void
on_recipient(struct ldap_find *find, struct ldap_message *message,
    const struct account *account)
{
	struct ldap_listing *listing =
	    container_of(find, struct ldap_listing, find);

	(void)account;
	if (listing->found)
		return;
	listing->found = true;
	listing->entry = *message;
	*message = (struct ldap_message){ 0 };
}

static void
on_recipient_again(struct ldap_find *find)
{
	struct ldap_listing *listing =
	    container_of(find, struct ldap_listing, find);

	ldap_message_finish(&listing->entry);
	listing->found = false;
}

static void
on_recipient_done(struct ldap_find *find, enum ldap_outcome outcome,
    const char *problem)
{
	struct ldap_listing *listing =
	    container_of(find, struct ldap_listing, find);

	if (outcome == LDAP_OUTCOME_UNAVAILABLE)
		fail(listing, problem);
	else if (!listing->found)
		fail(listing, "the recipient is not in the directory any more");
	else
		read_rest(listing);
}

void
ldap_listing_start(struct ldap_listing *listing)
{
	listing->find = (struct ldap_find){
		.reader = listing->reader,
		.policy = &listing->reader->recipients,
		.attributes = listing->reader->attributes,
		.address = listing->recipient,
		.keeps = true,
		.match = on_recipient,
		.again = on_recipient_again,
		.done = on_recipient_done,
	};
	ldap_find_start(&listing->find);
}
