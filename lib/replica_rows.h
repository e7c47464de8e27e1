/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows of one generation of the replica: objects, their addresses, and the
 * senders in their lists.
 *
 * Functions are those of replica.h, for one generation, in a store that answers
 * at once.  An address belongs to the object that had it first; when that one
 * loses it, it is in no object until the next full load.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replica_row.h"
#include "store.h"

struct replica_rows {
	struct store *store;
	/* 1 to 255; 0: there is none. */
	unsigned char generation;
	/* Objects and addresses, and how many they may be together. */
	uint64_t objects;
	uint64_t addresses;
	uint64_t max_rows;
	/* What was refused since it has so many. */
	uint64_t refused;
	/* The object that was put last, and the number of its next part. */
	unsigned char id[RECIPIENT_ID];
	unsigned part;
};

/* The record of an address; UNAVAILABLE also when its bytes are no record. */
enum store_status replica_rows_find(const struct replica_rows *rows,
    const char *address, struct recipient_record *record);

/* In which lists of the object the sender is, as itself and with its domain;
 * false when the store does not answer, or a list is not copied
 * (SENDER_MANY). */
bool replica_rows_listing(const struct replica_rows *rows,
    const unsigned char id[static RECIPIENT_ID], const char *sender,
    unsigned *listing);

void replica_rows_put(struct replica_rows *rows,
    const struct recipient_record *record, const char *const *addresses,
    size_t count);
void replica_rows_add(struct replica_rows *rows,
    const struct recipient_record *record, const char *const *addresses,
    size_t count);
void replica_rows_put_sender(struct replica_rows *rows,
    const unsigned char id[static RECIPIENT_ID], const char *sender,
    unsigned listing);
void replica_rows_remove(struct replica_rows *rows,
    const unsigned char id[static RECIPIENT_ID]);

/* Sees at most `count` rows of a table whose keys begin with `prefix`, from
 * `cursor` on; at its beginning when the cursor is zero.  False after the last,
 * or when the store does not answer. */
struct replica_rows_visitor {
	/* Says whether the row is to be removed. */
	bool (*visit)(struct replica_rows_visitor *visitor,
	    const struct store_row *row);
};
bool replica_rows_scan(struct store *store, enum store_table table,
    const struct replica_key *prefix, struct store_cursor *cursor,
    unsigned count, struct replica_rows_visitor *visitor);

/* Looks at about `count` rows of a table, from `cursor` on, and removes those
 * of other generations than the two that are kept (0: none).  False after the
 * last, or when the store does not answer. */
bool replica_rows_sweep(struct store *store, enum store_table table,
    const unsigned char kept[static 2], struct store_cursor *cursor,
    unsigned count);
