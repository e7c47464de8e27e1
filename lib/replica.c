/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "replica.h"

#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "replica_row.h"
#include "replica_rows.h"
#include "xalloc.h"

enum {
	GENERATIONS = 255,
	PERCENT = 100,
	/* So many recipients may go whatever max_shrink says. */
	SHRINK_ALWAYS = 10,
};

static const char status_key[] = "status";
static const char state_key[] = "state";

/* The tables whose rows have a generation. */
static const enum store_table tables[] = { STORE_RECIPIENT, STORE_OBJECT,
	STORE_SENDER };

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

struct replica {
	struct directory directory;
	struct store *store;
	struct directory *behind;
	struct replica_policy policy;
	/* What follows was read from the store since it was opened. */
	bool is_read;
	unsigned long epoch;
	/* The row "status", and the generations. */
	struct replica_status_row status;
	struct replica_rows valid;
	struct replica_rows load;
	bool loading;
	/* Where the sweep is; all tables: there is nothing to sweep. */
	size_t swept;
	struct store_cursor sweep;
	char state[REPLICA_STATE_MAX + 1];
};

static struct replica *
replica_of(struct directory *directory)
{
	return container_of(directory, struct replica, directory);
}

/* Reads a row of the replica's own table as a string. */
static enum store_status
read_text(struct replica *replica, const char *key, char *text, size_t size)
{
	struct buf value;
	enum store_status status;

	buf_init(&value, text, size - 1);
	status =
	    store_read(replica->store, STORE_REPLICA, key, strlen(key), &value);
	text[value.len] = '\0';
	return status;
}

static void
write_text(struct replica *replica, const char *key, const char *text)
{
	store_update(replica->store, STORE_REPLICA,
	    &(struct store_row){ .key = key,
		.key_len = strlen(key),
		.value = text,
		.value_len = strlen(text) });
}

static void
write_status(struct replica *replica)
{
	char text[REPLICA_STATUS_MAX];
	struct buf buf;

	replica->status.generation = replica->valid.generation;
	replica->status.objects = replica->valid.objects;
	replica->status.addresses = replica->valid.addresses;
	buf_init(&buf, text, sizeof(text) - 1);
	replica_status_write(&replica->status, &buf);
	text[buf.len] = '\0';
	write_text(replica, status_key, text);
}

static struct replica_rows
generation(const struct replica *replica, uint64_t number)
{
	return (struct replica_rows){
		.store = replica->store,
		.generation = (unsigned char)number,
		.max_rows = replica->policy.max_rows,
	};
}

/* Begins to look for rows of generations that are over. */
static void
begin_sweep(struct replica *replica)
{
	replica->swept = 0;
	replica->sweep.key_len = 0;
}

/* Knows what the store holds; false while it does not answer.  A store that
 * was opened anew may have lost anything, a load under way included. */
static bool
is_current(struct replica *replica)
{
	char text[REPLICA_STATUS_MAX];
	struct replica_status_row row = { 0 };
	enum store_status status;

	if (replica->is_read && replica->epoch == replica->store->epoch)
		return true;
	status = read_text(replica, status_key, text, sizeof(text));
	if (status == STORE_UNAVAILABLE)
		return false;
	if (status == STORE_FOUND && replica_status_read(text, &row))
		replica->status = row;
	else
		replica->status = (struct replica_status_row){ 0 };
	replica->valid = generation(replica, replica->status.generation);
	replica->valid.objects = replica->status.objects;
	replica->valid.addresses = replica->status.addresses;
	replica->loading = false;
	replica->is_read = true;
	replica->epoch = replica->store->epoch;
	begin_sweep(replica);
	return true;
}

/* Whether there is a generation to ask. */
static bool
is_loaded(struct replica *replica)
{
	return is_current(replica) && replica->valid.generation != 0;
}

