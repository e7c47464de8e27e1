/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recipients on their way from a file to the daemon, or back.
 *
 * A file has an address a line, or is CSV with a row for each address
 * (policyctl_csv.h): its first row names the columns, of which only "address"
 * must be there.  Addresses of one id are those of one recipient, and must have
 * the same settings.  Without an id an address is a recipient of its own.
 *
 * Senders in the lists of a recipient are in the columns "permitted", "refused"
 * and "allowed", with spaces between them, "<>" for the null sender.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "record.h"

struct recipient_row {
	char *address;
	struct recipient_record record;
	/* Of the file. */
	unsigned long line;
	/* Its row tells the lists of the recipient. */
	bool tells_lists;
};

struct sender_row {
	unsigned char id[RECIPIENT_ID];
	unsigned listing;
	char *sender;
};

struct rows {
	struct recipient_row *recipient;
	size_t count;
	size_t room;
	struct sender_row *sender;
	size_t senders;
	size_t sender_room;
};

void rows_finish(struct rows *rows);

/* Both texts are copied. */
void rows_add(struct rows *rows, const char *address,
    const struct recipient_record *record, unsigned long line);
void rows_add_sender(struct rows *rows, const unsigned char *id,
    const char *sender, unsigned listing);

/* Makes the id of an address that has none: a hash. */
void rows_make_id(const char *address, unsigned char id[static RECIPIENT_ID]);

/* Orders recipients by id and address, and senders by id and name; what is
 * there twice becomes one.  Fails with "NAME:LINE: what is wrong" when two rows
 * contradict each other. */
int rows_arrange(struct rows *rows, const char *name, struct err *err);

/* Orders recipients by address, for people; by id and address, so that those of
 * one recipient stand together. */
void rows_sort_by_address(struct rows *rows);
void rows_sort_by_id(struct rows *rows);

/* The first sender of an id, and how many there are; senders must be in the
 * order of rows_arrange(). */
size_t rows_find_senders(const struct rows *rows, const unsigned char *id,
    size_t *count);
