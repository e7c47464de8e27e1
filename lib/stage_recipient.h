/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stages that ask the directory: whether the recipient exists and takes
 * this message, and, only if it has lists of senders, whether it takes mail
 * from this one.
 *
 * They come before the greylist, so an unknown recipient costs no row there,
 * and ask for everybody: no whitelist makes a mailbox exist.
 */
#pragma once

#include "directory.h"
#include "greylist.h"
#include "pipeline.h"
#include "recipient.h"
#include "stage_harvest.h"

struct stage_recipient {
	struct stage stage;
	const struct recipient_policy *policy;
	struct directory *directory;
	/* What is told of unknown recipients. */
	const struct stage_harvest *harvest;
};

struct stage_sender {
	struct stage stage;
	const struct recipient_policy *policy;
	const struct greylist_policy *greylist;
	struct directory *directory;
};

/* Set the stages up in memory of the caller; the pointers are kept. */
void stage_recipient_init(struct stage_recipient *recipient,
    const struct recipient_policy *policy, struct directory *directory,
    const struct stage_harvest *harvest);
void stage_sender_init(struct stage_sender *sender,
    const struct recipient_policy *policy,
    const struct greylist_policy *greylist, struct directory *directory);
