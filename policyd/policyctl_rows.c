/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_rows.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "directory.h"
#include "xalloc.h"

enum { FIRST_ROOM = 256 };

void
rows_finish(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->recipient[i].address);
	for (size_t i = 0; i < rows->senders; i++)
		free(rows->sender[i].sender);
	free(rows->recipient);
	free(rows->sender);
}

void
rows_add(struct rows *rows, const char *address,
    const struct recipient_record *record, unsigned long line)
{
	if (rows->count == rows->room) {
		rows->room = rows->room == 0 ? FIRST_ROOM : 2 * rows->room;
		rows->recipient = xrealloc(rows->recipient,
		    rows->room * sizeof(*rows->recipient));
	}
	rows->recipient[rows->count++] = (struct recipient_row){
		.address = xstrdup(address),
		.record = *record,
		.line = line,
	};
}

void
rows_add_sender(struct rows *rows, const unsigned char *id, const char *sender,
    unsigned listing)
{
	struct sender_row *row;

	if (rows->senders == rows->sender_room) {
		rows->sender_room =
		    rows->sender_room == 0 ? FIRST_ROOM : 2 * rows->sender_room;
		rows->sender = xrealloc(rows->sender,
		    rows->sender_room * sizeof(*rows->sender));
	}
	row = &rows->sender[rows->senders++];
	memcpy(row->id, id, sizeof(row->id));
	row->listing = listing;
	row->sender = xstrdup(sender);
}

/* FNV-1a of 128 bits, in four words, the least significant first.  Its prime is
 * 2^88 + 0x13b. */
static void
hash_byte(uint32_t hash[static 4], unsigned char byte)
{
	uint32_t product[4];
	uint64_t carry = 0;

	hash[0] ^= byte;
	for (int i = 0; i < 4; i++) {
		carry += (uint64_t)hash[i] * 0x13b;
		product[i] = (uint32_t)carry;
		carry >>= 32;
	}
	carry = (uint64_t)product[2] + (uint32_t)(hash[0] << 24);
	product[2] = (uint32_t)carry;
	product[3] += (uint32_t)(carry >> 32) + (hash[0] >> 8) +
		      (uint32_t)(hash[1] << 24);
	memcpy(hash, product, sizeof(product));
}

void
rows_make_id(const char *address, unsigned char id[static RECIPIENT_ID])
{
	uint32_t hash[4] = { 0x6295c58d, 0x62b82175, 0x07bb0142, 0x6c62272e };

	for (; *address != '\0'; address++)
		hash_byte(hash, (unsigned char)*address);
	for (unsigned i = 0; i < RECIPIENT_ID; i++)
		id[i] = (unsigned char)(hash[3 - i / 4] >> (24 - 8 * (i % 4)));
}

static int
compare_addresses(const void *a, const void *b)
{
	const struct recipient_row *left = a;
	const struct recipient_row *right = b;

	return strcmp(left->address, right->address);
}

static int
compare_recipients(const void *a, const void *b)
{
	const struct recipient_row *left = a;
	const struct recipient_row *right = b;
	const int order =
	    memcmp(left->record.id, right->record.id, RECIPIENT_ID);

	return order != 0 ? order : compare_addresses(a, b);
}

static int
compare_senders(const void *a, const void *b)
{
	const struct sender_row *left = a;
	const struct sender_row *right = b;
	const int order = memcmp(left->id, right->id, RECIPIENT_ID);

	return order != 0 ? order : strcmp(left->sender, right->sender);
}

void
rows_sort_by_address(struct rows *rows)
{
	if (rows->count > 0)
		qsort(rows->recipient, rows->count, sizeof(*rows->recipient),
		    compare_addresses);
}

void
rows_sort_by_id(struct rows *rows)
{
	if (rows->count > 0)
		qsort(rows->recipient, rows->count, sizeof(*rows->recipient),
		    compare_recipients);
}

static bool
are_same(const struct recipient_record *a, const struct recipient_record *b)
{
	char left[RECORD_SIZE];
	char right[RECORD_SIZE];
	const size_t len = recipient_record_write(a, left);

	return recipient_record_write(b, right) == len &&
	       memcmp(left, right, len) == 0;
}

