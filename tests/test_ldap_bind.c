/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_bind.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "suites.h"

/* The contents and rights of a password file, and what is read: NULL is
 * refused. */
static const struct secret {
	const char *what;
	const char *bytes;
	size_t len;
	mode_t mode;
	const char *password;
} secrets[] = {
	{ "a line", "geheim\n", 7, 0600, "geheim" },
	{ "no newline", "geheim", 6, 0600, "geheim" },
	{ "two lines", "geheim\nmore\n", 12, 0600, "geheim" },
	{ "a file from elsewhere", "geheim\r\n", 8, 0600, "geheim" },
	{ "spaces belong to it", " ge heim \n", 10, 0600, " ge heim " },
	{ "the group may read it", "geheim\n", 7, 0640, "geheim" },
	{ "everybody may read it", "geheim\n", 7, 0644, NULL },
	{ "everybody may write it", "geheim\n", 7, 0602, NULL },
	{ "nothing", "", 0, 0600, NULL },
	{ "an empty line", "\ngeheim\n", 8, 0600, NULL },
	{ "a NUL", "ge\0heim\n", 8, 0600, NULL },
};

static void
write_file(char *path, const char *bytes, size_t len, mode_t mode)
{
	const int file = mkstemp(path);

	ck_assert_int_ge(file, 0);
	ck_assert_int_eq(write(file, bytes, len), (ssize_t)len);
	ck_assert_int_eq(fchmod(file, mode), 0);
	ck_assert_int_eq(close(file), 0);
}

START_TEST(the_password_file_is_checked)
{
	const struct secret *secret = &secrets[_i];
	char path[] = "/tmp/policyd-test-XXXXXX";
	struct err err = { "" };
	char *password;

	write_file(path, secret->bytes, secret->len, secret->mode);
	password = ldap_password_read(path, &err);
	unlink(path);
	if (secret->password != NULL) {
		ck_assert_msg(password != NULL, "%s: %s", secret->what,
		    err.text);
		ck_assert_str_eq(password, secret->password);
	} else {
		ck_assert_msg(password == NULL, "%s is read", secret->what);
		ck_assert_ptr_nonnull(strstr(err.text, path));
		ck_assert_ptr_null(strstr(err.text, "geheim"));
	}
	free(password);
}
END_TEST

START_TEST(a_password_that_is_too_long_is_refused)
{
	char path[] = "/tmp/policyd-test-XXXXXX";
	char bytes[1024];
	struct err err;

	memset(bytes, 'a', sizeof(bytes));
	write_file(path, bytes, sizeof(bytes), 0600);
	ck_assert_ptr_null(ldap_password_read(path, &err));
	unlink(path);
}
END_TEST

START_TEST(a_missing_password_file_is_named)
{
	struct err err;

	ck_assert_ptr_null(ldap_password_read("/nowhere/secret", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/secret"));
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
ldap_bind_suite(void)
{
	Suite *suite = suite_create("ldap_bind");
	TCase *tcase = tcase_create("ldap_bind");

	tcase_add_checked_fixture(tcase, descriptors_count, descriptors_check);
	tcase_add_loop_test(tcase, the_password_file_is_checked, 0,
	    COUNT(secrets));
	tcase_add_test(tcase, a_password_that_is_too_long_is_refused);
	tcase_add_test(tcase, a_missing_password_file_is_named);
	suite_add_tcase(suite, tcase);
	return suite;
}
