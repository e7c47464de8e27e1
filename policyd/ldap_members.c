/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_members.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "buf.h"
#include "container.h"
#include "ldap_entry.h"
#include "xalloc.h"

/* Groups and addresses that are remembered. */
#define CACHE_GROUPS 200
#define CACHE_ADDRESSES 200000

struct group {
	char *dn;
	/* In a walk: how deep it was found. */
	unsigned depth;
	/* In the cache.  Without addresses there may be too many of them. */
	struct ldap_addresses addresses;
	bool too_many;
};

struct ldap_members {
	/* Is shown entries that are senders. */
	struct ldap_visitor visitor;
	struct ldap_run *run;
	struct ldap_entry *entry;
	/* What is asked of them: account_attributes() and objectClass. */
	const char **attributes;
	/* What has been found for the question under way. */
	struct ldap_addresses found;
	/* The groups of the walk under way, in the order of their discovery;
	 * the first `walked` are done. */
	struct group walk[LDAP_GROUPS_MAX];
	size_t groups;
	size_t walked;
	struct group cache[CACHE_GROUPS];
	size_t cached;
	size_t cached_addresses;
};

/* Collects the distinguished names in an entry's member. */
struct name_reader {
	struct ldap_visitor visitor;
	struct ldap_members *members;
	struct ldap_addresses names;
};

bool
ldap_addresses_add(struct ldap_addresses *addresses, const char *name)
{
	if (addresses->count >= LDAP_ADDRESSES_MAX)
		return false;
	if (addresses->count == addresses->room) {
		addresses->room = 2 * addresses->room + 16;
		addresses->name = xrealloc(addresses->name,
		    addresses->room * sizeof(addresses->name[0]));
	}
	addresses->name[addresses->count++] = xstrdup(name);
	return true;
}

void
ldap_addresses_finish(struct ldap_addresses *addresses)
{
	for (size_t i = 0; i < addresses->count; i++)
		free(addresses->name[i]);
	free(addresses->name);
	*addresses = (struct ldap_addresses){ 0 };
}

static int
fail_too_many(struct ldap_members *members, struct err *err)
{
	members->run->too_many = true;
	err_set(err, "too many addresses, or groups in groups");
	return -1;
}

static const char **
attributes_with_class(const struct account_policy *policy)
{
	const char **attributes = account_attributes(policy);
	size_t count = 0;

	while (attributes[count] != NULL)
		count++;
	attributes = xrealloc(attributes, (count + 2) * sizeof(attributes[0]));
	attributes[count] = "objectClass";
	attributes[count + 1] = NULL;
	return attributes;
}

static bool
is_group(const struct ldap_entry *entry)
{
	static const char *const class[] = { "group", "groupOfNames",
		"groupOfUniqueNames", NULL };
	const struct account_attribute *attribute =
	    ldap_entry_find(entry, "objectClass");

	for (size_t i = 0; attribute != NULL && i < attribute->count; i++) {
		const struct account_value *value = &attribute->values[i];

		for (size_t n = 0; class[n] != NULL; n++) {
			if (strlen(class[n]) == value->len &&
			    strncasecmp(class[n], value -> bytes,
				value -> len) == 0)
				return true;
		}
	}
	return false;
}

/* Adds a group to the walk, unless it has been seen: groups may contain each
 * other. */
static int
discover(struct ldap_members *members, const char *dn, unsigned depth,
    struct err *err)
{
	for (size_t i = 0; i < members->groups; i++) {
		if (strcasecmp(members->walk[i].dn, dn) == 0)
			return 0;
	}
	if (depth > LDAP_GROUP_DEPTH || members->groups == LDAP_GROUPS_MAX)
		return fail_too_many(members, err);
	members->walk[members->groups++] = (struct group){
		.dn = xstrdup(dn),
		.depth = depth,
	};
	return 0;
}

static int
take_addresses(struct ldap_members *members, struct err *err)
{
	const struct account_attribute *attributes;
	struct account account;
	bool fits = true;
	size_t count;

	attributes = ldap_entry_attributes(members->entry, &count);
	if (!account_read(&members->run->policy, attributes, count, &account))
		return 0;
	for (size_t i = 0; i < account.addresses.count && fits; i++)
		fits = ldap_addresses_add(&members->found,
		    account.addresses.name[i]);
	account_finish(&account);
	return fits ? 0 : fail_too_many(members, err);
}

/* One sender: its addresses count, and when a group's walk finds a group, so do
 * its members. */
static int
visit_sender(struct ldap_visitor *visitor, LDAPMessage *message,
    struct err *err)
{
	struct ldap_members *members =
	    container_of(visitor, struct ldap_members, visitor);

	if (ldap_entry_read(members->entry, members->run, message, err) != 0 ||
	    take_addresses(members, err) != 0)
		return -1;
	if (members->walked == members->groups || !is_group(members->entry))
		return 0;
	return discover(members, ldap_entry_dn(members->entry),
	    members->walk[members->walked].depth + 1, err);
}

struct ldap_members *
ldap_members_create(struct ldap_run *run)
{
	struct ldap_members *members = xcalloc(1, sizeof(*members));

	members->visitor.visit = visit_sender;
	members->run = run;
	members->entry = ldap_entry_create();
	members->attributes = attributes_with_class(&run->policy);
	return members;
}

static void
forget_walk(struct ldap_members *members)
{
	for (size_t i = 0; i < members->groups; i++)
		free(members->walk[i].dn);
	members->groups = 0;
	members->walked = 0;
}

