/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_certificate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "suites.h"

/* 2026-11-24 00:00:00. */
#define NOW 1795478400

/* A certificate with what is looked at: serial number, algorithm, issuer,
 * validity, and an extension with names. */
struct bytes {
	unsigned char at[512];
	size_t len;
};

static void
put(struct bytes *to, unsigned char tag, const void *value, size_t len)
{
	to->at[to->len++] = tag;
	if (len >= 0x80)
		to->at[to->len++] = 0x81;
	to->at[to->len++] = (unsigned char)len;
	memcpy(to->at + to->len, value, len);
	to->len += len;
}

static void
put_all(struct bytes *to, unsigned char tag, const struct bytes *value)
{
	put(to, tag, value->at, value->len);
}

static struct bytes
make_validity(const char *begin, const char *end)
{
	struct bytes validity = { 0 };

	put(&validity, strlen(begin) == 13 ? 0x17 : 0x18, begin, strlen(begin));
	put(&validity, strlen(end) == 13 ? 0x17 : 0x18, end, strlen(end));
	return validity;
}

static struct bytes
make_names(void)
{
	static const unsigned char address[] = { 192, 0, 2, 1 };
	struct bytes names = { 0 };
	struct bytes list = { 0 };
	struct bytes extension = { 0 };

	put(&names, 0x82, "dc1.example.com", 15);
	put(&names, 0x82, "*.example.net", 13);
	put(&names, 0x87, address, sizeof(address));
	put_all(&list, 0x30, &names);
	put(&extension, 0x06, "\x55\x1d\x11", 3);
	put(&extension, 0x01, "\xff", 1);
	put_all(&extension, 0x04, &list);
	return extension;
}

static struct bytes
make_certificate(const char *begin, const char *end)
{
	const struct bytes validity = make_validity(begin, end);
	const struct bytes names = make_names();
	struct bytes body = { 0 };
	struct bytes inner = { 0 };
	struct bytes certificate = { 0 };

	put(&body, 0xa0, "\x02\x01\x02", 3);
	put(&body, 0x02, "\x01", 1);
	put(&body, 0x30, "", 0);
	put(&body, 0x30, "", 0);
	put_all(&body, 0x30, &validity);
	put_all(&body, 0x30, &names);
	put_all(&inner, 0x30, &body);
	put_all(&certificate, 0x30, &inner);
	return certificate;
}

static const struct judgement {
	const char *what;
	const char *begin;
	const char *end;
	const char *host;
	const char *part;
} judgements[] = {
	{ "a good name", "260101000000Z", "270101000000Z", "dc1.example.com",
	    "authority" },
	{ "upper case", "260101000000Z", "270101000000Z", "DC1.Example.com",
	    "authority" },
	{ "another name", "260101000000Z", "270101000000Z", "dc2.example.com",
	    "another name" },
	{ "a wildcard", "260101000000Z", "270101000000Z", "dc2.example.net",
	    "authority" },
	{ "a wildcard is one label", "260101000000Z", "270101000000Z",
	    "a.b.example.net", "another name" },
	{ "an address", "260101000000Z", "270101000000Z", "192.0.2.1",
	    "authority" },
	{ "another address", "260101000000Z", "270101000000Z", "192.0.2.2",
	    "another name" },
	{ "over", "250101000000Z", "260101000000Z", "dc1.example.com",
	    "has expired" },
	{ "last century", "950101000000Z", "990101000000Z", "dc1.example.com",
	    "has expired" },
	{ "not yet", "270101000000Z", "280101000000Z", "dc1.example.com",
	    "not valid yet" },
	{ "four digits of a year", "20260101000000Z", "20600101000000Z",
	    "dc1.example.com", "authority" },
};

START_TEST(certificates_are_judged)
{
	const struct judgement *judgement = &judgements[_i];
	const struct bytes certificate =
	    make_certificate(judgement->begin, judgement->end);
	const char *text = ldap_certificate_judge(certificate.at,
	    certificate.len, judgement->host, NOW);

	ck_assert_msg(strstr(text, judgement->part) != NULL, "%s: %s",
	    judgement->what, text);
}
END_TEST

/* In memory of its own size, so that a look beyond it is found. */
static void
judge_copy(const unsigned char *bytes, size_t len)
{
	unsigned char *copy = malloc(len > 0 ? len : 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, bytes, len);
	ck_assert_ptr_nonnull(
	    ldap_certificate_judge(copy, len, "dc1.example.com", NOW));
	free(copy);
}

START_TEST(broken_certificates_are_survived)
{
	struct bytes certificate =
	    make_certificate("260101000000Z", "270101000000Z");

	for (size_t len = 0; len <= certificate.len; len++)
		judge_copy(certificate.at, len);
	for (size_t i = 0; i < certificate.len; i++) {
		for (unsigned flip = 1; flip < 0x100; flip++) {
			certificate.at[i] ^= (unsigned char)flip;
			judge_copy(certificate.at, certificate.len);
			certificate.at[i] ^= (unsigned char)flip;
		}
	}
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
ldap_certificate_suite(void)
{
	Suite *suite = suite_create("ldap_certificate");
	TCase *tcase = tcase_create("ldap_certificate");

	tcase_add_checked_fixture(tcase, descriptors_count, descriptors_check);
	tcase_add_loop_test(tcase, certificates_are_judged, 0,
	    COUNT(judgements));
	tcase_add_test(tcase, broken_certificates_are_survived);
	suite_add_tcase(suite, tcase);
	return suite;
}
