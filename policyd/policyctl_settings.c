/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "ldap_hex.h"

#define BOOLEAN(field, shown) \
	{ \
#field, shown, RECIPIENT_SETTING_BOOLEAN, \
		    offsetof(struct recipient_record, field) \
	}

const struct recipient_setting recipient_settings[] = {
	{ "id", "id", RECIPIENT_SETTING_ID, 0 },
	BOOLEAN(disabled, "disabled"),
	BOOLEAN(internal_only, "internal-only"),
	{ "max_size", "max-size", RECIPIENT_SETTING_SIZE, 0 },
	{ "greylist", "greylist", RECIPIENT_SETTING_GREYLIST, 0 },
	{ "delay", "delay", RECIPIENT_SETTING_DELAY, 0 },
	BOOLEAN(permits, "permits-only"),
	BOOLEAN(refuses, "refuses"),
	BOOLEAN(allows, "allows"),
	{ NULL, NULL, RECIPIENT_SETTING_ID, 0 },
};

static const char *const greylists[] = {
	[RECIPIENT_GREYLIST_DEFAULT] = "default",
	[RECIPIENT_GREYLIST_ON] = "on",
	[RECIPIENT_GREYLIST_OBSERVE] = "observe",
	[RECIPIENT_GREYLIST_OFF] = "off",
};

enum { GREYLISTS = sizeof(greylists) / sizeof(greylists[0]) };

bool
recipient_setting_boolean(const struct recipient_setting *setting,
    const struct recipient_record *record)
{
	return *(const bool *)((const char *)record + setting->offset);
}

const char *
recipient_setting_greylist(const struct recipient_record *record)
{
	return greylists[record->greylist];
}

static void
write_size(uint64_t size, struct buf *out)
{
	char text[SIZE_TEXT];

	if (size == 0)
		return;
	size_format(size, text);
	buf_puts(out, text);
}

static void
write_delay(time_t delay, struct buf *out)
{
	char text[DURATION_TEXT];

	if (delay == 0)
		return;
	duration_format(delay, text);
	buf_puts(out, text);
}

void
recipient_setting_write(const struct recipient_setting *setting,
    const struct recipient_record *record, struct buf *out)
{
	switch (setting->kind) {
	case RECIPIENT_SETTING_ID:
		ldap_hex_write(out, record->id, sizeof(record->id));
		break;
	case RECIPIENT_SETTING_BOOLEAN:
		buf_puts(out,
		    recipient_setting_boolean(setting, record) ? "yes" : "no");
		break;
	case RECIPIENT_SETTING_SIZE:
		write_size(record->max_size, out);
		break;
	case RECIPIENT_SETTING_GREYLIST:
		if (record->greylist != RECIPIENT_GREYLIST_DEFAULT)
			buf_puts(out, recipient_setting_greylist(record));
		break;
	case RECIPIENT_SETTING_DELAY:
		write_delay(record->delay, out);
		break;
	}
}

static int
read_id(const char *text, struct recipient_record *record, struct err *err)
{
	unsigned char id[RECIPIENT_ID];

	if (*text == '\0')
		return 0;
	if (strlen(text) != 2 * sizeof(id) || !ldap_hex_read(text, id)) {
		err_set(err, "it is not %zu hexadecimal digits in lower case",
		    2 * sizeof(id));
		return -1;
	}
	memcpy(record->id, id, sizeof(id));
	return 0;
}

static int
read_boolean(const char *text, bool *value, struct err *err)
{
	if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0 &&
	    *text != '\0') {
		err_set(err, "it is neither yes nor no");
		return -1;
	}
	*value = strcmp(text, "yes") == 0;
	return 0;
}

/* "64M", or a number of bytes. */
static int
read_size(const char *text, uint64_t *value, struct err *err)
{
	uint64_t size = 0;
	char *end;

	errno = 0;
	if (text[strspn(text, "0123456789")] == '\0') {
		size = strtoull(text, &end, 10);
	} else if (size_parse(text, &size, err) != 0) {
		return -1;
	}
	/* The record has room for no more. */
	if (errno != 0 || size >= INT64_MAX / 2) {
		err_set(err, "it is too large");
		return -1;
	}
	*value = size;
	return 0;
}

static int
read_greylist(const char *text, enum recipient_greylist *value, struct err *err)
{
	if (*text == '\0') {
		*value = RECIPIENT_GREYLIST_DEFAULT;
		return 0;
	}
	for (unsigned i = 0; i < GREYLISTS; i++) {
		if (strcmp(text, greylists[i]) == 0) {
			*value = (enum recipient_greylist)i;
			return 0;
		}
	}
	err_set(err, "it is none of default, on, observe and off");
	return -1;
}

static int
read_delay(const char *text, time_t *value, struct err *err)
{
	int64_t delay = 0;

	if (*text != '\0' && duration_parse(text, &delay, err) != 0)
		return -1;
	*value = (time_t)delay;
	return 0;
}

int
recipient_setting_read(const struct recipient_setting *setting,
    const char *text, struct recipient_record *record, struct err *err)
{
	switch (setting->kind) {
	case RECIPIENT_SETTING_ID:
		return read_id(text, record, err);
	case RECIPIENT_SETTING_BOOLEAN:
		return read_boolean(text,
		    (bool *)((char *)record + setting->offset), err);
	case RECIPIENT_SETTING_SIZE:
		return read_size(text, &record->max_size, err);
	case RECIPIENT_SETTING_GREYLIST:
		return read_greylist(text, &record->greylist, err);
	case RECIPIENT_SETTING_DELAY:
		return read_delay(text, &record->delay, err);
	}
	return -1;
}
