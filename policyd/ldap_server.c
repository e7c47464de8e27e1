/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "account.h"
#include "buf.h"
#include "ldap_connection.h"
#include "ldap_root.h"
#include "xalloc.h"

/* No message of a server is larger: an entry with 200,000 members. */
#define MESSAGE_MAX (64UL << 20)

/* The limits of the handle are those of one look-up; a load may take longer,
 * and what bounds it is the server's silence. */
static void
tune(LDAP *ld)
{
	const int none = LDAP_NO_LIMIT;
	ber_len_t message_max = MESSAGE_MAX;
	Sockbuf *sockbuf = NULL;
	int descriptor = -1;
	const int on = 1;
	const int idle = 60;

	ldap_set_option(ld, LDAP_OPT_TIMELIMIT, &none);
	ldap_set_option(ld, LDAP_OPT_SIZELIMIT, &none);
	ldap_get_option(ld, LDAP_OPT_SOCKBUF, &sockbuf);
	if (sockbuf != NULL)
		ber_sockbuf_ctrl(sockbuf, LBER_SB_OPT_SET_MAX_INCOMING,
		    &message_max);
	/* Fails for a local socket, and does not matter there. */
	ldap_get_option(ld, LDAP_OPT_DESC, &descriptor);
	setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
}

static void
disconnect(struct ldap_run *run)
{
	if (run->ld != NULL)
		ldap_unbind_ext(run->ld, NULL, NULL);
	run->ld = NULL;
	free(run->uri);
	run->uri = NULL;
	ldap_root_finish(&run->root);
}

static int
connect_to(struct ldap_run *run, const char *uri, struct ldap_guard *guard,
    struct err *err)
{
	run->ld = ldap_connection_open(run->settings, uri, guard, err);
	if (run->ld == NULL)
		return -1;
	run->uri = xstrdup(uri);
	tune(run->ld);
	if (ldap_root_read(run, err) == 0)
		return 0;
	disconnect(run);
	return -1;
}

/* Tries the servers in their order.  When all fail, `err` is what the first
 * one said: it is the one that is wanted. */
static int
connect_to_any(struct ldap_run *run, struct ldap_guard *guard, struct err *err)
{
	char **uris = ldap_uris(run->settings, err);
	struct err other;
	int status = -1;

	if (uris == NULL)
		return -1;
	for (char **uri = uris; *uri != NULL && status != 0; uri++) {
		if (ldap_events_asked(run->events))
			break;
		status =
		    connect_to(run, *uri, guard, uri == uris ? err : &other);
	}
	ldap_uris_free(uris);
	return status;
}

static char *
make_filter(const struct account_policy *policy)
{
	char bytes[ACCOUNT_FILTER_MAX];
	struct buf filter;

	buf_init(&filter, bytes, sizeof(bytes));
	account_filter_all(policy, &filter);
	return buf_putc(&filter, '\0') ? xstrdup(bytes) : NULL;
}

static int
prepare(struct ldap_run *run, struct ldap_guard *guard, struct err *err)
{
	run->filter = make_filter(&run->policy);
	if (run->filter == NULL) {
		err_set(err, "the filter for recipients is too long");
		return -1;
	}
	return connect_to_any(run, guard, err);
}

int
ldap_server_open(struct ldap_run *run, const struct ldap_settings *settings,
    struct ldap_guard *guard, struct ldap_events *events, struct err *err)
{
	*run = (struct ldap_run){
		.settings = settings,
		.policy = ldap_settings_policy(settings),
		.events = events,
	};
	run->attributes = account_attributes(&run->policy);
	if (prepare(run, guard, err) == 0)
		return 0;
	ldap_server_close(run);
	return -1;
}

void
ldap_server_close(struct ldap_run *run)
{
	disconnect(run);
	free(run->attributes);
	free(run->filter);
}
