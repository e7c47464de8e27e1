/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the directory process: a program with two stream sockets that lead
 * here, as its descriptors 3 and 4.
 *
 * Besides them it has what stdin, stdout and stderr are, and no other
 * descriptor of ours.  No signal is blocked or ignored in it.
 */
#pragma once

#include <sys/types.h>

enum { DIRECTORY_SOCKETS = 2 };

/* Runs `program` with the argument "--directory-process" and returns 0, our
 * ends of the sockets, owned by the caller, and the process's number; or
 * returns an error number. */
int directory_spawn(const char *program, int sockets[DIRECTORY_SOCKETS],
    pid_t *pid);
