/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text that others chose, on a terminal and in files.
 *
 * Addresses are written so that they cannot break out of where they stand:
 * spaces, control bytes, bytes that are not ASCII and < > " \ become \xNN.  The
 * same is read back.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Writes an address. */
void text_put_address(FILE *out, const char *address);

/* Undoes what text_put_address() did, in place; a backslash without xNN behind
 * it stays.  False when the address holds a NUL then. */
bool text_unescape(char *address);

/* Writes a sentence; what is not printable ASCII becomes '?'. */
void text_put_sentence(FILE *out, const char *sentence);