/* Whether a recipient that is not in it does not exist. */
static bool
is_trusted(struct replica *replica, time_t now)
{
	return replica->policy.trusted_for == 0 ||
	       now - replica->status.confirmed_at < replica->policy.trusted_for;
}

enum recipient_status
replica_peek(struct replica *replica, const char *address,
    struct recipient_record *record)
{
	if (!is_loaded(replica))
		return RECIPIENT_UNAVAILABLE;
	switch (replica_rows_find(&replica->valid, address, record)) {
	case STORE_UNAVAILABLE:
		break;
	case STORE_FOUND:
		return RECIPIENT_VALID;
	case STORE_MISSING:
		return RECIPIENT_UNKNOWN;
	}
	return RECIPIENT_UNAVAILABLE;
}

/* Answers with what the replica knows, since nobody else does. */
static void
answer_alone(struct replica *replica, struct recipient_query *query)
{
	query->status = replica_peek(replica, query->address, &query->record);
	if (query->status == RECIPIENT_UNKNOWN &&
	    !is_trusted(replica, query->now))
		query->status = RECIPIENT_UNAVAILABLE;
}

/* The directory behind has answered. */
static void
passed_is_answered(struct lookup *lookup)
{
	struct recipient_query *query =
	    container_of(lookup, struct recipient_query, lookup);

	lookup->done = query->passed_done;
	if (query->status == RECIPIENT_UNAVAILABLE)
		answer_alone(replica_of(query->passed_by), query);
	lookup->done(lookup);
}

static void
find(struct directory *directory, struct recipient_query *query)
{
	struct replica *replica = replica_of(directory);

	answer_alone(replica, query);
	if (query->status == RECIPIENT_VALID || replica->behind == NULL) {
		query->lookup.done(&query->lookup);
		return;
	}
	query->status = RECIPIENT_UNAVAILABLE;
	query->passed_by = directory;
	query->passed_done = query->lookup.done;
	query->lookup.done = passed_is_answered;
	directory_find(replica->behind, query);
}

/* Whether the replica holds the very recipient that was found before, and so
 * its lists. */
static bool
holds(struct replica *replica, const struct sender_query *query)
{
	struct recipient_record record;

	return replica_peek(replica, query->recipient, &record) ==
		   RECIPIENT_VALID &&
	       memcmp(record.id, query->record->id, sizeof(record.id)) == 0;
}

static void
find_sender(struct directory *directory, struct sender_query *query)
{
	struct replica *replica = replica_of(directory);
	const bool knows =
	    holds(replica, query) &&
	    replica_rows_listing(&replica->valid, query->record->id,
		query->sender, &query->listing);

	query->status = knows ? SENDER_LOOKED_UP : SENDER_UNAVAILABLE;
	if (knows || replica->behind == NULL)
		query->lookup.done(&query->lookup);
	else
		directory_find_sender(replica->behind, query);
}

struct replica *
replica_create(struct store *store, struct directory *behind)
{
	struct replica *replica = xcalloc(1, sizeof(*replica));

	replica->directory.find = find;
	replica->directory.find_sender = find_sender;
	replica->store = store;
	replica->behind = behind;
	return replica;
}

void
replica_destroy(struct replica *replica)
{
	free(replica);
}

void
replica_configure(struct replica *replica, const struct replica_policy *policy)
{
	replica->policy = *policy;
	replica->valid.max_rows = policy->max_rows;
	replica->load.max_rows = policy->max_rows;
}

struct directory *
replica_directory(struct replica *replica)
{
	return &replica->directory;
}

const char *
replica_state(struct replica *replica)
{
	if (!is_loaded(replica) || read_text(replica, state_key, replica->state,
				       sizeof(replica->state)) != STORE_FOUND)
		replica->state[0] = '\0';
	return replica->state;
}

