/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "account.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mailaddr.h"
#include "xalloc.h"

enum {
	/* The longest distinguished name that is taken. */
	DN_MAX = 4096,
	/* The longest number: a 64-bit one. */
	DIGITS_MAX = 19,
	/* The length of an entryUUID. */
	UUID_TEXT = 36,
	/* userAccountControl: ACCOUNTDISABLE (MS-ADTS 2.2.16). */
	ACCOUNT_DISABLED = 0x2,
	DELAY_MAX = 86400,
	/* delivContLength counts kilobytes. */
	KILOBYTE = 1024,
	/* No range goes further: Active Directory's own limit is 5000 values
	 * of one attribute in an answer. */
	RANGE_MAX = 1000000000,
};

/* What an attribute other than an address or the identity says; the policyd*
 * ones are those of schema/. */
static const char *const settings[] = {
	"msExchRequireAuthToSendTo",
	"delivContLength",
	"authOrig",
	"unauthOrig",
	"dLMemSubmitPerms",
	"dLMemRejectPerms",
	"policydGreylist",
	"policydDelay",
	"policydAllowedSender",
	"policydRefusedSender",
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

static const char *
identity_of(const struct account_policy *policy)
{
	return policy->kind == ACCOUNT_ACTIVE_DIRECTORY ? "objectGUID"
							: "entryUUID";
}

const char **
account_attributes(const struct account_policy *policy)
{
	const char **names;
	size_t count = 0;

	while (policy->addresses[count] != NULL)
		count++;
	/* The identity, userAccountControl, and the end. */
	names = xcalloc(count + SETTINGS + 3, sizeof(*names));
	memcpy(names, policy->addresses, count * sizeof(*names));
	memcpy(names + count, settings, sizeof(settings));
	count += SETTINGS;
	names[count++] = identity_of(policy);
	if (policy->kind == ACCOUNT_ACTIVE_DIRECTORY)
		names[count] = "userAccountControl";
	return names;
}

bool
account_escape(const char *bytes, size_t len, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	bool fits = true;

	for (size_t i = 0; i < len && fits; i++) {
		const unsigned char byte = (unsigned char)bytes[i];
		const char escaped[] = { '\\', digits[byte >> 4],
			digits[byte & 0xf] };

		if (byte <= ' ' || byte >= 0x7f ||
		    strchr("*()\\/", byte) != NULL)
			fits = buf_append(out, escaped, sizeof(escaped));
		else
			fits = buf_putc(out, bytes[i]);
	}
	return fits;
}

static bool
has_type(const char *attribute)
{
	return strcasecmp(attribute, "proxyAddresses") == 0;
}

static bool
put_condition(const char *attribute, const char *address, struct buf *out)
{
	buf_putc(out, '(');
	buf_puts(out, attribute);
	buf_putc(out, '=');
	if (address == NULL) {
		buf_putc(out, '*');
	} else {
		if (has_type(attribute))
			buf_puts(out, "smtp:");
		account_escape(address, strlen(address), out);
	}
	return buf_putc(out, ')');
}

/* The filter for an address, or for any when it is NULL. */
static bool
put_filter(const struct account_policy *policy, const char *address,
    struct buf *out)
{
	const bool one =
	    policy->addresses[0] != NULL && policy->addresses[1] == NULL;

	if (*policy->filter != '\0') {
		buf_puts(out, "(&");
		buf_puts(out, policy->filter);
	}
	if (!one)
		buf_puts(out, "(|");
	for (size_t i = 0; policy->addresses[i] != NULL; i++)
		put_condition(policy->addresses[i], address, out);
	if (!one)
		buf_putc(out, ')');
	if (*policy->filter != '\0')
		buf_putc(out, ')');
	return !out->full;
}

bool
account_filter_one(const struct account_policy *policy, const char *address,
    struct buf *out)
{
	return put_filter(policy, address, out);
}

bool
account_filter_all(const struct account_policy *policy, struct buf *out)
{
	return put_filter(policy, NULL, out);
}

static void
add_name(struct account_names *names, const char *bytes, size_t len)
{
	char *name;

	if (names->count >= ACCOUNT_NAMES_MAX)
		return;
	/* Room for 1, 2, 4, 8 ... names. */
	if ((names->count & (names->count - 1)) == 0)
		names->name = xrealloc(names->name,
		    (names->count > 0 ? 2 * names->count : 1) *
			sizeof(*names->name));
	name = xmalloc(len + 1);
	memcpy(name, bytes, len);
	name[len] = '\0';
	names->name[names->count++] = name;
}

static void
free_names(struct account_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->name[i]);
	free(names->name);
	*names = (struct account_names){ NULL, 0 };
}

/* Servers compare values without the spaces around them, so an entry is found
 * by an address that has none. */
static struct account_value
trim(struct account_value value)
{
	while (value.len > 0 && value.bytes[0] == ' ') {
		value.bytes++;
		value.len--;
	}
	while (value.len > 0 && value.bytes[value.len - 1] == ' ')
		value.len--;
	return value;
}

