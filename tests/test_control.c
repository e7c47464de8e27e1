/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "control_text.h"
#include "directory_fixture.h"
#include "ldap_directory.h"
#include "replica.h"
#include "replicator.h"
#include "store_memory.h"
#include "suites.h"
#include "turn.h"
#include "xalloc.h"

/* What nobody's computer needs. */
#define PATIENCE 10.0

enum { ANSWER_SIZE = 4 << 20, TEXT_SIZE = 4096, RECORD_LINE = 256 };

static struct directory_fixture fixture;
static struct ev_loop *loop;
static struct store *store;
static struct turn *turn;
static struct replica *replica;
static struct control *control;
static struct control_services services;
static char folder[64];
static char path[100];
/* What a client has received. */
static char *answer;

static const struct listener_rights rights = {
	.mode = 0660,
	.owner = (uid_t)-1,
	.group = (gid_t)-1,
};

static void
wake(struct ev_loop *ev, struct ev_timer *timer, int events)
{
	(void)ev;
	(void)timer;
	(void)events;
}

/* Lets the daemon work for so long, or until something has happened. */
static void
run_once(double seconds)
{
	struct ev_timer timer;

	ev_timer_init(&timer, wake, seconds, 0.0);
	ev_now_update(loop);
	ev_timer_start(loop, &timer);
	ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &timer);
}

static void
run_for(double seconds)
{
	const double end = clock_seconds() + seconds;

	while (clock_seconds() < end)
		run_once(end - clock_seconds());
}

static void
configure(void)
{
	control_configure(control, &services);
}

static void
set_up(void)
{
	struct err err;
	const struct replica_policy policy = {
		.max_shrink = 20,
		.max_rows = 1000000,
	};

	directory_fixture_init(&fixture);
	loop = fixture.loop;
	snprintf(folder, sizeof(folder), "/tmp/policyd-control-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/control", folder);
	store = store_memory_create();
	turn = turn_create(loop, store);
	replica = replica_create(store, NULL);
	replica_configure(replica, &policy);
	control = control_create(loop);
	ck_assert_int_eq(control_listen(control, path, &rights, &err), 0);
	services = (struct control_services){
		.turn = turn,
		.replica = replica,
		.accepts_import = true,
	};
	configure();
	answer = xmalloc(ANSWER_SIZE);
}

static void
tear_down(void)
{
	control_destroy(control);
	replica_destroy(replica);
	turn_destroy(turn);
	store_memory_destroy(store);
	free(answer);
	ck_assert_int_eq(rmdir(folder), 0);
	directory_fixture_finish(&fixture);
}

static int
try_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int client =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (connect(client, (const struct sockaddr *)&address,
		sizeof(address)) == 0)
		return client;
	close(client);
	return -1;
}

static int
client_open(void)
{
	const int client = try_connect();

	ck_assert_int_ge(client, 0);
	return client;
}

/* Sends lines: a message is ended with an empty one. */
static void
send_text(int client, const char *text)
{
	const double end = clock_seconds() + PATIENCE;
	const size_t len = strlen(text);
	size_t sent = 0;

	while (sent < len) {
		const ssize_t n =
		    send(client, text + sent, len - sent, MSG_NOSIGNAL);

		ck_assert(n > 0 || errno == EAGAIN);
		ck_assert(clock_seconds() < end);
		if (n > 0)
			sent += (size_t)n;
		else
			run_once(0.01);
	}
}

static bool
ends_with(const char *text, size_t len, const char *end)
{
	const size_t end_len = strlen(end);

	return len >= end_len &&
	       memcmp(text + len - end_len, end, end_len) == 0;
}

/* Receives up to the end of an answer, or of the connection. */
static const char *
receive(int client)
{
	const double end = clock_seconds() + PATIENCE;
	size_t len = 0;

	for (;;) {
		const ssize_t n =
		    recv(client, answer + len, ANSWER_SIZE - 1 - len, 0);

		ck_assert_msg(clock_seconds() < end, "no answer");
		if (n > 0)
			len += (size_t)n;
		answer[len] = '\0';
		if (n == 0 || ends_with(answer, len, "\nend=yes\n\n") ||
		    strcmp(answer, "end=yes\n\n") == 0 ||
		    ends_with(answer, len, "continue=yes\n\n"))
			return answer;
		if (n < 0)
			run_once(0.01);
	}
}

