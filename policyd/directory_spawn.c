/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "directory_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	/* The process has its sockets from here on. */
	FIRST_DESCRIPTOR = 3,
	/* The sockets are made above what the process gets, so that none is in
	 * the way of another. */
	SAFE_DESCRIPTOR = 10,
};

struct pairs {
	int ours[DIRECTORY_SOCKETS];
	int theirs[DIRECTORY_SOCKETS];
};

static void
close_all(const int *descriptors)
{
	for (int i = 0; i < DIRECTORY_SOCKETS; i++)
		if (descriptors[i] >= 0)
			close(descriptors[i]);
}

static int
make_pair(int *ours, int *theirs)
{
	int low[2];
	int error = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low) != 0)
		return errno;
	*ours = low[0];
	*theirs = fcntl(low[1], F_DUPFD_CLOEXEC, SAFE_DESCRIPTOR);
	if (*theirs < 0)
		error = errno;
	close(low[1]);
	return error;
}

static int
make_pairs(struct pairs *pairs)
{
	int error = 0;

	for (int i = 0; i < DIRECTORY_SOCKETS; i++) {
		pairs->ours[i] = -1;
		pairs->theirs[i] = -1;
	}
	for (int i = 0; i < DIRECTORY_SOCKETS && error == 0; i++)
		error = make_pair(&pairs->ours[i], &pairs->theirs[i]);
	return error;
}

/* What is ours closes with the exec; what somebody left open for us, here. */
static void
describe_descriptors(posix_spawn_file_actions_t *actions, const int *theirs)
{
	posix_spawn_file_actions_init(actions);
	for (int i = 0; i < DIRECTORY_SOCKETS; i++)
		posix_spawn_file_actions_adddup2(actions, theirs[i],
		    FIRST_DESCRIPTOR + i);
#ifdef HAVE_POSIX_SPAWN_FILE_ACTIONS_ADDCLOSEFROM_NP
	posix_spawn_file_actions_addclosefrom_np(actions,
	    FIRST_DESCRIPTOR + DIRECTORY_SOCKETS);
#endif
}

static void
describe_signals(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(attributes);
	posix_spawnattr_setflags(attributes,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &all);
}

static int
run(const char *program, const int *theirs, pid_t *pid)
{
	char name[] = "policyd: directory";
	char option[] = "--directory-process";
	char *const arguments[] = { name, option, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	describe_descriptors(&actions, theirs);
	describe_signals(&attributes);
	error = posix_spawn(pid, program, &actions, &attributes, arguments,
	    environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int
directory_spawn(const char *program, int sockets[DIRECTORY_SOCKETS], pid_t *pid)
{
	struct pairs pairs;
	int error = make_pairs(&pairs);

	if (error == 0)
		error = run(program, pairs.theirs, pid);
	close_all(pairs.theirs);
	if (error != 0) {
		close_all(pairs.ours);
		return error;
	}
	for (int i = 0; i < DIRECTORY_SOCKETS; i++)
		sockets[i] = pairs.ours[i];
	return 0;
}