struct replica_status
replica_status(struct replica *replica)
{
	return (struct replica_status){
		.loaded = is_loaded(replica),
		.objects = replica->valid.objects,
		.addresses = replica->valid.addresses,
		.loaded_at = (time_t)replica->status.loaded_at,
		.confirmed_at = (time_t)replica->status.confirmed_at,
		.loading = replica->loading,
		.loading_objects = replica->load.objects,
		.refused = replica->valid.refused,
		.epoch = replica->epoch,
	};
}

/* The generation that is written to; NULL when there is none. */
static struct replica_rows *
target(struct replica *replica)
{
	if (!is_current(replica))
		return NULL;
	if (replica->loading)
		return &replica->load;
	return is_loaded(replica) ? &replica->valid : NULL;
}

void
replica_put(struct replica *replica, const struct recipient_record *record,
    const char *const *addresses, size_t count)
{
	struct replica_rows *rows = target(replica);

	if (rows != NULL)
		replica_rows_put(rows, record, addresses, count);
}

void
replica_add(struct replica *replica, const struct recipient_record *record,
    const char *const *addresses, size_t count)
{
	struct replica_rows *rows = target(replica);

	if (rows != NULL)
		replica_rows_add(rows, record, addresses, count);
}

void
replica_put_sender(struct replica *replica,
    const unsigned char id[static RECIPIENT_ID], const char *sender,
    unsigned listing)
{
	struct replica_rows *rows = target(replica);

	if (rows != NULL)
		replica_rows_put_sender(rows, id, sender, listing);
}

/* Few changes are not a mistake, however few recipients there are. */
static bool
shrinks(const struct replica *replica, uint64_t from, uint64_t to)
{
	return to + SHRINK_ALWAYS < from &&
	       (from - to) * PERCENT > from * replica->policy.max_shrink;
}

bool
replica_remove(struct replica *replica,
    const unsigned char id[static RECIPIENT_ID])
{
	struct replica_rows *rows = target(replica);

	if (rows == NULL)
		return true;
	if (!replica->loading &&
	    shrinks(replica, replica->status.loaded, rows->objects - 1))
		return false;
	replica_rows_remove(rows, id);
	return true;
}

static uint64_t
after(uint64_t number)
{
	return number % GENERATIONS + 1;
}

void
replica_load_begin(struct replica *replica)
{
	if (!is_current(replica))
		return;
	replica->status.begun = after(replica->status.begun);
	if (replica->status.begun == replica->valid.generation)
		replica->status.begun = after(replica->status.begun);
	/* What a load of the same number has left is not ours. */
	write_status(replica);
	replica->load = generation(replica, replica->status.begun);
	replica->loading = true;
	begin_sweep(replica);
}

void
replica_load_cancel(struct replica *replica)
{
	replica->loading = false;
	begin_sweep(replica);
}

/* Why a load is not to be taken, in `err`. */
static int
check_load(const struct replica *replica, bool force, struct err *err)
{
	const struct replica_rows *valid = &replica->valid;
	const struct replica_rows *load = &replica->load;

	if (load->refused > 0) {
		err_set(err,
		    "there are more recipients and addresses than "
		    "max-recipients = %llu allows",
		    (unsigned long long)load->max_rows);
		return -1;
	}
	if (force)
		return 0;
	if (load->objects == 0) {
		err_set(err, "no recipient was found at all");
		return -1;
	}
	if (!shrinks(replica, valid->objects, load->objects) &&
	    !shrinks(replica, valid->addresses, load->addresses))
		return 0;
	err_set(err,
	    "%llu recipients with %llu addresses were found where there were "
	    "%llu with %llu: more are gone than max-shrink = %u %% allows",
	    (unsigned long long)load->objects,
	    (unsigned long long)load->addresses,
	    (unsigned long long)valid->objects,
	    (unsigned long long)valid->addresses, replica->policy.max_shrink);
	return -1;
}

int
replica_load_end(struct replica *replica, time_t now, bool force,
    struct err *err)
{
	const bool whole = is_current(replica) && replica->loading;