static const char *
ask(int client, const char *text)
{
	send_text(client, text);
	return receive(client);
}

static const char *
ask_once(const char *text)
{
	const int client = client_open();

	ask(client, text);
	close(client);
	return answer;
}

static void
assert_says(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in\n%s", part,
	    text);
}

static void
assert_says_not(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "\"%s\" is in\n%s", part,
	    text);
}

static unsigned
occurrences(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		count++;
	return count;
}

static struct recipient_record
record_of(unsigned char number)
{
	return (struct recipient_record){ .id = { 1, number } };
}

static void
end_load(void)
{
	struct err err;

	ck_assert_int_eq(replica_load_end(replica, 1000, true, &err), 0);
	ck_assert(store_commit(store));
}

static void
put(unsigned char number, const char *address)
{
	const struct recipient_record record = record_of(number);

	replica_put(replica, &record, &address, 1);
}

static void
load_some(void)
{
	replica_load_begin(replica);
	put(1, "ann@a.example");
	put(2, "bob@a.example");
	put(3, "carl@b.example");
	end_load();
}

static void
load_many(unsigned count)
{
	replica_load_begin(replica);
	for (unsigned i = 0; i < count; i++) {
		const struct recipient_record record = {
			.id = { 2, (unsigned char)(i >> 16),
			    (unsigned char)(i >> 8), (unsigned char)i },
		};
		char text[64];
		const char *address = text;

		snprintf(text, sizeof(text), "user%06u@a.example", i);
		replica_put(replica, &record, &address, 1);
	}
	end_load();
}

static enum recipient_status
peek(const char *address)
{
	struct recipient_record record;

	return replica_peek(replica, address, &record);
}

/* "record=..." of an object. */
static const char *
record_line(const char *name, const struct recipient_record *record)
{
	static char text[RECORD_LINE];
	struct buf out;

	buf_init(&out, text, sizeof(text) - 1);
	control_put_record(&out, name, record);
	text[out.len] = '\0';
	return text;
}

static const char *
record_line_of(const char *name, unsigned char number)
{
	const struct recipient_record record = record_of(number);

	return record_line(name, &record);
}

/* The connection, and what is asked on it. */

START_TEST(a_request_that_nobody_knows_is_refused)
{
	const int client = client_open();

	assert_says(ask(client, "request=dance\n\n"),
	    "error=the daemon does not know the request \"dance\"\nend=yes\n");
	assert_says(ask(client, "name=value\n\n"), "error=");
	close(client);
}
END_TEST

START_TEST(what_is_no_message_closes_the_connection)
{
	ck_assert_str_eq(ask_once("no message\n\n"), "");
	ck_assert_str_eq(ask_once("\n"), "");
}
END_TEST

START_TEST(a_request_before_the_answer_closes_the_connection)
{
	load_many(5000);
	ask_once("request=recipient-list\n\nrequest=recipient-list\n\n");
	assert_says_not(answer, "end=yes");
}
END_TEST

START_TEST(requests_follow_each_other_on_a_connection)
{
	const int client = client_open();

	load_some();
	for (int i = 0; i < 3; i++)
		assert_says(ask(client, "request=recipient-list\n\n"),
		    "address=ann@a.example\naddress=bob@a.example\n");
	close(client);
}
END_TEST

START_TEST(one_connection_too_many_is_refused)
{
	int clients[CONTROL_CONNECTIONS];
	int one_more;

	for (size_t i = 0; i < CONTROL_CONNECTIONS; i++)
		clients[i] = client_open();
	run_for(0.05);
	one_more = client_open();
	assert_says(receive(one_more), "error=there are too many connections");
	close(one_more);
	close(clients[0]);
	run_for(0.05);
	load_some();
	assert_says(ask_once("request=recipient-list\n\n"), "ann@a.example");
	for (size_t i = 1; i < CONTROL_CONNECTIONS; i++)
		close(clients[i]);
}
END_TEST

START_TEST(the_socket_has_its_mode_and_goes_with_the_daemon)
{
	struct stat status;
	struct err err;

	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0660);
	ck_assert_int_eq(control_listen(control, "", &rights, &err), 0);
	ck_assert_int_ne(stat(path, &status), 0);
	ck_assert_int_eq(try_connect(), -1);
	ck_assert_int_eq(control_listen(control, path, &rights, &err), 0);
	ck_assert_int_eq(stat(path, &status), 0);
}
END_TEST