/* "NAME:LINE: ADDRESS was in line N already, ...": of two lines the later. */
static int
complain(const char *name, const struct recipient_row *a,
    const struct recipient_row *b, const char *what, struct err *err)
{
	const bool in_order = a->line <= b->line;
	const struct recipient_row *first = in_order ? a : b;
	const struct recipient_row *second = in_order ? b : a;
	char memory[4 * ADDRESS_MAX];
	struct buf address;

	buf_init(&address, memory, sizeof(memory));
	buf_put_escaped(&address, second->address, strlen(second->address));
	err_set(err, "%s:%lu: %.*s contradicts line %lu: %s", name,
	    second->line, (int)address.len, address.data, first->line, what);
	return -1;
}

/* Of an address that is there twice one row is enough. */
static int
unite_addresses(struct rows *rows, const char *name, struct err *err)
{
	size_t kept = 0;

	rows_sort_by_address(rows);
	for (size_t i = 0; i < rows->count; i++) {
		const struct recipient_row row = rows->recipient[i];
		const struct recipient_row *last = &rows->recipient[kept];

		if (kept == 0 || strcmp((--last)->address, row.address) != 0) {
			rows->recipient[i].address = NULL;
			rows->recipient[kept++] = row;
			continue;
		}
		if (!are_same(&last->record, &row.record))
			return complain(name, last, &row,
			    "the address is there already, with another id or "
			    "other settings",
			    err);
		free(row.address);
		rows->recipient[i].address = NULL;
	}
	rows->count = kept;
	return 0;
}

size_t
rows_find_senders(const struct rows *rows, const unsigned char *id,
    size_t *count)
{
	size_t low = 0;
	size_t high = rows->senders;
	size_t end;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (memcmp(rows->sender[middle].id, id, RECIPIENT_ID) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	end = low;
	while (end < rows->senders &&
	       memcmp(rows->sender[end].id, id, RECIPIENT_ID) == 0)
		end++;
	*count = end - low;
	return low;
}

/* Who is in a list says that there is one. */
static void
set_lists(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct recipient_record *record = &rows->recipient[i].record;
		size_t count;
		size_t at = rows_find_senders(rows, record->id, &count);

		for (; count > 0; at++, count--) {
			const unsigned listing = rows->sender[at].listing;

			record->permits |= (listing & SENDER_PERMITTED) != 0;
			record->refuses |= (listing & SENDER_REFUSED) != 0;
			record->allows |= (listing & SENDER_ALLOWED) != 0;
		}
	}
}

static int
check_objects(const struct rows *rows, const char *name, struct err *err)
{
	for (size_t i = 1; i < rows->count; i++) {
		const struct recipient_row *last = &rows->recipient[i - 1];
		const struct recipient_row *row = &rows->recipient[i];

		if (memcmp(last->record.id, row->record.id, RECIPIENT_ID) ==
			0 &&
		    !are_same(&last->record, &row->record))
			return complain(name, last, row,
			    "the id is the same, the settings are not", err);
	}
	return 0;
}

static void
unite_senders(struct rows *rows)
{
	size_t kept = 0;

	if (rows->senders == 0)
		return;
	qsort(rows->sender, rows->senders, sizeof(*rows->sender),
	    compare_senders);
	for (size_t i = 1; i < rows->senders; i++) {
		struct sender_row *row = &rows->sender[i];

		if (compare_senders(&rows->sender[kept], row) == 0) {
			rows->sender[kept].listing |= row->listing;
			free(row->sender);
		} else {
			rows->sender[++kept] = *row;
		}
	}
	rows->senders = kept + 1;
}

int
rows_arrange(struct rows *rows, const char *name, struct err *err)
{
	unite_senders(rows);
	set_lists(rows);
	if (unite_addresses(rows, name, err) != 0)
		return -1;
	rows_sort_by_id(rows);
	return check_objects(rows, name, err);
}
