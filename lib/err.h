/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One sentence about what went wrong, for a person.
 *
 * A function that can fail for a reason that somebody must read takes a
 * `struct err *` as its last parameter, returns -1, and has set it to a
 * sentence without a newline.  Whoever decides what to do about the failure
 * logs it, once; lib/ itself logs no errors.
 */
#pragma once

/* Enough for a file name (PATH_MAX is cut) and a sentence. */
#define ERR_TEXT 1024

struct err {
	char text[ERR_TEXT];
};

/* Sets the sentence; longer than ERR_TEXT - 1 bytes it is cut, since half a
 * reason is better than none. */
void err_set(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