START_TEST(the_socket_of_another_daemon_is_left_alone)
{
	struct control *other = control_create(loop);
	struct err err;

	ck_assert_int_eq(control_listen(other, path, &rights, &err), -1);
	assert_says(err.text, "another program does");
	control_destroy(other);
	load_some();
	assert_says(ask_once("request=recipient-list\n\n"), "ann@a.example");
}
END_TEST

START_TEST(the_socket_of_a_dead_daemon_is_replaced)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct err err;
	const int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(control_listen(control, "", &rights, &err), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(dead, (const struct sockaddr *)&address,
			     sizeof(address)),
	    0);
	close(dead);
	ck_assert_int_eq(control_listen(control, path, &rights, &err), 0);
	load_some();
	assert_says(ask_once("request=recipient-list\n\n"), "ann@a.example");
}
END_TEST

START_TEST(a_task_is_refused_when_what_it_works_on_changes)
{
	const int client = client_open();

	load_many(30000);
	send_text(client, "request=recipient-list\n\n");
	run_for(0.05);
	services.replica = NULL;
	configure();
	assert_says(receive(client), "error=the configuration was changed");
	assert_says(ask(client, "request=recipient-list\n\n"),
	    "error=there is no list of recipients");
	close(client);
}
END_TEST

/* Checks. */

START_TEST(a_check_tells_what_the_replica_knows)
{
	const struct recipient_record record = {
		.id = { 7 },
		.internal_only = true,
		.max_size = 1000,
		.delay = 60,
	};
	const char *address = "ann@a.example";

	replica_load_begin(replica);
	replica_put(replica, &record, &address, 1);
	end_load();
	ask_once("request=recipient-check\nrecipient=Ann@A.example\n\n");
	assert_says(answer, "from=replica\nstatus=valid\nrecord=");
	assert_says(answer, record_line("record", &record));
	assert_says(answer, "microseconds=");
	assert_says_not(answer, "from=directory");
	assert_says(ask_once("request=recipient-check\nrecipient=x@y\n\n"),
	    "from=replica\nstatus=unknown\n");
}
END_TEST

START_TEST(a_check_of_an_empty_replica_knows_nothing)
{
	assert_says(ask_once("request=recipient-check\nrecipient=x@y\n\n"),
	    "from=replica\nstatus=unavailable\n");
	assert_says(answer, "problem=nothing was loaded yet\n");
}
END_TEST

START_TEST(a_check_without_replica_and_directory_ends)
{
	services.replica = NULL;
	configure();
	ck_assert_str_eq(ask_once("request=recipient-check\nrecipient=x@y\n\n"),
	    "end=yes\n\n");
}
END_TEST

START_TEST(a_check_needs_an_address)
{
	char text[600];

	assert_says(ask_once("request=recipient-check\n\n"), "error=");
	assert_says(ask_once("request=recipient-check\nrecipient=ann\n\n"),
	    "error=");
	snprintf(text, sizeof(text),
	    "request=recipient-check\nrecipient=%0400d@y\n\n", 1);
	assert_says(ask_once(text), "error=");
}
END_TEST

static const struct ldap_directory_policy ldap_policy = {
	.max_questions = 10,
	.cache_entries = 100,
	.cache_valid = 60.0,
	.cache_unknown = 60.0,
	.question_timeout = 0.2,
};

static void
start_directory(void)
{
	directory_fixture_start(&fixture);
	services.child = fixture.child;
	services.ldap =
	    ldap_directory_create(loop, fixture.child, &ldap_policy);
	configure();
}

static void
stop_directory(void)
{
	struct ldap_directory *ldap = services.ldap;

	services.ldap = NULL;
	configure();
	ldap_directory_destroy(ldap);
}

START_TEST(a_check_tells_what_the_directory_says)
{
	load_some();
	start_directory();
	ask_once("request=recipient-check\nrecipient=valid-a@d.example\n\n");
	assert_says(answer, "from=replica\nstatus=unknown\n");
	assert_says(answer, "from=directory\nstatus=valid\nrecord=");
	assert_says(answer, "server=fake://");
	ask_once("request=recipient-check\nrecipient=unknown-a@d.example\n\n");
	assert_says(answer, "from=directory\nstatus=unknown\n");
	ask_once("request=recipient-check\nrecipient=never-a@d.example\n\n");
	assert_says(answer, "from=directory\nstatus=unavailable\n");
	stop_directory();
}
END_TEST

