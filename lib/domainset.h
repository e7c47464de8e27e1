/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of mail domains.
 *
 * "example.com" is that domain; ".example.com" is every domain below it, but
 * not itself, as in Postfix's tables.  Case does not matter.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct domainset;

/* An empty set; the caller destroys it. */
struct domainset *domainset_create(void);

/* NULL is accepted. */
void domainset_destroy(struct domainset *set);

/* Whether the text is a domain that a set can hold. */
int domainset_check(const char *domain, struct err *err);

/* Adds a domain that domainset_check() accepts. */
void domainset_add(struct domainset *set, const char *domain);

/* Whether the domain, in lower case and of `len` bytes, is in the set.  A
 * domain of more than 255 bytes (RFC 5321 4.5.3.1.2) is in none. */
bool domainset_contains(const struct domainset *set, const char *domain,
    size_t len);
