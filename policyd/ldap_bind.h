/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bind: who asks the directory.
 *
 * By password (simple), by Kerberos with a keytab (gssapi), by the TLS
 * certificate or the user of the process (external), or as nobody (anonymous).
 * No password is ever sent that is empty: Active Directory would answer
 * "success" and take the connection for an anonymous one.
 */
#pragma once

#include <ldap.h>
#include <stdbool.h>

#include "err.h"
#include "ldap_settings.h"

/* Tells Kerberos where the keytab is and to keep tickets in memory.  Sets the
 * environment, so it is called before there are threads that read it. */
void ldap_bind_prepare(const struct ldap_settings *settings);

/* Binds the connected handle.  Waits; Kerberos may wait for its server as long
 * as its own configuration has it.  `uri` is for the sentence. */
bool ldap_bind_account(LDAP *ld, const char *uri,
    const struct ldap_settings *settings, struct err *err);

/* Reads the password file: its first line, without the newline.  Refused when
 * others than its owner and group may read it.  Owned by the caller, who wipes
 * it. */
char *ldap_password_read(const char *path, struct err *err);
