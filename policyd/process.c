/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static int
fail(int code, struct err *err, const char *what, const char *name)
{
	err_set(err, "%s %s: %s", what, name, strerror(errno));
	return code;
}

int
process_find_user(const char *name, uid_t *uid, gid_t *gid, struct err *err)
{
	const struct passwd *user;

	*uid = geteuid();
	*gid = getegid();
	if (*name == '\0' || strcmp(name, "root") == 0)
		return 0;
	user = getpwnam(name);
	if (user == NULL) {
		err_set(err,
		    "user \"%s\" does not exist: create it, or name "
		    "another one with user = ...",
		    name);
		return EX_NOUSER;
	}
	*uid = user->pw_uid;
	*gid = user->pw_gid;
	return 0;
}

int
process_find_owner(const char *user, const char *group, uid_t *uid, gid_t *gid,
    struct err *err)
{
	const struct passwd *owner = *user != '\0' ? getpwnam(user) : NULL;
	const struct group *members = *group != '\0' ? getgrnam(group) : NULL;

	if (*user != '\0' && owner == NULL) {
		err_set(err, "socket-owner \"%s\" does not exist", user);
		return EX_NOUSER;
	}
	if (*group != '\0' && members == NULL) {
		err_set(err, "socket-group \"%s\" does not exist", group);
		return EX_NOUSER;
	}
	*uid = owner != NULL ? owner->pw_uid : (uid_t)-1;
	*gid = members != NULL ? members->gr_gid : (gid_t)-1;
	return 0;
}

int
process_make_folder(const char *path, uid_t uid, gid_t gid, struct err *err)
{
	if (mkdir(path, 0750) != 0) {
		if (errno == EEXIST)
			return 0;
		return fail(EX_CANTCREAT, err, "cannot make the folder", path);
	}
	if (geteuid() == 0 && chown(path, uid, gid) != 0)
		return fail(EX_CANTCREAT, err, "cannot give away", path);
	return 0;
}

int
process_become(const char *name, uid_t uid, gid_t gid, struct err *err)
{
	if (geteuid() != 0 || uid == 0)
		return 0;
	if (initgroups(name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return fail(EX_OSERR, err, "cannot become", name);
	return 0;
}

/* Information for people: the lock holds without it. */
static void
write_number(int fd)
{
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%ld\n", (long)getpid());
}

int
process_lock(const char *directory, uid_t uid, int *lock, struct err *err)
{
	char path[4096];
	char owner[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/lock", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return fail(EX_CANTCREAT, err, "cannot open", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (read(fd, owner, sizeof(owner) - 1) < 0)
			owner[0] = '\0';
		owner[strcspn(owner, "\n")] = '\0';
		err_set(err, "%s is in use by another policyd, process %s",
		    directory, owner);
		close(fd);
		return EX_TEMPFAIL;
	}
	if (geteuid() == 0 && fchown(fd, uid, (gid_t)-1) != 0) {
		close(fd);
		return fail(EX_CANTCREAT, err, "cannot give away", path);
	}
	write_number(fd);
	*lock = fd;
	return 0;
}

int
process_write_pid(const char *path, struct err *err)
{
	FILE *file;

	if (unlink(path) != 0 && errno != ENOENT)
		return fail(EX_CANTCREAT, err, "cannot replace", path);
	file = fopen(path, "wxe");
	if (file == NULL)
		return fail(EX_CANTCREAT, err, "cannot write", path);
	fprintf(file, "%ld\n", (long)getpid());
	if (fclose(file) != 0)
		return fail(EX_CANTCREAT, err, "cannot write", path);
	return 0;
}

/* The process that was started: waits for a word of the one that serves, and
 * ends as that one did if there is none. */
static void
wait_for_word(int word, pid_t child)
{
	char ready;
	int status;

	if (read(word, &ready, 1) == 1)
		_exit(EX_OK);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(EX_SOFTWARE);
}

int
process_background(int *ready, struct err *err)
{
	int word[2];
	pid_t child;

	if (pipe2(word, O_CLOEXEC) != 0)
		return fail(EX_OSERR, err, "cannot make", "a pipe");
	child = fork();
	if (child < 0)
		return fail(EX_OSERR, err, "cannot make", "a process");
	if (child > 0) {
		close(word[1]);
		wait_for_word(word[0], child);
	}
	close(word[0]);
	setsid();
	*ready = word[1];
	return 0;
}

void
process_ready(int ready, bool keep_stderr)
{
	int null;

	if (ready < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!keep_stderr)
			dup2(null, STDERR_FILENO);
		close(null);
	}
	/* If nobody waits any more, nobody needs to know. */
	if (write(ready, "r", 1) == 1)
		close(ready);
}
