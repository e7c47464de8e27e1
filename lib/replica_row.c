/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "replica_row.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_VERSION = 1 };

static void
begin_key(struct replica_key *key, unsigned char generation)
{
	key->bytes[0] = (char)generation;
	key->len = 1;
}

static bool
append(struct replica_key *key, const void *bytes, size_t len)
{
	if (len > sizeof(key->bytes) - key->len)
		return false;
	memcpy(key->bytes + key->len, bytes, len);
	key->len += len;
	return true;
}

bool
replica_key_recipient(struct replica_key *key, unsigned char generation,
    const char *address)
{
	const size_t len = strlen(address);

	begin_key(key, generation);
	return len <= ADDRESS_MAX && append(key, address, len);
}

bool
replica_key_sender(struct replica_key *key, unsigned char generation,
    const unsigned char id[static RECIPIENT_ID], const char *sender)
{
	begin_key(key, generation);
	return append(key, id, RECIPIENT_ID) &&
	       append(key, sender, strlen(sender));
}

void
replica_key_object(struct replica_key *key, unsigned char generation,
    const unsigned char id[static RECIPIENT_ID], unsigned part)
{
	const unsigned char number[] = {
		(unsigned char)(part >> 8),
		(unsigned char)part,
	};

	begin_key(key, generation);
	append(key, id, RECIPIENT_ID);
	if (part > 0)
		append(key, number, sizeof(number));
}

bool
replica_part_add(struct buf *part, const char *address)
{
	/* Its end, too: an address holds no NUL. */
	return buf_append(part, address, strlen(address) + 1);
}

const char *
replica_part_next(const struct buf *part, size_t *at,
    char address[static ADDRESS_MAX + 1])
{
	const char *start = part->data + *at;
	const char *end = memchr(start, '\0', part->len - *at);

	if (end == NULL || (size_t)(end - start) > ADDRESS_MAX)
		return NULL;
	memcpy(address, start, (size_t)(end - start) + 1);
	*at += (size_t)(end - start) + 1;
	return address;
}

void
replica_status_write(const struct replica_status_row *row, struct buf *out)
{
	buf_printf(out,
	    "%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
	    " %" PRId64 " %" PRId64,
	    STATUS_VERSION, row->generation, row->begun, row->objects,
	    row->addresses, row->loaded, row->loaded_at, row->confirmed_at);
}

bool
replica_status_read(const char *text, struct replica_status_row *row)
{
	int version;

	return sscanf(text,
		   "%d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNd64 " %" SCNd64,
		   &version, &row->generation, &row->begun, &row->objects,
		   &row->addresses, &row->loaded, &row->loaded_at,
		   &row->confirmed_at) == 8 &&
	       version == STATUS_VERSION && row->generation <= UINT8_MAX &&
	       row->begun <= UINT8_MAX;
}
