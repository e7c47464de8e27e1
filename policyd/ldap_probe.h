/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tries the directory, for `policyd -t`: every server, with everything that
 * look-ups and the sync will want of it, told in plain words.
 */
#pragma once

#include <stdio.h>

#include "ldap_settings.h"

/* Tries all servers and writes a line about each, and one for each thing that
 * an administrator should know.  Returns 0 when every server works, else 1.
 * Waits no longer than the limits of the settings have it, also for a server
 * that is mute. */
int ldap_probe(const struct ldap_settings *settings, FILE *out);
