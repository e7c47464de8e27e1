/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of a directory, as hostile as they may be: attributes with any values
 * make an account whose addresses are addresses, or none; and any address makes
 * a filter in which it stands for nothing but itself.
 *
 * Each input is the kind and a list of attributes: a byte for the name, one for
 * the length of a value, the value.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #condition); \
			abort(); \
		} \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ATTRIBUTES = 64 };

static const char *const names[] = { "proxyAddresses", "mail", "objectGUID",
	"entryUUID", "userAccountControl", "msExchRequireAuthToSendTo",
	"delivContLength", "authOrig", "dLMemSubmitPerms", "policydGreylist",
	"policydDelay", "policydAllowedSender", "policydRefusedSender",
	"unknown" };

struct entry {
	struct account_attribute attributes[ATTRIBUTES];
	struct account_value values[ATTRIBUTES];
	size_t count;
};

static void
read_entry(const uint8_t *data, size_t size, struct entry *entry)
{
	entry->count = 0;
	while (size >= 2 && entry->count < ATTRIBUTES) {
		struct account_value *value = &entry->values[entry->count];
		const size_t len = data[1] < size - 2 ? data[1] : size - 2;

		*value = (struct account_value){ (const char *)data + 2, len };
		entry->attributes[entry->count++] = (struct account_attribute){
			.name =
			    names[data[0] % (sizeof(names) / sizeof(names[0]))],
			.values = value,
			.count = 1,
		};
		data += 2 + len;
		size -= 2 + len;
	}
}

static void
check_address(const char *address)
{
	const size_t len = strlen(address);

	MUST(len > 0 && len <= ADDRESS_MAX);
	MUST(strchr(address, '@') != NULL);
	for (size_t i = 0; i < len; i++)
		MUST((unsigned char)address[i] >= ' ' && address[i] != 0x7f);
}

static void
check_filter(const struct account_policy *policy, const char *address)
{
	char memory[ACCOUNT_FILTER_MAX];
	struct buf out;
	int depth = 0;

	buf_init(&out, memory, sizeof(memory));
	MUST(account_filter_one(policy, address, &out));
	for (size_t i = 0; i < out.len; i++) {
		depth += memory[i] == '(' ? 1 : memory[i] == ')' ? -1 : 0;
		MUST(memory[i] > ' ' && memory[i] < 0x7f && memory[i] != '*');
		MUST(depth > 0 || i + 1 == out.len);
	}
	MUST(depth == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const addresses[] = { "proxyAddresses", "mail",
		NULL };
	struct account_policy policy = { .addresses = addresses, .filter = "" };
	struct entry entry;
	struct account account;
	char text[ADDRESS_MAX + 1];
	const size_t len = size < ADDRESS_MAX ? size : ADDRESS_MAX;

	if (size == 0)
		return 0;
	policy.kind =
	    (data[0] & 1) != 0 ? ACCOUNT_OPENLDAP : ACCOUNT_ACTIVE_DIRECTORY;
	memcpy(text, data, len);
	text[len] = '\0';
	check_filter(&policy, text);
	read_entry(data + 1, size - 1, &entry);
	if (!account_read(&policy, entry.attributes, entry.count, &account))
		return 0;
	for (size_t i = 0; i < account.addresses.count; i++)
		check_address(account.addresses.name[i]);
	account_finish(&account);
	return 0;
}
