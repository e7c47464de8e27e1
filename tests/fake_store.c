/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "fake_store.h"

#include <check.h>
#include <string.h>

#include "container.h"

/* A lookup that is cancelled does not say of which store. */
static struct fake_store *the_fake;

static struct fake_store *
fake_store_of(struct store *store)
{
	return container_of(store, struct fake_store, store);
}

static void
copy_rows(struct fake_store *fake)
{
	memcpy(fake->store.rows, fake->behind->rows, sizeof(fake->store.rows));
}

static void
forget(struct fake_store *fake, const struct store_get *get)
{
	size_t at = 0;

	while (fake->open[at] != get) {
		at++;
		ck_assert_uint_lt(at, fake->open_count);
	}
	fake->open_count--;
	memmove(&fake->open[at], &fake->open[at + 1],
	    (fake->open_count - at) * sizeof(fake->open[0]));
}

static void
cancel(struct lookup *lookup)
{
	forget(the_fake, container_of(lookup, struct store_get, lookup));
	the_fake->cancelled++;
}

static void
answer(struct fake_store *fake, struct store_get *get)
{
	if (fake->is_down) {
		get->status = STORE_UNAVAILABLE;
		get->lookup.done(&get->lookup);
		return;
	}
	store_get(fake->behind, get);
	copy_rows(fake);
}

static void
get(struct store *store, struct store_get *get)
{
	struct fake_store *fake = fake_store_of(store);

	fake->asked++;
	if (!fake->is_late) {
		answer(fake, get);
		return;
	}
	ck_assert_uint_lt(fake->open_count, FAKE_STORE_OPEN);
	fake->open[fake->open_count++] = get;
	get->lookup.cancel = cancel;
}

static void
insert(struct store *store, enum store_table table, const struct store_row *row)
{
	struct fake_store *fake = fake_store_of(store);

	if (!fake->is_down)
		store_insert(fake->behind, table, row);
	copy_rows(fake);
}

static void
update(struct store *store, enum store_table table, const struct store_row *row)
{
	struct fake_store *fake = fake_store_of(store);

	if (!fake->is_down)
		store_update(fake->behind, table, row);
	copy_rows(fake);
}

static enum store_scan
scan(struct store *store, enum store_table table, struct store_cursor *cursor,
    unsigned rows, struct store_visitor *visitor)
{
	struct fake_store *fake = fake_store_of(store);
	enum store_scan status;

	if (fake->is_down)
		return STORE_SCAN_UNAVAILABLE;
	status = store_scan(fake->behind, table, cursor, rows, visitor);
	copy_rows(fake);
	return status;
}

static bool
commit(struct store *store)
{
	struct fake_store *fake = fake_store_of(store);

	return !fake->is_down && store_commit(fake->behind);
}

static enum store_status
read_value(struct store *store, enum store_table table, const char *key,
    size_t key_len, struct buf *value)
{
	struct fake_store *fake = fake_store_of(store);

	return fake->is_down
		   ? STORE_UNAVAILABLE
		   : store_read(fake->behind, table, key, key_len, value);
}

static void
remove_row(struct store *store, enum store_table table, const char *key,
    size_t key_len)
{
	struct fake_store *fake = fake_store_of(store);

	if (!fake->is_down)
		store_remove(fake->behind, table, key, key_len);
	copy_rows(fake);
}

void
fake_store_init(struct fake_store *fake, struct store *behind)
{
	*fake = (struct fake_store){
		.store = {
			.get = get,
			.insert = insert,
			.update = update,
			.scan = scan,
			.commit = commit,
			.read = read_value,
			.remove = remove_row,
		},
		.behind = behind,
	};
	the_fake = fake;
}

void
fake_store_answer(struct fake_store *fake)
{
	struct store_get *get = fake->open[0];

	ck_assert_uint_gt(fake->open_count, 0);
	forget(fake, get);
	answer(fake, get);
}
