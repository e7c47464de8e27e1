/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "conf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "greylist.h"
#include "suites.h"

static char path[64];

static void
set_up(void)
{
	int fd;

	strcpy(path, "/tmp/policyd-conf-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
tear_down(void)
{
	unlink(path);
}

static struct conf *
read_text(const char *text, struct err *err)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	return conf_read(path, err);
}

START_TEST(an_empty_file_greylists)
{
	struct err err;
	struct conf *conf = read_text("", &err);

	ck_assert_msg(conf != NULL, "%s", err.text);
	ck_assert_uint_eq(conf->listen.count, 2);
	ck_assert_str_eq(conf->listen.item[1], "inet:127.0.0.1:10040");
	ck_assert_int_eq(conf->greylist.mode, GREYLIST_ENFORCE);
	ck_assert_int_eq(conf->greylist.delay, 120);
	ck_assert_int_eq(conf->greylist.retry_window, 48 * 3600);
	ck_assert_int_eq(conf->greylist.keep, 36 * 86400);
	ck_assert_int_eq(conf->idle_timeout, 1100);
	ck_assert_uint_eq(conf->socket_mode, 0666);
	ck_assert_uint_eq(conf->cache_size, 64 << 20);
	ck_assert(conf->greylist.header);
	conf_free(conf);
}
END_TEST

START_TEST(the_sample_is_the_default)
{
	struct err err;
	struct conf *defaults = read_text("", &err);
	FILE *file = fopen(path, "w");
	struct conf *sample;
	char memory[256];
	struct buf keys;

	ck_assert_ptr_nonnull(file);
	conf_print(file);
	fclose(file);
	sample = conf_read(path, &err);
	ck_assert_msg(sample != NULL, "%s", err.text);
	buf_init(&keys, memory, sizeof(memory));
	ck_assert(!conf_needs_restart(defaults, sample, &keys));
	ck_assert_int_eq(sample->greylist.keep, defaults->greylist.keep);
	ck_assert_str_eq(sample->greylist.text, defaults->greylist.text);
	conf_free(defaults);
	conf_free(sample);
}
END_TEST

static const struct {
	const char *text;
	/* Behind the file's name. */
	const char *complaint;
} bad[] = {
	{ "\nlisten = { \"tcp:1\" }\n", ":2: " },
	{ "listen = {}\n", ": listen is empty" },
	{ "greylist {\n  delay = 2m\n  retry-window = 1m\n}\n",
	    ": greylist: retry-window must be longer" },
	{ "greylist {\n  text = \"%s\"\n}\n", ":2: " },
	{ "greylist {\n  code = \"550\"\n}\n", ":2: " },
	{ "whitelist {\n networks = { \"192.0.2.1/24\" }\n}\n", ":2: " },
	{ "state-directory = \"relative\"\n", ":1: " },
	{ "durability = maybe\n", ":1: " },
	{ "cache-size = 64\n", ":1: " },
	{ "idle-timeout = 0s\n", ":1: " },
	{ "unknown = 1\n", ":1: " },
	{ "max-value-size = 20K\n", ": max-request-size must be at least" },
};

START_TEST(what_is_wrong_is_named_with_its_line)
{
	struct err err = { "" };
	struct conf *conf = read_text(bad[_i].text, &err);

	ck_assert_msg(conf == NULL, "accepted: %s", bad[_i].text);
	ck_assert_msg(strncmp(err.text, path, strlen(path)) == 0, "%s",
	    err.text);
	ck_assert_msg(strncmp(err.text + strlen(path), bad[_i].complaint,
			  strlen(bad[_i].complaint)) == 0,
	    "%s", err.text);
}
END_TEST

START_TEST(what_a_reload_cannot_change_is_told)
{
	struct err err;
	struct conf *old = read_text("", &err);
	struct conf *new = read_text("user = nobody\ncache-size = 1G\n"
				     "greylist { delay = 3m }\n",
	    &err);
	char memory[256];
	struct buf keys;

	ck_assert_msg(new != NULL, "%s", err.text);
	buf_init(&keys, memory, sizeof(memory));
	ck_assert(conf_needs_restart(old, new, &keys));
	ck_assert_uint_eq(keys.len, strlen("user, cache-size"));
	ck_assert_int_eq(memcmp(keys.data, "user, cache-size", keys.len), 0);
	conf_free(old);
	conf_free(new);
}
END_TEST

Suite *
conf_suite(void)
{
	Suite *suite = suite_create("conf");
	TCase *tests = tcase_create("conf");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, an_empty_file_greylists);
	tcase_add_test(tests, the_sample_is_the_default);
	tcase_add_loop_test(tests, what_is_wrong_is_named_with_its_line, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tests, what_a_reload_cannot_change_is_told);
	suite_add_tcase(suite, tests);
	return suite;
}
