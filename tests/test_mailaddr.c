/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mailaddr.h"
#include "suites.h"

START_TEST(test_split)
{
	static const struct {
		const char *name;
		const char *text;
		const char *local;
		const char *domain;
	} cases[] = {
		{ "usual", "ann@b.example", "ann", "b.example" },
		{ "@ in the local part", "ann@x@b.example", "ann@x",
		    "b.example" },
		{ "space in the local part", "ann b@b.example", "ann b",
		    "b.example" },
		{ "no domain", "postmaster", "postmaster", "" },
		{ "empty domain", "ann@", "ann", "" },
		{ "empty local part", "@b.example", "", "b.example" },
		{ "address literal", "ann@[IPv6:::1]", "ann", "[IPv6:::1]" },
		{ "null sender", "", "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailaddr address;

		mailaddr_split(cases[i].text, &address);
		ck_assert_msg(address.local_len == strlen(cases[i].local) &&
				  memcmp(address.local, cases[i].local,
				      address.local_len) == 0,
		    "%s: local part", cases[i].name);
		ck_assert_msg(address.domain_len == strlen(cases[i].domain) &&
				  strcmp(address.domain, cases[i].domain) == 0,
		    "%s: domain", cases[i].name);
	}
}
END_TEST

START_TEST(test_is_null)
{
	ck_assert(mailaddr_is_null(""));
	ck_assert(!mailaddr_is_null("postmaster"));
	ck_assert(!mailaddr_is_null("@"));
}
END_TEST

struct folding {
	const char *name;
	const char *text;
	const char *folded;
};

/* Folds into a buffer of just the address's size, behind what is there, so that
 * the sanitizer sees every byte too many. */
static void
check_foldings(const struct folding *cases, size_t count,
    void (*fold)(const char *address, struct buf *out))
{
	for (size_t i = 0; i < count; i++) {
		const size_t len = strlen(cases[i].text);
		char *memory = malloc(len + 2);
		struct buf out;

		ck_assert_ptr_nonnull(memory);
		buf_init(&out, memory, len + 2);
		buf_puts(&out, "@:");
		fold(cases[i].text, &out);
		ck_assert_msg(!out.full && memcmp(memory, "@:", 2) == 0,
		    "%s: buffer", cases[i].name);
		ck_assert_msg(out.len - 2 == strlen(cases[i].folded) &&
				  memcmp(memory + 2, cases[i].folded,
				      out.len - 2) == 0,
		    "%s: %.*s", cases[i].name, (int)out.len - 2, memory + 2);
		free(memory);
	}
}

START_TEST(test_fold)
{
	static const struct folding cases[] = {
		{ "capitals", "Ann.B@B.Example", "ann.b@b.example" },
		{ "dot that ends the domain", "ann@b.example.",
		    "ann@b.example" },
		{ "dot that ends a local part", "ann.", "ann." },
		{ "empty domain", "ann.@", "ann.@" },
		{ "nothing else goes", "Ann+X=1@b.example",
		    "ann+x=1@b.example" },
		{ "UTF-8 stays", "J\xc3\x96RG@b.example",
		    "j\xc3\x96rg@b.example" },
		{ "two @", "A@B@C.", "a@b@c" },
		{ "null sender", "", "" },
	};

	check_foldings(cases, sizeof(cases) / sizeof(cases[0]), mailaddr_fold);
}
END_TEST

START_TEST(test_canonical_sender)
{
	static const struct folding cases[] = {
		{ "usual", "Ann.B@B.Example.", "ann.b@b.example" },
		{ "null sender", "", "" },
		{ "no domain", "Bounce-17+x", "bounce-17+x" },
		{ "empty local part", "@b.example", "@b.example" },
		{ "empty domain", "ann-1@", "ann-#@" },

		{ "BATV", "prvs=1234abcdef=ann@b.example", "ann@b.example" },
		{ "BATV in capitals", "PRVS=1234ABCDEF=Ann@b.example",
		    "ann@b.example" },
		{ "BATV of an address with =", "prvs=1234abcdef=a=b@b.example",
		    "a=b@b.example" },
		{ "BATV of an address with extension",
		    "prvs=1234abcdef=ann+x@b.example", "ann@b.example" },
		{ "BATV of an SRS address",
		    "prvs=1234abcdef=SRS0=Xy9z=4K=b.example=ann@f.example",
		    "srs0=b.example=ann@f.example" },
		{ "BATV with a letter for the day",
		    "prvs=12a4abcdef=ann@b.example",
		    "prvs=12a4abcdef=ann@b.example" },
		{ "BATV with a hash that is none",
		    "prvs=1234abcdeg=ann@b.example",
		    "prvs=1234abcdeg=ann@b.example" },
		{ "BATV with a short tag", "prvs=1234abcde=ann@b.example",
		    "prvs=1234abcde=ann@b.example" },
		{ "BATV of nobody", "prvs=1234abcdef=@b.example",
		    "prvs=1234abcdef=@b.example" },
		{ "another tag than prvs", "btv1=1234abcdef=ann@b.example",
		    "btv1=1234abcdef=ann@b.example" },

		{ "SRS0", "SRS0=Xy9z=4K=b.example=ann@f.example",
		    "srs0=b.example=ann@f.example" },
		{ "SRS0 with +", "SRS0+Xy9z=4K=b.example=ann@f.example",
		    "srs0=b.example=ann@f.example" },
		{ "SRS0 with -", "SRS0-Xy9z=4K=b.example=ann@f.example",
		    "srs0=b.example=ann@f.example" },
		{ "SRS0, hash with + and /",
		    "SRS0=X+/z=4K=b.example=ann@f.example",
		    "srs0=b.example=ann@f.example" },
		{ "SRS0 of an address with = and extension",
		    "SRS0=Xy9z=4K=b.example=a=b+x@f.example",
		    "srs0=b.example=a=b@f.example" },
		{ "SRS0 without a hash", "SRS0==4K=b.example=ann@f.example",
		    "srs0==4k=b.example=ann@f.example" },
		{ "SRS0 with a long day",
		    "SRS0=Xy9z=4KK=b.example=ann@f.example",
		    "srs0=xy9z=4kk=b.example=ann@f.example" },
		{ "SRS0 without a user", "SRS0=Xy9z=4K=b.example@f.example",
		    "srs0=xy9z=4k=b.example@f.example" },
		{ "SRS0 and nothing else", "SRS0=@f.example",
		    "srs0=@f.example" },
		{ "SRS0 without its separator", "SRS0@f.example",
		    "srs0@f.example" },

		{ "SRS1",
		    "SRS1=Qq0v=c.example==Xy9z=4K=b.example=ann@f.example",
		    "srs1=c.example=b.example=ann@f.example" },
		{ "SRS1 with other separators",
		    "SRS1+Qq0v=c.example=-Xy9z=4K=b.example=ann@f.example",
		    "srs1=c.example=b.example=ann@f.example" },
		{ "SRS1 around no SRS0 address",
		    "SRS1=Qq0v=c.example=b.example=ann@f.example",
		    "srs1=qq0v=c.example=b.example=ann@f.example" },
		{ "SRS1 cut short", "SRS1=Qq0v=c.example==@f.example",
		    "srs1=qq0v=c.example==@f.example" },

		{ "extension", "ann+list@b.example", "ann@b.example" },
		{ "two extensions", "ann+list+x@b.example", "ann@b.example" },
		{ "empty extension", "ann+@b.example", "ann@b.example" },
		{ "+ at the beginning", "+ann@b.example", "+ann@b.example" },
		{ "+ at the beginning, and extension", "+49+x@b.example",
		    "+#@b.example" },
		{ "Microsoft 365's SRS", "bounces+SRS=44ldt=IX@b.example",
		    "bounces@b.example" },

		{ "number in the middle", "bounce-4711-ann@b.example",
		    "bounce-#-ann@b.example" },
		{ "two numbers", "b-4711-12=ann.7@b.example",
		    "b-#-#=ann.#@b.example" },
		{ "only a number", "4711@b.example", "#@b.example" },
		{ "number at a letter", "ann2@b.example", "ann2@b.example" },
		{ "letter at a number", "2ann@b.example", "2ann@b.example" },
		{ "number at an underscore", "b_4711@b.example",
		    "b_4711@b.example" },
		{ "number at UTF-8",
		    "\xc3\xb6"
		    "7@b.example",
		    "\xc3\xb6#@b.example" },
		{ "number in the domain", "ann@7.example", "ann@7.example" },
		{ "number behind an @", "a@7@b.example", "a@#@b.example" },
	};

	check_foldings(cases, sizeof(cases) / sizeof(cases[0]),
	    mailaddr_canonical_sender);
}
END_TEST

START_TEST(test_nothing_is_written_to_a_buffer_too_small)
{
	char memory[8];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	mailaddr_fold("ann@b.example", &out);
	ck_assert(out.full);
	ck_assert_uint_eq(out.len, 0);
	buf_clear(&out);
	mailaddr_canonical_sender("ann@b.example", &out);
	ck_assert(out.full);
	ck_assert_uint_eq(out.len, 0);
}
END_TEST

Suite *
mailaddr_suite(void)
{
	Suite *suite = suite_create("mailaddr");
	TCase *tcase = tcase_create("mailaddr");

	tcase_add_test(tcase, test_split);
	tcase_add_test(tcase, test_is_null);
	tcase_add_test(tcase, test_fold);
	tcase_add_test(tcase, test_canonical_sender);
	tcase_add_test(tcase, test_nothing_is_written_to_a_buffer_too_small);
	suite_add_tcase(suite, tcase);
	return suite;
}
