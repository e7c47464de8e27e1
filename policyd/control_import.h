/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recipients that policyctl loads from a file (a command of control_session.h).
 *
 *     request=recipient-import force=yes
 *         continue=yes
 *     record=HEX address=A address=A ... listing=BITS sender=S ...
 *         continue=yes
 *     more=HEX address=A ...          (of the object that was told last)
 *         continue=yes
 *     commit=yes
 *         objects=N addresses=N end=yes
 *     or  refused=SENTENCE end=yes                    (by max-shrink)
 *     or  error=SENTENCE end=yes                      (any time)
 *
 * A message may tell several objects, each begun by its record.  It is a full
 * load of the replica: nothing has changed before the last answer, which comes
 * when all is kept.  One message is taken in a turn of the loop.
 */
#pragma once

#include "control_session.h"

void control_import(struct control_session *session,
    const struct control_services *services, const struct message *request);
