/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What policyctl prints for programs: JSON, in ASCII, on one line.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "record.h"

/* A string; what is not UTF-8 is escaped as on a terminal. */
json_t *json_address(const char *address);

/* Adds the settings of a recipient as members. */
void json_put_settings(json_t *object, const struct recipient_record *record);

/* Writes the value without a newline, and releases it. */
void json_print(FILE *out, json_t *value);
