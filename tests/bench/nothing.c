/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy server that decides nothing: the ceiling of the benchmark.
 *
 * It does what no policy server can do without - wait for many connections,
 * read each request, write each answer - and nothing else: a request is what
 * ends in an empty line, the answer is always the same.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "endpoint.h"

enum { EVENTS = 512, REQUEST_MAX = 32768, DESCRIPTORS = 65536 };

struct nothing {
	int epoll;
	int listener;
	int signals;
	/* By descriptor: the last byte read, since an empty line may come in
	 * two pieces. */
	char last[DESCRIPTORS];
};

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "nothing: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
watch(const struct nothing *nothing, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(nothing->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl");
}

static int
open_listener(const char *text)
{
	struct bench_endpoint endpoint;
	const int on = 1;
	int fd;

	if (!bench_endpoint_parse(text, &endpoint)) {
		errno = EINVAL;
		fail(text);
	}
	if (strncmp(text, "unix:", 5) == 0)
		unlink(text + 5);
	fd = socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&endpoint.address, endpoint.len) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		fail(text);
	return fd;
}

static int
open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	if (fd < 0)
		fail("signalfd");
	return fd;
}

static void
welcome(struct nothing *nothing)
{
	const int on = 1;
	const int fd = accept4(nothing->listener, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (fd >= DESCRIPTORS) {
		close(fd);
		return;
	}
	/* Fails on a UNIX socket, which has no need of it. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	nothing->last[fd] = '\0';
	watch(nothing, fd);
}

static void
answer(struct nothing *nothing, int fd)
{
	static const char reply[] = "action=DUNNO\n\n";
	char request[REQUEST_MAX];
	const ssize_t n = read(fd, request, sizeof(request));
	char before;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(fd);
		return;
	}
	before = n >= 2 ? request[n - 2] : nothing->last[fd];
	nothing->last[fd] = request[n - 1];
	if (before != '\n' || request[n - 1] != '\n')
		return;
	if (write(fd, reply, sizeof(reply) - 1) != sizeof(reply) - 1)
		close(fd);
}

static void
serve(struct nothing *nothing)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		const int count =
		    epoll_wait(nothing->epoll, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			const int fd = events[i].data.fd;

			if (fd == nothing->signals)
				return;
			if (fd == nothing->listener)
				welcome(nothing);
			else
				answer(nothing, fd);
		}
	}
}

int
main(int argc, char **argv)
{
	static struct nothing nothing;

	if (argc != 2) {
		fputs("usage: nothing unix:PATH | inet:HOST:PORT\n", stderr);
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	nothing.epoll = epoll_create1(0);
	nothing.listener = open_listener(argv[1]);
	nothing.signals = open_signals();
	watch(&nothing, nothing.listener);
	watch(&nothing, nothing.signals);
	serve(&nothing);
	if (strncmp(argv[1], "unix:", 5) == 0)
		unlink(argv[1] + 5);
	return 0;
}
