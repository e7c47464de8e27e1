/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of a configuration file.
 *
 * The program lists its settings in a table, one row each (setting.h).  The
 * rows are the parser, the check and the sample file; the values go into a
 * struct of the program.  At least one row stands outside of all sections, and
 * the rows of one section stand together.  Every setting has a default, so an
 * empty file is a complete one.
 *
 * The file is read by libConfuse:
 *
 *     # From here to the end of the line is a comment; so it is behind //.
 *     state-directory = "/var/lib/policyd"
 *     listen = { "inet:127.0.0.1:10040", "inet:[::1]:10040" }
 *     greylist {
 *         delay = 2m     mode = enforce
 *     }
 *     whitelist {
 *         networks += { "192.0.2.0/24" }        # adds to the default
 *     }
 *
 * A value needs quotes when it is empty or holds a space or one of
 * # ' " { } ( ) = , + *.  In double quotes \ takes the meaning from the next
 * character, and ${NAME} stands for NAME in the environment.  A section may be
 * opened several times, but no key may be given twice.  There are no include
 * files.
 *
 * An error is a sentence "FILE:LINE: what is wrong, what is accepted".
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "err.h"
#include "setting.h"

/* Reads the file into `target`, a zeroed struct whose texts and lists
 * settings_free() frees.  On failure nothing is written to it. */
int settings_read(const struct setting *rows, size_t count, const char *path,
    void *target, struct err *err);

/* Likewise, from the text of a file; errors call it `name`. */
int settings_parse(const struct setting *rows, size_t count, const char *name,
    const char *text, void *target, struct err *err);

/* Likewise, from an empty file. */
int settings_defaults(const struct setting *rows, size_t count, void *target,
    struct err *err);

/* Frees what the rows own in `target` and zeroes their fields. */
void settings_free(const struct setting *rows, size_t count, void *target);

/* Writes a file with every row: its help, what it accepts, its default.  This
 * very text is what sets the defaults. */
void settings_print(const struct setting *rows, size_t count, FILE *out);
