/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an entry of a directory says.
 */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "suites.h"

/* The bytes of a literal, and how many. */
#define BYTES(text) text, sizeof(text) - 1

#define GUID "\x01\x00\xff\x2a\x28\x29\x5c\x0a\x80\x81\x82\x83\x84\x85\x86\x87"
#define UUID "597ae2f6-16a6-1027-98f4-d28b5365dc14"

static const char *const exchange[] = { "proxyAddresses", "mail", NULL };
static const char *const three[] = { "mail", "mailAlternateAddress",
	"proxyAddresses", NULL };

static const struct account_policy active_directory = {
	.kind = ACCOUNT_ACTIVE_DIRECTORY,
	.addresses = exchange,
	.filter = "",
};

static const struct account_policy openldap = {
	.kind = ACCOUNT_OPENLDAP,
	.addresses = three,
	.filter = "",
};

/* An attribute with one value, a string. */
struct given {
	const char *name;
	const char *value;
};

enum { GIVEN_MAX = 16 };

static struct account_value
value_of(const char *text)
{
	return (struct account_value){ text, strlen(text) };
}

/* Reads an entry with an identity and these attributes, up to one without a
 * name. */
static void
read_given(const struct account_policy *policy, const struct given *given,
    struct account *account)
{
	const bool is_ad = policy->kind == ACCOUNT_ACTIVE_DIRECTORY;
	struct account_value values[GIVEN_MAX + 1] = {
		is_ad ? (struct account_value){ GUID, RECIPIENT_ID }
		      : value_of(UUID),
	};
	struct account_attribute attributes[GIVEN_MAX + 1] = {
		{ is_ad ? "objectGUID" : "entryUUID", &values[0], 1 },
	};
	size_t count = 1;

	for (; count <= GIVEN_MAX && given->name != NULL; given++) {
		values[count] = value_of(given->value);
		attributes[count] = (struct account_attribute){ given->name,
			&values[count], 1 };
		count++;
	}
	ck_assert(account_read(policy, attributes, count, account));
}

/* The same strings in the same order; `expected` ends with NULL. */
static bool
is_same(const struct account_names *names, const char *const *expected)
{
	size_t i = 0;

	for (; i < names->count && expected[i] != NULL; i++)
		if (strcmp(names->name[i], expected[i]) != 0)
			return false;
	return i == names->count && expected[i] == NULL;
}

