/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_settings.h"

#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "xalloc.h"

/* Seconds, searches, entries: no setting is larger. */
#define NUMBER_MAX 1000000

/* A word for each value of an enum, in its order. */
struct words {
	const char *name;
	const char *word[8];
};

static const struct words kinds = { "kind",
	{ "active-directory", "openldap" } };
static const struct words binds = { "bind",
	{ "simple", "gssapi", "external", "anonymous" } };
static const struct words methods = { "sync",
	{ "auto", "dirsync", "usn", "syncrepl", "full" } };

struct field {
	const char *name;
	size_t offset;
};

#define FIELD(name, member) \
	{ \
		name, offsetof(struct ldap_settings, member) \
	}

static const struct field texts[] = {
	FIELD("srv", srv),
	FIELD("filter", filter),
	FIELD("base", base),
	FIELD("bind-dn", bind_dn),
	FIELD("password-file", password_file),
	FIELD("keytab", keytab),
	FIELD("tls-ca-file", tls_ca_file),
	FIELD("tls-certificate", tls_certificate),
	FIELD("tls-key", tls_key),
};

static const struct field numbers[] = {
	FIELD("network-timeout", network_timeout),
	FIELD("bind-timeout", bind_timeout),
	FIELD("search-timeout", search_timeout),
	FIELD("idle-timeout", idle_timeout),
	FIELD("max-outstanding", max_outstanding),
	FIELD("page-size", page_size),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static char *
text_get(const struct ldap_settings *settings, const struct field *field)
{
	char *text;

	memcpy(&text, (const char *)settings + field->offset, sizeof(text));
	return text;
}

static void
text_set(struct ldap_settings *settings, const struct field *field,
    const char *text)
{
	char *copy = xstrdup(text);

	memcpy((char *)settings + field->offset, &copy, sizeof(copy));
}

static unsigned
number_get(const struct ldap_settings *settings, const struct field *field)
{
	unsigned number;

	memcpy(&number, (const char *)settings + field->offset, sizeof(number));
	return number;
}

static void
put(struct buf *out, const char *name, const char *value)
{
	attr_write(out, name, value, strlen(value));
}

static void
put_list(struct buf *out, const char *name, char *const *list)
{
	for (; *list != NULL; list++)
		put(out, name, *list);
}

static void
put_number(struct buf *out, const char *name, unsigned number)
{
	buf_printf(out, "%s=%u\n", name, number);
}

void
ldap_settings_write(const struct ldap_settings *settings, struct buf *out)
{
	put(out, "request", "configure");
	put_list(out, "uri", settings->uri);
	put_list(out, "address", settings->addresses);
	for (size_t i = 0; i < COUNT(texts); i++)
		put(out, texts[i].name, text_get(settings, &texts[i]));
	for (size_t i = 0; i < COUNT(numbers); i++)
		put_number(out, numbers[i].name,
		    number_get(settings, &numbers[i]));
	put(out, kinds.name, kinds.word[settings->kind]);
	put(out, binds.name, binds.word[settings->bind]);
	put(out, methods.name, methods.word[settings->sync]);
	put_number(out, "tls-verify", settings->tls_verify);
	put_number(out, "start-tls", settings->start_tls);
	attr_write_end(out);
}

static const char *
find(const struct message *message, const char *name)
{
	for (size_t i = 0; i < message->count; i++)
		if (strcmp(message->attributes[i].name, name) == 0)
			return message->attributes[i].value;
	return NULL;
}

/* The values of every attribute of this name; false when they are too many. */
static bool
get_list(const struct message *message, const char *name, char **list,
    size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < message->count; i++) {
		const struct attr *attr = &message->attributes[i];

		if (strcmp(attr->name, name) != 0)
			continue;
		if (count == max)
			return false;
		list[count++] = xstrdup(attr->value);
	}
	return true;
}

static bool
get_number(const struct message *message, const char *name, unsigned max,
    unsigned *number)
{
	const unsigned long long read =
	    message_number(message, name, max, NUMBER_MAX + 1ULL);

	if (read > max)
		return false;
	*number = (unsigned)read;
	return true;
}

static bool
get_flag(const struct message *message, const char *name, bool *flag)
{
	unsigned number;

	if (!get_number(message, name, 1, &number))
		return false;
	*flag = number == 1;
	return true;
}

static bool
get_word(const struct message *message, const struct words *words,
    unsigned *value)
{
	const char *text = find(message, words->name);

	for (unsigned i = 0; text != NULL && i < COUNT(words->word); i++) {
		if (words->word[i] != NULL &&
		    strcmp(words->word[i], text) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

static bool
get_texts(const struct message *message, struct ldap_settings *settings)
{
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *text = find(message, texts[i].name);

		if (text == NULL)
			return false;
		text_set(settings, &texts[i], text);
	}
	return true;
}

static bool
get_numbers(const struct message *message, struct ldap_settings *settings)
{
	for (size_t i = 0; i < COUNT(numbers); i++) {
		unsigned number;

		if (!get_number(message, numbers[i].name, NUMBER_MAX, &number))
			return false;
		memcpy((char *)settings + numbers[i].offset, &number,
		    sizeof(number));
	}
	return true;
}

static bool
get_words(const struct message *message, struct ldap_settings *settings)
{
	unsigned kind;
	unsigned bind;
	unsigned method;

	if (!get_word(message, &kinds, &kind) ||
	    !get_word(message, &binds, &bind) ||
	    !get_word(message, &methods, &method))
		return false;
	settings->kind = (enum account_kind)kind;
	settings->bind = (enum ldap_bind)bind;
	settings->sync = (enum ldap_sync_method)method;
	return true;
}

struct ldap_settings *
ldap_settings_read(const struct message *message)
{
	struct ldap_settings *settings = xcalloc(1, sizeof(*settings));

	if (get_list(message, "uri", settings->uri, LDAP_SERVERS_MAX) &&
	    get_list(message, "address", settings->addresses,
		LDAP_ADDRESS_ATTRIBUTES_MAX) &&
	    get_texts(message, settings) && get_numbers(message, settings) &&
	    get_words(message, settings) &&
	    get_flag(message, "tls-verify", &settings->tls_verify) &&
	    get_flag(message, "start-tls", &settings->start_tls) &&
	    (settings->uri[0] != NULL || *settings->srv != '\0') &&
	    settings->addresses[0] != NULL)
		return settings;
	ldap_settings_free(settings);
	return NULL;
}

static void
copy_list(char *const *list, char **copy)
{
	for (; *list != NULL; list++)
		*copy++ = xstrdup(*list);
	*copy = NULL;
}

struct ldap_settings *
ldap_settings_copy(const struct ldap_settings *settings)
{
	struct ldap_settings *copy = xmalloc(sizeof(*copy));

	*copy = *settings;
	copy_list(settings->uri, copy->uri);
	copy_list(settings->addresses, copy->addresses);
	for (size_t i = 0; i < COUNT(texts); i++)
		text_set(copy, &texts[i], text_get(settings, &texts[i]));
	return copy;
}

static void
free_list(char **list)
{
	for (; *list != NULL; list++)
		free(*list);
}

void
ldap_settings_free(struct ldap_settings *settings)
{
	if (settings == NULL)
		return;
	free_list(settings->uri);
	free_list(settings->addresses);
	for (size_t i = 0; i < COUNT(texts); i++)
		free(text_get(settings, &texts[i]));
	free(settings);
}

struct account_policy
ldap_settings_policy(const struct ldap_settings *settings)
{
	return (struct account_policy){
		.kind = settings->kind,
		.addresses = (const char *const *)settings->addresses,
		.filter = settings->filter,
	};
}
