/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "container.h"
#include "log.h"
#include "xalloc.h"

enum {
	/* Postfix starts up to 100 smtpd at once, each with its connections. */
	BACKLOG = 4096,
	/* Connections taken in one go, so that others have their turn. */
	ACCEPT_MOST = 64,
};

#define PAUSE_SECONDS 1.0

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in ipv4;
		struct sockaddr_in6 ipv6;
	} address;
	socklen_t len;
};

struct listener {
	SLIST_ENTRY(listener) next;
	struct listeners *all;
	struct ev_io readable;
	char *name;
	struct endpoint endpoint;
};

SLIST_HEAD(listener_list, listener);

struct listeners {
	struct ev_loop *loop;
	struct listener_client *client;
	struct listener_list list;
	struct ev_timer pause;
};

static int
parse_unix(const char *path, struct endpoint *endpoint, struct err *err)
{
	struct sockaddr_un *local = &endpoint->address.local;
	const size_t len = strlen(path);

	if (*path != '/' || len >= sizeof(local->sun_path)) {
		err_set(err,
		    "\"unix:%s\": an absolute path of at most %zu "
		    "bytes is needed",
		    path, sizeof(local->sun_path) - 1);
		return -1;
	}
	local->sun_family = AF_UNIX;
	memcpy(local->sun_path, path, len + 1);
	endpoint->len = sizeof(*local);
	return 0;
}

/* "127.0.0.1:10040" or "[::1]:10040". */
static int
parse_inet(const char *text, struct endpoint *endpoint, struct err *err)
{
	struct sockaddr_in *ipv4 = &endpoint->address.ipv4;
	struct sockaddr_in6 *ipv6 = &endpoint->address.ipv6;
	char host[INET6_ADDRSTRLEN + 1];
	unsigned port;
	char excess;

	if (sscanf(text, "[%46[0-9a-fA-F:.]]:%5u%c", host, &port, &excess) ==
		2 &&
	    port <= UINT16_MAX && port > 0 &&
	    inet_pton(AF_INET6, host, &ipv6->sin6_addr) == 1) {
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons((uint16_t)port);
		endpoint->len = sizeof(*ipv6);
		return 0;
	}
	if (sscanf(text, "%46[0-9.]:%5u%c", host, &port, &excess) == 2 &&
	    port <= UINT16_MAX && port > 0 &&
	    inet_pton(AF_INET, host, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons((uint16_t)port);
		endpoint->len = sizeof(*ipv4);
		return 0;
	}
	err_set(err,
	    "\"inet:%s\": an address and a port are needed, such as "
	    "inet:127.0.0.1:10040 or inet:[::1]:10040",
	    text);
	return -1;
}

static int
parse(const char *name, struct endpoint *endpoint, struct err *err)
{
	*endpoint = (struct endpoint){ 0 };
	if (strncmp(name, "unix:", 5) == 0)
		return parse_unix(name + 5, endpoint, err);
	if (strncmp(name, "inet:", 5) == 0)
		return parse_inet(name + 5, endpoint, err);
	err_set(err, "\"%s\" is neither unix:/path nor inet:address:port",
	    name);
	return -1;
}

int
listener_check(const char *endpoint, struct err *err)
{
	struct endpoint parsed;

	return parse(endpoint, &parsed, err);
}

static void
describe_peer(const struct endpoint *peer, const char *local, char *text)
{
	char host[INET6_ADDRSTRLEN] = "";

	switch (peer->address.any.sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &peer->address.ipv4.sin_addr, host,
		    sizeof(host));
		snprintf(text, LISTENER_PEER, "%s:%u", host,
		    ntohs(peer->address.ipv4.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &peer->address.ipv6.sin6_addr, host,
		    sizeof(host));
		snprintf(text, LISTENER_PEER, "[%s]:%u", host,
		    ntohs(peer->address.ipv6.sin6_port));
		break;
	default:
		snprintf(text, LISTENER_PEER, "%.*s", LISTENER_PEER - 1, local);
		break;
	}
}

static void
resume(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct listeners *all = container_of(timer, struct listeners, pause);
	struct listener *listener;

	(void)events;
	SLIST_FOREACH(listener, &all->list, next)
	ev_io_start(loop, &listener->readable);
}

static void
pause_accepting(struct listeners *all, int error)
{
	struct listener *listener;

	log_warning("cannot accept connections: %s; trying again in a second",
	    strerror(error));
	SLIST_FOREACH(listener, &all->list, next)
	ev_io_stop(all->loop, &listener->readable);
	ev_timer_stop(all->loop, &all->pause);
	ev_timer_set(&all->pause, PAUSE_SECONDS, 0.0);
	ev_timer_start(all->loop, &all->pause);
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	       error == ENOMEM;
}

/* Takes one connection; false when there is none for now. */
static bool
accept_one(struct listener *listener)
{
	struct endpoint peer = { .len = sizeof(peer.address) };
	char text[LISTENER_PEER];
	const int fd = accept4(listener->readable.fd, &peer.address.any,
	    &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (is_shortage(errno))
			pause_accepting(listener->all, errno);
		return errno == ECONNABORTED || errno == EINTR;
	}
	describe_peer(&peer, listener->name, text);
	listener->all->client->accepted(listener->all->client, fd, text);
	return true;
}

static void
readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct listener *listener = container_of(io, struct listener, readable);

	(void)loop;
	(void)events;
	for (int i = 0; i < ACCEPT_MOST && accept_one(listener); i++)
		continue;
}

