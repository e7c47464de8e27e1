/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control_import.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "container.h"
#include "control_text.h"
#include "directory.h"
#include "log.h"
#include "replica.h"
#include "turn.h"
#include "xalloc.h"

/* An import is at work from its first message to its last.  Each is answered
 * in the next turn of the loop, when what it told is committed. */
struct import {
	struct control_task task;
	/* NULL: it is gone, and the turn has still to settle. */
	struct control_session *session;
	struct replica *replica;
	struct turn *turn;
	struct turn_entry at_turn_end;
	bool is_settling;
	bool is_forced;
	/* Every message was answered. */
	bool is_answered;
	/* The store when it began: another has lost what was told. */
	unsigned long epoch;
	/* What there is now, if the turn is kept. */
	struct replica_status result;
	/* The object that is told, and its addresses that were not put yet. */
	struct recipient_record record;
	bool has_object;
	bool is_put;
	const char *addresses[CHANNEL_ATTRIBUTES];
	size_t count;
};

static void
end_import(struct control_task *task)
{
	struct import *import = container_of(task, struct import, task);

	if (import->is_settling) {
		import->session = NULL;
		return;
	}
	replica_load_cancel(import->replica);
	free(import);
}

static void
put_addresses(struct import *import)
{
	if (!import->has_object || (import->is_put && import->count == 0))
		return;
	(import->is_put ? replica_add : replica_put)(import->replica,
	    &import->record, import->addresses, import->count);
	import->is_put = true;
	import->count = 0;
}

static bool
begin_object(struct import *import, const char *digits, bool is_put)
{
	put_addresses(import);
	import->has_object = control_read_record(digits, &import->record);
	import->is_put = is_put;
	return import->has_object;
}

static bool
add_address(struct import *import, const char *address)
{
	if (!import->has_object || strlen(address) > ADDRESS_MAX)
		return false;
	import->addresses[import->count++] = address;
	return true;
}

static bool
add_sender(struct import *import, const char *sender, unsigned listing)
{
	if (!import->has_object || strlen(sender) > ADDRESS_MAX)
		return false;
	put_addresses(import);
	replica_put_sender(import->replica, import->record.id, sender, listing);
	return true;
}

static bool
read_listing(const char *text, unsigned *listing)
{
	*listing = (unsigned)(*text - '0');
	return text[0] >= '1' && text[0] <= '7' && text[1] == '\0';
}

/* Puts what a message tells; false when it is not as it should be. */
static bool
take(struct import *import, const struct message *message)
{
	unsigned listing = 0;
	bool is_good = true;

	for (size_t i = 0; is_good && i < message->count; i++) {
		const struct attr *attr = &message->attributes[i];

		if (strcmp(attr->name, "record") == 0)
			is_good = begin_object(import, attr->value, false);
		else if (strcmp(attr->name, "more") == 0)
			is_good = begin_object(import, attr->value, true);
		else if (strcmp(attr->name, "address") == 0)
			is_good = add_address(import, attr->value);
		else if (strcmp(attr->name, "listing") == 0)
			is_good = read_listing(attr->value, &listing);
		else if (strcmp(attr->name, "sender") == 0)
			is_good = add_sender(import, attr->value, listing);
		else
			is_good = false;
	}
	if (is_good)
		put_addresses(import);
	/* The addresses are borrowed from the message. */
	import->has_object = false;
	import->count = 0;
	return is_good;
}

/* Whether the store still has what was told. */
static bool
is_kept(struct import *import)
{
	const struct replica_status status = replica_status(import->replica);

	return status.loading && status.epoch == import->epoch;
}

static void
report(struct import *import)
{
	const struct replica_status *result = &import->result;
	char memory[256];
	struct buf message;

	log_info("recipients imported: %llu recipients with %llu addresses",
	    (unsigned long long)result->objects,
	    (unsigned long long)result->addresses);
	if (import->session == NULL)
		return;
	buf_init(&message, memory, sizeof(memory));
	control_put_number(&message, "objects", result->objects);
	control_put_number(&message, "addresses", result->addresses);
	control_session_finish(import->session, &message);
}

/* The store has kept the import as a whole, or not. */
static void
settled(struct turn_entry *entry, bool kept)
{
	struct import *import = container_of(entry, struct import, at_turn_end);

	if (kept)
		report(import);
	else if (import->session != NULL)
		control_session_fail(import->session,
		    "the store failed: the recipients are as they were");
	free(import);
}

static void
refuse(struct import *import, const char *why)
{
	char memory[ERR_TEXT + 64];
	struct buf message;

	buf_init(&message, memory, sizeof(memory));
	control_put_text(&message, "refused", why);
	control_session_finish(import->session, &message);
}

static void
commit(struct import *import)
{
	struct err err;

	if (replica_load_end(import->replica,
		(time_t)control_session_now(import->session), import->is_forced,
		&err) != 0) {
		refuse(import, err.text);
		return;
	}
	import->result = replica_status(import->replica);
	import->is_settling = true;
	import->at_turn_end.settled = settled;
	turn_add(import->turn, &import->at_turn_end);
}

static void
heard(struct control_task *task, const struct message *message)
{
	struct import *import = container_of(task, struct import, task);

	if (!import->is_answered || import->is_settling)
		control_session_close(import->session,
		    "an import does not wait for its answers");
	else if (!is_kept(import))
		control_session_fail(import->session,
		    "the store failed: the recipients are as they were");
	else if (strcmp(message_text(message, "commit"), "yes") == 0)
		commit(import);
	else if (take(import, message))
		import->is_answered = false;
	else
		control_session_fail(import->session,
		    "policyctl and the daemon do not understand each other: "
		    "are they of one version?");
}

static void
answer(struct control_task *task)
{
	struct import *import = container_of(task, struct import, task);
	char memory[64];
	struct buf message;

	if (import->is_answered)
		return;
	import->is_answered = true;
	buf_init(&message, memory, sizeof(memory));
	control_put_text(&message, "continue", "yes");
	attr_write_end(&message);
	control_session_write(import->session, &message);
}

/* Why there can be no import now; NULL when there can. */
static const char *
obstacle(const struct control_services *services)
{
	if (services->replica == NULL)
		return "there is no list of recipients to fill: in the "
		       "configuration, recipients has source = none or "
		       "replica = no";
	if (!services->accepts_import)
		return "the recipients come from the directory, which would "
		       "replace them again: an import needs source = file";
	if (replica_status(services->replica).loading)
		return "another import is under way";
	return NULL;
}

void
control_import(struct control_session *session,
    const struct control_services *services, const struct message *request)
{
	const char *why = obstacle(services);
	struct import *import;

	if (why != NULL) {
		control_session_fail(session, "%s", why);
		return;
	}
	import = xcalloc(1, sizeof(*import));
	import->task = (struct control_task){ answer, heard, end_import };
	import->session = session;
	import->replica = services->replica;
	import->turn = services->turn;
	import->is_forced = strcmp(message_text(request, "force"), "yes") == 0;
	replica_load_begin(import->replica);
	import->epoch = replica_status(import->replica).epoch;
	control_session_start(session, &import->task, CONTROL_PACE);
}