void
ldap_members_destroy(struct ldap_members *members)
{
	if (members == NULL)
		return;
	forget_walk(members);
	for (size_t i = 0; i < members->cached; i++) {
		free(members->cache[i].dn);
		ldap_addresses_finish(&members->cache[i].addresses);
	}
	ldap_addresses_finish(&members->found);
	ldap_entry_destroy(members->entry);
	free(members->attributes);
	free(members);
}

static int
search_one(struct ldap_members *members, const char *dn, struct err *err)
{
	const struct ldap_query query = {
		.base = dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = members->attributes,
		.may_miss = true,
	};

	return ldap_run_search(members->run, &query, &members->visitor, err);
}

/* Members may be anywhere in the domain, or, of a global catalogue that is
 * asked without a base, in the forest. */
static const char *
members_base(const struct ldap_run *run)
{
	return run->settings->base[0] != '\0' ? run->root.naming_context : "";
}

static int
search_member_of(struct ldap_members *members, const char *dn, struct err *err)
{
	char bytes[ACCOUNT_FILTER_MAX];
	struct buf filter;
	const struct ldap_query query = {
		.base = members_base(members->run),
		.scope = LDAP_SCOPE_SUBTREE,
		.filter = bytes,
		.attributes = members->attributes,
		.paged = true,
	};

	buf_init(&filter, bytes, sizeof(bytes));
	buf_puts(&filter, "(memberOf=");
	account_escape(dn, strlen(dn), &filter);
	buf_putc(&filter, ')');
	if (!buf_putc(&filter, '\0')) {
		err_set(err, "the name of a group is too long");
		return -1;
	}
	return ldap_run_search(members->run, &query, &members->visitor, err);
}

static int
take_names(struct name_reader *reader, const char *attribute, struct err *err)
{
	const struct account_attribute *found =
	    ldap_entry_find(reader->members->entry, attribute);
	bool fits = true;
	char *name;

	for (size_t i = 0; found != NULL && i < found->count && fits; i++) {
		name = strndup(found->values[i].bytes, found->values[i].len);
		if (name != NULL)
			fits = ldap_addresses_add(&reader->names, name);
		free(name);
	}
	return fits ? 0 : fail_too_many(reader->members, err);
}

static int
visit_group(struct ldap_visitor *visitor, LDAPMessage *message, struct err *err)
{
	struct name_reader *reader =
	    container_of(visitor, struct name_reader, visitor);
	struct ldap_members *members = reader->members;

	if (ldap_entry_read(members->entry, members->run, message, err) != 0 ||
	    take_names(reader, "member", err) != 0)
		return -1;
	return take_names(reader, "uniqueMember", err);
}

/* Reads the names in a group, then each entry. */
static int
search_names(struct ldap_members *members, const char *dn, struct err *err)
{
	static const char *const attributes[] = { "member", "uniqueMember",
		NULL };
	const struct ldap_query query = {
		.base = dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = attributes,
		.may_miss = true,
	};
	struct name_reader reader = {
		.visitor.visit = visit_group,
		.members = members,
	};
	int status =
	    ldap_run_search(members->run, &query, &reader.visitor, err);

	for (size_t i = 0; i < reader.names.count && status == 0; i++)
		status = search_one(members, reader.names.name[i], err);
	ldap_addresses_finish(&reader.names);
	return status;
}

static int
walk_groups(struct ldap_members *members, const char *dn, struct err *err)
{
	const bool member_of = members->run->root.active_directory;
	int status = discover(members, dn, 0, err);

	while (status == 0 && members->walked < members->groups) {
		const char *group = members->walk[members->walked].dn;

		status = member_of ? search_member_of(members, group, err)
				   : search_names(members, group, err);
		members->walked++;
	}
	forget_walk(members);
	return status;
}

static const struct group *
find_cached(const struct ldap_members *members, const char *dn)
{
	for (size_t i = 0; i < members->cached; i++) {
		if (strcasecmp(members->cache[i].dn, dn) == 0)
			return &members->cache[i];
	}
	return NULL;
}

/* Moves what was found into the cache, if there is room. */
static const struct ldap_addresses *
remember(struct ldap_members *members, const char *dn, bool too_many)
{
	struct group *group = &members->cache[members->cached];

	if (members->cached == CACHE_GROUPS ||
	    members->cached_addresses + members->found.count > CACHE_ADDRESSES)
		return &members->found;
	*group = (struct group){
		.dn = xstrdup(dn),
		.addresses = members->found,
		.too_many = too_many,
	};
	members->found = (struct ldap_addresses){ 0 };
	members->cached++;
	members->cached_addresses += group->addresses.count;
	return &group->addresses;
}

/* The failure says which name it was; `reason` is why. */
static const struct ldap_addresses *
fail(const char *dn, const struct err *reason, struct err *err)
{
	const struct err copy = *reason;

	err_set(err, "the senders of %.256s: %s", dn, copy.text);
	return NULL;
}

const struct ldap_addresses *
ldap_members_entry(struct ldap_members *members, const char *dn,
    struct err *err)
{
	ldap_addresses_finish(&members->found);
	if (search_one(members, dn, err) != 0)
		return fail(dn, err, err);
	return &members->found;
}

const struct ldap_addresses *
ldap_members_group(struct ldap_members *members, const char *dn,
    struct err *err)
{
	const struct group *cached = find_cached(members, dn);
	int status;

	if (cached != NULL && !cached->too_many)
		return &cached->addresses;
	if (cached != NULL) {
		fail_too_many(members, err);
		return NULL;
	}
	ldap_addresses_finish(&members->found);
	status = walk_groups(members, dn, err);
	if (status == 0)
		return remember(members, dn, false);
	ldap_addresses_finish(&members->found);
	if (members->run->too_many)
		remember(members, dn, true);
	return fail(dn, err, err);
}
