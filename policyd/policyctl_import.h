/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl recipient import: the replica from a file.
 */
#pragma once

#include "policyctl_verb.h"

enum verb_exit recipient_import(const struct policyctl *ctl,
    const struct verb_arguments *arguments);