	if (!whole)
		err_set(err, "the store failed during the load");
	if (!whole || check_load(replica, force, err) != 0) {
		replica_load_cancel(replica);
		return -1;
	}
	replica->valid = replica->load;
	replica->loading = false;
	replica->status.loaded_at = now;
	replica->status.loaded = replica->load.objects;
	write_text(replica, state_key, "");
	replica_confirm(replica, now);
	begin_sweep(replica);
	return 0;
}

void
replica_set_state(struct replica *replica, const char *state, time_t now)
{
	if (replica->loading || !is_loaded(replica) ||
	    strlen(state) > REPLICA_STATE_MAX)
		return;
	write_text(replica, state_key, state);
	replica_confirm(replica, now);
}

void
replica_confirm(struct replica *replica, time_t now)
{
	if (!is_loaded(replica))
		return;
	replica->status.confirmed_at = now;
	write_status(replica);
}

bool
replica_sweep(struct replica *replica, unsigned rows)
{
	const unsigned char kept[] = {
		replica->valid.generation,
		replica->loading ? replica->load.generation : 0,
	};

	if (!is_current(replica) || replica->swept == TABLES)
		return false;
	if (!replica_rows_sweep(replica->store, tables[replica->swept], kept,
		&replica->sweep, rows)) {
		replica->swept++;
		replica->sweep.key_len = 0;
	}
	return replica->swept < TABLES;
}

struct lister {
	struct replica_rows_visitor visitor;
	struct replica_visitor *behind;
};

static bool
list_address(struct replica_rows_visitor *visitor, const struct store_row *row)
{
	struct lister *lister = container_of(visitor, struct lister, visitor);
	struct recipient_record record;
	char address[ADDRESS_MAX + 1];

	if (row->key_len - 1 > ADDRESS_MAX ||
	    !recipient_record_read(row->value, row->value_len, &record))
		return false;
	memcpy(address, row->key + 1, row->key_len - 1);
	address[row->key_len - 1] = '\0';
	lister->behind->visit(lister->behind, address, &record);
	return false;
}

bool
replica_list(struct replica *replica, struct store_cursor *cursor,
    unsigned rows, struct replica_visitor *visitor)
{
	struct lister lister = {
		.visitor = { .visit = list_address },
		.behind = visitor,
	};
	struct replica_key prefix;

	if (!is_loaded(replica))
		return false;
	replica_key_recipient(&prefix, replica->valid.generation, "");
	/* Another generation may have become valid since the last call. */
	if (cursor->key_len > 0)
		cursor->key[0] = prefix.bytes[0];
	return replica_rows_scan(replica->store, STORE_RECIPIENT, &prefix,
	    cursor, rows, &lister.visitor);
}

struct sender_lister {
	struct replica_rows_visitor visitor;
	struct replica_sender_visitor *behind;
};

static bool
list_sender(struct replica_rows_visitor *visitor, const struct store_row *row)
{
	struct sender_lister *lister =
	    container_of(visitor, struct sender_lister, visitor);
	const size_t head = 1 + RECIPIENT_ID;
	char sender[ADDRESS_MAX + 1];

	if (row->key_len - head > ADDRESS_MAX || row->value_len != 1)
		return false;
	memcpy(sender, row->key + head, row->key_len - head);
	sender[row->key_len - head] = '\0';
	lister->behind->visit(lister->behind, sender,
	    (unsigned char)row->value[0]);
	return false;
}

bool
replica_list_senders(struct replica *replica,
    const unsigned char id[static RECIPIENT_ID], struct store_cursor *cursor,
    unsigned rows, struct replica_sender_visitor *visitor)
{
	struct sender_lister lister = {
		.visitor = { .visit = list_sender },
		.behind = visitor,
	};
	struct replica_key prefix;

	if (!is_loaded(replica))
		return false;
	replica_key_sender(&prefix, replica->valid.generation, id, "");
	return replica_rows_scan(replica->store, STORE_SENDER, &prefix, cursor,
	    rows, &lister.visitor);
}
