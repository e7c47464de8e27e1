/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_explain.h"

#include <ldap.h>
#include <string.h>

#include "buf.h"

/* Explanations: a result, a part of the server's text, what they mean.  The
 * first that fits is the answer; -100 is any result. */
enum { ANY_RESULT = -100 };

static const struct explanation {
	int result;
	const char *part;
	const char *meaning;
} explanations[] = {
	{ ANY_RESULT, "80090346",
	    "the directory demands channel binding: connect with ldaps:// or "
	    "start-tls = yes, and check that SASL supports it" },
	{ LDAP_INVALID_CREDENTIALS, "data 525",
	    "there is no such account in the directory" },
	{ LDAP_INVALID_CREDENTIALS, "data 52e",
	    "wrong password, or no such account" },
	{ LDAP_INVALID_CREDENTIALS, "data 530",
	    "the account may not log on at this time" },
	{ LDAP_INVALID_CREDENTIALS, "data 531",
	    "the account may not log on from this host" },
	{ LDAP_INVALID_CREDENTIALS, "data 532",
	    "the password of the account has expired" },
	{ LDAP_INVALID_CREDENTIALS, "data 533", "the account is disabled" },
	{ LDAP_INVALID_CREDENTIALS, "data 701", "the account has expired" },
	{ LDAP_INVALID_CREDENTIALS, "data 773",
	    "the account must change its password first" },
	{ LDAP_INVALID_CREDENTIALS, "data 775", "the account is locked" },
	{ LDAP_INVALID_CREDENTIALS, "", "wrong password, or no such account" },
	{ LDAP_OPERATIONS_ERROR, "without authentication",
	    "the directory answers only after a bind: bind = anonymous does "
	    "not do" },
	{ LDAP_OPERATIONS_ERROR, "bind must be completed",
	    "the directory answers only after a bind: bind = anonymous does "
	    "not do" },
	{ LDAP_STRONG_AUTH_REQUIRED, "Sign or Seal",
	    "the directory demands signing: use bind = gssapi with ldap:// and "
	    "without start-tls" },
	{ LDAP_STRONG_AUTH_REQUIRED, "",
	    "the directory refuses a password without TLS: use ldaps:// or "
	    "start-tls = yes" },
	{ LDAP_CONFIDENTIALITY_REQUIRED, "",
	    "the directory refuses what is not encrypted: use ldaps:// or "
	    "start-tls = yes" },
	{ LDAP_NO_SUCH_OBJECT, "",
	    "there is no such base, or the account may not see it" },
	{ LDAP_INAPPROPRIATE_AUTH, "",
	    "the account cannot be used with this kind of bind" },
	{ LDAP_INSUFFICIENT_ACCESS, "",
	    "the account lacks the right to do that" },
	{ LDAP_BUSY, "", "the directory is too busy" },
	{ LDAP_UNAVAILABLE, "", "the directory is shutting down" },
	{ LDAP_UNWILLING_TO_PERFORM, "if TLS is used",
	    "the directory refuses Kerberos inside of TLS: use ldap:// without "
	    "start-tls" },
	{ LDAP_UNWILLING_TO_PERFORM, "", "the directory refuses to do that" },
	{ LDAP_TIMELIMIT_EXCEEDED, "",
	    "the directory gave up: the search took it too long" },
	{ LDAP_SIZELIMIT_EXCEEDED, "",
	    "the directory has more entries than it gives at once" },
	{ LDAP_ADMINLIMIT_EXCEEDED, "",
	    "the search exceeds a limit that is set in the directory" },
	{ LDAP_REFERRAL, "",
	    "the directory refers to another server: the base is not its own" },
	{ LDAP_INVALID_DN_SYNTAX, "",
	    "a distinguished name is not well-formed" },
	{ LDAP_AUTH_METHOD_NOT_SUPPORTED, "",
	    "the directory does not support this kind of bind" },
	{ LDAP_PROTOCOL_ERROR, "",
	    "the directory does not understand the request" },
	{ LDAP_UNAVAILABLE_CRITICAL_EXTENSION, "",
	    "the directory does not support a control" },
	{ ANY_RESULT, "has expired", "the server's certificate has expired" },
	{ ANY_RESULT, "expired",
	    "a certificate, or the Kerberos ticket, has expired" },
	{ ANY_RESULT, "not yet activated",
	    "the server's certificate is not valid yet: check the clock" },
	{ ANY_RESULT, "not yet valid",
	    "the server's certificate is not valid yet: check the clock" },
	{ ANY_RESULT, "hostname does not match",
	    "the server's certificate is for another name than the URI has" },
	{ ANY_RESULT, "does not match",
	    "the server's certificate is for another name than the URI has" },
	{ ANY_RESULT, "issuer is unknown",
	    "the server's certificate is of an authority that tls-ca-file does "
	    "not have" },
	{ ANY_RESULT, "certificate verify failed",
	    "the server's certificate cannot be trusted: its authority must be "
	    "in tls-ca-file" },
	{ ANY_RESULT, "not trusted",
	    "the server's certificate cannot be trusted: its authority must be "
	    "in tls-ca-file" },
	{ LDAP_LOCAL_ERROR, "No Kerberos credentials",
	    "there is no Kerberos ticket: check keytab" },
	{ LDAP_LOCAL_ERROR, "Cannot contact any KDC",
	    "no Kerberos server (KDC) answers" },
	{ LDAP_LOCAL_ERROR, "Cannot find KDC",
	    "Kerberos finds no server (KDC) of the realm" },
	{ LDAP_LOCAL_ERROR, "Clock skew",
	    "the clocks of this host and of the directory differ too much" },
	{ LDAP_LOCAL_ERROR, "Server not found in Kerberos",
	    "Kerberos does not know the server by the name that the URI has" },
	{ LDAP_AUTH_UNKNOWN, "",
	    "SASL lacks the mechanism: install its module (for gssapi "
	    "libsasl2-modules-gssapi-mit or cyrus-sasl-gssapi)" },
	{ LDAP_TIMEOUT, "", "the directory did not answer in time" },
	{ LDAP_CONNECT_ERROR, "",
	    "TLS failed: check the server's certificate" },
	{ LDAP_SERVER_DOWN, "",
	    "the server cannot be reached, or it broke the connection" },
	{ LDAP_LOCAL_ERROR, "", "the bind failed on this host" },
};

const char *
ldap_explain(int result, const char *diagnostic)
{
	const char *text = diagnostic != NULL ? diagnostic : "";

	for (size_t i = 0; i < sizeof(explanations) / sizeof(*explanations);
	     i++) {
		const struct explanation *row = &explanations[i];

		if ((row->result == ANY_RESULT || row->result == result) &&
		    strstr(text, row->part) != NULL)
			return row->meaning;
	}
	return ldap_err2string(result);
}

void
ldap_fail(LDAP *ld, const char *uri, const char *what, int result,
    struct err *err)
{
	char *diagnostic = NULL;
	char memory[800];
	struct buf escaped;
	const char *text;

	ldap_get_option(ld, LDAP_OPT_DIAGNOSTIC_MESSAGE, &diagnostic);
	text = diagnostic != NULL ? diagnostic : "";
	buf_init(&escaped, memory, sizeof(memory));
	buf_put_escaped(&escaped, text, strnlen(text, sizeof(memory) / 4));
	err_set(err, "%s: %s: %s (result %d%s%.*s)", uri, what,
	    ldap_explain(result, text), result, escaped.len > 0 ? ": " : "",
	    (int)escaped.len, memory);
	ldap_memfree(diagnostic);
}
