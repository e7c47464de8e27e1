/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "channel.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container.h"
#include "descriptors.h"
#include "suites.h"

enum { OUTPUT_MAX = 2 * CHANNEL_MESSAGE };

/* What was heard, and what is to be done then. */
struct listener {
	struct channel_handler handler;
	struct channel *channel;
	char text[CHANNEL_MESSAGE + 1];
	size_t attributes;
	/* Of the texts of all messages. */
	unsigned long sum;
	unsigned heard;
	unsigned closed;
	char why[128];
	/* The number of the message at which it stops listening, or destroys
	 * the channel; 0: never. */
	unsigned stop_at;
	unsigned destroy_at;
};

static struct ev_loop *loop;
static struct listener listener;
static int peer;

static unsigned long
add_up(unsigned long sum, const char *text)
{
	for (; *text != '\0'; text++)
		sum = sum * 31 + (unsigned char)*text;
	return sum;
}

/* Notes the message down as "name=value name=value". */
static void
note(struct listener *to, const struct message *message)
{
	size_t at = 0;

	to->text[0] = '\0';
	for (size_t i = 0; i < message->count; i++)
		at += (size_t)snprintf(to->text + at, sizeof(to->text) - at,
		    "%s%s=%s", i > 0 ? " " : "", message->attributes[i].name,
		    message->attributes[i].value);
	to->attributes = message->count;
	to->sum = add_up(to->sum, to->text);
}

static void
heard(struct channel_handler *handler, const struct message *message)
{
	struct listener *to = container_of(handler, struct listener, handler);

	note(to, message);
	to->heard++;
	if (to->heard == to->stop_at)
		channel_listen(to->channel, false);
	if (to->heard != to->destroy_at)
		return;
	channel_destroy(to->channel);
	to->channel = NULL;
}

static void
closed(struct channel_handler *handler, const char *why)
{
	struct listener *to = container_of(handler, struct listener, handler);

	to->closed++;
	snprintf(to->why, sizeof(to->why), "%s", why);
	channel_destroy(to->channel);
	to->channel = NULL;
}

static void
set_up(void)
{
	int pair[2];

	descriptors_count();
	loop = ev_loop_new(EVFLAG_AUTO);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     pair),
	    0);
	peer = pair[1];
	ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
	listener = (struct listener){
		.handler = { .heard = heard, .closed = closed },
	};
	listener.channel =
	    channel_create(loop, pair[0], OUTPUT_MAX, &listener.handler);
}

static void
close_peer(void)
{
	close(peer);
	peer = -1;
}

static void
tear_down(void)
{
	channel_destroy(listener.channel);
	if (peer >= 0)
		close_peer();
	ev_loop_destroy(loop);
	descriptors_check();
}

