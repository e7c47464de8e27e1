/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory process: it owns libldap, the connections and the bind secret.
 *
 * libldap blocks in the TLS handshake and in GSSAPI, whatever is asked of it,
 * so it lives in a process of its own; a hang or a crash of it touches no
 * decision.  The process has three threads.  The first runs an event loop: it
 * takes questions, sends searches and answers; it never waits, and watches the
 * other two (ldap_guard).  The second makes its connections (ldap_link.h); the
 * third copies the directory (ldap_sync.h), in plain sequential code.
 *
 * Descriptor 3 is for look-ups, 4 for the sync: stream sockets with messages
 * in the attribute format (channel.h).  Binary values are in hexadecimal
 * digits.  `record` is a recipient_record, `id` its first member.
 *
 * To the process, on 3:
 *     request=configure ...            first of all (ldap_settings.h)
 *     request=ping
 *     request=find    id=N recipient=ADDRESS
 *     request=sender  id=N recipient=ADDRESS sender=ADDRESS
 * From it, on 3:
 *     answer=ping     server=URI or problem=SENTENCE
 *     answer=find     id=N status=valid record=HEX
 *                          status=unknown
 *                          status=unavailable problem=SENTENCE
 *     answer=sender   id=N status=found listing=BITS
 *                          status=unavailable problem=SENTENCE
 *
 * To the process, on 4:
 *     request=sync    full=yes state=  a full load, then changes
 *                     full=no state=TEXT   the changes since that state
 *     request=stop    give up what is under way; answered by event=failed
 * From it, on 4, a run of events for each request=sync:
 *     event=begin     full=yes or no method=dirsync|usn|syncrepl|full
 *     event=object    record=HEX address=A address=A ...   (at most 100; the
 *                     object is as told here, with no senders, whatever was
 *                     known of it)
 *     event=more      record=HEX address=A ...   (of the same object)
 *     event=sender    id=HEX listing=BITS sender=S sender=S ...  (at most 100)
 *     event=gone      id=HEX
 *     event=state     state=TEXT       what came before is complete; of a full
 *                     load: the load is complete
 *     event=current   the server has no more changes for now (the state is the
 *                     last one that was told)
 *     event=end       this run is over; ask again in a while.  A run that
 *                     persists (syncrepl) has no end.
 *     event=failed    problem=SENTENCE full=yes when only a full load helps
 */
#pragma once

/* The one argument of the program that makes it this process. */
#define DIRECTORYD_OPTION "--directory-process"

/* Runs the process; returns its exit code. */
int directoryd_run(void);
