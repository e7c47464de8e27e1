/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_settings.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "channel.h"
#include "descriptors.h"
#include "suites.h"
#include "unconst.h"

static struct ldap_settings *
make_settings(void)
{
	struct ldap_settings settings = {
		.uri = { unconst("ldaps://dc1.example.com"),
		    unconst("ldaps://dc2.example.com") },
		.srv = unconst(""),
		.kind = ACCOUNT_OPENLDAP,
		.addresses = { unconst("mail"),
		    unconst("mailAlternateAddress") },
		.filter = unconst("(&(objectClass=person)(a=b))"),
		.base = unconst("DC=example,DC=com"),
		.bind = LDAP_BIND_GSSAPI,
		.bind_dn = unconst("CN=policyd,DC=example,DC=com"),
		.password_file = unconst("/etc/policyd/secret"),
		.keytab = unconst("/etc/policyd/keytab"),
		.tls_ca_file = unconst("/etc/ca.pem"),
		.tls_certificate = unconst("/etc/cert.pem"),
		.tls_key = unconst("/etc/key.pem"),
		.tls_verify = true,
		.start_tls = true,
		.network_timeout = 3,
		.bind_timeout = 4,
		.search_timeout = 5,
		.idle_timeout = 600,
		.max_outstanding = 32,
		.page_size = 1000,
		.sync = LDAP_SYNC_SYNCREPL,
	};

	return ldap_settings_copy(&settings);
}

/* A message as it came over a channel. */
struct incoming {
	char bytes[CHANNEL_MESSAGE];
	struct attr attributes[CHANNEL_ATTRIBUTES];
	struct message message;
};

static const struct attr_limits limits = {
	.attributes = CHANNEL_ATTRIBUTES,
	.value = CHANNEL_MESSAGE,
	.request = CHANNEL_MESSAGE,
};

static void
receive(struct incoming *incoming, size_t len)
{
	struct attr_reader reader;
	size_t count = 0;

	attr_reader_init(&reader, &limits);
	while (attr_read(&reader, incoming->bytes, len,
		   &incoming->attributes[count]) == ATTR_PAIR)
		count++;
	incoming->message = (struct message){ incoming->attributes, count };
}

/* Writes the settings and reads the message. */
static struct incoming *
carry(const struct ldap_settings *settings)
{
	struct incoming *incoming = calloc(1, sizeof(*incoming));
	struct buf out;

	ck_assert_ptr_nonnull(incoming);
	buf_init(&out, incoming->bytes, sizeof(incoming->bytes));
	ldap_settings_write(settings, &out);
	ck_assert(!out.full);
	receive(incoming, out.len);
	return incoming;
}

START_TEST(what_is_written_is_read)
{
	struct ldap_settings *settings = make_settings();
	struct incoming *incoming = carry(settings);
	struct ldap_settings *read = ldap_settings_read(&incoming->message);

	ck_assert_ptr_nonnull(read);
	ck_assert_str_eq(read->uri[0], "ldaps://dc1.example.com");
	ck_assert_str_eq(read->uri[1], "ldaps://dc2.example.com");
	ck_assert_ptr_null(read->uri[2]);
	ck_assert_str_eq(read->srv, "");
	ck_assert_int_eq(read->kind, ACCOUNT_OPENLDAP);
	ck_assert_str_eq(read->addresses[1], "mailAlternateAddress");
	ck_assert_ptr_null(read->addresses[2]);
	ck_assert_str_eq(read->filter, "(&(objectClass=person)(a=b))");
	ck_assert_str_eq(read->base, "DC=example,DC=com");
	ck_assert_int_eq(read->bind, LDAP_BIND_GSSAPI);
	ck_assert_str_eq(read->bind_dn, "CN=policyd,DC=example,DC=com");
	ck_assert_str_eq(read->password_file, "/etc/policyd/secret");
	ck_assert_str_eq(read->keytab, "/etc/policyd/keytab");
	ck_assert_str_eq(read->tls_ca_file, "/etc/ca.pem");
	ck_assert_str_eq(read->tls_certificate, "/etc/cert.pem");
	ck_assert_str_eq(read->tls_key, "/etc/key.pem");
	ck_assert(read->tls_verify);
	ck_assert(read->start_tls);
	ck_assert_uint_eq(read->network_timeout, 3);
	ck_assert_uint_eq(read->bind_timeout, 4);
	ck_assert_uint_eq(read->search_timeout, 5);
	ck_assert_uint_eq(read->idle_timeout, 600);
	ck_assert_uint_eq(read->max_outstanding, 32);
	ck_assert_uint_eq(read->page_size, 1000);
	ck_assert_int_eq(read->sync, LDAP_SYNC_SYNCREPL);
	ldap_settings_free(read);
	ldap_settings_free(settings);
	free(incoming);
}
END_TEST

