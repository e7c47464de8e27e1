/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl recipient list: the addresses of the replica.
 */
#pragma once

#include "policyctl_verb.h"

enum verb_exit recipient_list(const struct policyctl *ctl,
    const struct verb_arguments *arguments);
