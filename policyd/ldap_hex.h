/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes as hexadecimal digits and back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

bool ldap_hex_write(struct buf *out, const void *bytes, size_t len);

/* Reads `digits` up to the end of the string into `bytes`, which has room for
 * half as many.  False when these are no pairs of digits. */
bool ldap_hex_read(const char *digits, unsigned char *bytes);
