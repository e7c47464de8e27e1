/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "expiry.h"

#include "container.h"

static bool
triplet_row_is_over(const struct expiry *expiry, const struct store_row *row)
{
	struct triplet_record record;

	return !triplet_record_read(row->value, row->value_len, &record) ||
	       greylist_triplet_is_over(expiry->policy, &record, expiry->now);
}

static bool
client_row_is_over(const struct expiry *expiry, const struct store_row *row)
{
	struct client_record record;

	return !client_record_read(row->value, row->value_len, &record) ||
	       greylist_client_is_over(expiry->policy, &record, expiry->now);
}

static bool
row_is_over(const struct expiry *expiry, const struct store_row *row)
{
	switch (expiry->table) {
	case STORE_TRIPLET:
		return triplet_row_is_over(expiry, row);
	case STORE_CLIENT:
		return client_row_is_over(expiry, row);
	case STORE_RECIPIENT:
	case STORE_OBJECT:
	case STORE_SENDER:
	case STORE_REPLICA:
	case STORE_TABLES:
		break;
	}
	return false;
}

static bool
is_over(struct store_visitor *visitor, const struct store_row *row)
{
	struct expiry *expiry = container_of(visitor, struct expiry, visitor);
	const bool over = row_is_over(expiry, row);

	if (over)
		expiry->forgotten++;
	return over;
}

void
expiry_begin(struct expiry *expiry)
{
	*expiry = (struct expiry){ .visitor = { .is_over = is_over } };
}

enum expiry_status
expiry_step(struct expiry *expiry, struct store *store,
    const struct greylist_policy *policy, time_t now, unsigned rows)
{
	expiry->policy = policy;
	expiry->now = now;
	switch (store_scan(store, expiry->table, &expiry->cursor, rows,
	    &expiry->visitor)) {
	case STORE_SCAN_UNAVAILABLE:
		return EXPIRY_UNAVAILABLE;
	case STORE_SCAN_MORE:
		return EXPIRY_MORE;
	case STORE_SCAN_END:
		break;
	}
	expiry->table++;
	return expiry->table == STORE_RECIPIENT ? EXPIRY_DONE : EXPIRY_MORE;
}