static bool
is_printable(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	return true;
}

/* Folds an address, or with `domain_too` "@domain", into `text`; false when it
 * is none. */
static bool
fold(const char *bytes, size_t len, bool domain_too,
    char text[static ADDRESS_MAX + 1])
{
	char raw[ADDRESS_MAX + 1];
	struct mailaddr parts;
	struct buf folded;

	if (len == 0 || len > ADDRESS_MAX || !is_printable(bytes, len))
		return false;
	memcpy(raw, bytes, len);
	raw[len] = '\0';
	buf_init(&folded, text, ADDRESS_MAX);
	mailaddr_fold(raw, &folded);
	text[folded.len] = '\0';
	mailaddr_split(text, &parts);
	return parts.domain_len > 0 && (parts.local_len > 0 || domain_too);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts and drops what is there twice. */
static void
make_unique(struct account_names *names)
{
	size_t kept = 0;

	if (names->count == 0)
		return;
	qsort(names->name, names->count, sizeof(*names->name), compare);
	for (size_t i = 1; i < names->count; i++) {
		if (strcmp(names->name[kept], names->name[i]) == 0)
			free(names->name[i]);
		else
			names->name[++kept] = names->name[i];
	}
	names->count = kept + 1;
}

static void
add_addresses(struct account *account,
    const struct account_attribute *attribute)
{
	static const char type[] = "smtp:";
	const size_t type_len =
	    has_type(attribute->name) ? sizeof(type) - 1 : 0;
	char text[ADDRESS_MAX + 1];

	for (size_t i = 0; i < attribute->count; i++) {
		const struct account_value value = trim(attribute->values[i]);

		if (value.len <= type_len ||
		    strncasecmp(value.bytes, type, type_len) != 0)
			continue;
		if (fold(value.bytes + type_len, value.len - type_len, false,
			text))
			add_name(&account->addresses, text, strlen(text));
	}
}

static void
add_senders(struct account_names *names,
    const struct account_attribute *attribute)
{
	char text[ADDRESS_MAX + 1];

	for (size_t i = 0; i < attribute->count; i++) {
		const struct account_value value = trim(attribute->values[i]);

		if (fold(value.bytes, value.len, true, text))
			add_name(names, text, strlen(text));
	}
}

static void
add_dns(struct account_names *names, const struct account_attribute *attribute)
{
	for (size_t i = 0; i < attribute->count; i++) {
		const struct account_value *value = &attribute->values[i];

		if (value->len > 0 && value->len <= DN_MAX &&
		    memchr(value->bytes, '\0', value->len) == NULL)
			add_name(names, value->bytes, value->len);
	}
}

/* A number without sign; false when it is none or too large. */
static bool
read_number(const struct account_value *value, uint64_t *number)
{
	uint64_t result = 0;

	if (value->len == 0 || value->len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < value->len; i++) {
		if (value->bytes[i] < '0' || value->bytes[i] > '9')
			return false;
		result = result * 10 + (uint64_t)(value->bytes[i] - '0');
	}
	*number = result;
	return true;
}

static bool
is_word(const struct account_value *value, const char *word)
{
	return value->len == strlen(word) &&
	       strncasecmp(value->bytes, word, value->len) == 0;
}

static enum recipient_greylist
greylist_of(const struct account_value *value)
{
	if (is_word(value, "on"))
		return RECIPIENT_GREYLIST_ON;
	if (is_word(value, "observe"))
		return RECIPIENT_GREYLIST_OBSERVE;
	if (is_word(value, "off"))
		return RECIPIENT_GREYLIST_OFF;
	return RECIPIENT_GREYLIST_DEFAULT;
}

static bool
is_named(const struct account_attribute *attribute, const char *name)
{
	return strcasecmp(attribute->name, name) == 0;
}

/* Settings of one value. */
static void
read_setting(const struct account_policy *policy,
    const struct account_attribute *attribute, struct recipient_record *record)
{
	const struct account_value trimmed = trim(attribute->values[0]);
	const struct account_value *value = &trimmed;
	uint64_t number;

	if (is_named(attribute, "msExchRequireAuthToSendTo"))
		record->internal_only = is_word(value, "TRUE");
	else if (is_named(attribute, "policydGreylist"))
		record->greylist = greylist_of(value);
	else if (!read_number(value, &number))
		return;
	else if (is_named(attribute, "userAccountControl"))
		record->disabled = policy->kind == ACCOUNT_ACTIVE_DIRECTORY &&
				   (number & ACCOUNT_DISABLED) != 0;
	else if (is_named(attribute, "delivContLength"))
		/* A limit beyond all messages is none. */
		record->max_size =
		    number < INT64_MAX / KILOBYTE / 4 ? number * KILOBYTE : 0;
	else if (is_named(attribute, "policydDelay"))
		record->delay =
		    number > 0 && number <= DELAY_MAX ? (time_t)number : 0;
}

/* Lists of names. */
static void
read_list(const struct account_attribute *attribute, struct account *account)
{
	if (is_named(attribute, "authOrig"))
		add_dns(&account->permitted, attribute);
	else if (is_named(attribute, "dLMemSubmitPerms"))
		add_dns(&account->permitted_groups, attribute);
	else if (is_named(attribute, "unauthOrig"))
		add_dns(&account->refused, attribute);
	else if (is_named(attribute, "dLMemRejectPerms"))
		add_dns(&account->refused_groups, attribute);
	else if (is_named(attribute, "policydAllowedSender"))
		add_senders(&account->allowed_senders, attribute);
	else if (is_named(attribute, "policydRefusedSender"))
		add_senders(&account->refused_senders, attribute);
}

static bool
is_address(const struct account_policy *policy,
    const struct account_attribute *attribute)
{
	for (size_t i = 0; policy->addresses[i] != NULL; i++)
		if (is_named(attribute, policy->addresses[i]))
			return true;
	return false;
}

static int
digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	return -1;
}