START_TEST(a_check_asks_the_directory_anew)
{
	start_directory();
	for (int i = 0; i < 3; i++)
		assert_says(ask_once("request=recipient-check\n"
				     "recipient=valid-a@d.example\n\n"),
		    "status=valid");
	ck_assert_uint_eq(ldap_directory_counters(services.ldap)->cache_hits,
	    0);
	stop_directory();
}
END_TEST

START_TEST(who_hangs_up_cancels_the_question)
{
	const int client = client_open();

	start_directory();
	send_text(client,
	    "request=recipient-check\nrecipient=never-a@d.example\n\n");
	run_for(0.05);
	ck_assert_uint_eq(ldap_directory_counters(services.ldap)->questions, 1);
	close(client);
	/* The answer comes to nobody. */
	run_for(0.5);
	ck_assert_uint_eq(ldap_directory_counters(services.ldap)->open, 0);
	stop_directory();
}
END_TEST

/* Lists. */

START_TEST(a_list_is_told_in_order_and_whole)
{
	const char *last = "";

	load_many(5000);
	ask_once("request=recipient-list\n\n");
	ck_assert_uint_eq(occurrences(answer, "address="), 5000);
	for (const char *at = answer; (at = strstr(at, "address=")) != NULL;
	     at++) {
		ck_assert_int_lt(strncmp(last, at, 18), 0);
		last = at;
	}
	assert_says_not(answer, "record=");
}
END_TEST

START_TEST(what_an_unfinished_load_has_left_is_not_listed)
{
	/* As many as are listed in a step, or in two. */
	for (unsigned count = 500; count <= 1000; count += 500) {
		load_many(count);
		replica_load_begin(replica);
		for (unsigned char i = 0; i < 10; i++)
			put(i, "aaa@a.example");
		replica_load_cancel(replica);
		ask_once("request=recipient-list\n\n");
		ck_assert_uint_eq(occurrences(answer, "address="), count);
	}
}
END_TEST

START_TEST(a_list_is_of_one_domain_if_so_asked)
{
	load_some();
	ask_once("request=recipient-list\ndomain=B.EXAMPLE\n\n");
	ck_assert_str_eq(answer, "address=carl@b.example\n\nend=yes\n\n");
	ck_assert_str_eq(ask_once("request=recipient-list\ndomain=c\n\n"),
	    "end=yes\n\n");
}
END_TEST

START_TEST(a_list_has_records_if_so_asked)
{
	load_some();
	ask_once("request=recipient-list\nrecords=yes\n\n");
	ck_assert_uint_eq(occurrences(answer, "record="), 3);
	assert_says(answer, record_line_of("record", 3));
}
END_TEST

START_TEST(a_list_waits_for_who_does_not_read)
{
	const int client = client_open();

	load_many(30000);
	send_text(client, "request=recipient-list\n\n");
	run_for(0.3);
	ck_assert_uint_eq(occurrences(receive(client), "address="), 30000);
	assert_says(answer, "end=yes");
	close(client);
}
END_TEST

START_TEST(a_list_that_nobody_reads_is_given_up)
{
	const int client = client_open();

	load_many(30000);
	send_text(client, "request=recipient-list\n\n");
	run_for(0.05);
	close(client);
	run_for(0.05);
	assert_says(ask_once("request=recipient-list\ndomain=none\n\n"),
	    "end=");
}
END_TEST

START_TEST(a_list_that_was_never_loaded_is_refused)
{
	assert_says(ask_once("request=recipient-list\n\n"),
	    "error=no recipients have been imported yet");
	services.accepts_import = false;
	configure();
	assert_says(ask_once("request=recipient-list\n\n"),
	    "error=no recipients have been copied from the directory yet");
}
END_TEST

static enum store_scan
scan_fails(struct store *self, enum store_table table,
    struct store_cursor *cursor, unsigned rows, struct store_visitor *visitor)
{
	(void)self;
	(void)table;
	(void)cursor;
	(void)rows;
	(void)visitor;
	return STORE_SCAN_UNAVAILABLE;
}

static enum store_status
read_fails(struct store *self, enum store_table table, const char *key,
    size_t key_len, struct buf *value)
{
	(void)self;
	(void)table;
	(void)key;
	(void)key_len;
	(void)value;
	return STORE_UNAVAILABLE;
}

