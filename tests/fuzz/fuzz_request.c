/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes, as a connection may bring them: read in one go and in two, they
 * are the same request; and whatever is in it, its triplet, its log line and
 * its reply are well formed.
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "buf.h"
#include "deferral.h"
#include "request.h"
#include "triplet.h"
#include "verdict.h"

/* Assertions that stay in the fuzzer, too. */
#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct attr_limits limits = {
	.attributes = 40,
	.value = 512,
	.request = 4096,
};

/* A request as it was read, and the bytes that it borrows from. */
struct reading {
	struct attr_reader reader;
	struct request request;
	enum attr_status status;
	size_t attributes;
	char *bytes;
};

static void
read_on(struct reading *reading, size_t len)
{
	struct attr attr;

	for (;;) {
		reading->status =
		    attr_read(&reading->reader, reading->bytes, len, &attr);
		if (reading->status != ATTR_PAIR)
			return;
		MUST(strlen(attr.name) == attr.name_len);
		MUST(strlen(attr.value) == attr.value_len);
		MUST(attr.name_len > 0 && attr.value_len <= limits.value);
		reading->attributes++;
		request_set(&reading->request, &attr);
	}
}

static void
read_split(struct reading *reading, const uint8_t *data, size_t size,
    size_t split)
{
	*reading = (struct reading){ .bytes = malloc(size > 0 ? size : 1) };
	MUST(reading->bytes != NULL);
	memcpy(reading->bytes, data, size);
	attr_reader_init(&reading->reader, &limits);
	request_init(&reading->request);
	read_on(reading, split);
	if (reading->status == ATTR_MORE)
		read_on(reading, size);
}

static bool
is_one_reply(const struct buf *reply)
{
	return !reply->full && reply->len > strlen("action=\n\n") &&
	       memcmp(reply->data, "action=", 7) == 0 &&
	       memchr(reply->data, '\0', reply->len) == NULL &&
	       memchr(reply->data, '\n', reply->len) ==
		   reply->data + reply->len - 2 &&
	       reply->data[reply->len - 1] == '\n';
}

static void
answer(const struct request *request)
{
	static const struct origin_policy policy = { 24, 64 };
	char memory[VERDICT_TEXT];
	char reply_memory[VERDICT_REPLY];
	struct triplet triplet;
	struct verdict verdict;
	struct buf text;
	struct buf reply;

	triplet_of(&policy, request, &triplet);
	MUST(triplet.key_len <= sizeof(triplet.key));
	buf_init(&text, memory, sizeof(memory));
	deferral_write("DEFER_IF_PERMIT 4.2.0", "%r: wait %d", 120,
	    request->recipient, &text);
	MUST(verdict_defer(&verdict, REASON_GREYLISTED_NEW, text.data,
	    text.len));
	buf_init(&reply, reply_memory, sizeof(reply_memory));
	verdict_write(&verdict, &reply);
	MUST(is_one_reply(&reply));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t split = size > 0 ? data[0] % size : 0;
	struct reading whole;
	struct reading parts;
	struct err err;

	read_split(&whole, data, size, size);
	read_split(&parts, data, size, split);
	MUST(whole.status == parts.status);
	MUST(whole.attributes == parts.attributes);
	MUST(strcmp(whole.request.sender, parts.request.sender) == 0);
	if (whole.status == ATTR_END) {
		MUST(attr_size(&whole.reader) == attr_size(&parts.reader));
		request_finish(&whole.request, &err);
		answer(&whole.request);
	}
	free(whole.bytes);
	free(parts.bytes);
	return 0;
}
