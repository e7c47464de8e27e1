/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "replica.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "address_book.h"
#include "container.h"
#include "fake_store.h"
#include "store_memory.h"
#include "suites.h"

enum { NOW = 1000000, HOUR = 3600, LOAD = 100 };

static struct store *memory;
static struct fake_store fake;
static struct address_book book;
static struct replica *replica;

static const struct replica_policy policy = {
	.trusted_for = HOUR,
	.max_shrink = 20,
	.max_rows = 10000,
};

static void
set_up(void)
{
	memory = store_memory_create();
	fake_store_init(&fake, memory);
	address_book_init(&book);
	replica = replica_create(&fake.store, &book.directory);
	replica_configure(replica, &policy);
}

static void
tear_down(void)
{
	replica_destroy(replica);
	store_memory_destroy(memory);
}

/* As after a restart of the daemon. */
static void
begin_again(struct directory *behind)
{
	replica_destroy(replica);
	replica = replica_create(&fake.store, behind);
	replica_configure(replica, &policy);
}

static struct recipient_record
record_of(unsigned number)
{
	return (struct recipient_record){
		.id = { (unsigned char)(number >> 8), (unsigned char)number },
	};
}

/* An object with one address for each name, up to NULL. */
static void
put(unsigned number, const char *first, const char *second)
{
	const struct recipient_record record = record_of(number);
	const char *const addresses[] = { first, second };

	replica_put(replica, &record, addresses, second == NULL ? 1 : 2);
}

static void
put_numbered(unsigned number)
{
	char address[64];

	snprintf(address, sizeof(address), "user%u@example.com", number);
	put(number, address, NULL);
}

static void
end_load(void)
{
	struct err err;

	ck_assert_int_eq(replica_load_end(replica, NOW, false, &err), 0);
}

/* A load of so many objects, number 1 and up. */
static void
load(unsigned count)
{
	replica_load_begin(replica);
	for (unsigned i = 1; i <= count; i++)
		put_numbered(i);
	end_load();
}

static bool is_answered;

static void
answered(struct lookup *lookup)
{
	(void)lookup;
	is_answered = true;
}

static enum recipient_status
find_at(const char *address, time_t now)
{
	struct recipient_query query = {
		.lookup = { .done = answered },
		.address = address,
		.now = now,
	};

	is_answered = false;
	directory_find(replica_directory(replica), &query);
	ck_assert(is_answered);
	return query.status;
}

static enum recipient_status
find(const char *address)
{
	return find_at(address, NOW);
}

static enum recipient_status
peek(const char *address)
{
	struct recipient_record record;

	return replica_peek(replica, address, &record);
}

