/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl recipient export: the replica as a file that `import` reads.
 */
#pragma once

#include "policyctl_verb.h"

enum verb_exit recipient_export(const struct policyctl *ctl,
    const struct verb_arguments *arguments);
