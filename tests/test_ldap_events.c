/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "descriptors.h"
#include "ldap_events.h"
#include "suites.h"
#include "unconst.h"

/* The daemon's end, the thread's end, and what the daemon has read. */
struct pair {
	int daemon;
	int thread;
	struct ldap_events *events;
	char text[CHANNEL_MESSAGE];
};

static struct pair
make_pair(void)
{
	struct pair pair;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	pair.daemon = ends[0];
	pair.thread = ends[1];
	pair.events = ldap_events_create(pair.thread);
	return pair;
}

static void
finish(struct pair *pair)
{
	ldap_events_destroy(pair->events);
	close(pair->daemon);
}

static void
say(const struct pair *pair, const char *text)
{
	const ssize_t len = (ssize_t)strlen(text);

	ck_assert_int_eq(write(pair->daemon, text, (size_t)len), len);
}

static const char *
hear(struct pair *pair)
{
	ssize_t len;

	ldap_events_flush(pair->events);
	len = recv(pair->daemon, pair->text, sizeof(pair->text) - 1,
	    MSG_DONTWAIT);
	pair->text[len > 0 ? len : 0] = '\0';
	return pair->text;
}

START_TEST(test_ldap_events_requests)
{
	struct pair pair = make_pair();
	struct ldap_request request;

	ck_assert(!ldap_events_asked(pair.events));
	say(&pair, "request=sync\nfull=no\nstate=usn: 1\n");
	ck_assert(!ldap_events_asked(pair.events));
	say(&pair, "\nrequest=stop\n\nrequest=sync\nfull=yes\nstate=\n\n");
	ck_assert(ldap_events_asked(pair.events));
	request = ldap_events_wait(pair.events);
	ck_assert(!request.stop);
	ck_assert(!request.full);
	ck_assert_str_eq(request.state, "usn: 1");
	/* A request that comes leaves the one under way as it is. */
	ck_assert(ldap_events_asked(pair.events));
	ck_assert_str_eq(request.state, "usn: 1");
	ck_assert(ldap_events_wait(pair.events).stop);
	request = ldap_events_wait(pair.events);
	ck_assert(!request.stop);
	ck_assert(request.full);
	ck_assert_str_eq(request.state, "");
	ck_assert(!ldap_events_asked(pair.events));
	finish(&pair);
}
END_TEST

START_TEST(test_ldap_events_words)
{
	static const unsigned char id[RECIPIENT_ID] = { 0xab, 1 };
	static const char *const senders[] = { "ann@b.example", "" };
	struct pair pair = make_pair();

	ldap_events_begin(pair.events, true, "usn");
	ck_assert_str_eq(hear(&pair), "event=begin\nfull=yes\nmethod=usn\n\n");
	ldap_events_gone(pair.events, id);
	ck_assert(ldap_events_held(pair.events));
	ck_assert_str_eq(hear(&pair),
	    "event=gone\nid=ab010000000000000000000000000000\n\n");
	ck_assert(!ldap_events_held(pair.events));
	ldap_events_senders(pair.events, id, 3, senders, 2);
	ck_assert_str_eq(hear(&pair),
	    "event=sender\nid=ab010000000000000000000000000000\nlisting=3\n"
	    "sender=ann@b.example\nsender=\n\n");
	ldap_events_state(pair.events, "usn: 1");
	ldap_events_end(pair.events);
	ck_assert_str_eq(hear(&pair),
	    "event=state\nstate=usn: 1\n\nevent=end\n\n");
	ldap_events_failed(pair.events, "two\nlines", true);
	ck_assert_str_eq(hear(&pair),
	    "event=failed\nproblem=two?lines\nfull=yes\n\n");
	finish(&pair);
}
END_TEST

static size_t
count(const char *text, const char *word)
{
	size_t found = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		found++;
	return found;
}

/* 100 addresses a message; the first is the object, the others are more. */
START_TEST(test_ldap_events_many_addresses)
{
	static char name[250][32];
	char *names[251];
	struct account account = { .addresses = { names, 251 } };
	struct pair pair = make_pair();
	const char *text;

	for (int i = 0; i < 250; i++) {
		snprintf(name[i], sizeof(name[i]), "a%d@b.example", i);
		names[i] = name[i];
	}
	names[250] = unconst("bad\n\nevent=gone");
	ldap_events_object(pair.events, &account);
	text = hear(&pair);
	ck_assert_uint_eq(count(text, "event="), 3);
	ck_assert_uint_eq(count(text, "event=object\n"), 1);
	ck_assert_uint_eq(count(text, "event=more\n"), 2);
	ck_assert_uint_eq(count(text, "record=01"), 3);
	ck_assert_uint_eq(count(text, "\naddress="), 250);
	finish(&pair);
}
END_TEST

/* The daemon's end closes: so does the process. */
START_TEST(test_ldap_events_daemon_gone)
{
	struct pair pair = make_pair();
	const pid_t child = fork();
	int status;

	if (child == 0) {
		close(pair.daemon);
		ldap_events_wait(pair.events);
		_exit(1);
	}
	finish(&pair);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

Suite *
ldap_events_suite(void)
{
	Suite *suite = suite_create("ldap_events");
	TCase *tcase = tcase_create("ldap_events");

	tcase_add_checked_fixture(tcase, descriptors_count, descriptors_check);
	tcase_add_test(tcase, test_ldap_events_requests);
	tcase_add_test(tcase, test_ldap_events_words);
	tcase_add_test(tcase, test_ldap_events_many_addresses);
	tcase_add_test(tcase, test_ldap_events_daemon_gone);
	suite_add_tcase(suite, tcase);
	return suite;
}
