/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_dn.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

#include "xalloc.h"

static char *
lower(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return text;
}

char *
ldap_dn_normal(const char *dn)
{
	LDAPDN parsed = NULL;
	char *text = NULL;
	char *normal;

	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS ||
	    ldap_dn2str(parsed, &text, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
		text = NULL;
	normal = lower(xstrdup(text != NULL ? text : dn));
	ldap_memfree(text);
	ldap_dnfree(parsed);
	return normal;
}

void
ldap_dns_init(struct ldap_dns *dns, char *const *names, size_t count)
{
	dns->name = xcalloc(count, sizeof(*dns->name));
	dns->count = count;
	for (size_t i = 0; i < count; i++)
		dns->name[i] = ldap_dn_normal(names[i]);
}

void
ldap_dns_finish(struct ldap_dns *dns)
{
	for (size_t i = 0; i < dns->count; i++)
		free(dns->name[i]);
	free(dns->name);
	*dns = (struct ldap_dns){ 0 };
}

bool
ldap_dns_have(const struct ldap_dns *dns, const char *normal)
{
	for (size_t i = 0; i < dns->count; i++)
		if (strcmp(dns->name[i], normal) == 0)
			return true;
	return false;
}