/* Takes the attributes of this name out. */
static void
drop(struct message *message, struct attr *attributes, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < message->count; i++)
		if (strcmp(attributes[i].name, name) != 0)
			attributes[kept++] = attributes[i];
	message->count = kept;
}

START_TEST(nothing_may_be_missing)
{
	struct ldap_settings *settings = make_settings();
	struct incoming *whole = carry(settings);

	for (size_t i = 0; i < whole->message.count; i++) {
		struct incoming *part = carry(settings);
		const char *name = whole->attributes[i].name;

		drop(&part->message, part->attributes, name);
		if (strcmp(name, "request") != 0)
			ck_assert_msg(ldap_settings_read(&part->message) ==
					  NULL,
			    "read without %s", name);
		free(part);
	}
	ldap_settings_free(settings);
	free(whole);
}
END_TEST

static const struct nonsense {
	const char *name;
	const char *value;
} nonsense[] = {
	{ "kind", "novell" },
	{ "kind", "" },
	{ "bind", "password" },
	{ "sync", "often" },
	{ "tls-verify", "2" },
	{ "start-tls", "yes" },
	{ "page-size", "1000001" },
	{ "page-size", "-1" },
	{ "bind-timeout", "" },
	{ "network-timeout", "3s" },
};

START_TEST(nonsense_is_refused)
{
	struct ldap_settings *settings = make_settings();
	struct incoming *incoming = carry(settings);

	for (size_t i = 0; i < incoming->message.count; i++)
		if (strcmp(incoming->attributes[i].name, nonsense[_i].name) ==
		    0)
			incoming->attributes[i].value = nonsense[_i].value;
	ck_assert_ptr_null(ldap_settings_read(&incoming->message));
	ldap_settings_free(settings);
	free(incoming);
}
END_TEST

START_TEST(too_many_servers_are_refused)
{
	struct ldap_settings *settings = make_settings();
	struct incoming *incoming = carry(settings);
	struct message *message = &incoming->message;

	for (size_t i = 0; i + 2 < LDAP_SERVERS_MAX; i++)
		incoming->attributes[message->count++] =
		    (struct attr){ .name = "uri", .value = "ldaps://dc" };
	ldap_settings_free(settings);
	settings = ldap_settings_read(message);
	ck_assert_ptr_nonnull(settings);
	ldap_settings_free(settings);
	incoming->attributes[message->count++] =
	    (struct attr){ .name = "uri", .value = "ldaps://dc" };
	ck_assert_ptr_null(ldap_settings_read(message));
	free(incoming);
}
END_TEST

START_TEST(a_domain_replaces_the_servers)
{
	struct ldap_settings *settings = make_settings();
	struct incoming *incoming = carry(settings);
	struct ldap_settings *read;

	drop(&incoming->message, incoming->attributes, "uri");
	for (size_t i = 0; i < incoming->message.count; i++)
		if (strcmp(incoming->attributes[i].name, "srv") == 0)
			incoming->attributes[i].value = "example.com";
	read = ldap_settings_read(&incoming->message);
	ck_assert_ptr_nonnull(read);
	ck_assert_str_eq(read->srv, "example.com");
	ck_assert_ptr_null(read->uri[0]);
	ldap_settings_free(read);
	ldap_settings_free(settings);
	free(incoming);
}
END_TEST

START_TEST(no_settings_can_be_freed)
{
	ldap_settings_free(NULL);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
ldap_settings_suite(void)
{
	Suite *suite = suite_create("ldap_settings");
	TCase *tcase = tcase_create("ldap_settings");

	tcase_add_checked_fixture(tcase, descriptors_count, descriptors_check);
	tcase_add_test(tcase, what_is_written_is_read);
	tcase_add_test(tcase, nothing_may_be_missing);
	tcase_add_loop_test(tcase, nonsense_is_refused, 0, COUNT(nonsense));
	tcase_add_test(tcase, too_many_servers_are_refused);
	tcase_add_test(tcase, a_domain_replaces_the_servers);
	tcase_add_test(tcase, no_settings_can_be_freed);
	suite_add_tcase(suite, tcase);
	return suite;
}
