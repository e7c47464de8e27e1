/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a server's certificate is refused, for the administrator.
 *
 * libldap only says that TLS fails (built with GnuTLS: "unknown error code").
 * What is read here decides nothing: the certificate has been refused already,
 * and may hold anything.
 */
#pragma once

#include <stddef.h>
#include <time.h>

/* Says what is wrong with the certificate (X.509 in DER) of a server that is
 * called `host`, a name or an address.  Never NULL: when nothing else is wrong,
 * its authority is unknown. */
const char *ldap_certificate_judge(const void *der, size_t len,
    const char *host, time_t now);