static int
fail(const char *name, const char *what, struct err *err)
{
	err_set(err, "cannot listen on %s: %s: %s", name, what,
	    strerror(errno));
	return -1;
}

/* Whether somebody answers at a socket file. */
static bool
is_answered(const struct endpoint *endpoint)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered;

	if (fd < 0)
		return true;
	answered = connect(fd, &endpoint->address.any, endpoint->len) == 0 ||
		   errno != ECONNREFUSED;
	close(fd);
	return answered;
}

/* Removes what a dead daemon has left at the path. */
static int
make_way(const char *name, const struct endpoint *endpoint, struct err *err)
{
	const char *path = endpoint->address.local.sun_path;
	struct stat status;

	if (lstat(path, &status) != 0)
		return errno == ENOENT ? 0 : fail(name, "cannot look", err);
	if (!S_ISSOCK(status.st_mode)) {
		err_set(err,
		    "cannot listen on %s: a file that is no socket "
		    "is there",
		    name);
		return -1;
	}
	if (is_answered(endpoint)) {
		err_set(err, "cannot listen on %s: another program does", name);
		return -1;
	}
	return unlink(path) == 0 ? 0 : fail(name, "cannot remove", err);
}

static int
bind_unix(int fd, const char *name, const struct endpoint *endpoint,
    const struct listener_rights *rights, struct err *err)
{
	const char *path = endpoint->address.local.sun_path;
	mode_t old;
	int bound;

	if (make_way(name, endpoint, err) != 0)
		return -1;
	/* Nobody connects before the rights are as they should be. */
	old = umask(0177);
	bound = bind(fd, &endpoint->address.any, endpoint->len);
	umask(old);
	if (bound != 0)
		return fail(name, "cannot bind", err);
	if (chown(path, rights->owner, rights->group) != 0)
		return fail(name, "cannot set socket-owner or socket-group",
		    err);
	if (chmod(path, rights->mode) != 0)
		return fail(name, "cannot set socket-mode", err);
	return 0;
}

static int
bind_inet(int fd, const char *name, const struct endpoint *endpoint,
    struct err *err)
{
	const int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    (endpoint->address.any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) !=
		    0))
		return fail(name, "cannot set an option", err);
	if (bind(fd, &endpoint->address.any, endpoint->len) != 0)
		return fail(name, "cannot bind", err);
	return 0;
}

/* A listening socket, or -1. */
static int
open_socket(const char *name, const struct endpoint *endpoint,
    const struct listener_rights *rights, struct err *err)
{
	const int family = endpoint->address.any.sa_family;
	const int fd =
	    socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int bound;

	if (fd < 0)
		return fail(name, "cannot make a socket", err);
	bound = family == AF_UNIX ? bind_unix(fd, name, endpoint, rights, err)
				  : bind_inet(fd, name, endpoint, err);
	if (bound == 0 && listen(fd, BACKLOG) != 0)
		bound = fail(name, "cannot listen", err);
	if (bound == 0)
		return fd;
	close(fd);
	return -1;
}

