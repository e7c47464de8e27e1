/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distinguished names, to be compared.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A list of names in their normal form. */
struct ldap_dns {
	char **name;
	size_t count;
};

/* One spelling for all that mean the same: RFC 4514, in lower case.  What is no
 * distinguished name is only put in lower case.  Owned by the caller. */
char *ldap_dn_normal(const char *dn);

/* Normal forms of all of them. */
void ldap_dns_init(struct ldap_dns *dns, char *const *names, size_t count);
void ldap_dns_finish(struct ldap_dns *dns);

bool ldap_dns_have(const struct ldap_dns *dns, const char *normal);
