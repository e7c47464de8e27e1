/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a configuration file, made ready for libConfuse.
 *
 * libConfuse 3.3 counts a comment of one line as three lines, so that its
 * errors name the wrong line; it takes the end of the file for the end of a
 * comment or of a section; it drops a + or * that stands alone without a word;
 * and it ends the process when the file is a directory.  Here the file is read,
 * its comments become spaces, and the rest is refused with a sentence.
 */
#pragma once

#include "err.h"

/* Returns the contents of the file; free() releases them.  NULL when it cannot
 * be read or holds a NUL byte. */
char *conftext_read(const char *path, struct err *err);

/* Blanks the comments of `text`; every other byte stays where it is.  Fails
 * with "NAME:LINE: what is wrong". */
int conftext_prepare(const char *name, char *text, struct err *err);
