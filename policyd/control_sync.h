/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sync that policyctl has asked for (a command of control_session.h).
 *
 *     request=recipient-sync force=yes
 *         running=yes objects=N expected=N            (several times a second)
 *         objects=N addresses=N end=yes
 *     or  refused=SENTENCE end=yes                    (by max-shrink)
 *     or  error=SENTENCE end=yes
 */
#pragma once

#include "control_session.h"

void control_sync(struct control_session *session,
    const struct control_services *services, const struct message *request);