/* entryUUID: 597ae2f6-16a6-1027-98f4-d28b5365dc14 (RFC 4530 2.1). */
static bool
read_uuid(const struct account_value *value, unsigned char *id)
{
	size_t digits = 0;

	if (value->len != UUID_TEXT)
		return false;
	for (size_t i = 0; i < UUID_TEXT; i++) {
		const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		const int number = digit(value->bytes[i]);

		if (is_dash ? value->bytes[i] != '-' : number < 0)
			return false;
		if (is_dash)
			continue;
		id[digits / 2] = (unsigned char)(id[digits / 2] << 4 | number);
		digits++;
	}
	return true;
}

static bool
read_identity(const struct account_policy *policy,
    const struct account_attribute *attributes, size_t count, unsigned char *id)
{
	const char *name = identity_of(policy);

	for (size_t i = 0; i < count; i++) {
		if (!is_named(&attributes[i], name) || attributes[i].count != 1)
			continue;
		if (policy->kind == ACCOUNT_OPENLDAP)
			return read_uuid(attributes[i].values, id);
		if (attributes[i].values->len != RECIPIENT_ID)
			return false;
		memcpy(id, attributes[i].values->bytes, RECIPIENT_ID);
		return true;
	}
	return false;
}

bool
account_read(const struct account_policy *policy,
    const struct account_attribute *attributes, size_t count,
    struct account *account)
{
	struct account read = { .addresses = { NULL, 0 } };

	if (!read_identity(policy, attributes, count, read.record.id))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (attributes[i].count == 0)
			continue;
		if (is_address(policy, &attributes[i]))
			add_addresses(&read, &attributes[i]);
		read_setting(policy, &attributes[i], &read.record);
		read_list(&attributes[i], &read);
	}
	make_unique(&read.addresses);
	make_unique(&read.allowed_senders);
	make_unique(&read.refused_senders);
	read.record.permits =
	    read.permitted.count > 0 || read.permitted_groups.count > 0;
	read.record.refuses = read.refused.count > 0 ||
			      read.refused_groups.count > 0 ||
			      read.refused_senders.count > 0;
	read.record.allows = read.allowed_senders.count > 0;
	*account = read;
	return true;
}

void
account_finish(struct account *account)
{
	free_names(&account->addresses);
	free_names(&account->permitted);
	free_names(&account->permitted_groups);
	free_names(&account->refused);
	free_names(&account->refused_groups);
	free_names(&account->allowed_senders);
	free_names(&account->refused_senders);
}

bool
account_has(const struct account *account, const char *address)
{
	for (size_t i = 0; i < account->addresses.count; i++)
		if (strcmp(account->addresses.name[i], address) == 0)
			return true;
	return false;
}

/* Reads digits at `text`; returns where they end, NULL when there are none or
 * the number is too large. */
static const char *
read_range_number(const char *text, unsigned *number)
{
	unsigned result = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (result >= RANGE_MAX / 10)
			return NULL;
		result = result * 10 + (unsigned)(*at - '0');
	}
	*number = result;
	return at > text ? at : NULL;
}

bool
account_range(const char *name, size_t *name_len, unsigned *next)
{
	static const char option[] = ";range=";
	const char *semicolon = strchr(name, ';');
	const char *at;
	unsigned first;
	unsigned last;

	if (semicolon == NULL || semicolon == name ||
	    strncasecmp(semicolon, option, sizeof(option) - 1) != 0)
		return false;
	at = read_range_number(semicolon + sizeof(option) - 1, &first);
	if (at == NULL || *at != '-')
		return false;
	if (strcmp(at, "-*") == 0) {
		*name_len = (size_t)(semicolon - name);
		*next = 0;
		return true;
	}
	at = read_range_number(at + 1, &last);
	if (at == NULL || *at != '\0' || last < first)
		return false;
	*name_len = (size_t)(semicolon - name);
	*next = last + 1;
	return true;
}
