/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "address_book.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "container.h"

/* A lookup that is cancelled does not say of which book. */
static struct address_book *the_book;

static struct address_book *
book_of(struct directory *directory)
{
	return container_of(directory, struct address_book, directory);
}

static struct address_book_person *
find_person(struct address_book *book, const char *address)
{
	for (size_t i = 0; i < book->people_count; i++)
		if (strcmp(book->people[i].address, address) == 0)
			return &book->people[i];
	return NULL;
}

static void
answer(struct address_book *book, struct recipient_query *query)
{
	const struct address_book_person *person =
	    find_person(book, query->address);

	if (book->is_down) {
		query->status = RECIPIENT_UNAVAILABLE;
	} else if (person == NULL) {
		query->status = RECIPIENT_UNKNOWN;
	} else {
		query->status = RECIPIENT_VALID;
		query->record = person->record;
	}
	query->lookup.done(&query->lookup);
}

static void
forget(struct address_book *book, const struct recipient_query *query)
{
	size_t at = 0;

	while (book->open[at] != query) {
		at++;
		ck_assert_uint_lt(at, book->open_count);
	}
	book->open_count--;
	memmove(&book->open[at], &book->open[at + 1],
	    (book->open_count - at) * sizeof(book->open[0]));
}

static void
cancel(struct lookup *lookup)
{
	forget(the_book, container_of(lookup, struct recipient_query, lookup));
	the_book->cancelled++;
}

void
address_book_find(struct directory *directory, struct recipient_query *query)
{
	struct address_book *book = book_of(directory);

	book->asked++;
	if (!book->is_late) {
		answer(book, query);
		return;
	}
	ck_assert_uint_lt(book->open_count, ADDRESS_BOOK_OPEN);
	book->open[book->open_count++] = query;
	query->lookup.cancel = cancel;
}

static void
find_sender(struct directory *directory, struct sender_query *query)
{
	struct address_book *book = book_of(directory);
	const char *domain = strrchr(query->sender, '@');

	query->status = book->is_down ? SENDER_UNAVAILABLE : SENDER_LOOKED_UP;
	query->listing = 0;
	for (size_t i = 0; i < book->lists_count; i++) {
		const struct address_book_listing *list = &book->lists[i];

		if (strcmp(list->recipient, query->recipient) == 0 &&
		    (strcmp(list->sender, query->sender) == 0 ||
			(domain != NULL && strcmp(list->sender, domain) == 0)))
			query->listing |= list->listing;
	}
	query->lookup.done(&query->lookup);
}

void
address_book_init(struct address_book *book)
{
	*book = (struct address_book){
		.directory = { .find = address_book_find,
		    .find_sender = find_sender },
	};
	the_book = book;
}

struct recipient_record *
address_book_add(struct address_book *book, const char *address)
{
	struct address_book_person *person = find_person(book, address);

	if (person == NULL) {
		ck_assert_uint_lt(book->people_count, ADDRESS_BOOK_PEOPLE);
		person = &book->people[book->people_count++];
		snprintf(person->address, sizeof(person->address), "%s",
		    address);
		person->record = (struct recipient_record){
			.id = { (unsigned char)book->people_count },
		};
	}
	return &person->record;
}

void
address_book_remove(struct address_book *book, const char *address)
{
	struct address_book_person *person = find_person(book, address);

	ck_assert_ptr_nonnull(person);
	*person = book->people[--book->people_count];
}

void
address_book_list(struct address_book *book, const char *recipient,
    const char *sender, unsigned listing)
{
	struct recipient_record *record = address_book_add(book, recipient);
	struct address_book_listing *list = &book->lists[book->lists_count++];

	ck_assert_uint_le(book->lists_count, ADDRESS_BOOK_LISTS);
	record->permits |= (listing & SENDER_PERMITTED) != 0;
	record->refuses |= (listing & SENDER_REFUSED) != 0;
	record->allows |= (listing & SENDER_ALLOWED) != 0;
	snprintf(list->recipient, sizeof(list->recipient), "%s", recipient);
	snprintf(list->sender, sizeof(list->sender), "%s", sender);
	list->listing = listing;
}

void
address_book_answer(struct address_book *book)
{
	struct recipient_query *query = book->open[0];

	ck_assert_uint_gt(book->open_count, 0);
	forget(book, query);
	answer(book, query);
}