START_TEST(a_list_is_not_taken_for_whole_when_the_store_fails)
{
	load_some();
	store->scan = scan_fails;
	store->read = read_fails;
	ask_once("request=recipient-list\n\n");
	assert_says(answer, "error=the store failed in the middle");
}
END_TEST

START_TEST(the_lists_of_a_recipient_are_told)
{
	const struct recipient_record record = record_of(1);

	load_some();
	for (unsigned i = 0; i < 3000; i++) {
		char sender[64];

		snprintf(sender, sizeof(sender), "s%05u@c.example", i);
		replica_put_sender(replica, record.id, sender,
		    SENDER_PERMITTED);
	}
	replica_put_sender(replica, record.id, "", SENDER_REFUSED);
	ask_once("request=recipient-senders\n"
		 "id=01010000000000000000000000000000\n\n");
	ck_assert_uint_eq(occurrences(answer, "sender="), 3001);
	assert_says(answer, "listing=2\nsender=\nlisting=1\n"
			    "sender=s00000@c.example\n");
	ask_once("request=recipient-senders\n"
		 "id=01020000000000000000000000000000\n\n");
	ck_assert_str_eq(answer, "end=yes\n\n");
	assert_says(ask_once("request=recipient-senders\nid=0102\n\n"),
	    "error=");
	assert_says(ask_once("request=recipient-senders\n"
			     "id=0102000000000000000000000000000x\n\n"),
	    "error=");
}
END_TEST

/* Imports. */

static int
begin_import(const char *more)
{
	const int client = client_open();
	char text[TEXT_SIZE];

	snprintf(text, sizeof(text), "request=recipient-import\n%s\n", more);
	ck_assert_str_eq(ask(client, text), "continue=yes\n\n");
	return client;
}

/* Tells an object with one address. */
static const char *
tell(int client, unsigned char number, const char *address)
{
	char text[RECORD_LINE + ADDRESS_MAX + 32];

	ck_assert_uint_le(strlen(address), ADDRESS_MAX + 1);
	snprintf(text, sizeof(text), "%saddress=%s\n\n",
	    record_line_of("record", number), address);
	return ask(client, text);
}

START_TEST(an_import_replaces_the_replica_at_its_end)
{
	const int client = begin_import("force=yes\n");

	ck_assert_str_eq(tell(client, 1, "ann@a.example"), "continue=yes\n\n");
	ck_assert_str_eq(tell(client, 2, "dora@a.example"), "continue=yes\n\n");
	ck_assert_int_eq(peek("ann@a.example"), RECIPIENT_UNAVAILABLE);
	ck_assert_str_eq(ask(client, "commit=yes\n\n"),
	    "objects=2\naddresses=2\nend=yes\n\n");
	ck_assert_int_eq(peek("ann@a.example"), RECIPIENT_VALID);
	ck_assert_int_eq(peek("bob@a.example"), RECIPIENT_UNKNOWN);
	assert_says(ask(client, "request=recipient-list\n\n"),
	    "address=dora@a.example\n");
	close(client);
}
END_TEST

START_TEST(an_import_tells_many_objects_and_their_lists_at_once)
{
	const struct recipient_record record = record_of(1);
	const int client = begin_import("");
	char text[TEXT_SIZE];
	size_t len;

	len = (size_t)snprintf(text, sizeof(text),
	    "%saddress=a@a\naddress=b@a\nlisting=1\nsender=s@s\n"
	    "listing=4\nsender=@t\n",
	    record_line_of("record", 1));
	snprintf(text + len, sizeof(text) - len, "%saddress=c@a\n\n",
	    record_line_of("record", 2));
	ck_assert_str_eq(ask(client, text), "continue=yes\n\n");
	/* More of the second object. */
	snprintf(text, sizeof(text), "%saddress=d@a\nlisting=2\nsender=\n\n",
	    record_line_of("more", 2));
	ck_assert_str_eq(ask(client, text), "continue=yes\n\n");
	ck_assert_str_eq(ask(client, "commit=yes\n\n"),
	    "objects=2\naddresses=4\nend=yes\n\n");
	ck_assert_int_eq(peek("d@a"), RECIPIENT_VALID);
	ask(client, "request=recipient-senders\n"
		    "id=01010000000000000000000000000000\n\n");
	ck_assert_str_eq(answer, "listing=4\nsender=@t\nlisting=1\nsender=s@s\n"
				 "\nend=yes\n\n");
	ask(client, "request=recipient-senders\n"
		    "id=01020000000000000000000000000000\n\n");
	ck_assert_str_eq(answer, "listing=2\nsender=\n\nend=yes\n\n");
	ck_assert_uint_eq(record.id[0], 1);
	close(client);
}
END_TEST

