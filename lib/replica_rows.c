/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "replica_rows.h"

#include <string.h>

#include "container.h"

/* Rows that are looked at together when those of one object are removed. */
enum { STEP = 32 };

enum store_status
replica_rows_find(const struct replica_rows *rows, const char *address,
    struct recipient_record *record)
{
	struct replica_key key;
	char bytes[RECORD_SIZE];
	struct buf value;
	enum store_status status;

	if (!replica_key_recipient(&key, rows->generation, address))
		return STORE_MISSING;
	buf_init(&value, bytes, sizeof(bytes));
	status = store_read(rows->store, STORE_RECIPIENT, key.bytes, key.len,
	    &value);
	if (status == STORE_FOUND &&
	    !recipient_record_read(value.data, value.len, record))
		return STORE_UNAVAILABLE;
	return status;
}

/* Adds the lists that one spelling of a sender is in. */
static bool
add_listing(const struct replica_rows *rows, const unsigned char *id,
    const char *sender, unsigned *listing)
{
	struct replica_key key;
	unsigned char bits;
	struct buf value;

	if (!replica_key_sender(&key, rows->generation, id, sender))
		return true;
	buf_init(&value, (char *)&bits, sizeof(bits));
	switch (
	    store_read(rows->store, STORE_SENDER, key.bytes, key.len, &value)) {
	case STORE_UNAVAILABLE:
		return false;
	case STORE_FOUND:
		*listing |= bits;
		return true;
	case STORE_MISSING:
		break;
	}
	return true;
}

bool
replica_rows_listing(const struct replica_rows *rows,
    const unsigned char id[static RECIPIENT_ID], const char *sender,
    unsigned *listing)
{
	const char *domain = strrchr(sender, '@');
	unsigned found = 0;
	unsigned many = 0;

	if (!add_listing(rows, id, SENDER_MANY, &many) || many != 0 ||
	    !add_listing(rows, id, sender, &found) ||
	    (domain != NULL && !add_listing(rows, id, domain, &found)))
		return false;
	*listing = found;
	return true;
}

static bool
has_room(struct replica_rows *rows)
{
	if (rows->objects + rows->addresses < rows->max_rows)
		return true;
	rows->refused++;
	return false;
}

/* Stops at the first row that does not begin with the key. */
struct prefix_visitor {
	struct store_visitor visitor;
	const struct replica_key *prefix;
	struct replica_rows_visitor *behind;
	bool is_over;
};

static bool
has_prefix(const char *key, size_t len, const struct replica_key *prefix)
{
	return len >= prefix->len &&
	       memcmp(key, prefix->bytes, prefix->len) == 0;
}

static bool
visit(struct store_visitor *visitor, const struct store_row *row)
{
	struct prefix_visitor *seen =
	    container_of(visitor, struct prefix_visitor, visitor);

	if (!has_prefix(row->key, row->key_len, seen->prefix))
		seen->is_over = true;
	return !seen->is_over && seen->behind->visit(seen->behind, row);
}

bool
replica_rows_scan(struct store *store, enum store_table table,
    const struct replica_key *prefix, struct store_cursor *cursor,
    unsigned count, struct replica_rows_visitor *visitor)
{
	struct prefix_visitor seen = {
		.visitor = { .is_over = visit },
		.prefix = prefix,
		.behind = visitor,
	};

	if (cursor->key_len == 0) {
		memcpy(cursor->key, prefix->bytes, prefix->len);
		cursor->key_len = prefix->len;
	}
	return store_scan(store, table, cursor, count, &seen.visitor) ==
		   STORE_SCAN_MORE &&
	       !seen.is_over &&
	       has_prefix(cursor->key, cursor->key_len, prefix);
}

static bool
remove_every(struct replica_rows_visitor *visitor, const struct store_row *row)
{
	(void)visitor;
	(void)row;
	return true;
}

static void
remove_senders(struct replica_rows *rows, const unsigned char *id)
{
	struct replica_rows_visitor every = { .visit = remove_every };
	struct store_cursor cursor = { .key_len = 0 };
	struct replica_key key;

	replica_key_sender(&key, rows->generation, id, "");
	while (replica_rows_scan(rows->store, STORE_SENDER, &key, &cursor, STEP,
	    &every))
		;
}

/* Removes an address, if it is this object's. */
static void
remove_address(struct replica_rows *rows, const unsigned char *id,
    const char *address)
{
	struct recipient_record record;
	struct replica_key key;

	if (replica_rows_find(rows, address, &record) != STORE_FOUND ||
	    memcmp(record.id, id, RECIPIENT_ID) != 0)
		return;
	replica_key_recipient(&key, rows->generation, address);
	store_remove(rows->store, STORE_RECIPIENT, key.bytes, key.len);
	rows->addresses -= rows->addresses > 0 ? 1 : 0;
}

/* Removes one part of an object and its addresses; false when there is no such
 * part. */
