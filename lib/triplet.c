/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "triplet.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Longer than any value that a request may hold would make this a stack of
 * its own; such an address is hashed before it is folded. */
enum { FOLDED_MAX = 4096, HASH_TEXT = 17 };

/* FNV-1a.  A sender who finds two addresses of one hash has found two senders
 * that wait together: nothing is gained by it. */
static uint64_t
hash(const char *bytes, size_t len)
{
	uint64_t value = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		value = (value ^ (unsigned char)bytes[i]) * 0x100000001b3;
	return value;
}

static void
append_bounded(struct buf *key, const char *address, size_t len)
{
	if (len <= TRIPLET_ADDRESS_MAX) {
		buf_append(key, address, len);
		return;
	}
	buf_append(key, address, TRIPLET_ADDRESS_MAX - HASH_TEXT - 1);
	buf_printf(key, "#%016" PRIx64, hash(address, len));
}

static void
append_address(struct buf *key, const char *address,
    void (*fold)(const char *, struct buf *))
{
	char memory[FOLDED_MAX];
	const size_t len = strlen(address);
	struct buf folded;

	buf_init(&folded, memory, sizeof(memory));
	if (len > sizeof(memory)) {
		append_bounded(key, address, len);
		return;
	}
	fold(address, &folded);
	append_bounded(key, folded.data, folded.len);
}

void
triplet_of(const struct origin_policy *policy, const struct request *request,
    struct triplet *triplet)
{
	const struct origin origin = origin_of(policy, request);
	struct buf key;

	buf_init(&key, triplet->key, sizeof(triplet->key));
	append_address(&key, request->recipient, mailaddr_fold);
	buf_putc(&key, '\0');
	append_address(&key, request->sender, mailaddr_canonical_sender);
	buf_putc(&key, '\0');
	origin_write_key(&origin, &key);
	assert(!key.full);
	triplet->key_len = key.len;
}
