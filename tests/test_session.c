/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container.h"
#include "descriptors.h"
#include "store_memory.h"
#include "suites.h"

/* A store whose answers come when the test says so, and whose commits fail
 * when it says so. */
struct late_store {
	struct store store;
	struct store *memory;
	struct store_get *open;
	bool is_late;
	bool refuses;
};

static struct ev_loop *loop;
static struct turn *turn;
static struct sessions *sessions;
static struct metrics metrics;
static struct late_store late;
static struct session_limits limits;

static struct late_store *
late_store_of(struct store *store)
{
	return container_of(store, struct late_store, store);
}

static void
late_cancel(struct lookup *lookup)
{
	ck_assert_ptr_eq(&late.open->lookup, lookup);
	late.open = NULL;
}

static void
late_get(struct store *store, struct store_get *get)
{
	struct late_store *self = late_store_of(store);

	if (!self->is_late) {
		store_get(self->memory, get);
		return;
	}
	get->lookup.cancel = late_cancel;
	self->open = get;
}

static void
late_insert(struct store *store, enum store_table table,
    const struct store_row *row)
{
	store_insert(late_store_of(store)->memory, table, row);
}

static void
late_update(struct store *store, enum store_table table,
    const struct store_row *row)
{
	store_update(late_store_of(store)->memory, table, row);
}

static bool
late_commit(struct store *store)
{
	return !late_store_of(store)->refuses;
}

static void
answer_late(void)
{
	struct store_get *get = late.open;

	ck_assert_ptr_nonnull(get);
	late.open = NULL;
	late.is_late = false;
	store_get(late.memory, get);
}

static void
configure(void)
{
	const struct engine_policy policy = {
		.greylist = {
			.delay = 120,
			.retry_window = 3600,
			.keep = 86400,
			.code = "DEFER_IF_PERMIT 4.2.0",
			.text = "Wait",
			.header = true,
		},
		.origin = { .ipv4_prefix = 24, .ipv6_prefix = 64 },
		.networks = netset_create(),
		.recipient = { .delimiter = "" },
	};
	struct engine *engine = engine_create(&policy,
	    &(struct engine_parts){ .store = &late.store });

	sessions_configure(sessions, &limits, engine);
	engine_release(engine);
}

static void
set_up(void)
{
	descriptors_count();
	late = (struct late_store){
		.store = {
			.get = late_get,
			.insert = late_insert,
			.update = late_update,
			.commit = late_commit,
		},
		.memory = store_memory_create(),
	};
	metrics = (struct metrics){ 0 };
	limits = (struct session_limits){
		.request = {
			.attributes = 128,
			.value = 4096,
			.request = 32768,
		},
		.max_connections = 3,
		.idle_timeout = 1000.0,
		.answer_within = 1000.0,
	};
	loop = ev_loop_new(EVFLAG_AUTO);
	turn = turn_create(loop, &late.store);
	sessions = sessions_create(loop, turn, &metrics);
	configure();
}

static void
tear_down(void)
{
	sessions_destroy(sessions);
	turn_destroy(turn);
	ev_loop_destroy(loop);
	store_memory_destroy(late.memory);
	descriptors_check();
}

/* Postfix's end of a new connection. */
static int
connect_peer(void)
{
	struct listener_client *client = sessions_client(sessions);
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     ends),
	    0);
	client->accepted(client, ends[1], "a test");
	return ends[0];
}