START_TEST(an_import_that_shrinks_too_much_needs_force)
{
	int client;

	load_many(30);
	client = begin_import("");
	tell(client, 1, "ann@a.example");
	assert_says(ask(client, "commit=yes\n\n"), "refused=");
	assert_says(answer, "max-shrink = 20");
	ck_assert_int_eq(peek("user000001@a.example"), RECIPIENT_VALID);
	close(client);
	client = begin_import("force=yes\n");
	tell(client, 1, "ann@a.example");
	assert_says(ask(client, "commit=yes\n\n"), "objects=1\n");
	ck_assert_int_eq(peek("user000001@a.example"), RECIPIENT_UNKNOWN);
	close(client);
}
END_TEST

START_TEST(an_import_that_breaks_off_changes_nothing)
{
	int client;

	load_some();
	client = begin_import("force=yes\n");
	tell(client, 1, "new@a.example");
	close(client);
	run_for(0.05);
	ck_assert(!replica_status(replica).loading);
	ck_assert_int_eq(peek("new@a.example"), RECIPIENT_UNKNOWN);
	ck_assert_int_eq(peek("bob@a.example"), RECIPIENT_VALID);
	close(begin_import(""));
}
END_TEST

START_TEST(there_is_one_import_at_a_time)
{
	const int client = begin_import("");

	assert_says(ask_once("request=recipient-import\n\n"),
	    "error=another import is under way");
	close(client);
}
END_TEST

START_TEST(an_import_is_refused_when_a_directory_would_undo_it)
{
	services.accepts_import = false;
	configure();
	assert_says(ask_once("request=recipient-import\n\n"),
	    "error=the recipients come from the directory");
	services.replica = NULL;
	configure();
	assert_says(ask_once("request=recipient-import\n\n"),
	    "error=there is no list of recipients");
}
END_TEST

static const char *const nonsense[] = {
	"record=00\naddress=a@a\n\n",
	"record=\naddress=a@a\n\n",
	"record=zz\naddress=a@a\n\n",
	"address=a@a\n\n",
	"sender=a@a\n\n",
	"listing=8\n\n",
	"listing=0\n\n",
	"listing=11\n\n",
	"listing=\n\n",
	"request=recipient-list\n\n",
	"commit=no\n\n",
};

START_TEST(an_import_of_nonsense_is_refused)
{
	const int client = begin_import("");

	assert_says(ask(client, nonsense[_i]),
	    "error=policyctl and the daemon do not understand each other");
	ck_assert(!replica_status(replica).loading);
	close(client);
}
END_TEST

START_TEST(an_import_of_too_long_an_address_is_refused)
{
	const int client = begin_import("");
	char address[ADDRESS_MAX + 2];

	memset(address, 'a', sizeof(address) - 1);
	address[sizeof(address) - 1] = '\0';
	assert_says(tell(client, 1, address), "error=");
	close(client);
}
END_TEST

START_TEST(an_import_waits_for_its_answers)
{
	const int client = begin_import("");

	ask(client, "commit=yes\n\ncommit=yes\n\n");
	assert_says_not(answer, "end=yes\n\nend=yes");
	close(client);
}
END_TEST

static bool
commit_fails(struct store *self)
{
	(void)self;
	return false;
}

START_TEST(an_import_is_not_done_when_the_store_does_not_keep_it)
{
	const int client = begin_import("");

	tell(client, 1, "ann@a.example");
	store->commit = commit_fails;
	assert_says(ask(client, "commit=yes\n\n"), "error=the store failed");
	close(client);
}
END_TEST

START_TEST(an_import_ends_when_the_store_is_opened_anew)
{
	int client;

	load_some();
	client = begin_import("");
	tell(client, 1, "ann@a.example");
	store->epoch++;
	assert_says(tell(client, 2, "new@a.example"), "error=the store failed");
	ck_assert_int_eq(peek("new@a.example"), RECIPIENT_UNKNOWN);
	close(client);
}
END_TEST

START_TEST(the_daemon_may_end_during_an_import)
{
	const int client = begin_import("");

	tell(client, 1, "ann@a.example");
	control_destroy(control);
	control = NULL;
	ck_assert_str_eq(receive(client), "");
	close(client);
}
END_TEST

