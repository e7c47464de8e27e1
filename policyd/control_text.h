/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attributes of the messages between policyctl and the daemon: written here,
 * and read.
 */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "directory.h"

/* Append an attribute.  CR and LF in a text become '?': no attribute has any.
 */
void control_put_text(struct buf *out, const char *name, const char *text);
void control_put_number(struct buf *out, const char *name,
    unsigned long long number);
void control_put_record(struct buf *out, const char *name,
    const struct recipient_record *record);

/* "valid", "unknown" or "unavailable"; what is none of them is read as
 * UNAVAILABLE. */
const char *control_status_name(enum recipient_status status);
enum recipient_status control_read_status(const char *name);

/* Reads the value of a record; false when it is none. */
bool control_read_record(const char *digits, struct recipient_record *record);
