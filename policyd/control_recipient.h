/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What policyctl asks about recipients (commands of control_session.h).
 *
 *     request=recipient-check recipient=ADDRESS
 *         from=replica status=valid record=HEX microseconds=N age=SECONDS
 *         from=directory status=unknown microseconds=N server=URI problem=TEXT
 *         end=yes          (no from=... of what there is not)
 *     request=recipient-list domain=NAME records=yes
 *         address=A address=A ...                     (of one domain, or all)
 *         record=HEX address=A record=HEX address=A ...       (with records)
 *     request=recipient-senders id=HEX
 *         listing=BITS sender=S listing=BITS sender=S ...
 *     request=recipient-sync force=yes                (control_sync.h)
 *     request=recipient-import force=yes              (control_import.h)
 *
 * `record` is a recipient_record in hexadecimal digits, `id` its first member.
 */
#pragma once

#include "control_session.h"

void control_recipient_check(struct control_session *session,
    const struct control_services *services, const struct message *request);

void control_recipient_list(struct control_session *session,
    const struct control_services *services, const struct message *request);

void control_recipient_senders(struct control_session *session,
    const struct control_services *services, const struct message *request);
