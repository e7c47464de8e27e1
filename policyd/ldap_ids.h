/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The identities of objects, and the filter that finds them in Active
 * Directory.
 */
#pragma once

#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "record.h"

/* Changes of one run; with more of them a full load is the better way. */
#define LDAP_CHANGES_MAX 1000000

/* How many are searched for at once, and the bytes of the filter for them. */
#define LDAP_IDS_BATCH 50
#define LDAP_IDS_FILTER \
	(LDAP_IDS_BATCH * (sizeof("(objectGUID=)") + 3 * RECIPIENT_ID) + 8)

/* Zeroed is none. */
struct ldap_ids {
	unsigned char (*id)[RECIPIENT_ID];
	size_t count;
	size_t room;
};

/* -1 and `err` when there are LDAP_CHANGES_MAX. */
int ldap_ids_add(struct ldap_ids *ids, const void *id, struct err *err);
void ldap_ids_finish(struct ldap_ids *ids);

/* Those from `first` on, at most LDAP_IDS_BATCH, borrowed from `ids`. */
struct ldap_ids ldap_ids_batch(const struct ldap_ids *ids, size_t first);

/* Appends "(|(objectGUID=...)(objectGUID=...))". */
bool ldap_ids_filter(const struct ldap_ids *ids, struct buf *filter);
