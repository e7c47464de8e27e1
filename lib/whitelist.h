/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is never greylisted, and why.
 *
 * Greylisting asks a stranger to try again.  Someone who has authenticated, who
 * shows a certificate, or whose network the administrator has named, is none;
 * and a VRFY, or a question that is not about one recipient, is no attempt to
 * deliver.  An exemption accepts nothing: what else is checked is checked.
 */
#pragma once

#include "netset.h"
#include "reason.h"
#include "request.h"

/* The reason for which the request is exempt, or REASON_NOT_CHECKED when it is
 * not.  `networks` are the administrator's. */
enum reason whitelist_match(const struct netset *networks,
    const struct request *request);
