/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl recipient sync: a full sync now, and how far it is.
 */
#pragma once

#include "policyctl_verb.h"

enum verb_exit recipient_sync(const struct policyctl *ctl,
    const struct verb_arguments *arguments);
