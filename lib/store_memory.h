/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store in memory: for tests and simulations, and as the plainest statement
 * of what a store does.  Rows are kept in one sorted array for each table, so
 * it is for thousands of rows, not millions.
 */
#pragma once

#include "store.h"

/* An empty store; the caller destroys it. */
struct store *store_memory_create(void);
void store_memory_destroy(struct store *store);
