/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "domainset.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mailaddr.h"
#include "xalloc.h"

enum { DOMAIN_MAX = 255 };

struct domainset {
	/* Sorted. */
	char **domains;
	size_t count;
};

struct domainset *
domainset_create(void)
{
	return xcalloc(1, sizeof(struct domainset));
}

void
domainset_destroy(struct domainset *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->count; i++)
		free(set->domains[i]);
	free(set->domains);
	free(set);
}

int
domainset_check(const char *domain, struct err *err)
{
	const char *at = domain;

	/* Above ASCII a domain may have UTF-8 (RFC 6531). */
	while ((unsigned char)*at > ' ' && *at != '@' && *at != 0x7f)
		at++;
	if (at > domain && *at == '\0' && strlen(domain) <= DOMAIN_MAX &&
	    strcmp(domain, ".") != 0 && strstr(domain, "..") == NULL)
		return 0;
	err_set(err,
	    "\"%s\" is not a domain such as example.com, or .example.com for "
	    "all below it",
	    domain);
	return -1;
}

/* The first domain that is not before this one. */
static size_t
lower_bound(const struct domainset *set, const char *domain)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(set->domains[middle], domain) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has(const struct domainset *set, const char *domain)
{
	const size_t at = lower_bound(set, domain);

	return at < set->count && strcmp(set->domains[at], domain) == 0;
}

void
domainset_add(struct domainset *set, const char *domain)
{
	char folded[DOMAIN_MAX + 1];
	struct buf buf;
	size_t at;

	buf_init(&buf, folded, DOMAIN_MAX);
	mailaddr_fold(domain, &buf);
	folded[buf.len] = '\0';
	if (has(set, folded))
		return;
	at = lower_bound(set, folded);
	set->domains =
	    xrealloc(set->domains, (set->count + 1) * sizeof(*set->domains));
	memmove(&set->domains[at + 1], &set->domains[at],
	    (set->count - at) * sizeof(*set->domains));
	set->domains[at] = xstrdup(folded);
	set->count++;
}

bool
domainset_contains(const struct domainset *set, const char *domain, size_t len)
{
	char text[DOMAIN_MAX + 1];

	if (len == 0 || len > DOMAIN_MAX)
		return false;
	memcpy(text, domain, len);
	text[len] = '\0';
	if (*text != '.' && has(set, text))
		return true;
	for (const char *dot = strchr(text + 1, '.'); dot != NULL;
	     dot = strchr(dot + 1, '.'))
		if (has(set, dot))
			return true;
	return false;
}
