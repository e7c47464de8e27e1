/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_json.h"

#include <string.h>

#include "buf.h"
#include "directory.h"
#include "policyctl_settings.h"

json_t *
json_address(const char *address)
{
	json_t *string = json_string(address);
	char memory[4 * ADDRESS_MAX];
	struct buf escaped;

	if (string != NULL)
		return string;
	buf_init(&escaped, memory, sizeof(memory));
	buf_put_escaped(&escaped, address, strnlen(address, ADDRESS_MAX));
	return json_stringn(escaped.data, escaped.len);
}

static json_t *
json_id(const struct recipient_setting *setting,
    const struct recipient_record *record)
{
	char memory[SETTING_TEXT];
	struct buf text;

	buf_init(&text, memory, sizeof(memory));
	recipient_setting_write(setting, record, &text);
	return json_stringn(text.data, text.len);
}

static json_t *
json_setting(const struct recipient_setting *setting,
    const struct recipient_record *record)
{
	switch (setting->kind) {
	case RECIPIENT_SETTING_ID:
		break;
	case RECIPIENT_SETTING_BOOLEAN:
		return json_boolean(recipient_setting_boolean(setting, record));
	case RECIPIENT_SETTING_SIZE:
		return json_integer((json_int_t)record->max_size);
	case RECIPIENT_SETTING_GREYLIST:
		return json_string(recipient_setting_greylist(record));
	case RECIPIENT_SETTING_DELAY:
		return json_integer((json_int_t)record->delay);
	}
	return json_id(setting, record);
}

void
json_put_settings(json_t *object, const struct recipient_record *record)
{
	for (const struct recipient_setting *setting = recipient_settings;
	     setting->name != NULL; setting++)
		json_object_set_new(object, setting->name,
		    json_setting(setting, record));
}

void
json_print(FILE *out, json_t *value)
{
	json_dumpf(value, out,
	    JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));
	json_decref(value);
}