/* Syncs, with a directory process that tells what is in a file.  A run persists
 * until it is told to stop. */

static const char program_text[] =
    "#!/bin/sh\n"
    "cd ${0%/*} || exit\n"
    "while read -r line; do\n"
    "	case $line in\n"
    "	request=sync) cat events ;;\n"
    "	request=stop) printf 'event=failed\\nproblem=stopped\\n\\n' ;;\n"
    "	esac\n"
    "done <&4 >&4 3>&- &\n"
    "while read -r line; do\n"
    "	case $line in\n"
    "	request=ping) printf 'answer=ping\\nserver=fake\\n\\n' ;;\n"
    "	esac\n"
    "done <&3 >&3 4>&-\n";

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char file[256];
	FILE *out;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	out = fopen(file, "w");
	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(file, mode), 0);
}

static void
remove_file(const char *name)
{
	char file[256];

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	ck_assert_int_eq(unlink(file), 0);
}

/* The directory has so many recipients from now on. */
static void
write_events(unsigned count)
{
	static char text[TEXT_SIZE];
	size_t len = (size_t)snprintf(text, sizeof(text),
	    "event=begin\nfull=yes\nmethod=full\n\n");

	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "event=object\n%saddress=u%u@a.example\n\n",
		    record_line_of("record", (unsigned char)i), i);
	snprintf(text + len, sizeof(text) - len,
	    "event=state\nstate=one\n\nevent=current\n\n");
	write_file("events", text, 0644);
}

static void
start_replicator(unsigned count)
{
	const struct replicator_policy policy = { .sync_interval = 60.0 };
	char program[256];

	write_file("program", program_text, 0755);
	write_events(count);
	snprintf(program, sizeof(program), "%s/program", folder);
	fixture.child =
	    directory_child_create(loop, program, &fixture.settings);
	services.child = fixture.child;
	services.accepts_import = false;
	services.replicator =
	    replicator_create(loop, fixture.child, replica, &policy);
	configure();
	while (!replica_status(replica).loaded)
		run_once(0.1);
}

static void
stop_replicator(void)
{
	struct replicator *replicator = services.replicator;

	services.replicator = NULL;
	configure();
	replicator_destroy(replicator);
	remove_file("events");
	remove_file("program");
}

START_TEST(a_sync_ends_when_the_replica_is_loaded_anew)
{
	start_replicator(5);
	write_events(6);
	assert_says(ask_once("request=recipient-sync\n\n"),
	    "objects=6\naddresses=6\nend=yes\n");
	ck_assert_int_eq(peek("u5@a.example"), RECIPIENT_VALID);
	stop_replicator();
}
END_TEST

START_TEST(a_sync_that_shrinks_too_much_needs_force)
{
	start_replicator(20);
	write_events(2);
	ask_once("request=recipient-sync\n\n");
	assert_says(answer, "refused=");
	assert_says(answer, "max-shrink = 20");
	ck_assert_int_eq(peek("u4@a.example"), RECIPIENT_VALID);
	assert_says(ask_once("request=recipient-sync\n\n"), "refused=");
	assert_says(ask_once("request=recipient-sync\nforce=yes\n\n"),
	    "objects=2\naddresses=2\nend=yes\n");
	ck_assert_int_eq(peek("u4@a.example"), RECIPIENT_UNKNOWN);
	stop_replicator();
}
END_TEST

START_TEST(a_sync_that_fails_says_why)
{
	start_replicator(5);
	write_file("events",
	    "event=begin\nfull=yes\nmethod=full\n\n"
	    "event=failed\nproblem=the server has gone home\n\n",
	    0644);
	assert_says(ask_once("request=recipient-sync\n\n"),
	    "error=the server has gone home\nend=yes\n");
	stop_replicator();
}
END_TEST

START_TEST(a_sync_tells_how_far_it_is)
{
	const int client = client_open();
	char text[TEXT_SIZE];

	start_replicator(5);
	snprintf(text, sizeof(text),
	    "event=begin\nfull=yes\nmethod=full\n\n"
	    "event=object\n%saddress=u1@a.example\n\n",
	    record_line_of("record", 1));
	write_file("events", text, 0644);
	send_text(client, "request=recipient-sync\n\n");
	run_for(0.8);
	ck_assert_int_gt(recv(client, answer, ANSWER_SIZE - 1, 0), 0);
	assert_says(answer, "running=yes\nobjects=1\nexpected=5\n\n");
	close(client);
	run_for(0.3);
	stop_replicator();
}
END_TEST