static void
turn(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

static void
turns(unsigned count)
{
	while (count-- > 0)
		turn();
}

static void
send_bytes(const char *bytes, size_t len)
{
	ck_assert_int_eq(send(peer, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void
send_text(const char *text)
{
	send_bytes(text, strlen(text));
}

/* In one piece: a socket takes few small ones. */
static void
send_repeated(const char *text, unsigned count, const char *end)
{
	static char bytes[2 * CHANNEL_MESSAGE + 64];
	size_t len = 0;

	while (count-- > 0)
		len += (size_t)snprintf(bytes + len, sizeof(bytes) - len, "%s",
		    text);
	len += (size_t)snprintf(bytes + len, sizeof(bytes) - len, "%s", end);
	ck_assert_uint_lt(len, sizeof(bytes));
	send_bytes(bytes, len);
}

static bool
write_text(const char *text)
{
	char copy[256];
	struct buf out;

	buf_init(&out, copy, sizeof(copy));
	ck_assert(buf_puts(&out, text));
	return channel_write(listener.channel, &out);
}

/* All that has come to the peer, as a string. */
static const char *
received(void)
{
	static char text[4096];
	const ssize_t n = recv(peer, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

START_TEST(hears_a_message)
{
	send_text("request=find\nid=7\nid=8\n\n");
	turn();
	ck_assert_str_eq(listener.text, "request=find id=7 id=8");
	ck_assert_uint_eq(listener.heard, 1);
	ck_assert_uint_eq(listener.closed, 0);
}
END_TEST

START_TEST(hears_a_message_that_comes_byte_by_byte)
{
	const char *text = "request=find\nid=7\nempty=\n\n";

	for (; *text != '\0'; text++) {
		ck_assert_uint_eq(listener.heard, 0);
		send_bytes(text, 1);
		turn();
	}
	ck_assert_str_eq(listener.text, "request=find id=7 empty=");
}
END_TEST

START_TEST(hears_many_messages_of_one_read)
{
	send_repeated("request=find\nid=7\n\n", 1000, "request=last\n\n");
	turn();
	ck_assert_uint_eq(listener.heard, 1001);
	ck_assert_str_eq(listener.text, "request=last");
}
END_TEST

/* Messages of all lengths, so that they end and begin anywhere in the buffer,
 * each of them in two parts. */
START_TEST(hears_a_long_stream_unharmed)
{
	char value[1600] = "";
	char text[2000];
	char expected[2000];
	unsigned long sum = 0;
	size_t len;

	for (unsigned i = 1; i < sizeof(value); i++) {
		value[i - 1] = (char)('a' + i % 26);
		len = (size_t)snprintf(text, sizeof(text),
		    "number=%u\nvalue=%s\nend=here\n\n", i, value);
		snprintf(expected, sizeof(expected),
		    "number=%u value=%s end=here", i, value);
		sum = add_up(sum, expected);
		send_bytes(text, len - 7);
		if (i % 5 == 0)
			turn();
		send_bytes(text + len - 7, 7);
		if (i % 3 == 0)
			turn();
		if (i % 15 != 0)
			continue;
		ck_assert_uint_eq(listener.heard, i);
		ck_assert_str_eq(listener.text, expected);
		ck_assert_uint_eq(listener.sum, sum);
	}
}
END_TEST

/* A message of `size` bytes: one attribute. */
static void
send_sized(size_t size)
{
	static char text[CHANNEL_MESSAGE + 1];

	memset(text, 'v', size);
	memcpy(text, "value=", strlen("value="));
	memcpy(text + size - 2, "\n\n", 2);
	send_bytes(text, size);
}

START_TEST(hears_the_largest_message)
{
	send_text("request=first\n\n");
	send_sized(CHANNEL_MESSAGE);
	send_text("request=last\n\n");
	turns(4);
	ck_assert_uint_eq(listener.heard, 3);
	ck_assert_str_eq(listener.text, "request=last");
}
END_TEST

START_TEST(closes_when_a_message_is_too_large)
{
	send_sized(CHANNEL_MESSAGE + 1);
	turns(2);
	ck_assert_uint_eq(listener.heard, 0);
	ck_assert_uint_eq(listener.closed, 1);
}
END_TEST

START_TEST(closes_when_there_are_too_many_attributes)
{
	send_repeated("a=b\n", CHANNEL_ATTRIBUTES, "\n");
	turn();
	ck_assert_uint_eq(listener.attributes, CHANNEL_ATTRIBUTES);
	send_repeated("a=b\n", CHANNEL_ATTRIBUTES + 1, "\n");
	turn();
	ck_assert_uint_eq(listener.heard, 1);
	ck_assert_uint_eq(listener.closed, 1);
}
END_TEST

static const struct garbage {
	const char *bytes;
	size_t len;
} garbages[] = {
	{ "neither fish nor fowl\n\n", 23 },
	{ "\n", 1 },
	{ "=nameless\n\n", 11 },
	{ "a=b\r\n\r\n", 7 },
	{ "a=b\0c\n\n", 7 },
};

START_TEST(closes_when_what_comes_is_no_message)
{
	const struct garbage *garbage = &garbages[_i];

	send_text("request=good\n\n");
	send_bytes(garbage->bytes, garbage->len);
	send_text("request=late\n\n");
	turns(3);
	ck_assert_uint_eq(listener.heard, 1);
	ck_assert_str_eq(listener.text, "request=good");
	ck_assert_uint_eq(listener.closed, 1);
	ck_assert_ptr_nonnull(strstr(listener.why, "no message"));
}
END_TEST

START_TEST(hears_what_came_before_the_end)
{
	send_text("request=last\n\n");
	close_peer();
	turns(3);
	ck_assert_uint_eq(listener.heard, 1);
	ck_assert_uint_eq(listener.closed, 1);
	ck_assert_str_eq(listener.why, "closed by the other side");
}
END_TEST

START_TEST(tells_an_end_within_a_message)
{
	send_text("request=la");
	close_peer();
	turns(3);
	ck_assert_uint_eq(listener.heard, 0);
	ck_assert_uint_eq(listener.closed, 1);
	ck_assert_str_eq(listener.why, "closed in the middle of a message");
}
END_TEST

START_TEST(writes_messages)
{
	ck_assert(write_text("answer=ping\n\n"));
	ck_assert(write_text("answer=find\nid=7\n\n"));
	ck_assert_uint_gt(channel_waiting(listener.channel), 0);
	turn();
	ck_assert_uint_eq(channel_waiting(listener.channel), 0);
	ck_assert_str_eq(received(), "answer=ping\n\nanswer=find\nid=7\n\n");
}
END_TEST

START_TEST(writes_what_waits_before_it_is_destroyed)
{
	ck_assert(write_text("answer=last\n\n"));
	channel_destroy(listener.channel);
	listener.channel = NULL;
	ck_assert_str_eq(received(), "answer=last\n\n");
}
END_TEST

static bool
write_number(unsigned number)
{
	char text[64];

	snprintf(text, sizeof(text), "answer=number\nid=%u\n\n", number);
	return write_text(text);
}

/* Writes numbered messages until one is refused, and returns its number. */
static unsigned
write_numbers(unsigned from)
{
	while (write_number(from)) {
		from++;
		ck_assert_uint_le(channel_waiting(listener.channel),
		    OUTPUT_MAX);
	}
	return from;
}

/* Reads all that comes and checks that it is these messages, in order. */
static void
read_numbers(unsigned count)
{
	static char text[1 << 22];
	char expected[64];
	size_t len = 0;
	size_t at = 0;
	ssize_t n;

	while ((n = recv(peer, text + len, sizeof(text) - len, 0)) > 0) {
		len += (size_t)n;
		turn();
	}
	for (unsigned i = 0; i < count; i++) {
		const size_t size = (size_t)snprintf(expected, sizeof(expected),
		    "answer=number\nid=%u\n\n", i);

		ck_assert_uint_le(at + size, len);
		ck_assert_int_eq(memcmp(text + at, expected, size), 0);
		at += size;
	}
	ck_assert_uint_eq(at, len);
}

START_TEST(refuses_when_nobody_reads)
{
	unsigned count = write_numbers(0);

	/* The socket takes some, and then no more. */
	for (unsigned before = 0; before < count;) {
		before = count;
		turn();
		count = write_numbers(count);
	}
	ck_assert_uint_gt(channel_waiting(listener.channel), OUTPUT_MAX - 64);
	ck_assert_uint_eq(listener.closed, 0);
	read_numbers(count);
	ck_assert_uint_eq(channel_waiting(listener.channel), 0);
	ck_assert(write_text("answer=again\n\n"));
	turn();
	ck_assert_str_eq(received(), "answer=again\n\n");
}
END_TEST

START_TEST(writes_more_in_a_turn_than_may_wait)
{
	const unsigned count = OUTPUT_MAX / 25 + 1000;

	for (unsigned i = 0; i < count; i++)
		ck_assert(write_number(i));
	read_numbers(count);
}
END_TEST

START_TEST(refuses_what_can_never_fit)
{
	static char memory[OUTPUT_MAX + 1];
	const struct buf out = { .data = memory, .len = sizeof(memory) };

	ck_assert(write_text("answer=first\n\n"));
	ck_assert(!channel_write(listener.channel, &out));
	turn();
	ck_assert_str_eq(received(), "answer=first\n\n");
}
END_TEST

START_TEST(is_closed_after_the_write_that_fails)
{
	send_text("request=last\n\n");
	close_peer();
	while (write_text("answer=late\n\n") &&
	       channel_waiting(listener.channel) < OUTPUT_MAX - 64)
		;
	ck_assert_uint_eq(listener.closed, 0);
	turns(3);
	ck_assert_uint_eq(listener.heard, 1);
	ck_assert_uint_eq(listener.closed, 1);
}
END_TEST

START_TEST(is_closed_when_nobody_listens_either)
{
	channel_listen(listener.channel, false);
	close_peer();
	turns(2);
	ck_assert_uint_eq(listener.closed, 0);
	ck_assert(write_text("answer=late\n\n"));
	turns(3);
	ck_assert_uint_eq(listener.closed, 1);
}
END_TEST

START_TEST(is_closed_when_nobody_will_read)
{
	ck_assert_int_eq(shutdown(peer, SHUT_RD), 0);
	ck_assert(write_text("answer=late\n\n"));
	turns(3);
	ck_assert_uint_eq(listener.closed, 1);
}
END_TEST

START_TEST(hears_nothing_while_it_does_not_listen)
{
	channel_listen(listener.channel, false);
	send_text("request=find\n\n");
	turns(2);
	ck_assert_uint_eq(listener.heard, 0);
	channel_listen(listener.channel, true);
	turn();
	ck_assert_uint_eq(listener.heard, 1);
}
END_TEST

START_TEST(holds_what_was_read_when_it_listens_no_more)
{
	listener.stop_at = 2;
	send_text("id=1\n\nid=2\n\nid=3\n\nid=4\n\nid=");
	turns(2);
	ck_assert_str_eq(listener.text, "id=2");
	listener.stop_at = 3;
	channel_listen(listener.channel, true);
	turns(2);
	ck_assert_str_eq(listener.text, "id=3");
	channel_listen(listener.channel, true);
	turns(2);
	ck_assert_str_eq(listener.text, "id=4");
	send_text("5\n\n");
	turn();
	ck_assert_str_eq(listener.text, "id=5");
	ck_assert_uint_eq(listener.heard, 5);
}
END_TEST

START_TEST(is_destroyed_while_it_is_heard)
{
	listener.destroy_at = 2;
	send_text("id=1\n\nid=2\n\nid=3\n\n");
	turns(2);
	ck_assert_uint_eq(listener.heard, 2);
	ck_assert_uint_eq(listener.closed, 0);
	ck_assert_int_eq(recv(peer, &(char){ 0 }, 1, 0), 0);
}
END_TEST

START_TEST(reads_one_buffer_in_a_turn)
{
	const char *text = "request=find\nid=0123456789\n\n";
	const unsigned count = 2 * CHANNEL_MESSAGE / (unsigned)strlen(text);

	send_repeated(text, count, "");
	turn();
	ck_assert_uint_gt(listener.heard, 0);
	ck_assert_uint_le(listener.heard, CHANNEL_MESSAGE / strlen(text));
	turns(4);
	ck_assert_uint_eq(listener.heard, count);
}
END_TEST

static const struct attr attributes[] = {
	{ .name = "text", .value = "first" },
	{ .name = "text", .value = "second" },
	{ .name = "zero", .value = "0" },
	{ .name = "seven", .value = "7" },
	{ .name = "eight", .value = "8" },
	{ .name = "large", .value = "18446744073709551615" },
	{ .name = "larger", .value = "18446744073709551616" },
	{ .name = "signed", .value = "-1" },
	{ .name = "spaced", .value = " 1" },
	{ .name = "worded", .value = "1x" },
	{ .name = "empty", .value = "" },
};

static const struct message message = {
	.attributes = attributes,
	.count = sizeof(attributes) / sizeof(attributes[0]),
};

START_TEST(finds_the_first_attribute_of_a_name)
{
	ck_assert_str_eq(message_text(&message, "text"), "first");
	ck_assert_str_eq(message_text(&message, "empty"), "");
	ck_assert_str_eq(message_text(&message, "tex"), "");
}
END_TEST

static const struct number {
	const char *name;
	unsigned long long max;
	unsigned long long is;
} numbers[] = {
	{ "zero", 7, 0 },
	{ "zero", 0, 0 },
	{ "seven", 7, 7 },
	{ "eight", 7, 99 },
	{ "eight", 80, 8 },
	{ "seven", 0, 99 },
	{ "large", UINT64_MAX, UINT64_MAX },
	{ "large", UINT64_MAX - 1, 99 },
	{ "larger", UINT64_MAX, 99 },
	{ "signed", 7, 99 },
	{ "spaced", 7, 99 },
	{ "worded", 7, 99 },
	{ "empty", 7, 99 },
	{ "absent", 7, 99 },
};

START_TEST(reads_numbers_within_a_bound)
{
	const struct number *number = &numbers[_i];

	ck_assert_uint_eq(message_number(&message, number->name, number->max,
			      99),
	    number->is);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *
channel_suite(void)
{
	Suite *suite = suite_create("channel");
	TCase *tests = tcase_create("channel");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, hears_a_message);
	tcase_add_test(tests, hears_a_message_that_comes_byte_by_byte);
	tcase_add_test(tests, hears_many_messages_of_one_read);
	tcase_add_test(tests, hears_a_long_stream_unharmed);
	tcase_add_test(tests, hears_the_largest_message);
	tcase_add_test(tests, closes_when_a_message_is_too_large);
	tcase_add_test(tests, closes_when_there_are_too_many_attributes);
	tcase_add_loop_test(tests, closes_when_what_comes_is_no_message, 0,
	    COUNT(garbages));
	tcase_add_test(tests, hears_what_came_before_the_end);
	tcase_add_test(tests, tells_an_end_within_a_message);
	tcase_add_test(tests, writes_messages);
	tcase_add_test(tests, writes_what_waits_before_it_is_destroyed);
	tcase_add_test(tests, refuses_when_nobody_reads);
	tcase_add_test(tests, writes_more_in_a_turn_than_may_wait);
	tcase_add_test(tests, refuses_what_can_never_fit);
	tcase_add_test(tests, is_closed_after_the_write_that_fails);
	tcase_add_test(tests, is_closed_when_nobody_listens_either);
	tcase_add_test(tests, is_closed_when_nobody_will_read);
	tcase_add_test(tests, hears_nothing_while_it_does_not_listen);
	tcase_add_test(tests, holds_what_was_read_when_it_listens_no_more);
	tcase_add_test(tests, is_destroyed_while_it_is_heard);
	tcase_add_test(tests, reads_one_buffer_in_a_turn);
	tcase_add_test(tests, finds_the_first_attribute_of_a_name);
	tcase_add_loop_test(tests, reads_numbers_within_a_bound, 0,
	    COUNT(numbers));
	suite_add_tcase(suite, tests);
	return suite;
}
