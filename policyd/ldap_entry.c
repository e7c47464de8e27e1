/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "container.h"
#include "xalloc.h"

/* More than account_attributes() asks for; what else a server sends is left
 * out. */
#define ATTRIBUTES_MAX 64
#define NAME_LEN_MAX 127
/* Values of an entry: more are a failure, not a cut. */
#define VALUES_MAX 400000

struct attribute {
	char name[NAME_LEN_MAX + 1];
	/* Its values are in a row. */
	size_t first;
	size_t count;
	/* The value to ask for next, 0: these are all. */
	unsigned next;
};

struct ldap_entry {
	char *dn;
	size_t count;
	struct attribute attribute[ATTRIBUTES_MAX];
	struct account_attribute view[ATTRIBUTES_MAX];
	struct account_value *values;
	size_t values_count;
	size_t values_room;
	/* The bytes of further values: one block for each part. */
	char **part;
	size_t parts;
};

/* A walk over the attributes of a message that have values. */
struct walk {
	LDAP *ld;
	LDAPMessage *message;
	BerElement *ber;
	struct berval description;
	struct berval *values;
};

/* Takes the next part of an attribute's values. */
struct part_reader {
	struct ldap_visitor visitor;
	struct ldap_entry *entry;
	struct ldap_run *run;
	struct attribute *attribute;
	/* 0: this part was the last. */
	unsigned next;
};

struct ldap_entry *
ldap_entry_create(void)
{
	return xcalloc(1, sizeof(struct ldap_entry));
}

static void
clear(struct ldap_entry *entry)
{
	for (size_t i = 0; i < entry->parts; i++)
		free(entry->part[i]);
	free(entry->dn);
	entry->dn = NULL;
	entry->parts = 0;
	entry->count = 0;
	entry->values_count = 0;
}

void
ldap_entry_destroy(struct ldap_entry *entry)
{
	if (entry == NULL)
		return;
	clear(entry);
	free(entry->part);
	free(entry->values);
	free(entry);
}

static int
add_value(struct ldap_entry *entry, struct account_value value, struct err *err)
{
	if (entry->values_count >= VALUES_MAX) {
		err_set(err, "%s has more than %d values", entry->dn,
		    VALUES_MAX);
		return -1;
	}
	if (entry->values_count == entry->values_room) {
		entry->values_room = 2 * entry->values_room + 64;
		entry->values = xrealloc(entry->values,
		    entry->values_room * sizeof(entry->values[0]));
	}
	entry->values[entry->values_count++] = value;
	return 0;
}

/* Adds values to the attribute that was taken last. */
static int
add_values(struct ldap_entry *entry, struct attribute *attribute,
    const struct berval *values, struct err *err)
{
	for (; values->bv_val != NULL; values++) {
		const struct account_value value = {
			.bytes = values->bv_val,
			.len = values->bv_len,
		};

		if (add_value(entry, value, err) != 0)
			return -1;
		attribute->count++;
	}
	return 0;
}

static void
walk_finish(struct walk *walk)
{
	ber_memfree(walk->values);
	ber_free(walk->ber, 0);
}

/* Beside "member;range=0-1499" comes "member" without a value: it is passed
 * over. */
static bool
walk_next(struct walk *walk)
{
	do {
		ber_memfree(walk->values);
		walk->values = NULL;
		walk->description.bv_val = NULL;
		if (ldap_get_attribute_ber(walk->ld, walk->message, walk->ber,
			&walk->description, &walk->values) != LDAP_SUCCESS ||
		    walk->description.bv_val == NULL)
			return false;
	} while (walk->values == NULL || walk->values->bv_val == NULL);
	return true;
}

/* Name and range of an attribute's description; false when it is too long to
 * be one that was asked for. */
static bool
read_description(const struct berval *description, struct attribute *attribute)
{
	size_t len = description->bv_len;

	if (len > NAME_LEN_MAX)
		return false;
	memcpy(attribute->name, description->bv_val, len);
	attribute->name[len] = '\0';
	attribute->next = 0;
	if (account_range(attribute->name, &len, &attribute->next))
		attribute->name[len] = '\0';
	return true;
}

static int
take_attributes(struct ldap_entry *entry, struct walk *walk, struct err *err)
{
	struct attribute *attribute;

	while (walk_next(walk)) {
		if (entry->count == ATTRIBUTES_MAX)
			return 0;
		attribute = &entry->attribute[entry->count];
		if (!read_description(&walk->description, attribute))
			continue;
		attribute->first = entry->values_count;
		attribute->count = 0;
		entry->count++;
		if (add_values(entry, attribute, walk->values, err) != 0)
			return -1;
	}
	return 0;
}

/* The values of a part outlive its message. */
static void
keep_values(struct ldap_entry *entry, struct berval *values)
{
	size_t len = 0;
	char *bytes;

	for (const struct berval *value = values; value->bv_val != NULL;
	     value++)
		len += value->bv_len;
	bytes = xmalloc(len + 1);
	entry->part =
	    xrealloc(entry->part, (entry->parts + 1) * sizeof(entry->part[0]));
	entry->part[entry->parts++] = bytes;
	for (; values->bv_val != NULL; values++) {
		memcpy(bytes, values->bv_val, values->bv_len);
		values->bv_val = bytes;
		bytes += values->bv_len;
	}
}