/* Turns of the loop: what is ready is read, decided, committed, written. */
static void
turn_loop(void)
{
	for (int i = 0; i < 8; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static void
ask(int peer, const char *text)
{
	ck_assert_int_eq(write(peer, text, strlen(text)),
	    (ssize_t)strlen(text));
	turn_loop();
}

/* What has come back; "" when nothing, "closed" when the connection is. */
static const char *
answer(int peer)
{
	static char text[8192];
	const ssize_t n = recv(peer, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n == 0)
		return "closed";
	text[n > 0 ? n : 0] = '\0';
	return text;
}

#define REQUEST(recipient) \
	"request=smtpd_access_policy\nprotocol_state=RCPT\n" \
	"client_address=192.0.2.1\nsender=bob@example.net\n" \
	"recipient=" recipient "\ninstance=1.2\n\n"

#define DEFERRED "action=DEFER_IF_PERMIT 4.2.0 Wait\n\n"

START_TEST(a_request_is_answered)
{
	const int peer = connect_peer();

	ask(peer, REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(peer), DEFERRED);
	ck_assert_uint_eq(metrics.reasons[REASON_GREYLISTED_NEW], 1);
	close(peer);
	turn_loop();
	ck_assert_uint_eq(metrics.connections_open, 0);
}
END_TEST

START_TEST(a_request_may_come_in_two_reads)
{
	static const char text[] = REQUEST("ann@example.com");
	const int peer = connect_peer();

	for (size_t split = 1; split < sizeof(text) - 1; split++) {
		char first[sizeof(text)];

		memcpy(first, text, split);
		first[split] = '\0';
		ask(peer, first);
		ck_assert_str_eq(answer(peer), "");
		ask(peer, text + split);
		ck_assert_str_eq(answer(peer), DEFERRED);
	}
	close(peer);
}
END_TEST

START_TEST(requests_in_one_read_are_answered_in_order)
{
	const int peer = connect_peer();

	ask(peer, REQUEST("ann@example.com") "request=smtpd_access_policy\n"
					     "protocol_state=VRFY\n\n" REQUEST(
						 "carl@example.com"));
	ck_assert_str_eq(answer(peer), DEFERRED "action=DUNNO\n\n" DEFERRED);
	close(peer);
}
END_TEST

START_TEST(requests_before_the_end_of_the_connection_are_answered)
{
	const int peer = connect_peer();
	static const char text[] = REQUEST("a@b") REQUEST("c@d");

	ck_assert_int_eq(write(peer, text, sizeof(text) - 1), sizeof(text) - 1);
	shutdown(peer, SHUT_WR);
	turn_loop();
	ck_assert_str_eq(answer(peer), DEFERRED DEFERRED);
	ck_assert_str_eq(answer(peer), "closed");
	close(peer);
}
END_TEST

START_TEST(a_malformed_request_closes_its_connection_only)
{
	static const char *const malformed[] = { "no equals sign\n\n",
		"=no name\n\n", "request=smtpd_access_policy\r\n\r\n", "\n",
		"request=something_else\n\n", "name=value\n\n" };
	const int good = connect_peer();

	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		const int bad = connect_peer();

		ask(bad, malformed[i]);
		ck_assert_str_eq(answer(bad), "closed");
		ck_assert_uint_eq(metrics.requests_malformed, i + 1);
		close(bad);
	}
	ask(good, REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(good), DEFERRED);
	close(good);
}
END_TEST

START_TEST(one_connection_too_many_closes_the_longest_idle)
{
	int peers[3];
	int newest;

	for (size_t i = 0; i < 3; i++)
		peers[i] = connect_peer();
	ask(peers[0], REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(peers[0]), DEFERRED);
	newest = connect_peer();
	turn_loop();
	ck_assert_str_eq(answer(peers[1]), "closed");
	ck_assert_str_eq(answer(peers[0]), "");
	ck_assert_str_eq(answer(peers[2]), "");
	ck_assert_uint_eq(metrics.connections_displaced, 1);
	ask(newest, REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(newest), DEFERRED);
	for (size_t i = 0; i < 3; i++)
		close(peers[i]);
	close(newest);
}
END_TEST

START_TEST(a_connection_that_owes_an_answer_is_not_closed_for_another)
{
	int peers[3];

	limits.max_connections = 1;
	configure();
	late.is_late = true;
	peers[0] = connect_peer();
	ask(peers[0], REQUEST("ann@example.com"));
	peers[1] = connect_peer();
	turn_loop();
	ck_assert_str_eq(answer(peers[1]), "closed");
	answer_late();
	turn_loop();
	ck_assert_str_eq(answer(peers[0]), DEFERRED);
	close(peers[0]);
	close(peers[1]);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
	int peer;

	limits.idle_timeout = 0.01;
	configure();
	peer = connect_peer();
	usleep(20000);
	turn_loop();
	ck_assert_str_eq(answer(peer), "closed");
	ck_assert_uint_eq(metrics.connections_idle, 1);
	close(peer);
}
END_TEST

START_TEST(an_answer_that_is_late_is_waited_for)
{
	const int peer = connect_peer();

	late.is_late = true;
	ask(peer, REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(peer), "");
	/* What comes meanwhile waits. */
	ask(peer, REQUEST("carl@example.com"));
	ck_assert_str_eq(answer(peer), "");
	answer_late();
	turn_loop();
	ck_assert_str_eq(answer(peer), DEFERRED DEFERRED);
	close(peer);
}
END_TEST

START_TEST(an_answer_that_does_not_come_counts_as_unavailable)
{
	int peer;

	limits.answer_within = 0.01;
	configure();
	peer = connect_peer();
	late.is_late = true;
	ask(peer, REQUEST("ann@example.com"));
	usleep(20000);
	turn_loop();
	ck_assert_str_eq(answer(peer), "action=DUNNO\n\n");
	ck_assert_ptr_null(late.open);
	ck_assert_uint_eq(metrics.lookups_given_up, 1);
	ck_assert_uint_eq(metrics.reasons[REASON_STORE_UNAVAILABLE], 1);
	late.is_late = false;
	ask(peer, REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(peer), DEFERRED);
	close(peer);
}
END_TEST

START_TEST(a_commit_that_fails_takes_the_deferral_back)
{
	const int peer = connect_peer();

	late.refuses = true;
	ask(peer, REQUEST("ann@example.com"));
	ck_assert_str_eq(answer(peer), "action=DUNNO\n\n");
	ck_assert_uint_eq(metrics.reasons[REASON_STORE_UNAVAILABLE], 1);
	ck_assert_uint_eq(metrics.reasons[REASON_GREYLISTED_NEW], 0);
	close(peer);
}
END_TEST

/* Makes the triplet of an address pass now. */
static void
age_triplet(const char *recipient)
{
	const struct triplet_record record = {
		.first = (time_t)ev_now(loop) - 200,
		.last = (time_t)ev_now(loop) - 200,
		.deferred = 1,
	};
	const struct origin_policy origin = { 24, 64 };
	struct request request;
	struct triplet triplet;
	char bytes[RECORD_SIZE];

	request_init(&request);
	request.sender = "bob@example.net";
	request.recipient = recipient;
	netaddr_parse("192.0.2.1", &request.client);
	triplet_of(&origin, &request, &triplet);
	store_insert(late.memory, STORE_TRIPLET,
	    &(struct store_row){ .key = triplet.key,
		.key_len = triplet.key_len,
		.value = bytes,
		.value_len = triplet_record_write(&record, bytes) });
}

START_TEST(a_message_gets_one_header_however_many_recipients)
{
	const int peer = connect_peer();
	const char *text;
	int seconds = 0;
	int len = 0;

	age_triplet("ann@example.com");
	age_triplet("carl@example.com");
	ask(peer, REQUEST("ann@example.com"));
	text = answer(peer);
	sscanf(text,
	    "action=PREPEND X-Greylist: delayed %d seconds by policyd%n",
	    &seconds, &len);
	ck_assert_int_gt(len, 0);
	ck_assert_str_eq(text + len, "\n\n");
	/* The clock is the real one. */
	ck_assert_int_ge(seconds, 200);
	ask(peer, REQUEST("carl@example.com"));
	ck_assert_str_eq(answer(peer), "action=DUNNO\n\n");
	close(peer);
}
END_TEST

START_TEST(at_the_end_what_was_asked_is_answered)
{
	const int idle = connect_peer();
	const int busy = connect_peer();

	late.is_late = true;
	ask(busy, REQUEST("ann@example.com"));
	ck_assert_uint_eq(sessions_drain(sessions), 1);
	ck_assert_str_eq(answer(idle), "closed");
	answer_late();
	turn_loop();
	ck_assert_str_eq(answer(busy), DEFERRED);
	ck_assert_str_eq(answer(busy), "closed");
	ck_assert_uint_eq(sessions_drain(sessions), 0);
	close(idle);
	close(busy);
}
END_TEST

Suite *
session_suite(void)
{
	Suite *suite = suite_create("session");
	TCase *tests = tcase_create("session");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, a_request_is_answered);
	tcase_add_test(tests, a_request_may_come_in_two_reads);
	tcase_add_test(tests, requests_in_one_read_are_answered_in_order);
	tcase_add_test(tests,
	    requests_before_the_end_of_the_connection_are_answered);
	tcase_add_test(tests, a_malformed_request_closes_its_connection_only);
	tcase_add_test(tests, one_connection_too_many_closes_the_longest_idle);
	tcase_add_test(tests,
	    a_connection_that_owes_an_answer_is_not_closed_for_another);
	tcase_add_test(tests, an_idle_connection_is_closed);
	tcase_add_test(tests, an_answer_that_is_late_is_waited_for);
	tcase_add_test(tests,
	    an_answer_that_does_not_come_counts_as_unavailable);
	tcase_add_test(tests, a_commit_that_fails_takes_the_deferral_back);
	tcase_add_test(tests,
	    a_message_gets_one_header_however_many_recipients);
	tcase_add_test(tests, at_the_end_what_was_asked_is_answered);
	suite_add_tcase(suite, tests);
	return suite;
}
