/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the directory, told to the daemon as objects: all of them, or
 * those that have changed.
 */
#pragma once

#include <stddef.h>

#include "err.h"
#include "ldap_ids.h"
#include "ldap_run.h"
#include "record.h"

struct ldap_objects;

/* Keeps `run`. */
struct ldap_objects *ldap_objects_create(struct ldap_run *run);

/* NULL is accepted. */
void ldap_objects_destroy(struct ldap_objects *objects);

/* Tells of an entry that is a recipient, and sets `id`.  Without addresses it
 * is none: that is told when it may have been one, which a full load
 * excludes. */
int ldap_objects_tell(struct ldap_objects *objects, LDAPMessage *message,
    bool full, unsigned char id[static RECIPIENT_ID], struct err *err);

/* Tells the senders of the objects that were told. */
int ldap_objects_settle(struct ldap_objects *objects, struct err *err);

/* Tells of all recipients there are. */
int ldap_objects_load(struct ldap_objects *objects, struct err *err);

/* Reads these objects again and tells how they are now: those that are no
 * recipients are gone.  So are those told whose senders change with them.
 * Active Directory only. */
int ldap_objects_update(struct ldap_objects *objects,
    const struct ldap_ids *ids, struct err *err);

/* -1, `err` and run->reload when there are recipients in one of these entries,
 * which have been moved: the server does not tell that what is in them was
 * moved with them.  Active Directory only. */
int ldap_objects_stay(struct ldap_objects *objects,
    const struct ldap_ids *moved, struct err *err);