static int
visit_part(struct ldap_visitor *visitor, LDAPMessage *message, struct err *err)
{
	struct part_reader *reader =
	    container_of(visitor, struct part_reader, visitor);
	struct walk walk = { .ld = reader->run->ld, .message = message };
	struct attribute part;
	struct berval dn;
	int status = 0;

	if (ldap_get_dn_ber(walk.ld, message, &walk.ber, &dn) != LDAP_SUCCESS)
		return 0;
	while (status == 0 && walk_next(&walk)) {
		if (!read_description(&walk.description, &part) ||
		    strcasecmp(part.name, reader->attribute->name) != 0)
			continue;
		keep_values(reader->entry, walk.values);
		status = add_values(reader->entry, reader->attribute,
		    walk.values, err);
		reader->next = part.next;
	}
	walk_finish(&walk);
	return status;
}

/* All values of an attribute are in a row: those that are there already move
 * to the end, where more can follow. */
static int
move_to_end(struct ldap_entry *entry, struct attribute *attribute,
    struct err *err)
{
	const size_t first = attribute->first;

	attribute->first = entry->values_count;
	for (size_t i = 0; i < attribute->count; i++) {
		if (add_value(entry, entry->values[first + i], err) != 0)
			return -1;
	}
	return 0;
}

/* Asks for the next part of an attribute.  A part without values was the last
 * one: they have become fewer. */
static int
read_part(struct ldap_entry *entry, struct ldap_run *run,
    struct attribute *attribute, struct err *err)
{
	char name[NAME_LEN_MAX + 32];
	const char *const attributes[] = { name, NULL };
	struct part_reader reader = {
		.visitor.visit = visit_part,
		.entry = entry,
		.run = run,
		.attribute = attribute,
	};
	const struct ldap_query query = {
		.base = entry->dn,
		.scope = LDAP_SCOPE_BASE,
		.filter = "(objectClass=*)",
		.attributes = attributes,
	};
	const unsigned asked = attribute->next;

	snprintf(name, sizeof(name), "%.*s;range=%u-*", NAME_LEN_MAX,
	    attribute->name, asked);
	if (ldap_run_search(run, &query, &reader.visitor, err) != 0)
		return -1;
	if (reader.next != 0 && reader.next <= asked) {
		err_set(err, "%s: a range of %s does not go on", run->uri,
		    attribute->name);
		return -1;
	}
	attribute->next = reader.next;
	return 0;
}

static int
read_ranges(struct ldap_entry *entry, struct ldap_run *run, struct err *err)
{
	struct attribute *attribute = entry->attribute;

	for (size_t i = 0; i < entry->count; i++, attribute++) {
		if (attribute->next == 0)
			continue;
		if (move_to_end(entry, attribute, err) != 0)
			return -1;
		while (attribute->next != 0) {
			if (read_part(entry, run, attribute, err) != 0)
				return -1;
		}
	}
	return 0;
}

static void
make_view(struct ldap_entry *entry)
{
	const struct attribute *attribute = entry->attribute;

	for (size_t i = 0; i < entry->count; i++, attribute++)
		entry->view[i] = (struct account_attribute){
			.name = attribute->name,
			.values = entry->values + attribute->first,
			.count = attribute->count,
		};
}

static int
read_message(struct ldap_entry *entry, struct ldap_run *run,
    LDAPMessage *message, struct err *err)
{
	struct walk walk = { .ld = run->ld, .message = message };
	struct berval dn;
	int status;

	clear(entry);
	if (ldap_get_dn_ber(run->ld, message, &walk.ber, &dn) != LDAP_SUCCESS)
		return ldap_run_fail(run, "cannot read an entry",
		    LDAP_DECODING_ERROR, err);
	entry->dn = xmalloc(dn.bv_len + 1);
	memcpy(entry->dn, dn.bv_val, dn.bv_len);
	entry->dn[dn.bv_len] = '\0';
	status = take_attributes(entry, &walk, err);
	walk_finish(&walk);
	return status;
}

int
ldap_entry_peek(struct ldap_entry *entry, struct ldap_run *run,
    LDAPMessage *message, struct err *err)
{
	if (read_message(entry, run, message, err) != 0)
		return -1;
	make_view(entry);
	return 0;
}

int
ldap_entry_read(struct ldap_entry *entry, struct ldap_run *run,
    LDAPMessage *message, struct err *err)
{
	if (read_message(entry, run, message, err) != 0 ||
	    read_ranges(entry, run, err) != 0)
		return -1;
	make_view(entry);
	return 0;
}

const char *
ldap_entry_dn(const struct ldap_entry *entry)
{
	return entry->dn;
}

const struct account_attribute *
ldap_entry_attributes(const struct ldap_entry *entry, size_t *count)
{
	*count = entry->count;
	return entry->view;
}

const struct account_attribute *
ldap_entry_find(const struct ldap_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->count; i++) {
		if (strcasecmp(entry->view[i].name, name) == 0)
			return &entry->view[i];
	}
	return NULL;
}
