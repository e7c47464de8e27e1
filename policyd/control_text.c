/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control_text.h"

#include <string.h>

#include "ldap_hex.h"

void
control_put_text(struct buf *out, const char *name, const char *text)
{
	buf_puts(out, name);
	buf_putc(out, '=');
	for (; *text != '\0'; text++)
		buf_putc(out, *text == '\n' || *text == '\r' ? '?' : *text);
	buf_putc(out, '\n');
}

void
control_put_number(struct buf *out, const char *name, unsigned long long number)
{
	buf_printf(out, "%s=%llu\n", name, number);
}

void
control_put_record(struct buf *out, const char *name,
    const struct recipient_record *record)
{
	char bytes[RECORD_SIZE];
	const size_t len = recipient_record_write(record, bytes);

	buf_puts(out, name);
	buf_putc(out, '=');
	ldap_hex_write(out, bytes, len);
	buf_putc(out, '\n');
}

const char *
control_status_name(enum recipient_status status)
{
	switch (status) {
	case RECIPIENT_UNAVAILABLE:
		break;
	case RECIPIENT_VALID:
		return "valid";
	case RECIPIENT_UNKNOWN:
		return "unknown";
	}
	return "unavailable";
}

enum recipient_status
control_read_status(const char *name)
{
	if (strcmp(name, "valid") == 0)
		return RECIPIENT_VALID;
	if (strcmp(name, "unknown") == 0)
		return RECIPIENT_UNKNOWN;
	return RECIPIENT_UNAVAILABLE;
}

bool
control_read_record(const char *digits, struct recipient_record *record)
{
	unsigned char bytes[RECORD_SIZE];
	const size_t len = strlen(digits);

	return len <= 2 * sizeof(bytes) && ldap_hex_read(digits, bytes) &&
	       recipient_record_read((const char *)bytes, len / 2, record);
}
