/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the results of LDAP mean, in plain words for an administrator.
 *
 * A result is a number and, often, a text of the server or of the TLS library
 * that says more: Active Directory answers 49 for a wrong password and for an
 * account that is locked, and tells them apart by "data 52e" and "data 775".
 */
#pragma once

#include <ldap.h>

#include "err.h"

/* What a result means, in plain words for an administrator: "the directory
 * refuses a password without TLS: use ldaps:// or start-tls = yes" for 8,
 * "wrong password" for 49 with data 52e.  `diagnostic` is the server's text or
 * NULL.  Never NULL. */
const char *ldap_explain(int result, const char *diagnostic);

/* Sets the sentence "URI: what failed: what it means (result N: text)", with
 * the text that the server or the TLS library left in the handle, escaped. */
void ldap_fail(LDAP *ld, const char *uri, const char *what, int result,
    struct err *err);
