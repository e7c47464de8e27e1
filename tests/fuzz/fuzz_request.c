/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes, as a connection may bring them: read in one go and in two, they
 * are the same request; and whatever is in it, its triplet, its addresses in the
 * log and its reply are well formed.
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
	size_t count;
	/* Each name and value with its NUL, of all attributes in turn. */
	struct buf attributes;
	char attributes_memory[4096];
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
			break;
		MUST(strlen(attr.name) == attr.name_len);
		MUST(strlen(attr.value) == attr.value_len);
		MUST(attr.name_len > 0 && attr.name_len <= limits.value);
		MUST(attr.value_len <= limits.value);
		MUST(++reading->count <= limits.attributes);
		buf_append(&reading->attributes, attr.name, attr.name_len + 1);
		buf_append(&reading->attributes, attr.value,
		    attr.value_len + 1);
		request_set(&reading->request, &attr);
	}
	MUST(!reading->attributes.full);
	MUST(reading->status != ATTR_MALFORMED ||
	     attr_complaint(&reading->reader) != NULL);
	MUST(reading->status != ATTR_END ||
	     attr_size(&reading->reader) <= limits.request);
}

static void
read_split(struct reading *reading, const uint8_t *data, size_t size,
    size_t split)
{
	*reading = (struct reading){ .bytes = malloc(size > 0 ? size : 1) };
	MUST(reading->bytes != NULL);
	if (size > 0)
		memcpy(reading->bytes, data, size);
	buf_init(&reading->attributes, reading->attributes_memory,
	    sizeof(reading->attributes_memory));
	attr_reader_init(&reading->reader, &limits);
	request_init(&reading->request);
	read_on(reading, split);
	if (reading->status == ATTR_MORE)
		read_on(reading, size);
}

static bool
is_same(const struct reading *a, const struct reading *b)
{
	return a->status == b->status && a->count == b->count &&
	       a->attributes.len == b->attributes.len &&
	       memcmp(a->attributes.data, b->attributes.data,
		   a->attributes.len) == 0 &&
	       (a->status != ATTR_END ||
		   attr_size(&a->reader) == attr_size(&b->reader));
}

/* The length of the UTF-8 character at `at` (RFC 3629), by decoding it: another
 * way than verdict.c's.  0 when it is none. */
static size_t
utf8_length(const unsigned char *at, size_t len)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const size_t size = *at < 0x80   ? 1
			    : *at < 0xe0 ? 2
			    : *at < 0xf0 ? 3
					 : 4;
	unsigned long number = *at & (size == 1 ? 0x7fu : 0x7fu >> size);

	if ((*at >= 0x80 && *at < 0xc0) || *at >= 0xf8 || size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
		number = number << 6 | (at[i] & 0x3f);
	}
	if (number < least[size] || number > 0x10ffff ||
	    (number >= 0xd800 && number <= 0xdfff))
		return 0;
	return size;
}

static bool
is_utf8(const struct buf *text)
{
	size_t len = 1;

	for (size_t at = 0; at < text->len && len > 0; at += len)
		len = utf8_length((const unsigned char *)text->data + at,
		    text->len - at);
	return len > 0;
}

static bool
is_one_reply(const struct buf *reply)
{
	return !reply->full && reply->len > strlen("action=\n\n") &&
	       memcmp(reply->data, "action=", 7) == 0 &&
	       memchr(reply->data, '\0', reply->len) == NULL &&
	       memchr(reply->data, '\r', reply->len) == NULL &&
	       memchr(reply->data, '\n', reply->len) ==
		   reply->data + reply->len - 2 &&
	       reply->data[reply->len - 1] == '\n' && is_utf8(reply);
}

/* What a log line shows of an address. */
static void
escape(const char *address)
{
	char memory[4 * 512];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	MUST(buf_put_escaped(&out, address, strlen(address)));
	for (size_t i = 0; i < out.len; i++)
		MUST(memory[i] >= ' ' && memory[i] <= '~' &&
		     strchr("<>\"", memory[i]) == NULL);
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

	escape(request->sender);
	escape(request->recipient);
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

/* The last two bytes say where: behind a request they may be anything. */
static size_t
split_of(const uint8_t *data, size_t size)
{
	return size < 2 ? 0
			: ((size_t)data[size - 1] << 8 | data[size - 2]) % size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole;
	struct reading parts;
	struct err err;

	read_split(&whole, data, size, size);
	read_split(&parts, data, size, split_of(data, size));
	MUST(is_same(&whole, &parts));
	if (whole.status == ATTR_END) {
		request_finish(&whole.request, &err);
		answer(&whole.request);
	}
	free(whole.bytes);
	free(parts.bytes);
	return 0;
}
