/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_connection.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "ldap_bind.h"
#include "ldap_certificate.h"
#include "xalloc.h"

/* A silent peer of a quiet connection is noticed after 90 seconds. */
enum { KEEPALIVE_IDLE = 60, KEEPALIVE_INTERVAL = 10, KEEPALIVE_PROBES = 3 };

/* Bytes of one message: a group of many thousand members fits, and what a
 * broken server claims is not allocated. */
#define MESSAGE_MAX (64UL << 20)

/* One attempt. */
struct attempt {
	const struct ldap_settings *settings;
	const char *uri;
	LDAP *ld;
	struct err *err;
};

/* Watches libldap's connection attempts for one handle, and lives as long. */
struct watch {
	struct ldap_conncb callback;
	struct ldap_guard *guard;
	long long limit_ms;
	/* There was a TCP connection. */
	bool reached;
};

/* TCP is connected, which LDAP_OPT_NETWORK_TIMEOUT limits; nothing limits the
 * TLS handshake that comes now. */
static int
connected(LDAP *ld, Sockbuf *socket, LDAPURLDesc *server,
    struct sockaddr *address, struct ldap_conncb *callback)
{
	struct watch *watch = container_of(callback, struct watch, callback);
	ber_socket_t descriptor = -1;

	(void)ld;
	(void)server;
	(void)address;
	if (watch->guard == NULL)
		return 0;
	watch->reached = true;
	ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &descriptor);
	ldap_guard_set(watch->guard, fcntl(descriptor, F_DUPFD_CLOEXEC, 3),
	    ldap_now_ms() + watch->limit_ms);
	return 0;
}

/* libldap's last call comes without a socket. */
static void
disconnected(LDAP *ld, Sockbuf *socket, struct ldap_conncb *callback)
{
	(void)ld;
	if (socket == NULL)
		free(container_of(callback, struct watch, callback));
}

/* From here on the handle is on its own. */
static void
watch_end(struct watch *watch)
{
	ldap_guard_set(watch->guard, -1, 0);
	watch->guard = NULL;
}

static struct watch *
watch_begin(const struct attempt *attempt, struct ldap_guard *guard)
{
	struct watch *watch = xcalloc(1, sizeof(*watch));

	*watch = (struct watch){
		.callback = { .lc_add = connected, .lc_del = disconnected },
		.guard = guard,
		.limit_ms = attempt->settings->network_timeout * 1000LL,
	};
	ldap_guard_set(guard, -1, 0);
	if (ldap_set_option(attempt->ld, LDAP_OPT_CONNECT_CB,
		&watch->callback) == LDAP_OPT_SUCCESS)
		return watch;
	free(watch);
	return NULL;
}

static bool
set_number(const struct attempt *attempt, int option, int number)
{
	if (ldap_set_option(attempt->ld, option, &number) == LDAP_OPT_SUCCESS)
		return true;
	err_set(attempt->err, "libldap refuses option %x = %d", option, number);
	return false;
}

static bool
set_seconds(const struct attempt *attempt, int option, unsigned seconds)
{
	const struct timeval time = { .tv_sec = seconds };

	if (ldap_set_option(attempt->ld, option, &time) == LDAP_OPT_SUCCESS)
		return true;
	err_set(attempt->err, "libldap refuses option %x", option);
	return false;
}

/* A file that TLS needs; libldap would only say that TLS fails. */
static bool
set_file(const struct attempt *attempt, int option, const char *path)
{
	if (*path == '\0')
		return true;
	if (access(path, R_OK) != 0) {
		err_set(attempt->err, "cannot read %s: %s", path,
		    strerror(errno));
		return false;
	}
	if (ldap_set_option(attempt->ld, option, path) == LDAP_OPT_SUCCESS)
		return true;
	err_set(attempt->err, "libldap refuses %s", path);
	return false;
}

static bool
uses_tls(const struct attempt *attempt)
{
	return attempt->settings->start_tls ||
	       strncasecmp(attempt->uri, "ldaps:", 6) == 0;
}

static bool
set_tls(const struct attempt *attempt)
{
	const struct ldap_settings *settings = attempt->settings;
	const int verify =
	    settings->tls_verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER;

	if (!uses_tls(attempt))
		return true;
	if (!set_file(attempt, LDAP_OPT_X_TLS_CACERTFILE,
		settings->tls_ca_file) ||
	    !set_file(attempt, LDAP_OPT_X_TLS_CERTFILE,
		settings->tls_certificate) ||
	    !set_file(attempt, LDAP_OPT_X_TLS_KEYFILE, settings->tls_key) ||
	    !set_number(attempt, LDAP_OPT_X_TLS_REQUIRE_CERT, verify) ||
	    !set_number(attempt, LDAP_OPT_X_TLS_PROTOCOL_MIN,
		LDAP_OPT_X_TLS_PROTOCOL_TLS1_2))
		return false;
	/* The last one: here the files are read. */
	if (set_number(attempt, LDAP_OPT_X_TLS_NEWCTX, 0))
		return true;
	err_set(attempt->err,
	    "TLS cannot use tls-ca-file, tls-certificate or tls-key: they are "
	    "PEM files, and the key is the certificate's");
	return false;
}

