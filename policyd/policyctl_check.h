/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl recipient check: what the replica and the directory say of an address.
 */
#pragma once

#include "policyctl_verb.h"

enum verb_exit recipient_check(const struct policyctl *ctl,
    const struct verb_arguments *arguments);
