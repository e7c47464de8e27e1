/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of the replica, and their bytes.
 *
 * Every key begins with a generation, one byte from 1 to 255, so that a load
 * can be built beside the rows that are valid.
 *
 *     recipient   generation, address             -> recipient_record
 *     object      generation, id [, part]         -> addresses
 *     sender      generation, id, sender          -> listing, one byte
 *     replica     "status"                        -> replica_status_row
 *                 "state"                         -> what the sync left behind
 *
 * An object tells which addresses it has, so that they can be removed when it
 * changes; many addresses make several parts, the first without a number.
 * schema/store.md tells the same in words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"
#include "directory.h"
#include "record.h"

/* Enough for every key: the longest is that of a sender. */
#define REPLICA_KEY_MAX (1 + RECIPIENT_ID + ADDRESS_MAX)

/* The largest value of an object's part: rows of more than a quarter of a page
 * do not stay in it. */
#define REPLICA_PART_MAX 900

/* The largest text of a replica_status_row. */
#define REPLICA_STATUS_MAX 256

struct replica_key {
	char bytes[REPLICA_KEY_MAX];
	size_t len;
};

/* False when the address or the sender is too long for any. */
bool replica_key_recipient(struct replica_key *key, unsigned char generation,
    const char *address);
bool replica_key_sender(struct replica_key *key, unsigned char generation,
    const unsigned char id[static RECIPIENT_ID], const char *sender);
void replica_key_object(struct replica_key *key, unsigned char generation,
    const unsigned char id[static RECIPIENT_ID], unsigned part);

/* Appends an address to the value of a part; false when it is full. */
bool replica_part_add(struct buf *part, const char *address);

/* The address of a part that begins at `*at`, which moves on; NULL after the
 * last.  `address` is where it is put as a string. */
const char *replica_part_next(const struct buf *part, size_t *at,
    char address[static ADDRESS_MAX + 1]);

/* What the replica knows of itself. */
struct replica_status_row {
	/* The valid one; 0: none. */
	uint64_t generation;
	/* The one that was begun last. */
	uint64_t begun;
	uint64_t objects;
	uint64_t addresses;
	/* Objects that the last full load found. */
	uint64_t loaded;
	int64_t loaded_at;
	int64_t confirmed_at;
};

void replica_status_write(const struct replica_status_row *row,
    struct buf *out);
bool replica_status_read(const char *text, struct replica_status_row *row);