START_TEST(a_sync_needs_a_directory)
{
	assert_says(ask_once("request=recipient-sync\n\n"),
	    "error=there is nothing to sync");
}
END_TEST

static void
add_connection_tests(TCase *tests)
{
	tcase_add_test(tests, a_request_that_nobody_knows_is_refused);
	tcase_add_test(tests, what_is_no_message_closes_the_connection);
	tcase_add_test(tests,
	    a_request_before_the_answer_closes_the_connection);
	tcase_add_test(tests, requests_follow_each_other_on_a_connection);
	tcase_add_test(tests, one_connection_too_many_is_refused);
	tcase_add_test(tests, the_socket_has_its_mode_and_goes_with_the_daemon);
	tcase_add_test(tests, the_socket_of_another_daemon_is_left_alone);
	tcase_add_test(tests, the_socket_of_a_dead_daemon_is_replaced);
	tcase_add_test(tests, a_task_is_refused_when_what_it_works_on_changes);
}

static void
add_question_tests(TCase *tests)
{
	tcase_add_test(tests, a_check_tells_what_the_replica_knows);
	tcase_add_test(tests, a_check_of_an_empty_replica_knows_nothing);
	tcase_add_test(tests, a_check_without_replica_and_directory_ends);
	tcase_add_test(tests, a_check_needs_an_address);
	tcase_add_test(tests, a_check_tells_what_the_directory_says);
	tcase_add_test(tests, a_check_asks_the_directory_anew);
	tcase_add_test(tests, who_hangs_up_cancels_the_question);
	tcase_add_test(tests, a_list_is_told_in_order_and_whole);
	tcase_add_test(tests, what_an_unfinished_load_has_left_is_not_listed);
	tcase_add_test(tests, a_list_is_of_one_domain_if_so_asked);
	tcase_add_test(tests, a_list_has_records_if_so_asked);
	tcase_add_test(tests, a_list_waits_for_who_does_not_read);
	tcase_add_test(tests, a_list_that_nobody_reads_is_given_up);
	tcase_add_test(tests, a_list_that_was_never_loaded_is_refused);
	tcase_add_test(tests,
	    a_list_is_not_taken_for_whole_when_the_store_fails);
	tcase_add_test(tests, the_lists_of_a_recipient_are_told);
}

static void
add_import_tests(TCase *tests)
{
	tcase_add_test(tests, an_import_replaces_the_replica_at_its_end);
	tcase_add_test(tests,
	    an_import_tells_many_objects_and_their_lists_at_once);
	tcase_add_test(tests, an_import_that_shrinks_too_much_needs_force);
	tcase_add_test(tests, an_import_that_breaks_off_changes_nothing);
	tcase_add_test(tests, there_is_one_import_at_a_time);
	tcase_add_test(tests,
	    an_import_is_refused_when_a_directory_would_undo_it);
	tcase_add_loop_test(tests, an_import_of_nonsense_is_refused, 0,
	    sizeof(nonsense) / sizeof(nonsense[0]));
	tcase_add_test(tests, an_import_of_too_long_an_address_is_refused);
	tcase_add_test(tests, an_import_waits_for_its_answers);
	tcase_add_test(tests,
	    an_import_is_not_done_when_the_store_does_not_keep_it);
	tcase_add_test(tests, an_import_ends_when_the_store_is_opened_anew);
	tcase_add_test(tests, the_daemon_may_end_during_an_import);
}

static void
add_sync_tests(TCase *tests)
{
	tcase_add_test(tests, a_sync_ends_when_the_replica_is_loaded_anew);
	tcase_add_test(tests, a_sync_that_shrinks_too_much_needs_force);
	tcase_add_test(tests, a_sync_that_fails_says_why);
	tcase_add_test(tests, a_sync_tells_how_far_it_is);
	tcase_add_test(tests, a_sync_needs_a_directory);
}

Suite *
control_suite(void)
{
	Suite *suite = suite_create("control");
	TCase *tests = tcase_create("control");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60.0);
	add_connection_tests(tests);
	add_question_tests(tests);
	add_import_tests(tests);
	add_sync_tests(tests);
	suite_add_tcase(suite, tests);
	return suite;
}
