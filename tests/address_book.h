/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory with moods: it knows the people in its book, and can be down, or
 * late.
 *
 * While it is down every answer is "unavailable".  While it is late it keeps
 * the questions and answers them when it is told to, or never; a question that
 * is cancelled is forgotten.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "directory.h"

enum {
	ADDRESS_BOOK_PEOPLE = 32,
	ADDRESS_BOOK_LISTS = 32,
	ADDRESS_BOOK_OPEN = 8
};

struct address_book_person {
	char address[ADDRESS_MAX + 1];
	struct recipient_record record;
};

/* A sender in somebody's lists. */
struct address_book_listing {
	char recipient[ADDRESS_MAX + 1];
	char sender[ADDRESS_MAX + 1];
	unsigned listing;
};

struct address_book {
	struct directory directory;
	struct address_book_person people[ADDRESS_BOOK_PEOPLE];
	size_t people_count;
	struct address_book_listing lists[ADDRESS_BOOK_LISTS];
	size_t lists_count;
	bool is_down;
	bool is_late;
	/* Questions so far; those that are open; those that were cancelled. */
	unsigned asked;
	struct recipient_query *open[ADDRESS_BOOK_OPEN];
	size_t open_count;
	unsigned cancelled;
};

/* One book at a time. */
void address_book_init(struct address_book *book);

/* The record of a person, who is added if need be. */
struct recipient_record *address_book_add(struct address_book *book,
    const char *address);

void address_book_remove(struct address_book *book, const char *address);

/* Puts a sender into lists of a person, who says so in the record. */
void address_book_list(struct address_book *book, const char *recipient,
    const char *sender, unsigned listing);

/* What the directory does, for one that does something before. */
void address_book_find(struct directory *directory,
    struct recipient_query *query);

/* Answers the oldest open question. */
void address_book_answer(struct address_book *book);
