/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyd as a process: its user, its lock, its PID file, the background.
 *
 * Functions that fail return an exit code of sysexits.h and set `err`; 0 is
 * success.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

/* Looks a user up; an empty name or "root" gives the ids that the process has.
 * EX_NOUSER when there is none. */
int process_find_user(const char *name, uid_t *uid, gid_t *gid,
    struct err *err);

/* Looks up the owner of a socket file; an empty name gives -1: leave it. */
int process_find_owner(const char *user, const char *group, uid_t *uid,
    gid_t *gid, struct err *err);

/* Makes the folder, of mode 0750, when it is not there, and gives it to the
 * user.  EX_CANTCREAT. */
int process_make_folder(const char *path, uid_t uid, gid_t gid,
    struct err *err);

/* Becomes the user for good.  Only root can; for anybody else it does nothing.
 * EX_OSERR. */
int process_become(const char *name, uid_t uid, gid_t gid, struct err *err);

/* Locks DIRECTORY/lock, which becomes the user's, and writes the process's
 * number into it; the lock is held until the process ends.  EX_TEMPFAIL when another process has it, which
 * `err` names; EX_CANTCREAT.  Returns the descriptor in `*lock`. */
int process_lock(const char *directory, uid_t uid, int *lock, struct err *err);

/* Writes the PID file, replacing an old one.  EX_CANTCREAT. */
int process_write_pid(const char *path, struct err *err);

/* Goes to the background.  The caller's process stays until the new one, which
 * is the one that returns, calls process_ready() or ends: so whoever started
 * policyd learns whether it serves.  EX_OSERR. */
int process_background(int *ready, struct err *err);

/* Tells the process that waits that all is well, and leaves its terminal, but
 * for stderr when the log goes there.  `ready` is of process_background(), or -1
 * in the foreground: then nothing is done. */
void process_ready(int ready, bool keep_stderr);