START_TEST(without_a_load_it_knows_nothing)
{
	ck_assert_int_eq(peek("ann@example.com"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("ann@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_uint_eq(book.asked, 1);
	book.is_down = true;
	ck_assert_int_eq(find("ann@example.com"), RECIPIENT_UNAVAILABLE);
	put(1, "ann@example.com", NULL);
	ck_assert_int_eq(find("ann@example.com"), RECIPIENT_UNAVAILABLE);
	ck_assert_str_eq(replica_state(replica), "");
}
END_TEST

START_TEST(a_load_takes_effect_as_a_whole)
{
	replica_load_begin(replica);
	put(1, "ann@example.com", "ann.b@example.com");
	ck_assert_int_eq(peek("ann@example.com"), RECIPIENT_UNAVAILABLE);
	ck_assert(replica_status(replica).loading);
	ck_assert_uint_eq(replica_status(replica).loading_objects, 1);
	end_load();
	ck_assert_int_eq(peek("ann@example.com"), RECIPIENT_VALID);
	ck_assert_int_eq(peek("ann.b@example.com"), RECIPIENT_VALID);
	ck_assert_int_eq(peek("bob@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_uint_eq(replica_status(replica).objects, 1);
	ck_assert_uint_eq(replica_status(replica).addresses, 2);
}
END_TEST

START_TEST(the_next_load_replaces_all_of_it)
{
	load(3);
	replica_load_begin(replica);
	put(7, "new@example.com", NULL);
	ck_assert_int_eq(peek("user1@example.com"), RECIPIENT_VALID);
	ck_assert_int_eq(peek("new@example.com"), RECIPIENT_UNKNOWN);
	end_load();
	ck_assert_int_eq(peek("user1@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_int_eq(peek("new@example.com"), RECIPIENT_VALID);
	ck_assert_uint_eq(replica_status(replica).objects, 1);
	while (replica_sweep(replica, 2))
		;
	ck_assert_uint_eq(memory->rows[STORE_RECIPIENT], 1);
	ck_assert_uint_eq(memory->rows[STORE_OBJECT], 1);
	ck_assert_int_eq(peek("new@example.com"), RECIPIENT_VALID);
}
END_TEST

START_TEST(a_load_that_was_given_up_leaves_nothing)
{
	load(3);
	replica_load_begin(replica);
	put(7, "new@example.com", NULL);
	replica_load_cancel(replica);
	ck_assert_int_eq(peek("new@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_int_eq(peek("user2@example.com"), RECIPIENT_VALID);
	while (replica_sweep(replica, 100))
		;
	ck_assert_uint_eq(memory->rows[STORE_RECIPIENT], 3);
}
END_TEST

START_TEST(a_load_that_a_crash_ended_leaves_nothing)
{
	load(3);
	replica_load_begin(replica);
	put(7, "old@example.com", NULL);
	begin_again(&book.directory);
	ck_assert_int_eq(peek("user2@example.com"), RECIPIENT_VALID);
	replica_load_begin(replica);
	put(8, "new@example.com", NULL);
	end_load();
	ck_assert_int_eq(peek("old@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_int_eq(peek("new@example.com"), RECIPIENT_VALID);
	while (replica_sweep(replica, 100))
		;
	ck_assert_uint_eq(memory->rows[STORE_RECIPIENT], 1);
}
END_TEST

START_TEST(three_hundred_loads_reuse_the_generations)
{
	for (unsigned i = 0; i < 300; i++) {
		load(2 + i % 2);
		while (replica_sweep(replica, 100))
			;
		ck_assert_uint_eq(memory->rows[STORE_RECIPIENT], 2 + i % 2);
		ck_assert_int_eq(peek("user1@example.com"), RECIPIENT_VALID);
	}
}
END_TEST

static const struct shrink {
	const char *name;
	unsigned before;
	unsigned after;
	bool refused;
} shrinks[] = {
	{ "a fifth may go", LOAD, 80, false },
	{ "more than a fifth may not", LOAD, 79, true },
	{ "nobody left is a mistake", 5, 0, true },
	{ "an empty directory is none", 0, 0, true },
	{ "few changes are none", 12, 2, false },
	{ "eleven of twelve are", 12, 1, true },
	{ "growing is no shrinking", 10, LOAD, false },
};

START_TEST(a_load_that_shrinks_it_too_much_is_refused)
{
	const struct shrink *row = &shrinks[_i];
	struct err err = { "" };
	int taken;

	if (row->before > 0)
		load(row->before);
	replica_load_begin(replica);
	for (unsigned i = 1; i <= row->after; i++)
		put_numbered(i);
	taken = replica_load_end(replica, NOW, false, &err);
	ck_assert_msg((taken != 0) == row->refused, "%s: %s", row->name,
	    err.text);
	ck_assert_uint_eq(replica_status(replica).objects,
	    row->refused ? row->before : row->after);
	if (!row->refused)
		return;
	/* Unless somebody wants it. */
	replica_load_begin(replica);
	for (unsigned i = 1; i <= row->after; i++)
		put_numbered(i);
	ck_assert_int_eq(replica_load_end(replica, NOW, true, &err), 0);
	ck_assert_uint_eq(replica_status(replica).objects, row->after);
}
END_TEST

START_TEST(changes_that_shrink_it_too_much_are_refused)
{
	unsigned removed = 0;

	load(LOAD);
	for (unsigned i = 1; i <= LOAD; i++)
		removed += replica_remove(replica, record_of(i).id) ? 1 : 0;
	ck_assert_uint_eq(removed, 20);
	ck_assert_uint_eq(replica_status(replica).objects, 80);
}
END_TEST

START_TEST(more_than_there_may_be_is_no_load)
{
	const struct replica_policy small = { .max_rows = 10,
		.max_shrink = 100 };
	struct err err;

	replica_configure(replica, &small);
	replica_load_begin(replica);
	for (unsigned i = 1; i <= 20; i++)
		put_numbered(i);
	ck_assert_int_eq(replica_load_end(replica, NOW, true, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "max-recipients = 10"));
	ck_assert_int_eq(peek("user1@example.com"), RECIPIENT_UNAVAILABLE);
}
END_TEST

START_TEST(an_object_that_changes_loses_its_old_addresses)
{
	load(3);
	put(2, "two@example.com", "deux@example.com");
	ck_assert_int_eq(peek("user2@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_int_eq(peek("two@example.com"), RECIPIENT_VALID);
	ck_assert_uint_eq(replica_status(replica).objects, 3);
	ck_assert_uint_eq(replica_status(replica).addresses, 4);
	ck_assert(replica_remove(replica, record_of(2).id));
	ck_assert_int_eq(peek("deux@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_uint_eq(replica_status(replica).objects, 2);
	ck_assert_uint_eq(replica_status(replica).addresses, 2);
	/* It is not there any more. */
	ck_assert(replica_remove(replica, record_of(2).id));
	ck_assert_uint_eq(replica_status(replica).objects, 2);
}
END_TEST

START_TEST(an_address_of_two_objects_stays_with_the_first)
{
	load(1);
	put(2, "dup@example.com", "two@example.com");
	put(3, "dup@example.com", "three@example.com");
	ck_assert(replica_remove(replica, record_of(3).id));
	ck_assert_int_eq(peek("dup@example.com"), RECIPIENT_VALID);
	ck_assert_int_eq(peek("three@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_uint_eq(replica_status(replica).addresses, 3);
}
END_TEST

START_TEST(an_object_may_have_a_thousand_addresses)
{
	const struct recipient_record record = record_of(9);
	char text[100][64];
	const char *addresses[100];

	load(1);
	for (unsigned part = 0; part < 10; part++) {
		for (unsigned i = 0; i < 100; i++) {
			snprintf(text[i], sizeof(text[i]),
			    "alias%u.%u@example.com", part, i);
			addresses[i] = text[i];
		}
		(part == 0 ? replica_put : replica_add)(replica, &record,
		    addresses, 100);
	}
	ck_assert_uint_eq(replica_status(replica).addresses, 1001);
	ck_assert_int_eq(peek("alias9.99@example.com"), RECIPIENT_VALID);
	ck_assert_uint_gt(memory->rows[STORE_OBJECT], 10);
	ck_assert(replica_remove(replica, record.id));
	ck_assert_uint_eq(replica_status(replica).addresses, 1);
	ck_assert_uint_eq(memory->rows[STORE_OBJECT], 1);
	ck_assert_uint_eq(memory->rows[STORE_RECIPIENT], 1);
}
END_TEST

START_TEST(a_miss_asks_the_directory_behind)
{
	load(1);
	address_book_add(&book, "new@example.com");
	ck_assert_int_eq(find("user1@example.com"), RECIPIENT_VALID);
	ck_assert_uint_eq(book.asked, 0);
	ck_assert_int_eq(find("new@example.com"), RECIPIENT_VALID);
	ck_assert_int_eq(find("nobody@example.com"), RECIPIENT_UNKNOWN);
	ck_assert_uint_eq(book.asked, 2);
}
END_TEST

START_TEST(a_miss_is_believed_for_an_hour_without_the_directory)
{
	load(1);
	book.is_down = true;
	ck_assert_int_eq(find_at("user1@example.com", NOW + 99 * HOUR),
	    RECIPIENT_VALID);
	ck_assert_int_eq(find_at("nobody@example.com", NOW + HOUR - 1),
	    RECIPIENT_UNKNOWN);
	ck_assert_int_eq(find_at("nobody@example.com", NOW + HOUR),
	    RECIPIENT_UNAVAILABLE);
	/* A clock that was set back. */
	ck_assert_int_eq(find_at("nobody@example.com", NOW - HOUR),
	    RECIPIENT_UNKNOWN);
	replica_confirm(replica, NOW + HOUR);
	ck_assert_int_eq(find_at("nobody@example.com", NOW + HOUR),
	    RECIPIENT_UNKNOWN);
}
END_TEST

START_TEST(filled_by_hand_it_is_always_believed)
{
	const struct replica_policy by_hand = { .max_rows = 100 };

	begin_again(NULL);
	replica_configure(replica, &by_hand);
	ck_assert_int_eq(find("nobody@example.com"), RECIPIENT_UNAVAILABLE);
	load(1);
	ck_assert_int_eq(find_at("nobody@example.com", NOW + 9999 * HOUR),
	    RECIPIENT_UNKNOWN);
}
END_TEST

START_TEST(a_late_answer_of_the_directory_behind_counts)
{
	struct recipient_query query = {
		.lookup = { .done = answered },
		.address = "nobody@example.com",
		.now = NOW,
	};

	load(1);
	book.is_late = true;
	is_answered = false;
	directory_find(replica_directory(replica), &query);
	ck_assert(!is_answered);
	/* It was loaded meanwhile. */
	put(5, "nobody@example.com", NULL);
	book.is_down = true;
	address_book_answer(&book);
	ck_assert(is_answered);
	ck_assert_int_eq(query.status, RECIPIENT_VALID);
	ck_assert_uint_eq(query.record.id[1], 5);
}
END_TEST

START_TEST(a_question_can_be_cancelled)
{
	struct recipient_query query = {
		.lookup = { .done = answered },
		.address = "nobody@example.com",
		.now = NOW,
	};

	load(1);
	book.is_late = true;
	is_answered = false;
	directory_find(replica_directory(replica), &query);
	query.lookup.cancel(&query.lookup);
	ck_assert_uint_eq(book.cancelled, 1);
	ck_assert(!is_answered);
}
END_TEST

START_TEST(a_store_that_fails_is_no_unknown_recipient)
{
	load(1);
	book.is_down = true;
	fake.is_down = true;
	ck_assert_int_eq(find("user1@example.com"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("nobody@example.com"), RECIPIENT_UNAVAILABLE);
	book.is_down = false;
	address_book_add(&book, "user1@example.com");
	ck_assert_int_eq(find("user1@example.com"), RECIPIENT_VALID);
}
END_TEST

START_TEST(a_store_that_began_anew_has_no_replica)
{
	struct err err;

	load(1);
	book.is_down = true;
	replica_load_begin(replica);
	store_memory_destroy(memory);
	memory = store_memory_create();
	fake_store_init(&fake, memory);
	fake.store.epoch = 1;
	ck_assert_int_eq(find("user1@example.com"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(find("nobody@example.com"), RECIPIENT_UNAVAILABLE);
	ck_assert_int_eq(replica_load_end(replica, NOW, true, &err), -1);
	ck_assert(!replica_status(replica).loaded);
}
END_TEST

START_TEST(it_survives_a_restart_with_its_state)
{
	load(3);
	replica_set_state(replica, "cookie 17", NOW + 5);
	put(4, "four@example.com", NULL);
	replica_set_state(replica, "cookie 18", NOW + 9);
	begin_again(&book.directory);
	ck_assert_str_eq(replica_state(replica), "cookie 18");
	ck_assert_int_eq(peek("four@example.com"), RECIPIENT_VALID);
	ck_assert_uint_eq(replica_status(replica).objects, 4);
	ck_assert_int_eq(replica_status(replica).confirmed_at, NOW + 9);
	ck_assert_int_eq(replica_status(replica).loaded_at, NOW);
	/* A new load has a state of its own. */
	load(4);
	ck_assert_str_eq(replica_state(replica), "");
}
END_TEST

static unsigned
listing_of(const char *recipient, const char *sender)
{
	struct recipient_record record;
	struct sender_query query = {
		.lookup = { .done = answered },
		.recipient = recipient,
		.sender = sender,
		.record = &record,
	};

	ck_assert_int_eq(replica_peek(replica, recipient, &record),
	    RECIPIENT_VALID);
	directory_find_sender(replica_directory(replica), &query);
	ck_assert_int_eq(query.status, SENDER_LOOKED_UP);
	return query.listing;
}

START_TEST(senders_are_found_by_address_and_by_domain)
{
	load(2);
	replica_put_sender(replica, record_of(1).id, "ann@a.example",
	    SENDER_PERMITTED);
	replica_put_sender(replica, record_of(1).id, "@a.example",
	    SENDER_REFUSED);
	replica_put_sender(replica, record_of(1).id, "", SENDER_ALLOWED);
	ck_assert_uint_eq(listing_of("user1@example.com", "ann@a.example"),
	    SENDER_PERMITTED | SENDER_REFUSED);
	ck_assert_uint_eq(listing_of("user1@example.com", "bob@a.example"),
	    SENDER_REFUSED);
	ck_assert_uint_eq(listing_of("user1@example.com", ""), SENDER_ALLOWED);
	ck_assert_uint_eq(listing_of("user1@example.com", "c@c.example"), 0);
	ck_assert_uint_eq(listing_of("user2@example.com", "ann@a.example"), 0);
	/* They go with the object. */
	put(1, "user1@example.com", NULL);
	ck_assert_uint_eq(listing_of("user1@example.com", "ann@a.example"), 0);
	ck_assert_uint_eq(memory->rows[STORE_SENDER], 0);
}
END_TEST

START_TEST(lists_of_somebody_else_are_asked_for_behind)
{
	struct recipient_record *record;
	struct sender_query query = {
		.lookup = { .done = answered },
		.recipient = "new@example.com",
		.sender = "ann@a.example",
	};

	load(1);
	record = address_book_add(&book, "new@example.com");
	address_book_list(&book, "new@example.com", "ann@a.example",
	    SENDER_PERMITTED);
	query.record = record;
	directory_find_sender(replica_directory(replica), &query);
	ck_assert_int_eq(query.status, SENDER_LOOKED_UP);
	ck_assert_uint_eq(query.listing, SENDER_PERMITTED);
	book.is_down = true;
	directory_find_sender(replica_directory(replica), &query);
	ck_assert_int_eq(query.status, SENDER_UNAVAILABLE);
}
END_TEST

START_TEST(lists_that_are_too_long_are_asked_for_behind)
{
	const struct recipient_record closed = { .id = { 7 }, .permits = true };
	const char *const addresses[] = { "closed@example.com" };
	struct sender_query query = {
		.lookup = { .done = answered },
		.recipient = addresses[0],
		.sender = "ann@a.example",
		.record = &closed,
	};

	load(1);
	replica_put(replica, &closed, addresses, 1);
	replica_put_sender(replica, closed.id, SENDER_MANY, SENDER_PERMITTED);
	address_book_add(&book, addresses[0]);
	address_book_list(&book, addresses[0], "ann@a.example",
	    SENDER_PERMITTED);
	directory_find_sender(replica_directory(replica), &query);
	ck_assert_int_eq(query.status, SENDER_LOOKED_UP);
	ck_assert_uint_eq(query.listing, SENDER_PERMITTED);
	query.sender = "bob@a.example";
	directory_find_sender(replica_directory(replica), &query);
	ck_assert_int_eq(query.status, SENDER_LOOKED_UP);
	ck_assert_uint_eq(query.listing, 0);
	book.is_down = true;
	directory_find_sender(replica_directory(replica), &query);
	ck_assert_int_eq(query.status, SENDER_UNAVAILABLE);
}
END_TEST

struct collector {
	struct replica_visitor visitor;
	char text[4096];
};

static void
collect(struct replica_visitor *visitor, const char *address,
    const struct recipient_record *record)
{
	struct collector *collector =
	    container_of(visitor, struct collector, visitor);

	(void)record;
	strcat(collector->text, address);
	strcat(collector->text, " ");
}

START_TEST(it_can_be_listed_in_pieces)
{
	struct collector collector = { .visitor = { .visit = collect } };
	struct store_cursor cursor = { .key_len = 0 };
	const unsigned rows = (unsigned)_i;

	load(5);
	replica_load_begin(replica);
	put(9, "aside@example.com", NULL);
	while (replica_list(replica, &cursor, rows, &collector.visitor))
		;
	ck_assert_str_eq(collector.text,
	    "user1@example.com user2@example.com user3@example.com "
	    "user4@example.com user5@example.com ");
}
END_TEST

Suite *
replica_suite(void)
{
	Suite *suite = suite_create("replica");
	TCase *tests = tcase_create("replica");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, without_a_load_it_knows_nothing);
	tcase_add_test(tests, a_load_takes_effect_as_a_whole);
	tcase_add_test(tests, the_next_load_replaces_all_of_it);
	tcase_add_test(tests, a_load_that_was_given_up_leaves_nothing);
	tcase_add_test(tests, a_load_that_a_crash_ended_leaves_nothing);
	tcase_add_test(tests, three_hundred_loads_reuse_the_generations);
	tcase_add_loop_test(tests, a_load_that_shrinks_it_too_much_is_refused,
	    0, (int)(sizeof(shrinks) / sizeof(shrinks[0])));
	tcase_add_test(tests, changes_that_shrink_it_too_much_are_refused);
	tcase_add_test(tests, more_than_there_may_be_is_no_load);
	tcase_add_test(tests, an_object_that_changes_loses_its_old_addresses);
	tcase_add_test(tests, an_address_of_two_objects_stays_with_the_first);
	tcase_add_test(tests, an_object_may_have_a_thousand_addresses);
	tcase_add_test(tests, a_miss_asks_the_directory_behind);
	tcase_add_test(tests,
	    a_miss_is_believed_for_an_hour_without_the_directory);
	tcase_add_test(tests, filled_by_hand_it_is_always_believed);
	tcase_add_test(tests, a_late_answer_of_the_directory_behind_counts);
	tcase_add_test(tests, a_question_can_be_cancelled);
	tcase_add_test(tests, a_store_that_fails_is_no_unknown_recipient);
	tcase_add_test(tests, a_store_that_began_anew_has_no_replica);
	tcase_add_test(tests, it_survives_a_restart_with_its_state);
	tcase_add_test(tests, senders_are_found_by_address_and_by_domain);
	tcase_add_test(tests, lists_of_somebody_else_are_asked_for_behind);
	tcase_add_test(tests, lists_that_are_too_long_are_asked_for_behind);
	tcase_add_loop_test(tests, it_can_be_listed_in_pieces, 1, 8);
	suite_add_tcase(suite, tests);
	return suite;
}
