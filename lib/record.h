/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rows that the store keeps, and their bytes.
 *
 * A row's bytes begin with a version; then come whole numbers of seven bits a
 * byte, the most significant first, all but the last byte with the top bit
 * set.  Times are kept as differences to the first one.  So a pending triplet
 * takes 9 bytes, and no date is too far off.  schema/store.md tells the same in
 * words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The most bytes that a row takes. */
#define RECORD_SIZE 64

/* What is known of a triplet (client, sender, recipient). */
struct triplet_record {
	/* When it was first tried: the delay counts from here. */
	time_t first;
	/* When it first passed; 0 while it is pending. */
	time_t passed;
	/* The last attempt that was noted down. */
	time_t last;
	/* Attempts that were deferred. */
	unsigned deferred;
};

/* What is known of a client's network. */
struct client_record {
	/* When a pass of it was first counted. */
	time_t first;
	/* When the last pass was counted. */
	time_t counted;
	/* The last attempt that was noted down. */
	time_t last;
	/* Passes counted, at most one an hour. */
	unsigned passes;
};

/* Whose address it is: objectGUID or entryUUID. */
#define RECIPIENT_ID 16

enum recipient_greylist {
	/* As the configuration says. */
	RECIPIENT_GREYLIST_DEFAULT = 0,
	RECIPIENT_GREYLIST_ON,
	RECIPIENT_GREYLIST_OBSERVE,
	RECIPIENT_GREYLIST_OFF,
};

/* What the directory says of a recipient. */
struct recipient_record {
	unsigned char id[RECIPIENT_ID];
	/* The account is disabled. */
	bool disabled;
	/* Only authenticated senders (msExchRequireAuthToSendTo). */
	bool internal_only;
	/* Only senders listed as PERMITTED; some are REFUSED or ALLOWED. */
	bool permits;
	bool refuses;
	bool allows;
	/* The largest message, in bytes; 0: no limit. */
	uint64_t max_size;
	enum recipient_greylist greylist;
	/* Its own delay of the greylist; 0: the configured one. */
	time_t delay;
};

/* Write the row into `bytes` and return its length.  Times before `first` are
 * written as `first`. */
size_t triplet_record_write(const struct triplet_record *record,
    char bytes[static RECORD_SIZE]);
size_t client_record_write(const struct client_record *record,
    char bytes[static RECORD_SIZE]);
size_t recipient_record_write(const struct recipient_record *record,
    char bytes[static RECORD_SIZE]);

/* Read a row; false when these are not the bytes of one. */
bool triplet_record_read(const char *bytes, size_t len,
    struct triplet_record *record);
bool client_record_read(const char *bytes, size_t len,
    struct client_record *record);
bool recipient_record_read(const char *bytes, size_t len,
    struct recipient_record *record);