static int
reach_server(const struct attempt *attempt)
{
	const int result = ldap_connect(attempt->ld);

	if (result != LDAP_SUCCESS || !attempt->settings->start_tls ||
	    strncasecmp(attempt->uri, "ldap:", 5) != 0)
		return result;
	return ldap_start_tls_s(attempt->ld, NULL, NULL);
}

static bool
set_options(const struct attempt *attempt)
{
	const struct ldap_settings *settings = attempt->settings;

	return ldap_set_option(attempt->ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) ==
		   LDAP_OPT_SUCCESS &&
	       set_number(attempt, LDAP_OPT_PROTOCOL_VERSION, LDAP_VERSION3) &&
	       set_seconds(attempt, LDAP_OPT_NETWORK_TIMEOUT,
		   settings->network_timeout) &&
	       set_seconds(attempt, LDAP_OPT_TIMEOUT, settings->bind_timeout) &&
	       set_number(attempt, LDAP_OPT_X_KEEPALIVE_IDLE, KEEPALIVE_IDLE) &&
	       set_number(attempt, LDAP_OPT_X_KEEPALIVE_PROBES,
		   KEEPALIVE_PROBES) &&
	       set_number(attempt, LDAP_OPT_X_KEEPALIVE_INTERVAL,
		   KEEPALIVE_INTERVAL) &&
	       set_tls(attempt);
}

/* The certificate that the server shows to whoever verifies nothing; nothing
 * is said to it.  False when TLS fails even so. */
static bool
fetch_certificate(const struct attempt *refused, struct ldap_guard *guard,
    struct berval *certificate)
{
	struct ldap_settings settings = *refused->settings;
	struct attempt attempt = *refused;
	struct err err;
	struct watch *watch;
	bool fetched;

	settings.tls_verify = false;
	attempt.settings = &settings;
	attempt.err = &err;
	if (ldap_initialize(&attempt.ld, attempt.uri) != LDAP_SUCCESS)
		return false;
	watch = watch_begin(&attempt, guard);
	fetched = watch != NULL && set_options(&attempt) &&
		  reach_server(&attempt) == LDAP_SUCCESS &&
		  ldap_get_option(attempt.ld, LDAP_OPT_X_TLS_PEERCERT,
		      certificate) == LDAP_OPT_SUCCESS &&
		  certificate->bv_val != NULL;
	if (watch != NULL)
		watch_end(watch);
	ldap_unbind_ext(attempt.ld, NULL, NULL);
	return fetched;
}

/* Why the certificate is refused; NULL when it is something else. */
static const char *
judge_certificate(const struct attempt *attempt, struct ldap_guard *guard)
{
	struct berval certificate = { 0 };
	LDAPURLDesc *parts = NULL;
	const char *reason;

	if (!attempt->settings->tls_verify || !uses_tls(attempt) ||
	    !fetch_certificate(attempt, guard, &certificate) ||
	    ldap_url_parse(attempt->uri, &parts) != LDAP_URL_SUCCESS)
		return NULL;
	reason = ldap_certificate_judge(certificate.bv_val, certificate.bv_len,
	    parts->lud_host != NULL ? parts->lud_host : "", time(NULL));
	ldap_free_urldesc(parts);
	ldap_memfree(certificate.bv_val);
	return reason;
}

/* The server was reached by TCP, and then something failed. */
static void
fail_tls(const struct attempt *attempt, struct ldap_guard *guard, int result)
{
	const char *reason = judge_certificate(attempt, guard);

	if (reason != NULL)
		err_set(attempt->err, "%s: cannot connect: %s", attempt->uri,
		    reason);
	else if (uses_tls(attempt) &&
		 (result == LDAP_SERVER_DOWN || result == LDAP_CONNECT_ERROR))
		err_set(attempt->err,
		    "%s: cannot connect: the server takes the connection, but "
		    "TLS fails: check the port, and what TLS the server can",
		    attempt->uri);
	else
		ldap_fail(attempt->ld, attempt->uri, "cannot connect", result,
		    attempt->err);
}

/* Whether the host of the URI has an address, or is none. */
static bool
has_address(const char *uri, struct err *err)
{
	LDAPURLDesc *parts = NULL;
	struct addrinfo *addresses = NULL;
	int error = 0;

	if (ldap_url_parse(uri, &parts) != LDAP_URL_SUCCESS)
		return true;
	if (parts->lud_host != NULL && *parts->lud_host != '\0')
		error = getaddrinfo(parts->lud_host, NULL, NULL, &addresses);
	ldap_free_urldesc(parts);
	if (error == 0) {
		if (addresses != NULL)
			freeaddrinfo(addresses);
		return true;
	}
	err_set(err, "%s: cannot connect: the name has no address: %s", uri,
	    gai_strerror(error));
	return false;
}

