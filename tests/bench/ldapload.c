/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain program with libldap that does the searches of policyd's look-ups,
 * and nothing else: the measure of what one connection can do.
 *
 *     ldapload URI DN PASSWORD BASE RECIPIENTS OUTSTANDING SECONDS
 *
 * It keeps so many searches under way on one connection, each for one of the
 * recipients r0@d.example, r1@d.example, ...; each must find one entry.  It
 * prints how many searches a second were answered.
 */
#include <ldap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "triplets.h"
#include "unconst.h"

#define SECOND UINT64_C(1000000000)

static const char *const attributes[] = { "entryUUID", "mail", "objectClass",
	NULL };

struct load {
	LDAP *ld;
	const char *base;
	uint64_t recipients;
	uint64_t random;
	uint64_t asked;
	uint64_t found;
	uint64_t answered;
};

static _Noreturn void
fail(const char *what, int result)
{
	fprintf(stderr, "ldapload: %s: %s\n", what, ldap_err2string(result));
	exit(1);
}

static uint64_t
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static LDAP *
connect_to(const char *uri, const char *dn, char *password)
{
	const int version = LDAP_VERSION3;
	struct berval credentials = { strlen(password), password };
	LDAP *ld;
	int result = ldap_initialize(&ld, uri);

	if (result != LDAP_SUCCESS)
		fail(uri, result);
	ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
	result = ldap_sasl_bind_s(ld, dn, LDAP_SASL_SIMPLE, &credentials, NULL,
	    NULL, NULL);
	if (result != LDAP_SUCCESS)
		fail("bind", result);
	return ld;
}

static void
ask(struct load *load)
{
	char filter[64];
	int id;
	int result;

	load->random += 0x9e3779b97f4a7c15;
	snprintf(filter, sizeof(filter), "(mail=r%u@d.example)",
	    (unsigned)((bench_mix(load->random) >> 32) * load->recipients >>
		       32));
	result =
	    ldap_search_ext(load->ld, load->base, LDAP_SCOPE_SUBTREE, filter,
		unconst(attributes), 0, NULL, NULL, NULL, LDAP_NO_LIMIT, &id);
	if (result != LDAP_SUCCESS)
		fail("search", result);
	load->asked++;
}

static void
answer(struct load *load)
{
	LDAPMessage *message;
	int result = 0;

	switch (
	    ldap_result(load->ld, LDAP_RES_ANY, LDAP_MSG_ONE, NULL, &message)) {
	case LDAP_RES_SEARCH_ENTRY:
		load->found++;
		break;
	case LDAP_RES_SEARCH_RESULT:
		ldap_parse_result(load->ld, message, &result, NULL, NULL, NULL,
		    NULL, 0);
		if (result != LDAP_SUCCESS)
			fail("result", result);
		load->answered++;
		break;
	default:
		fail("result", LDAP_SERVER_DOWN);
	}
	ldap_msgfree(message);
}

int
main(int argc, char **argv)
{
	struct load load = { .random = 1 };
	uint64_t outstanding;
	uint64_t began;
	uint64_t end;

	if (argc != 8) {
		fputs("usage: ldapload URI DN PASSWORD BASE RECIPIENTS "
		      "OUTSTANDING SECONDS\n",
		    stderr);
		return 64;
	}
	load.ld = connect_to(argv[1], argv[2], argv[3]);
	load.base = argv[4];
	load.recipients = strtoull(argv[5], NULL, 10);
	outstanding = strtoull(argv[6], NULL, 10);
	began = clock_ns();
	end = began + strtoull(argv[7], NULL, 10) * SECOND;
	while (clock_ns() < end || load.answered < load.asked) {
		while (load.asked - load.answered < outstanding &&
		       clock_ns() < end)
			ask(&load);
		answer(&load);
	}
	if (load.found != load.answered)
		fail("not every search found one entry", LDAP_OTHER);
	printf("%.1f\n", (double)load.answered * (double)SECOND /
			     (double)(clock_ns() - began));
	ldap_unbind_ext(load.ld, NULL, NULL);
	return 0;
}
