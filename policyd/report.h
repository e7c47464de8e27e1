/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One log line and one set of counters for each decision; nobody else logs
 * decisions.
 */
#pragma once

#include "metrics.h"
#include "request.h"
#include "verdict.h"

/* Counts the decision, and logs it at level INFO as
 *     action=defer reason=greylisted-new client=name[address] sender=<...>
 *     recipient=<...> delay=0 wait=120 queue_id= instance=...
 * in one line.  What strangers chose is escaped; a value of more than 320 bytes
 * is written up to there and ended with "...". */
void report_decision(struct metrics *metrics, const struct request *request,
    const struct verdict *verdict);