static void
fail_tcp(const struct attempt *attempt, int result)
{
	if (strncasecmp(attempt->uri, "ldapi:", 6) == 0)
		ldap_fail(attempt->ld, attempt->uri, "cannot connect", result,
		    attempt->err);
	else if (has_address(attempt->uri, attempt->err))
		err_set(attempt->err,
		    "%s: cannot connect: nothing answers at this address and "
		    "port",
		    attempt->uri);
}

static bool
connect_server(const struct attempt *attempt, struct watch *watch)
{
	struct ldap_guard *guard = watch->guard;
	const int result = reach_server(attempt);
	const bool over = ldap_guard_check(guard, ldap_now_ms());

	watch_end(watch);
	if (result == LDAP_SUCCESS)
		return true;
	if (over)
		err_set(attempt->err,
		    "%s: cannot connect: the server takes the connection, but "
		    "does not answer in time",
		    attempt->uri);
	else if (watch->reached)
		fail_tls(attempt, guard, result);
	else
		fail_tcp(attempt, result);
	return false;
}

/* A server that stops within a TLS record would hold ldap_result() up for ever,
 * whatever its time limit, if the socket blocked. */
static void
set_socket(LDAP *ld)
{
	Sockbuf *socket = NULL;
	ber_len_t max = MESSAGE_MAX;

	if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &socket) == 0 &&
	    socket != NULL) {
		ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_NONBLOCK, socket);
		ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &max);
	}
}

static bool
open_attempt(const struct attempt *attempt, struct ldap_guard *guard)
{
	struct watch *watch = watch_begin(attempt, guard);

	if (watch == NULL) {
		err_set(attempt->err, "libldap refuses to tell its descriptor");
		return false;
	}
	if (!set_options(attempt)) {
		watch_end(watch);
		return false;
	}
	if (!connect_server(attempt, watch))
		return false;
	set_socket(attempt->ld);
	return ldap_bind_account(attempt->ld, attempt->uri, attempt->settings,
		   attempt->err) &&
	       set_seconds(attempt, LDAP_OPT_TIMEOUT,
		   attempt->settings->search_timeout);
}

LDAP *
ldap_connection_open(const struct ldap_settings *settings, const char *uri,
    struct ldap_guard *guard, struct err *err)
{
	struct attempt attempt = {
		.settings = settings,
		.uri = uri,
		.err = err,
	};
	const int result = ldap_initialize(&attempt.ld, uri);

	if (result != LDAP_SUCCESS) {
		err_set(err, "%s is not the URI of an LDAP server: %s", uri,
		    ldap_err2string(result));
		return NULL;
	}
	if (open_attempt(&attempt, guard))
		return attempt.ld;
	ldap_unbind_ext(attempt.ld, NULL, NULL);
	return NULL;
}

static char **
copy_uris(const struct ldap_settings *settings)
{
	char **uris = xcalloc(LDAP_SERVERS_MAX + 1, sizeof(*uris));

	for (size_t i = 0; settings->uri[i] != NULL; i++)
		uris[i] = xstrdup(settings->uri[i]);
	return uris;
}

/* The records name the port of plain LDAP: for a bind that needs TLS, without
 * StartTLS, it is the port of ldaps on the same host. */
static char *
make_uri(const struct ldap_settings *settings, const char *host)
{
	const bool tls =
	    !settings->start_tls && settings->bind != LDAP_BIND_GSSAPI;
	const size_t len = strcspn(host, ":");
	char *uri;

	if (asprintf(&uri, "%s://%.*s", tls ? "ldaps" : "ldap",
		(int)(tls ? len : strlen(host)), host) < 0)
		abort();
	return uri;
}

static char **
split_hosts(const struct ldap_settings *settings, char *hosts)
{
	char **uris = xcalloc(LDAP_SERVERS_MAX + 1, sizeof(*uris));
	char *rest = NULL;
	size_t count = 0;

	for (char *host = strtok_r(hosts, " ", &rest);
	     host != NULL && count < LDAP_SERVERS_MAX;
	     host = strtok_r(NULL, " ", &rest))
		uris[count++] = make_uri(settings, host);
	return uris;
}

char **
ldap_uris(const struct ldap_settings *settings, struct err *err)
{
	char *hosts = NULL;
	char **uris;

	if (settings->uri[0] != NULL)
		return copy_uris(settings);
	if (ldap_domain2hostlist(settings->srv, &hosts) != LDAP_SUCCESS ||
	    hosts == NULL || *hosts == '\0') {
		ldap_memfree(hosts);
		err_set(err, "DNS names no server in _ldap._tcp.%s",
		    settings->srv);
		return NULL;
	}
	uris = split_hosts(settings, hosts);
	ldap_memfree(hosts);
	return uris;
}

void
ldap_uris_free(char **uris)
{
	if (uris == NULL)
		return;
	for (size_t i = 0; uris[i] != NULL; i++)
		free(uris[i]);
	free(uris);
}
