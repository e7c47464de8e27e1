/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_state.h"

#include <stdio.h>
#include <string.h>

#include "ldap_hex.h"

static const char *const method_name[] = {
	[LDAP_SYNC_AUTO] = "auto",
	[LDAP_SYNC_DIRSYNC] = "dirsync",
	[LDAP_SYNC_USN] = "usn",
	[LDAP_SYNC_SYNCREPL] = "syncrepl",
	[LDAP_SYNC_FULL] = "full",
};

const char *
ldap_method_name(enum ldap_sync_method method)
{
	return method_name[method];
}

/* FNV-1a: a change of the settings must not go unnoticed by accident; nobody
 * attacks it. */
static uint64_t
mix(uint64_t hash, const char *text)
{
	do {
		hash ^= (unsigned char)*text;
		hash *= 1099511628211U;
	} while (*text++ != '\0');
	return hash;
}

static uint64_t
fingerprint(const struct ldap_settings *settings)
{
	const char kind[] = { (char)('a' + (int)settings->kind),
		(char)('a' + (int)settings->bind), '\0' };
	uint64_t hash = mix(14695981039346656037U, kind);

	hash = mix(hash, settings->base);
	hash = mix(hash, settings->filter);
	hash = mix(hash, settings->bind_dn);
	for (char *const *name = settings->addresses; *name != NULL; name++)
		hash = mix(hash, *name);
	return hash;
}

void
ldap_state_init(struct ldap_state *state, enum ldap_sync_method method,
    const struct ldap_settings *settings, const struct ldap_root *root)
{
	memset(state, 0, sizeof(*state));
	state->method = method;
	state->settings = fingerprint(settings);
	snprintf(state->service, sizeof(state->service), "%.*s",
	    LDAP_SERVICE_MAX, root->service);
	memcpy(state->invocation, root->invocation, RECIPIENT_ID);
	state->usn = root->usn;
	memcpy(state->domain, root->domain, RECIPIENT_ID);
}

/* The numbers of changes are those of one database: another server has others,
 * and so has this one when it was set up anew or went back to a backup.  A
 * cookie of DirSync means the same everywhere in the domain. */
static const char *
find_obstacle(const struct ldap_state *state, const struct ldap_state *now)
{
	const bool same_server = strcmp(state->service, now->service) == 0;

	if (state->settings != now->settings)
		return "the settings have changed";
	if (memcmp(state->domain, now->domain, RECIPIENT_ID) != 0)
		return "the server belongs to another domain";
	if (!same_server && state->method == LDAP_SYNC_USN)
		return "it is another server than before";
	if (same_server &&
	    memcmp(state->invocation, now->invocation, RECIPIENT_ID) != 0)
		return "the server's database is another one than before";
	if (same_server && now->usn < state->usn)
		return "the server's database is older than it was before";
	return NULL;
}

int
ldap_state_check(const struct ldap_state *state,
    const struct ldap_settings *settings, const struct ldap_root *root,
    struct err *err)
{
	struct ldap_state now;
	const char *obstacle;

	ldap_state_init(&now, state->method, settings, root);
	obstacle = find_obstacle(state, &now);
	if (obstacle == NULL)
		return 0;
	err_set(err, "a full load is needed: %s", obstacle);
	return -1;
}

bool
ldap_state_set_cookie(struct ldap_state *state, const void *cookie, size_t len)
{
	if (len > LDAP_COOKIE_MAX)
		return false;
	if (len > 0)
		memcpy(state->cookie, cookie, len);
	state->cookie_len = len;
	return true;
}

/* A field of no bytes is "-". */
static void
put_field(struct buf *out, const void *bytes, size_t len)
{
	buf_putc(out, ' ');
	if (len == 0)
		buf_putc(out, '-');
	ldap_hex_write(out, bytes, len);
}

static void
put_number(struct buf *out, uint64_t number)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(number >> (56 - 8 * i));
	put_field(out, bytes, sizeof(bytes));
}

bool
ldap_state_write(const struct ldap_state *state, struct buf *out)
{
	buf_puts(out, ldap_method_name(state->method));
	buf_putc(out, ':');
	put_number(out, state->settings);
	put_field(out, state->service, strlen(state->service));
	put_field(out, state->invocation, RECIPIENT_ID);
	put_number(out, state->usn);
	put_field(out, state->domain, RECIPIENT_ID);
	put_number(out, state->flags);
	put_field(out, state->cookie, state->cookie_len);
	return buf_putc(out, '\0');
}

static bool
read_method(const char **text, enum ldap_sync_method *method)
{
	const size_t len = strcspn(*text, ":");

	for (int i = LDAP_SYNC_DIRSYNC; i <= LDAP_SYNC_FULL; i++) {
		if (strlen(method_name[i]) == len && (*text)[len] == ':' &&
		    memcmp(method_name[i], *text, len) == 0) {
			*method = (enum ldap_sync_method)i;
			*text += len + 1;
			return true;
		}
	}
	return false;
}

/* Reads a field of `least` to `most` bytes. */
static bool
read_field(const char **text, void *bytes, size_t least, size_t most,
    size_t *len)
{
	char digits[2 * LDAP_COOKIE_MAX + 1];
	size_t count;

	if (**text != ' ')
		return false;
	++*text;
	count = strcspn(*text, " ");
	if (count == 1 && **text == '-') {
		++*text;
		*len = 0;
		return least == 0;
	}
	if (count < 2 * least || count > 2 * most)
		return false;
	memcpy(digits, *text, count);
	digits[count] = '\0';
	*text += count;
	*len = count / 2;
	return ldap_hex_read(digits, bytes);
}

static bool
read_id(const char **text, unsigned char id[static RECIPIENT_ID])
{
	size_t len;

	return read_field(text, id, RECIPIENT_ID, RECIPIENT_ID, &len);
}

static bool
read_number(const char **text, uint64_t *number)
{
	unsigned char bytes[8];
	size_t len;

	if (!read_field(text, bytes, sizeof(bytes), sizeof(bytes), &len))
		return false;
	*number = 0;
	for (size_t i = 0; i < sizeof(bytes); i++)
		*number = *number << 8 | bytes[i];
	return true;
}

bool
ldap_state_read(const char *text, struct ldap_state *state)
{
	uint64_t flags = 0;
	size_t len = 0;

	memset(state, 0, sizeof(*state));
	if (!read_method(&text, &state->method) ||
	    !read_number(&text, &state->settings) ||
	    !read_field(&text, state->service, 0, LDAP_SERVICE_MAX, &len) ||
	    !read_id(&text, state->invocation) ||
	    !read_number(&text, &state->usn) ||
	    !read_id(&text, state->domain) || !read_number(&text, &flags) ||
	    !read_field(&text, state->cookie, 0, LDAP_COOKIE_MAX,
		&state->cookie_len))
		return false;
	state->flags = (unsigned)flags;
	return *text == '\0';
}
