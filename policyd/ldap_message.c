/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "unconst.h"
#include "xalloc.h"

/* Values of one attribute. */
#define VALUES_MAX 100000

static char *
copy_bytes(const char *bytes, size_t len)
{
	char *copy = xmalloc(len + 1);

	if (len > 0)
		memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

static struct account_value
read_value(const struct berval *value, bool keeps)
{
	return (struct account_value){
		.bytes = keeps ? copy_bytes(value->bv_val, value->bv_len)
			       : value->bv_val,
		.len = value->bv_len,
	};
}

static size_t
count_values(const struct berval *values)
{
	size_t count = 0;

	while (values != NULL && values[count].bv_val != NULL)
		count++;
	return count;
}

/* Options are no part of the name: values of "mail;lang-en" match a search for
 * mail (RFC 4512 2.5.2). */
static void
read_name(struct ldap_message *message, const struct berval *name)
{
	char *text = copy_bytes(name->bv_val, name->bv_len);
	unsigned rest = 0;
	size_t len;

	if (!account_range(text, &len, &rest))
		len = strcspn(text, ";");
	text[len] = '\0';
	message->attributes[message->count].name = text;
	message->rest[message->count] = rest;
}

/* Beside "member;range=0-1499" there is a "member" without values. */
static void
read_attribute(struct ldap_message *message, const struct berval *name,
    const struct berval *values)
{
	struct account_attribute *attribute =
	    &message->attributes[message->count];
	const size_t count = count_values(values);
	struct account_value *copies;

	if (count == 0 || message->count == LDAP_MESSAGE_ATTRIBUTES)
		return;
	read_name(message, name);
	copies = xcalloc(count, sizeof(*copies));
	for (size_t i = 0; i < count; i++)
		copies[i] = read_value(&values[i], message->keeps);
	attribute->values = copies;
	attribute->count = count;
	message->count++;
}

static bool
read_attributes(struct ldap_message *message, LDAP *ld, LDAPMessage *entry,
    BerElement *ber)
{
	struct berval name;
	struct berval *values;
	int result;

	for (;;) {
		values = NULL;
		result = ldap_get_attribute_ber(ld, entry, ber, &name, &values);
		if (result != LDAP_SUCCESS || name.bv_val == NULL)
			break;
		read_attribute(message, &name, values);
		ber_memfree(values);
	}
	return result == LDAP_SUCCESS;
}

bool
ldap_message_read(struct ldap_message *message, LDAP *ld, LDAPMessage *entry,
    bool keeps)
{
	BerElement *ber = NULL;
	struct berval dn;
	bool read;

	message->count = 0;
	message->keeps = keeps;
	if (ldap_get_dn_ber(ld, entry, &ber, &dn) != LDAP_SUCCESS)
		return false;
	message->dn = copy_bytes(dn.bv_val, dn.bv_len);
	read = read_attributes(message, ld, entry, ber);
	ber_free(ber, 0);
	if (!read)
		ldap_message_finish(message);
	return read;
}

void
ldap_message_finish(struct ldap_message *message)
{
	for (size_t i = 0; i < message->count; i++) {
		struct account_attribute *attribute = &message->attributes[i];

		for (size_t k = 0; message->keeps && k < attribute->count; k++)
			free(unconst(attribute->values[k].bytes));
		free(unconst(attribute->values));
		free(unconst(attribute->name));
	}
	free(message->dn);
	message->dn = NULL;
	message->count = 0;
}

size_t
ldap_message_rest(const struct ldap_message *message)
{
	size_t i = 0;

	while (i < message->count && message->rest[i] == 0)
		i++;
	return i;
}

static size_t
find_index(const struct ldap_message *message, const char *name)
{
	size_t i = 0;

	while (i < message->count &&
	       strcasecmp(message->attributes[i].name, name) != 0)
		i++;
	return i;
}

bool
ldap_message_append(struct ldap_message *message, size_t index,
    const struct ldap_message *part)
{
	struct account_attribute *whole = &message->attributes[index];
	const size_t found = find_index(part, whole->name);
	const struct account_attribute *more = &part->attributes[found];
	struct account_value *values = unconst(whole->values);

	/* No progress, or too much of it. */
	if (found == part->count ||
	    (part->rest[found] != 0 &&
		part->rest[found] <= message->rest[index]) ||
	    whole->count + more->count > VALUES_MAX)
		return false;
	values =
	    xrealloc(values, (whole->count + more->count) * sizeof(*values));
	for (size_t i = 0; i < more->count; i++) {
		values[whole->count].bytes =
		    copy_bytes(more->values[i].bytes, more->values[i].len);
		values[whole->count++].len = more->values[i].len;
	}
	whole->values = values;
	message->rest[index] = part->rest[found];
	return true;
}

const struct account_attribute *
ldap_message_find(const struct ldap_message *message, const char *name)
{
	const size_t i = find_index(message, name);

	return i < message->count ? &message->attributes[i] : NULL;
}