/* One value of one attribute, and the address that it is, NULL for none. */
START_TEST(values_and_their_addresses)
{
	static const struct {
		const char *name;
		const char *attribute;
		const char *bytes;
		size_t len;
		const char *address;
	} cases[] = {
		{ "primary address", "proxyAddresses",
		    BYTES("SMTP:Ann@B.Example"), "ann@b.example" },
		{ "alias", "proxyAddresses", BYTES("smtp:ann@b.example"),
		    "ann@b.example" },
		{ "type in any case", "proxyAddresses",
		    BYTES("sMtP:ann@b.example"), "ann@b.example" },
		{ "name of the attribute in any case", "PROXYaddresses",
		    BYTES("smtp:ann@b.example"), "ann@b.example" },
		{ "sip", "proxyAddresses", BYTES("sip:ann@b.example"), NULL },
		{ "X400", "proxyAddresses", BYTES("X400:C=US;A= ;P=Org;S=Ann;"),
		    NULL },
		{ "x500 with an @", "proxyAddresses",
		    BYTES("x500:/o=a@b/cn=ann"), NULL },
		{ "eum", "proxyAddresses", BYTES("eum:4711;phone-context=x@y"),
		    NULL },
		{ "no type", "proxyAddresses", BYTES("ann@b.example"), NULL },
		{ "type without a colon", "proxyAddresses", BYTES("smtp ann@b"),
		    NULL },
		{ "only a type", "proxyAddresses", BYTES("smtp:"), NULL },
		{ "half a type", "proxyAddresses", BYTES("smt"), NULL },
		{ "empty value", "proxyAddresses", BYTES(""), NULL },
		{ "two types", "proxyAddresses",
		    BYTES("smtp:smtp:ann@b.example"), "smtp:ann@b.example" },
		{ "plain address", "mail", BYTES("Ann@B.Example"),
		    "ann@b.example" },
		{ "a type in a plain attribute is of the address", "mail",
		    BYTES("smtp:ann@b.example"), "smtp:ann@b.example" },
		{ "empty plain value", "mail", BYTES(""), NULL },
		{ "attribute that holds no addresses", "otherMailbox",
		    BYTES("ann@b.example"), NULL },
		{ "no @", "mail", BYTES("ann"), NULL },
		{ "nothing before the @", "mail", BYTES("@b.example"), NULL },
		{ "nothing behind the @", "mail", BYTES("ann@"), NULL },
		{ "only a dot behind the @", "mail", BYTES("ann@."), NULL },
		{ "@ alone", "mail", BYTES("@"), NULL },
		{ "dot behind the domain", "mail", BYTES("ann@b.example."),
		    "ann@b.example" },
		{ "@ in the local part", "mail", BYTES("ann@x@b.example"),
		    "ann@x@b.example" },
		{ "spaces around it, which no server compares", "mail",
		    BYTES("  ann@b.example "), "ann@b.example" },
		{ "spaces around a typed one", "proxyAddresses",
		    BYTES(" smtp:ann@b.example "), "ann@b.example" },
		{ "only spaces", "mail", BYTES("   "), NULL },
		{ "space in the local part", "mail", BYTES("ann b@b.example"),
		    "ann b@b.example" },
		{ "special characters of filters", "proxyAddresses",
		    BYTES("smtp:a*(x)\\y@b.example"), "a*(x)\\y@b.example" },
		{ "UTF-8 keeps its case", "mail",
		    BYTES("J\xc3\x9cRG@B\xc3\x9c.example"),
		    "j\xc3\x9crg@b\xc3\x9c.example" },
		{ "NUL", "mail", BYTES("ann\0x@b.example"), NULL },
		{ "NUL at the end", "mail", BYTES("ann@b.example\0"), NULL },
		{ "newline at the end", "mail", BYTES("ann@b.example\n"),
		    NULL },
		{ "carriage return", "mail", BYTES("ann\r@b.example"), NULL },
		{ "tab", "proxyAddresses", BYTES("smtp:a\tb@b.example"), NULL },
		{ "escape", "mail", BYTES("a\x1b[2J@b"), NULL },
		{ "delete", "mail", BYTES("a\x7f@b"), NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const expected[] = { cases[i].address, NULL };
		const struct account_value id = { GUID, RECIPIENT_ID };
		const struct account_value value = { cases[i].bytes,
			cases[i].len };
		const struct account_attribute attributes[] = {
			{ cases[i].attribute, &value, 1 },
			{ "objectGUID", &id, 1 },
		};
		struct account account;

		ck_assert_msg(account_read(&active_directory, attributes, 2,
				  &account),
		    "%s: is an account", cases[i].name);
		ck_assert_msg(is_same(&account.addresses, expected), "%s: %s",
		    cases[i].name,
		    account.addresses.count == 0 ? "none"
						 : account.addresses.name[0]);
		account_finish(&account);
	}
}
END_TEST

/* In memory of just its size, so that the sanitizer sees a read beyond it. */
START_TEST(longest_address)
{
	for (size_t len = ADDRESS_MAX - 1; len <= ADDRESS_MAX + 1; len++) {
		char *bytes = malloc(len);
		const struct account_value values[] = {
			{ GUID, RECIPIENT_ID },
			{ bytes, len },
		};
		const struct account_attribute attributes[] = {
			{ "objectGUID", &values[0], 1 },
			{ "mail", &values[1], 1 },
		};
		struct account account;

		ck_assert_ptr_nonnull(bytes);
		memset(bytes, 'a', len);
		bytes[64] = '@';
		ck_assert(
		    account_read(&active_directory, attributes, 2, &account));
		ck_assert_uint_eq(account.addresses.count, len <= ADDRESS_MAX);
		if (len <= ADDRESS_MAX)
			ck_assert_uint_eq(strlen(account.addresses.name[0]),
			    len);
		account_finish(&account);
		free(bytes);
	}
}
END_TEST

START_TEST(each_address_once)
{
	static const struct given given[] = {
		{ "mail", "Ann@b.example" },
		{ "proxyAddresses", "SMTP:ann@b.example" },
		{ "proxyAddresses", "smtp:ANN@B.EXAMPLE." },
		{ "proxyAddresses", "smtp:a.nn@b.example" },
		{ "mail", "a.nn@b.example" },
		{ "proxyAddresses", "smtp:zoe@b.example" },
		{ NULL, NULL },
	};
	static const char *const expected[] = { "a.nn@b.example",
		"ann@b.example", "zoe@b.example", NULL };
	struct account account;

	read_given(&active_directory, given, &account);
	ck_assert(is_same(&account.addresses, expected));
	ck_assert(account_has(&account, "ann@b.example"));
	ck_assert(account_has(&account, "zoe@b.example"));
	ck_assert(!account_has(&account, "Ann@b.example"));
	ck_assert(!account_has(&account, "ann@b.exampl"));
	ck_assert(!account_has(&account, ""));
	account_finish(&account);
}
END_TEST

/* Servers give all values of an attribute together. */
START_TEST(many_values_of_one_attribute)
{
	enum { COUNT = 300 };
	char text[COUNT][32];
	struct account_value values[COUNT];
	const struct account_value id = value_of(UUID);
	const struct account_attribute attributes[] = {
		{ "mail", values, COUNT },
		{ "entryUUID", &id, 1 },
	};
	struct account account;

	for (size_t i = 0; i < COUNT; i++) {
		snprintf(text[i], sizeof(text[i]), "many%zu@b.example", i);
		values[i] = value_of(text[i]);
	}
	ck_assert(account_read(&openldap, attributes, 2, &account));
	ck_assert_uint_eq(account.addresses.count, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert(account_has(&account, text[i]));
	account_finish(&account);
}
END_TEST

START_TEST(too_many_values_are_left_out)
{
	enum { COUNT = ACCOUNT_NAMES_MAX + 5 };
	struct account_value *values = calloc(COUNT, sizeof(*values));
	char(*text)[32] = calloc(COUNT, sizeof(*text));
	const struct account_value id = value_of(UUID);
	const struct account_attribute attributes[] = {
		{ "entryUUID", &id, 1 },
		{ "mail", values, COUNT },
		{ "authOrig", values, COUNT },
		{ "policydRefusedSender", values, COUNT },
	};
	struct account account;

	ck_assert_ptr_nonnull(values);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(text[i], sizeof(text[i]), "many%zu@b.example", i);
		values[i] = value_of(text[i]);
	}
	ck_assert(account_read(&openldap, attributes, 4, &account));
	ck_assert_uint_eq(account.addresses.count, ACCOUNT_NAMES_MAX);
	ck_assert_uint_eq(account.permitted.count, ACCOUNT_NAMES_MAX);
	ck_assert_uint_eq(account.refused_senders.count, ACCOUNT_NAMES_MAX);
	ck_assert(account_has(&account, text[ACCOUNT_NAMES_MAX - 1]));
	ck_assert(!account_has(&account, text[ACCOUNT_NAMES_MAX]));
	account_finish(&account);
	free(text);
	free(values);
}
END_TEST

START_TEST(identities)
{
	static const struct {
		const char *name;
		const struct account_policy *policy;
		const char *attribute;
		const char *bytes;
		size_t len;
		bool is_one;
	} cases[] = {
		{ "objectGUID of Active Directory", &active_directory,
		    "objectGUID", GUID, 16, true },
		{ "its name in another case", &active_directory, "OBJECTguid",
		    GUID, 16, true },
		{ "a byte too few", &active_directory, "objectGUID", GUID, 15,
		    false },
		{ "a byte too many", &active_directory, "objectGUID", GUID "x",
		    17, false },
		{ "empty", &active_directory, "objectGUID", "", 0, false },
		{ "as text", &active_directory, "objectGUID", UUID, 36, false },
		{ "that of OpenLDAP", &active_directory, "entryUUID", UUID, 36,
		    false },
		{ "entryUUID of OpenLDAP", &openldap, "entryUUID", UUID, 36,
		    true },
		{ "its digits in upper case", &openldap, "entryuuid",
		    "597AE2F6-16A6-1027-98F4-D28B5365DC14", 36, true },
		{ "that of Active Directory", &openldap, "objectGUID", GUID, 16,
		    false },
		{ "as 16 bytes", &openldap, "entryUUID", GUID, 16, false },
		{ "without dashes", &openldap, "entryUUID",
		    "597ae2f616a6102798f4d28b5365dc14", 32, false },
		{ "a digit too few", &openldap, "entryUUID", UUID, 35, false },
		{ "a digit too many", &openldap, "entryUUID", UUID "1", 37,
		    false },
		{ "a dash too early", &openldap, "entryUUID",
		    "597ae2f-616a6-1027-98f4-d28b5365dc14", 36, false },
		{ "a dash for a digit", &openldap, "entryUUID",
		    "597ae2f6-16a6-1027-98f4-d28b5365dc1-", 36, false },
		{ "a digit for a dash", &openldap, "entryUUID",
		    "597ae2f6016a6-1027-98f4-d28b5365dc14", 36, false },
		{ "not a digit", &openldap, "entryUUID",
		    "597ae2f6-16a6-1027-98f4-d28b5365dg14", 36, false },
		{ "NUL for a digit", &openldap, "entryUUID",
		    "597ae2f6-16a6-1027-98f4-d28b5365d\0"
		    "14",
		    36, false },
		{ "empty", &openldap, "entryUUID", "", 0, false },
	};
	static const unsigned char uuid[RECIPIENT_ID] = { 0x59, 0x7a, 0xe2,
		0xf6, 0x16, 0xa6, 0x10, 0x27, 0x98, 0xf4, 0xd2, 0x8b, 0x53,
		0x65, 0xdc, 0x14 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct account_value values[] = {
			{ cases[i].bytes, cases[i].len },
			value_of("ann@b.example"),
		};
		const struct account_attribute attributes[] = {
			{ "mail", &values[1], 1 },
			{ cases[i].attribute, &values[0], 1 },
		};
		const void *id =
		    cases[i].len == RECIPIENT_ID ? (const void *)GUID : uuid;
		struct account account;

		ck_assert_msg(account_read(cases[i].policy, attributes, 2,
				  &account) == cases[i].is_one,
		    "%s", cases[i].name);
		if (!cases[i].is_one)
			continue;
		ck_assert_msg(memcmp(account.record.id, id, RECIPIENT_ID) == 0,
		    "%s: its bytes", cases[i].name);
		account_finish(&account);
	}
}
END_TEST

START_TEST(entries_without_an_identity)
{
	const struct account_value values[] = {
		{ GUID, RECIPIENT_ID },
		{ GUID, RECIPIENT_ID },
		value_of("ann@b.example"),
	};
	const struct account_attribute attributes[] = {
		{ "mail", &values[2], 1 },
		{ "objectGUID", NULL, 0 },
		{ "objectGUID", values, 2 },
	};
	struct account account;

	ck_assert(!account_read(&active_directory, NULL, 0, &account));
	/* One that may not be read has no values. */
	ck_assert(!account_read(&active_directory, attributes, 1, &account));
	ck_assert(!account_read(&active_directory, attributes, 2, &account));
	ck_assert(!account_read(&active_directory, attributes, 3, &account));
}
END_TEST

static bool
is_record(const struct recipient_record *a, const struct recipient_record *b)
{
	return a->disabled == b->disabled &&
	       a->internal_only == b->internal_only &&
	       a->permits == b->permits && a->refuses == b->refuses &&
	       a->allows == b->allows && a->max_size == b->max_size &&
	       a->greylist == b->greylist && a->delay == b->delay;
}

/* One attribute, and what the record says then. */
START_TEST(settings_of_one_value)
{
	static const struct {
		const char *name;
		const char *attribute;
		const char *value;
		struct recipient_record record;
	} cases[] = {
		{ "an attribute that says nothing", "displayName", "TRUE",
		    { .max_size = 0 } },
		{ "normal account", "userAccountControl", "512",
		    { .disabled = false } },
		{ "disabled account", "userAccountControl", "514",
		    { .disabled = true } },
		{ "disabled, no password needed", "USERACCOUNTCONTROL", "546",
		    { .disabled = true } },
		{ "all bits but that one", "userAccountControl", "4294967293",
		    { .disabled = false } },
		{ "account control that is no number", "userAccountControl",
		    "0x2", { .disabled = false } },
		{ "account control that is negative", "userAccountControl",
		    "-2147483646", { .disabled = false } },
		{ "authenticated senders only", "msExchRequireAuthToSendTo",
		    "TRUE", { .internal_only = true } },
		{ "the same in lower case", "msexchrequireauthtosendto", "true",
		    { .internal_only = true } },
		{ "everybody", "msExchRequireAuthToSendTo", "FALSE",
		    { .internal_only = false } },
		{ "neither true nor false", "msExchRequireAuthToSendTo",
		    "TRUES", { .internal_only = false } },
		{ "empty for true", "msExchRequireAuthToSendTo", "",
		    { .internal_only = false } },
		{ "size in kilobytes", "delivContLength", "100",
		    { .max_size = 102400 } },
		{ "no size", "delivContLength", "0", { .max_size = 0 } },
		{ "the largest of Active Directory", "delivContLength",
		    "2147483647", { .max_size = 2147483647ULL * 1024 } },
		{ "a size beyond all messages is no limit", "delivContLength",
		    "9223372036854775807", { .max_size = 0 } },
		{ "a size beyond all numbers is no limit", "delivContLength",
		    "99999999999999999999999999", { .max_size = 0 } },
		{ "a negative size", "delivContLength", "-1",
		    { .max_size = 0 } },
		{ "a size that is no number", "delivContLength", "10 MB",
		    { .max_size = 0 } },
		{ "greylist on", "policydGreylist", "on",
		    { .greylist = RECIPIENT_GREYLIST_ON } },
		{ "greylist off", "policydGreylist", "off",
		    { .greylist = RECIPIENT_GREYLIST_OFF } },
		{ "greylist observe", "policydGreylist", "observe",
		    { .greylist = RECIPIENT_GREYLIST_OBSERVE } },
		{ "greylist in upper case, with a space", "POLICYDgreylist",
		    "OFF ", { .greylist = RECIPIENT_GREYLIST_OFF } },
		{ "greylist with another word", "policydGreylist", "of",
		    { .greylist = RECIPIENT_GREYLIST_DEFAULT } },
		{ "greylist with more than a word", "policydGreylist",
		    "off today", { .greylist = RECIPIENT_GREYLIST_DEFAULT } },
		{ "greylist without a word", "policydGreylist", "",
		    { .greylist = RECIPIENT_GREYLIST_DEFAULT } },
		{ "delay", "policydDelay", "600", { .delay = 600 } },
		{ "shortest delay", "policydDelay", "1", { .delay = 1 } },
		{ "longest delay", "policydDelay", "86400",
		    { .delay = 86400 } },
		{ "a delay too long is ignored", "policydDelay", "86401",
		    { .delay = 0 } },
		{ "delay 0 is ignored", "policydDelay", "0", { .delay = 0 } },
		{ "a negative delay is ignored", "policydDelay", "-600",
		    { .delay = 0 } },
		{ "a delay with a sign is ignored", "policydDelay", "+600",
		    { .delay = 0 } },
		{ "a delay with a unit is ignored", "policydDelay", "10m",
		    { .delay = 0 } },
		{ "a delay that a 64-bit number cannot hold", "policydDelay",
		    "18446744073709551617", { .delay = 0 } },
		{ "no delay", "policydDelay", "", { .delay = 0 } },
		{ "permitted senders", "authOrig", "CN=a",
		    { .permits = true } },
		{ "permitted groups", "dLMemSubmitPerms", "CN=a",
		    { .permits = true } },
		{ "refused senders", "unauthOrig", "CN=a",
		    { .refuses = true } },
		{ "refused groups", "dLMemRejectPerms", "CN=a",
		    { .refuses = true } },
		{ "refused address", "policydRefusedSender", "a@b",
		    { .refuses = true } },
		{ "allowed address", "policydAllowedSender", "a@b",
		    { .allows = true } },
		{ "an allowed sender that is none", "policydAllowedSender", "a",
		    { .allows = false } },
		{ "a refused sender that is none", "policydRefusedSender", "@",
		    { .refuses = false } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct given given[] = {
			{ cases[i].attribute, cases[i].value },
			{ NULL, NULL },
		};
		struct recipient_record in_openldap = cases[i].record;
		struct account account;

		read_given(&active_directory, given, &account);
		ck_assert_msg(is_record(&account.record, &cases[i].record),
		    "%s", cases[i].name);
		account_finish(&account);
		/* There userAccountControl means nothing; all else is the
		 * same. */
		in_openldap.disabled = false;
		read_given(&openldap, given, &account);
		ck_assert_msg(is_record(&account.record, &in_openldap),
		    "%s, in OpenLDAP", cases[i].name);
		account_finish(&account);
	}
}
END_TEST

START_TEST(settings_without_values)
{
	static const char *const names[] = { "mail", "proxyAddresses",
		"userAccountControl", "msExchRequireAuthToSendTo",
		"delivContLength", "policydGreylist", "policydDelay",
		"authOrig", "policydAllowedSender" };
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	const struct account_value id = { GUID, RECIPIENT_ID };
	struct account_attribute attributes[COUNT + 1];
	const struct recipient_record nothing = { .max_size = 0 };
	struct account account;

	for (size_t i = 0; i < COUNT; i++)
		attributes[i] = (struct account_attribute){ names[i], NULL, 0 };
	attributes[COUNT] = (struct account_attribute){ "objectGUID", &id, 1 };
	ck_assert(
	    account_read(&active_directory, attributes, COUNT + 1, &account));
	ck_assert(is_record(&account.record, &nothing));
	ck_assert_uint_eq(account.addresses.count, 0);
	account_finish(&account);
}
END_TEST

START_TEST(lists_of_senders)
{
	static const struct given given[] = {
		{ "authOrig", "CN=Ann\\, A.,OU=People,DC=example" },
		{ "AUTHORIG", "CN=Bob,OU=People,DC=example" },
		{ "dLMemSubmitPerms", "CN=Staff,DC=example" },
		{ "unauthOrig", "CN=J\xc3\xbcrg,DC=example" },
		{ "dLMemRejectPerms", "CN=Guests,DC=example" },
		{ "policydAllowedSender", "Friend@Partner.Example" },
		{ "policydAllowedSender", "@News.Example." },
		{ "policydAllowedSender", "friend@partner.example" },
		{ "policydAllowedSender", "partner.example" },
		{ "policydRefusedSender", "@shop.example" },
		{ "policydRefusedSender", "a@b\n.example" },
		{ NULL, NULL },
	};
	static const char *const permitted[] = {
		"CN=Ann\\, A.,OU=People,DC=example",
		"CN=Bob,OU=People,DC=example", NULL
	};
	static const char *const permitted_groups[] = { "CN=Staff,DC=example",
		NULL };
	static const char *const refused[] = { "CN=J\xc3\xbcrg,DC=example",
		NULL };
	static const char *const refused_groups[] = { "CN=Guests,DC=example",
		NULL };
	static const char *const allowed_senders[] = { "@news.example",
		"friend@partner.example", NULL };
	static const char *const refused_senders[] = { "@shop.example", NULL };
	struct account account;

	read_given(&active_directory, given, &account);
	ck_assert(is_same(&account.permitted, permitted));
	ck_assert(is_same(&account.permitted_groups, permitted_groups));
	ck_assert(is_same(&account.refused, refused));
	ck_assert(is_same(&account.refused_groups, refused_groups));
	ck_assert(is_same(&account.allowed_senders, allowed_senders));
	ck_assert(is_same(&account.refused_senders, refused_senders));
	account_finish(&account);
}
END_TEST

START_TEST(distinguished_names_that_are_taken)
{
	enum { LONGEST = 4096 };
	char *dn = malloc(LONGEST + 1);
	const struct account_value values[] = {
		{ GUID, RECIPIENT_ID },
		{ dn, LONGEST },
		{ dn, LONGEST + 1 },
		{ "CN=a\0b", 6 },
		{ "", 0 },
	};
	const struct account_attribute attributes[] = {
		{ "objectGUID", &values[0], 1 },
		{ "authOrig", &values[1], 1 },
		{ "unauthOrig", &values[2], 1 },
		{ "dLMemSubmitPerms", &values[3], 1 },
		{ "dLMemRejectPerms", &values[4], 1 },
	};
	struct account account;

	ck_assert_ptr_nonnull(dn);
	memset(dn, 'x', LONGEST + 1);
	ck_assert(account_read(&active_directory, attributes, 5, &account));
	ck_assert_uint_eq(account.permitted.count, 1);
	ck_assert_uint_eq(strlen(account.permitted.name[0]), LONGEST);
	ck_assert_uint_eq(account.refused.count, 0);
	ck_assert_uint_eq(account.permitted_groups.count, 0);
	ck_assert_uint_eq(account.refused_groups.count, 0);
	ck_assert(account.record.permits && !account.record.refuses);
	account_finish(&account);
	free(dn);
}
END_TEST

/* Whole entries, as the directories have them. */
START_TEST(kinds_of_recipients)
{
	static const struct {
		const char *name;
		const struct account_policy *policy;
		struct given given[GIVEN_MAX];
		const char *addresses[4];
		struct recipient_record record;
	} cases[] = {
		{ "a user with a mailbox", &active_directory,
		    { { "mail", "ann@example.com" },
			{ "proxyAddresses", "SMTP:ann@example.com" },
			{ "proxyAddresses", "smtp:a.smith@example.com" },
			{ "proxyAddresses", "X500:/o=Org/cn=ann" },
			{ "userAccountControl", "512" } },
		    { "a.smith@example.com", "ann@example.com", NULL },
		    { .disabled = false } },
		{ "a shared mailbox, disabled by design", &active_directory,
		    { { "proxyAddresses", "SMTP:info@example.com" },
			{ "userAccountControl", "514" },
			{ "msExchRecipientTypeDetails", "4" } },
		    { "info@example.com", NULL }, { .disabled = true } },
		{ "a group for authenticated senders", &active_directory,
		    { { "proxyAddresses", "SMTP:all@example.com" },
			{ "groupType", "8" },
			{ "msExchRequireAuthToSendTo", "TRUE" },
			{ "dLMemSubmitPerms", "CN=Staff,DC=example" } },
		    { "all@example.com", NULL },
		    { .internal_only = true, .permits = true } },
		{ "a contact: where its mail goes is no address of ours",
		    &active_directory,
		    { { "proxyAddresses", "SMTP:partner@example.com" },
			{ "targetAddress", "SMTP:bob@partner.example" },
			{ "delivContLength", "10240" } },
		    { "partner@example.com", NULL }, { .max_size = 10485760 } },
		{ "a mailbox moved to the cloud", &active_directory,
		    { { "proxyAddresses", "SMTP:cloud@example.com" },
			{ "targetAddress", "SMTP:cloud@tenant.example" },
			{ "userAccountControl", "512" } },
		    { "cloud@example.com", NULL }, { .disabled = false } },
		{ "a user without mail", &active_directory,
		    { { "userAccountControl", "512" } }, { NULL },
		    { .disabled = false } },
		{ "a user who has lost the last address", &active_directory,
		    { { "proxyAddresses", "sip:ann@example.com" } }, { NULL },
		    { .disabled = false } },
		{ "a user of OpenLDAP with an alias", &openldap,
		    { { "mail", "Ann@Example.com" },
			{ "mailAlternateAddress", "a.smith@example.com" },
			{ "uid", "ann@example.org" } },
		    { "a.smith@example.com", "ann@example.com", NULL },
		    { .disabled = false } },
		{ "a user of OpenLDAP with Exchange's attributes", &openldap,
		    { { "proxyAddresses", "SMTP:ann@example.com" },
			{ "userAccountControl", "514" },
			{ "msExchRequireAuthToSendTo", "TRUE" },
			{ "unauthOrig", "uid=bob,dc=example" } },
		    { "ann@example.com", NULL },
		    { .internal_only = true, .refuses = true } },
		{ "a recipient with settings of its own", &openldap,
		    { { "mail", "ann@example.com" },
			{ "policydGreylist", "on" }, { "policydDelay", "60" },
			{ "policydAllowedSender", "@friend.example" },
			{ "policydRefusedSender", "@shop.example" } },
		    { "ann@example.com", NULL },
		    { .allows = true,
			.refuses = true,
			.greylist = RECIPIENT_GREYLIST_ON,
			.delay = 60 } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct account account;

		read_given(cases[i].policy, cases[i].given, &account);
		ck_assert_msg(is_same(&account.addresses, cases[i].addresses),
		    "%s: addresses", cases[i].name);
		ck_assert_msg(is_record(&account.record, &cases[i].record),
		    "%s: record", cases[i].name);
		account_finish(&account);
	}
}
END_TEST

START_TEST(finish_leaves_nothing)
{
	static const struct given given[] = {
		{ "mail", "ann@b.example" },
		{ "authOrig", "CN=a" },
		{ "policydAllowedSender", "@b.example" },
		{ NULL, NULL },
	};
	struct account account;

	read_given(&active_directory, given, &account);
	account_finish(&account);
	ck_assert(!account_has(&account, "ann@b.example"));
	ck_assert_ptr_null(account.permitted.name);
	account_finish(&account);
}
END_TEST

Suite *
account_suite(void)
{
	Suite *suite = suite_create("account");
	TCase *tests = tcase_create("account");

	tcase_add_test(tests, values_and_their_addresses);
	tcase_add_test(tests, longest_address);
	tcase_add_test(tests, each_address_once);
	tcase_add_test(tests, many_values_of_one_attribute);
	tcase_add_test(tests, too_many_values_are_left_out);
	tcase_add_test(tests, identities);
	tcase_add_test(tests, entries_without_an_identity);
	tcase_add_test(tests, settings_of_one_value);
	tcase_add_test(tests, settings_without_values);
	tcase_add_test(tests, lists_of_senders);
	tcase_add_test(tests, distinguished_names_that_are_taken);
	tcase_add_test(tests, kinds_of_recipients);
	tcase_add_test(tests, finish_leaves_nothing);
	suite_add_tcase(suite, tests);
	return suite;
}
