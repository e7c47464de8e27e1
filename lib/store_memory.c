/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "store_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "xalloc.h"

struct row {
	char *key;
	size_t key_len;
	char *value;
	size_t value_len;
};

struct table {
	struct row *rows;
	size_t count;
};

struct store_memory {
	struct store store;
	struct table tables[STORE_TABLES];
};

static struct store_memory *
store_memory_of(struct store *store)
{
	return container_of(store, struct store_memory, store);
}

static int
compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	const size_t common = a_len < b_len ? a_len : b_len;
	const int order = common > 0 ? memcmp(a, b, common) : 0;

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* The first row whose key is not before `key`. */
static size_t
lower_bound(const struct table *table, const char *key, size_t key_len)
{
	size_t low = 0;
	size_t high = table->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const struct row *row = &table->rows[middle];

		if (compare(row->key, row->key_len, key, key_len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct row *
find(const struct table *table, const char *key, size_t key_len)
{
	const size_t at = lower_bound(table, key, key_len);

	if (at == table->count ||
	    compare(table->rows[at].key, table->rows[at].key_len, key,
		key_len) != 0)
		return NULL;
	return &table->rows[at];
}

static void
set_value(struct row *row, const char *value, size_t len)
{
	row->value = xrealloc(row->value, len + 1);
	memcpy(row->value, value, len);
	row->value_len = len;
}

static void
insert(struct store *store, enum store_table which, const struct store_row *new)
{
	struct table *table = &store_memory_of(store)->tables[which];
	const size_t at = lower_bound(table, new->key, new->key_len);
	struct row *row;

	if (find(table, new->key, new->key_len) != NULL)
		return;
	table->rows =
	    xrealloc(table->rows, (table->count + 1) * sizeof(*table->rows));
	row = &table->rows[at];
	memmove(row + 1, row, (table->count - at) * sizeof(*row));
	table->count++;
	store->rows[which]++;
	row->key = xmalloc(new->key_len);
	memcpy(row->key, new->key, new->key_len);
	row->key_len = new->key_len;
	row->value = NULL;
	set_value(row, new->value, new->value_len);
}

static void
get(struct store *store, struct store_get *get)
{
	const struct row *row =
	    find(&store_memory_of(store)->tables[get->table], get->key,
		get->key_len);
	const struct store_row absent = {
		.key = get->key,
		.key_len = get->key_len,
		.value = get->absent,
		.value_len = get->absent_len,
	};

	get->status = row != NULL ? STORE_FOUND : STORE_MISSING;
	if (row != NULL) {
		/* What is longer is not a row of its table. */
		get->value_len =
		    row->value_len <= RECORD_SIZE ? row->value_len : 0;
		memcpy(get->value, row->value, get->value_len);
	} else if (get->absent_len > 0) {
		insert(store, get->table, &absent);
	}
	get->lookup.done(&get->lookup);
}

static void
update(struct store *store, enum store_table which, const struct store_row *new)
{
	struct row *row = find(&store_memory_of(store)->tables[which], new->key,
	    new->key_len);

	if (row != NULL)
		set_value(row, new->value, new->value_len);
	else
		insert(store, which, new);
}

static void delete (struct table *table, size_t at)
{
	free(table->rows[at].key);
	free(table->rows[at].value);
	table->count--;
	memmove(&table->rows[at], &table->rows[at + 1],
	    (table->count - at) * sizeof(*table->rows));
}

static enum store_scan
scan(struct store *store, enum store_table which, struct store_cursor *cursor,
    unsigned rows, struct store_visitor *visitor)
{
	struct table *table = &store_memory_of(store)->tables[which];
	size_t at = lower_bound(table, cursor->key, cursor->key_len);

	for (unsigned i = 0; i < rows && at < table->count; i++) {
		const struct row *row = &table->rows[at];
		const struct store_row seen = { .key = row->key,
			.key_len = row->key_len,
			.value = row->value,
			.value_len = row->value_len };

		if (visitor->is_over(visitor, &seen)) {
			delete (table, at);
			store->rows[which]--;
		} else {
			at++;
		}
	}
	if (at == table->count) {
		cursor->key_len = 0;
		return STORE_SCAN_END;
	}
	cursor->key_len = table->rows[at].key_len;
	memcpy(cursor->key, table->rows[at].key, cursor->key_len);
	return STORE_SCAN_MORE;
}

static enum store_status
read_value(struct store *store, enum store_table which, const char *key,
    size_t key_len, struct buf *value)
{
	const struct row *row =
	    find(&store_memory_of(store)->tables[which], key, key_len);

	if (row == NULL)
		return STORE_MISSING;
	return buf_append(value, row->value, row->value_len)
		   ? STORE_FOUND
		   : STORE_UNAVAILABLE;
}

static void
remove_row(struct store *store, enum store_table which, const char *key,
    size_t key_len)
{
	struct table *table = &store_memory_of(store)->tables[which];
	const struct row *row = find(table, key, key_len);

	if (row == NULL)
		return;
	delete (table, (size_t)(row - table->rows));
	store->rows[which]--;
}

static bool
commit(struct store *store)
{
	(void)store;
	return true;
}

struct store *
store_memory_create(void)
{
	struct store_memory *memory = xcalloc(1, sizeof(*memory));

	memory->store = (struct store){
		.get = get,
		.insert = insert,
		.update = update,
		.scan = scan,
		.commit = commit,
		.read = read_value,
		.remove = remove_row,
	};
	return &memory->store;
}

void
store_memory_destroy(struct store *store)
{
	struct store_memory *memory;

	if (store == NULL)
		return;
	memory = store_memory_of(store);
	for (enum store_table i = 0; i < STORE_TABLES; i++) {
		while (memory->tables[i].count > 0)
			delete (&memory->tables[i],
			    memory->tables[i].count - 1);
		free(memory->tables[i].rows);
	}
	free(memory);
}
