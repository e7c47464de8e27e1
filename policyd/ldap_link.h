/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of live look-ups to the directory: searches go in, entries come out,
 * and which server answers is nobody else's business.
 *
 * There is one connection, made by a dialer, that carries many searches at
 * once; more of them wait in a queue.
 *
 * When it is lost, the next server is tried at once, and searches under way are
 * sent once more.  When the server does not answer a search in time, or calls
 * itself busy, another connection is made, to another server if there is one,
 * and takes over.  Every half minute the preferred servers are tried, and one
 * that answers takes over.  A connection that was taken over from ends when its
 * last search does.
 *
 * While there is no connection, and the last attempt has failed or lasts for
 * more than a second, searches are answered UNAVAILABLE at once.  Attempts
 * follow each other with a pause that doubles from 0.1 to 10 seconds.
 *
 * A link lives as long as the process, as its dialers do.
 */
#pragma once

#include <ev.h>

#include "err.h"
#include "ldap_search.h"
#include "ldap_settings.h"

struct ldap_link;

/* Starts to connect.  `settings` is kept.  NULL and `err` when there can be no
 * thread. */
struct ldap_link *ldap_link_create(struct ev_loop *loop,
    const struct ldap_settings *settings, struct err *err);

/* Ends attempts to connect that take too long; to be called a few times a
 * second.  True when one cannot be ended: its thread holds what it holds for
 * ever, and the process had better end. */
bool ldap_link_lost(struct ldap_link *link);

/* The answer may come before this returns. */
void ldap_link_search(struct ldap_link *link, struct ldap_search *search);

/* The server's URI; "" when there is no connection. */
const char *ldap_link_server(const struct ldap_link *link);

/* Why there is none; "" when there is. */
const char *ldap_link_problem(const struct ldap_link *link);
