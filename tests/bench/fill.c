/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fills a store with the triplets of the benchmark, as the daemon would have
 * done it in weeks:
 *
 *     fill DIRECTORY FIRST COUNT passed|pending
 *
 * With "passed" each triplet has passed once a while ago, and its network has
 * one pass counted; with "pending" each has been deferred once.  DIRECTORY is
 * the daemon's state-directory; no daemon may use it.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "origin.h"
#include "record.h"
#include "store_bdb.h"
#include "triplet.h"
#include "triplets.h"

enum {
	/* Rows of one commit. */
	BATCH = 256,
	/* Rows between two times that changed pages are written. */
	TIDY_EVERY = 500000,
	/* Seconds ago. */
	TRIED = 1000,
	PASSED = 500,
};

/* Large, so that filling does not wait for a disk. */
#define CACHE ((uint64_t)2 << 30)
#define NO_CHECKPOINT ((uint64_t)1 << 40)

static const struct origin_policy policy = { 24, 64 };

static void
insert(struct store *store, enum store_table table, const char *key,
    size_t key_len, const char *value, size_t value_len)
{
	store_insert(store, table,
	    &(struct store_row){ .key = key,
		.key_len = key_len,
		.value = value,
		.value_len = value_len });
}

static void
insert_client(struct store *store, const struct request *request, time_t now)
{
	const struct client_record record = {
		.first = now - PASSED,
		.counted = now,
		.last = now,
		.passes = 1,
	};
	const struct origin origin = origin_of(&policy, request);
	char bytes[RECORD_SIZE];
	char memory[ORIGIN_KEY_MAX];
	struct buf key;

	buf_init(&key, memory, sizeof(memory));
	origin_write_key(&origin, &key);
	insert(store, STORE_CLIENT, key.data, key.len, bytes,
	    client_record_write(&record, bytes));
}

static void
insert_triplet(struct store *store, uint64_t number, bool passed, time_t now)
{
	struct triplet_record record = {
		.first = now - TRIED,
		.last = now - TRIED,
		.deferred = 1,
	};
	struct bench_triplet names;
	struct request request;
	struct triplet triplet;
	char bytes[RECORD_SIZE];

	bench_triplet(number, &names);
	request_init(&request);
	request.sender = names.sender;
	request.recipient = names.recipient;
	if (!netaddr_parse(names.client_address, &request.client))
		abort();
	if (passed) {
		record.passed = record.last = now - PASSED;
		insert_client(store, &request, now);
	}
	triplet_of(&policy, &request, &triplet);
	insert(store, STORE_TRIPLET, triplet.key, triplet.key_len, bytes,
	    triplet_record_write(&record, bytes));
}

static int
fill(struct store_bdb *bdb, uint64_t first, uint64_t count, bool passed)
{
	struct store *store = store_bdb_store(bdb);
	const time_t now = time(NULL);
	struct err err;

	for (uint64_t i = 0; i < count; i++) {
		insert_triplet(store, first + i, passed, now);
		if (i % BATCH == BATCH - 1 && !store_commit(store)) {
			store_bdb_complaint(bdb, &err);
			fprintf(stderr, "fill: %s\n", err.text);
			return EXIT_FAILURE;
		}
		if (i % TIDY_EVERY == TIDY_EVERY - 1 &&
		    store_bdb_tidy(bdb, &err) != 0) {
			fprintf(stderr, "fill: %s\n", err.text);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct store_bdb_config config = {
		.cache_size = CACHE,
		.checkpoint_size = NO_CHECKPOINT,
	};
	struct store_bdb *bdb;
	struct err err;
	int status;

	if (argc != 5) {
		fputs("usage: fill DIRECTORY FIRST COUNT passed|pending\n",
		    stderr);
		return EXIT_FAILURE;
	}
	config.directory = argv[1];
	bdb = store_bdb_create(&config);
	if (store_bdb_open(bdb, &err) != STORE_BDB_OPENED) {
		fprintf(stderr, "fill: %s\n", err.text);
		return EXIT_FAILURE;
	}
	status = fill(bdb, strtoull(argv[2], NULL, 10),
	    strtoull(argv[3], NULL, 10), strcmp(argv[4], "passed") == 0);
	store_bdb_destroy(bdb);
	return status;
}
