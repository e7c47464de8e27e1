/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_ids.h"

#include <stdlib.h>
#include <string.h>

#include "ldap_hex.h"
#include "xalloc.h"

int
ldap_ids_add(struct ldap_ids *ids, const void *id, struct err *err)
{
	if (ids->count == LDAP_CHANGES_MAX) {
		err_set(err, "more than %d changes", LDAP_CHANGES_MAX);
		return -1;
	}
	if (ids->count == ids->room) {
		ids->room = 2 * ids->room + 64;
		ids->id = xrealloc(ids->id, ids->room * sizeof(ids->id[0]));
	}
	memcpy(ids->id[ids->count++], id, RECIPIENT_ID);
	return 0;
}

void
ldap_ids_finish(struct ldap_ids *ids)
{
	free(ids->id);
	*ids = (struct ldap_ids){ 0 };
}

struct ldap_ids
ldap_ids_batch(const struct ldap_ids *ids, size_t first)
{
	const size_t left = ids->count - first;

	return (struct ldap_ids){
		.id = ids->id + first,
		.count = left < LDAP_IDS_BATCH ? left : LDAP_IDS_BATCH,
	};
}

static void
put_id(struct buf *filter, const unsigned char *id)
{
	buf_puts(filter, "(objectGUID=");
	for (size_t i = 0; i < RECIPIENT_ID; i++) {
		buf_putc(filter, '\\');
		ldap_hex_write(filter, &id[i], 1);
	}
	buf_putc(filter, ')');
}

bool
ldap_ids_filter(const struct ldap_ids *ids, struct buf *filter)
{
	buf_puts(filter, "(|");
	for (size_t i = 0; i < ids->count; i++)
		put_id(filter, ids->id[i]);
	return buf_putc(filter, ')');
}
