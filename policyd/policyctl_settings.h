/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of a recipient as text: a table, one row a setting, from which
 * policyctl makes the columns of its CSV, what it prints, and its JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"
#include "record.h"

/* Room for the text of any setting. */
#define SETTING_TEXT 64

enum recipient_setting_kind {
	RECIPIENT_SETTING_ID,
	RECIPIENT_SETTING_BOOLEAN,
	RECIPIENT_SETTING_SIZE,
	RECIPIENT_SETTING_GREYLIST,
	RECIPIENT_SETTING_DELAY,
};

struct recipient_setting {
	/* As a CSV's column and a member of JSON. */
	const char *name;
	/* As it is shown to a person. */
	const char *label;
	enum recipient_setting_kind kind;
	/* Where a boolean is in the record. */
	size_t offset;
};

/* The rows, in their order; they end with one without a name. */
extern const struct recipient_setting recipient_settings[];

bool recipient_setting_boolean(const struct recipient_setting *setting,
    const struct recipient_record *record);

const char *recipient_setting_greylist(const struct recipient_record *record);

/* Appends the value; nothing when it is the default one of a size, a delay or
 * the greylist. */
void recipient_setting_write(const struct recipient_setting *setting,
    const struct recipient_record *record, struct buf *out);

/* Reads such a value; "" is the default. */
int recipient_setting_read(const struct recipient_setting *setting,
    const char *text, struct recipient_record *record, struct err *err);
