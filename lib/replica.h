/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The replica: the recipients of the directory, kept in the store.
 *
 * It is a directory itself (directory.h): what it holds it answers at once, and
 * a miss is passed on to the directory behind it, if there is one, so a new
 * user receives mail at once.  When that one does not answer either, the
 * replica says UNKNOWN if it is younger than it is trusted for, else
 * UNAVAILABLE.
 *
 * It is filled by objects, each one entry of the directory with its addresses,
 * known by an id that never changes.  A full load is built aside, in rows of
 * the next generation, and becomes valid as a whole in replica_load_end(); a
 * load that would shrink it by more than max_shrink percent, and by more than
 * ten recipients, is refused.
 * Changes between two loads are applied to the valid generation, and take
 * effect with the store's next commit together with the state (cookie) that
 * they lead to.
 *
 * The store must answer at once (store_bdb, store_memory).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "directory.h"
#include "err.h"
#include "store.h"

/* The longest state that a sync may leave behind. */
#define REPLICA_STATE_MAX 32768

/* The most addresses of one object. */
#define REPLICA_ADDRESSES_MAX 20000

struct replica_policy {
	/* Seconds; after so long without a successful sync, a miss is no proof.
	 * 0: it is always trusted (filled by hand). */
	time_t trusted_for;
	/* Percent of the recipients that a full load may take away. */
	unsigned max_shrink;
	/* Objects and addresses that are kept at most, together. */
	uint64_t max_rows;
};

struct replica_status {
	/* There is a generation that was loaded whole. */
	bool loaded;
	uint64_t objects;
	uint64_t addresses;
	/* When the last full load ended, and when the directory last confirmed
	 * that nothing is missing; 0: never. */
	time_t loaded_at;
	time_t confirmed_at;
	/* A full load is under way: objects so far. */
	bool loading;
	uint64_t loading_objects;
	/* Rows refused since max_rows was reached. */
	uint64_t refused;
	/* Another number says that the store was opened anew: what was put
	 * since the last state is lost. */
	unsigned long epoch;
};

struct replica;

/* Keeps store and `behind`, which may be NULL. */
struct replica *replica_create(struct store *store, struct directory *behind);

/* NULL is accepted. */
void replica_destroy(struct replica *replica);

void replica_configure(struct replica *replica,
    const struct replica_policy *policy);

/* The replica as a directory. */
struct directory *replica_directory(struct replica *replica);

/* Looks up without asking anybody else. */
enum recipient_status replica_peek(struct replica *replica, const char *address,
    struct recipient_record *record);

/* The state of the last sync, as replica_set_state() was given it; "" when
 * there is none, or the store does not answer.  Borrowed until the next call.
 */
const char *replica_state(struct replica *replica);

struct replica_status replica_status(struct replica *replica);

/* An object with `count` addresses, instead of what was known of its id. */
void replica_put(struct replica *replica, const struct recipient_record *record,
    const char *const *addresses, size_t count);

/* More addresses of the object that replica_put() gave last. */
void replica_add(struct replica *replica, const struct recipient_record *record,
    const char *const *addresses, size_t count);

/* A sender ("ann@example.com", "@example.com", "" for the null sender), or
 * SENDER_MANY, is in these lists of the object. */
void replica_put_sender(struct replica *replica,
    const unsigned char id[static RECIPIENT_ID], const char *sender,
    unsigned listing);

/* The object is gone.  False, and it stays, when the replica would so shrink by
 * more than max_shrink percent since the last full load. */
bool replica_remove(struct replica *replica,
    const unsigned char id[static RECIPIENT_ID]);

/* Begins a full load: put and put_sender now fill the next generation.  What an
 * unfinished load has left is given up. */
void replica_load_begin(struct replica *replica);

/* Makes the load valid.  -1 and `err`, the old generation staying valid, when
 * it would shrink the replica too much, or is the first and empty, and `force`
 * is not set; and when it was not kept whole. */
int replica_load_end(struct replica *replica, time_t now, bool force,
    struct err *err);

/* Gives an unfinished load up. */
void replica_load_cancel(struct replica *replica);

/* The changes so far lead to this state, and all is as the directory had it at
 * `now`. */
void replica_set_state(struct replica *replica, const char *state, time_t now);

/* The directory has confirmed that nothing is missing. */
void replica_confirm(struct replica *replica, time_t now);

/* Removes rows of generations that are over, at most `rows`; true when there
 * may be more. */
bool replica_sweep(struct replica *replica, unsigned rows);

/* Lists addresses in their order, at most `rows` of them from `cursor` on; the
 * visitor is given address and record.  False after the last. */
struct replica_visitor {
	void (*visit)(struct replica_visitor *visitor, const char *address,
	    const struct recipient_record *record);
};
bool replica_list(struct replica *replica, struct store_cursor *cursor,
    unsigned rows, struct replica_visitor *visitor);

/* Lists the senders in the lists of an object, likewise. */
struct replica_sender_visitor {
	void (*visit)(struct replica_sender_visitor *visitor,
	    const char *sender, unsigned listing);
};
bool replica_list_senders(struct replica *replica,
    const unsigned char id[static RECIPIENT_ID], struct store_cursor *cursor,
    unsigned rows, struct replica_sender_visitor *visitor);