static struct listener *
find(const struct listener_list *list, const char *name)
{
	struct listener *listener;

	SLIST_FOREACH(listener, list, next)
	if (strcmp(listener->name, name) == 0)
		return listener;
	return NULL;
}

/* Opens an endpoint and puts it into `list`, not listening to the loop yet. */
static int
open_listener(struct listeners *all, struct listener_list *list,
    const char *name, const struct listener_rights *rights, struct err *err)
{
	struct listener *listener;
	struct endpoint endpoint;
	int fd;

	if (parse(name, &endpoint, err) != 0)
		return -1;
	fd = open_socket(name, &endpoint, rights, err);
	if (fd < 0)
		return -1;
	listener = xcalloc(1, sizeof(*listener));
	listener->all = all;
	listener->name = xstrdup(name);
	listener->endpoint = endpoint;
	ev_io_init(&listener->readable, readable, fd, EV_READ);
	SLIST_INSERT_HEAD(list, listener, next);
	return 0;
}

static void
close_listener(struct listeners *all, struct listener *listener)
{
	ev_io_stop(all->loop, &listener->readable);
	close(listener->readable.fd);
	if (listener->endpoint.address.any.sa_family == AF_UNIX)
		unlink(listener->endpoint.address.local.sun_path);
	free(listener->name);
	free(listener);
}

static void
close_all(struct listeners *all, struct listener_list *list)
{
	struct listener *listener;

	while ((listener = SLIST_FIRST(list)) != NULL) {
		SLIST_REMOVE_HEAD(list, next);
		close_listener(all, listener);
	}
}

struct listeners *
listeners_create(struct ev_loop *loop, struct listener_client *client)
{
	struct listeners *all = xcalloc(1, sizeof(*all));

	all->loop = loop;
	all->client = client;
	ev_timer_init(&all->pause, resume, PAUSE_SECONDS, 0.0);
	return all;
}

void
listeners_destroy(struct listeners *all)
{
	if (all == NULL)
		return;
	ev_timer_stop(all->loop, &all->pause);
	close_all(all, &all->list);
	free(all);
}

static bool
is_listed(const struct setting_list *endpoints, const char *name)
{
	for (size_t i = 0; i < endpoints->count; i++)
		if (strcmp(endpoints->item[i], name) == 0)
			return true;
	return false;
}

static void
close_unlisted(struct listeners *all, const struct setting_list *endpoints)
{
	struct listener *listener;
	struct listener *next;

	for (listener = SLIST_FIRST(&all->list); listener != NULL;
	     listener = next) {
		next = SLIST_NEXT(listener, next);
		if (is_listed(endpoints, listener->name))
			continue;
		SLIST_REMOVE(&all->list, listener, listener, next);
		close_listener(all, listener);
	}
}

int
listeners_set(struct listeners *all, const struct setting_list *endpoints,
    const struct listener_rights *rights, struct err *err)
{
	struct listener_list opened = SLIST_HEAD_INITIALIZER(opened);
	struct listener *listener;

	for (size_t i = 0; i < endpoints->count; i++) {
		const char *name = endpoints->item[i];

		if (find(&all->list, name) != NULL ||
		    find(&opened, name) != NULL)
			continue;
		if (open_listener(all, &opened, name, rights, err) != 0) {
			close_all(all, &opened);
			return -1;
		}
	}
	close_unlisted(all, endpoints);
	while ((listener = SLIST_FIRST(&opened)) != NULL) {
		SLIST_REMOVE_HEAD(&opened, next);
		SLIST_INSERT_HEAD(&all->list, listener, next);
		ev_io_start(all->loop, &listener->readable);
	}
	return 0;
}

void
listeners_describe(const struct listeners *all, struct buf *out)
{
	const struct listener *listener;

	SLIST_FOREACH(listener, &all->list, next)
	{
		buf_puts(out, listener->name);
		if (SLIST_NEXT(listener, next) != NULL)
			buf_puts(out, ", ");
	}
}