static bool
remove_part(struct replica_rows *rows, const unsigned char *id, unsigned part)
{
	char memory[REPLICA_PART_MAX];
	char address[ADDRESS_MAX + 1];
	struct replica_key key;
	struct buf value;
	size_t at = 0;

	replica_key_object(&key, rows->generation, id, part);
	buf_init(&value, memory, sizeof(memory));
	if (store_read(rows->store, STORE_OBJECT, key.bytes, key.len, &value) !=
	    STORE_FOUND)
		return false;
	while (replica_part_next(&value, &at, address) != NULL)
		remove_address(rows, id, address);
	store_remove(rows->store, STORE_OBJECT, key.bytes, key.len);
	return true;
}

void
replica_rows_remove(struct replica_rows *rows,
    const unsigned char id[static RECIPIENT_ID])
{
	unsigned part = 0;

	while (remove_part(rows, id, part))
		part++;
	if (part == 0)
		return;
	remove_senders(rows, id);
	rows->objects -= rows->objects > 0 ? 1 : 0;
}

static void
write_part(struct replica_rows *rows, struct buf *part)
{
	struct replica_key key;

	replica_key_object(&key, rows->generation, rows->id, rows->part++);
	store_insert(rows->store, STORE_OBJECT,
	    &(struct store_row){ .key = key.bytes,
		.key_len = key.len,
		.value = part->data,
		.value_len = part->len });
	buf_clear(part);
}

static void
write_address(struct replica_rows *rows, const struct recipient_record *record,
    const char *address)
{
	const uint64_t before = rows->store->rows[STORE_RECIPIENT];
	char bytes[RECORD_SIZE];
	struct replica_key key;

	if (!replica_key_recipient(&key, rows->generation, address))
		return;
	store_insert(rows->store, STORE_RECIPIENT,
	    &(struct store_row){ .key = key.bytes,
		.key_len = key.len,
		.value = bytes,
		.value_len = recipient_record_write(record, bytes) });
	rows->addresses += rows->store->rows[STORE_RECIPIENT] - before;
}

static void
write_addresses(struct replica_rows *rows,
    const struct recipient_record *record, const char *const *addresses,
    size_t count)
{
	char memory[REPLICA_PART_MAX];
	struct buf part;

	buf_init(&part, memory, sizeof(memory));
	for (size_t i = 0; i < count && has_room(rows); i++) {
		if (strlen(addresses[i]) > ADDRESS_MAX)
			continue;
		if (!replica_part_add(&part, addresses[i])) {
			write_part(rows, &part);
			replica_part_add(&part, addresses[i]);
		}
		write_address(rows, record, addresses[i]);
	}
	write_part(rows, &part);
}

void
replica_rows_put(struct replica_rows *rows,
    const struct recipient_record *record, const char *const *addresses,
    size_t count)
{
	replica_rows_remove(rows, record->id);
	if (!has_room(rows))
		return;
	rows->objects++;
	memcpy(rows->id, record->id, RECIPIENT_ID);
	rows->part = 0;
	write_addresses(rows, record, addresses, count);
}

void
replica_rows_add(struct replica_rows *rows,
    const struct recipient_record *record, const char *const *addresses,
    size_t count)
{
	if (rows->part > 0 && memcmp(rows->id, record->id, RECIPIENT_ID) == 0)
		write_addresses(rows, record, addresses, count);
}

void
replica_rows_put_sender(struct replica_rows *rows,
    const unsigned char id[static RECIPIENT_ID], const char *sender,
    unsigned listing)
{
	const char bits = (char)listing;
	struct replica_key key;

	if (!has_room(rows) ||
	    !replica_key_sender(&key, rows->generation, id, sender))
		return;
	store_insert(rows->store, STORE_SENDER,
	    &(struct store_row){ .key = key.bytes,
		.key_len = key.len,
		.value = &bits,
		.value_len = 1 });
}

struct sweeper {
	struct store_visitor visitor;
	const unsigned char *kept;
	/* The generation that the last row stayed for. */
	unsigned char met;
};

static bool
is_over(struct store_visitor *visitor, const struct store_row *row)
{
	struct sweeper *sweeper =
	    container_of(visitor, struct sweeper, visitor);
	const unsigned char number =
	    row->key_len > 0 ? (unsigned char)row->key[0] : 0;

	if (number == 0 ||
	    (number != sweeper->kept[0] && number != sweeper->kept[1]))
		return true;
	sweeper->met = number;
	return false;
}

bool
replica_rows_sweep(struct store *store, enum store_table table,
    const unsigned char kept[static 2], struct store_cursor *cursor,
    unsigned count)
{
	struct sweeper sweeper = {
		.visitor = { .is_over = is_over },
		.kept = kept,
	};

	if (store_scan(store, table, cursor, count, &sweeper.visitor) !=
	    STORE_SCAN_MORE)
		return false;
	/* The other rows of a generation that is kept need no look. */
	if (sweeper.met > 0) {
		cursor->key[0] = (char)(sweeper.met + 1);
		cursor->key_len = 1;
	}
	return sweeper.met < UINT8_MAX;
}
