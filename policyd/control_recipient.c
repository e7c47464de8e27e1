/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "control_recipient.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "container.h"
#include "control_text.h"
#include "directory_child.h"
#include "ldap_directory.h"
#include "ldap_hex.h"
#include "mailaddr.h"
#include "replica.h"
#include "xalloc.h"

enum {
	/* Rows of the replica that are looked at in one step. */
	STEP_ROWS = 500,
	/* The most that one row adds to a message. */
	ROW_SIZE = 1024,
	/* Rows of a message: two attributes each. */
	MESSAGE_ROWS = CHANNEL_ATTRIBUTES / 2 - 2,
};

/* What one of the two says, up to what only it can say. */
static void
put_answer(struct buf *out, const char *from, enum recipient_status status,
    const struct recipient_record *record, double seconds)
{
	control_put_text(out, "from", from);
	control_put_text(out, "status", control_status_name(status));
	if (status == RECIPIENT_VALID)
		control_put_record(out, "record", record);
	control_put_number(out, "microseconds",
	    (unsigned long long)(seconds * 1e6));
}

static void
check_replica(struct control_session *session, struct replica *replica,
    const char *address)
{
	char memory[1024];
	struct buf message;
	struct recipient_record record;
	const double asked = clock_seconds();
	const enum recipient_status status =
	    replica_peek(replica, address, &record);
	const double answered = clock_seconds();
	const struct replica_status known = replica_status(replica);
	const double age =
	    control_session_now(session) - (double)known.confirmed_at;

	buf_init(&message, memory, sizeof(memory));
	put_answer(&message, "replica", status, &record, answered - asked);
	if (known.loaded)
		control_put_number(&message, "age",
		    age > 0.0 ? (unsigned long long)age : 0);
	else
		control_put_text(&message, "problem", "nothing was loaded yet");
	attr_write_end(&message);
	control_session_write(session, &message);
}

/* A question to the directory. */
struct check {
	struct control_task task;
	struct control_session *session;
	struct directory_child *child;
	struct recipient_query query;
	bool is_open;
	double asked;
	char address[ADDRESS_MAX + 1];
};

static void
end_check(struct control_task *task)
{
	struct check *check = container_of(task, struct check, task);

	if (check->is_open && check->query.lookup.cancel != NULL)
		check->query.lookup.cancel(&check->query.lookup);
	free(check);
}

/* Which server the directory process has, or why it has none. */
static void
put_server(struct buf *out, const struct directory_child *child)
{
	const struct directory_child_status *status;

	if (child == NULL)
		return;
	status = directory_child_status(child);
	control_put_text(out, "server", status->server);
	control_put_text(out, "problem", status->problem);
}

static void
directory_answered(struct lookup *lookup)
{
	struct check *check = container_of(lookup, struct check, query.lookup);
	char memory[4096];
	struct buf message;

	check->is_open = false;
	buf_init(&message, memory, sizeof(memory));
	put_answer(&message, "directory", check->query.status,
	    &check->query.record, clock_seconds() - check->asked);
	put_server(&message, check->child);
	control_session_finish(check->session, &message);
}

/* Asks the directory itself: nothing that is remembered answers for it. */
static void
check_directory(struct control_session *session,
    const struct control_services *services, const char *address)
{
	struct check *check = xcalloc(1, sizeof(*check));

	check->task.end = end_check;
	check->session = session;
	check->child = services->child;
	check->is_open = true;
	check->asked = clock_seconds();
	memcpy(check->address, address, strlen(address) + 1);
	check->query = (struct recipient_query){
		.lookup = { .done = directory_answered },
		.address = check->address,
		.now = (time_t)control_session_now(session),
	};
	control_session_start(session, &check->task, 0.0);
	ldap_directory_forget(services->ldap);
	directory_find(ldap_directory_directory(services->ldap), &check->query);
}

static bool
read_address(const char *text, char address[static ADDRESS_MAX + 1])
{
	struct buf folded;

	buf_init(&folded, address, ADDRESS_MAX);
	mailaddr_fold(text, &folded);
	address[folded.len] = '\0';
	return !folded.full && strchr(address, '@') != NULL;
}

void
control_recipient_check(struct control_session *session,
    const struct control_services *services, const struct message *request)
{
	char address[ADDRESS_MAX + 1];
	char memory[64];
	struct buf message;

	if (!read_address(message_text(request, "recipient"), address)) {
		control_session_fail(session,
		    "this is no address with a domain, or one that is too "
		    "long");
		return;
	}
	if (services->replica != NULL)
		check_replica(session, services->replica, address);
	if (services->ldap != NULL) {
		check_directory(session, services, address);
		return;
	}
	buf_init(&message, memory, sizeof(memory));
	control_session_finish(session, &message);
}

/* Rows on their way to policyctl: of the replica, or of an object. */
struct listing {
	struct control_task task;
	struct control_session *session;
	struct replica *replica;
	struct replica_visitor addresses;
	struct replica_sender_visitor senders;
	struct store_cursor cursor;
	/* The store when it began. */
	unsigned long epoch;
	bool with_records;
	/* Folded; "" for all. */
	char domain[ADDRESS_MAX + 1];
	unsigned char id[RECIPIENT_ID];
	/* The message that is being made. */
	unsigned rows;
	struct buf message;
	char memory[CHANNEL_MESSAGE];
};

static void
end_listing(struct control_task *task)
{
	free(container_of(task, struct listing, task));
}

static struct listing *
create_listing(struct control_session *session, struct replica *replica)
{
	struct listing *listing = xcalloc(1, sizeof(*listing));

	listing->task.end = end_listing;
	listing->session = session;
	listing->replica = replica;
	listing->epoch = replica_status(replica).epoch;
	buf_init(&listing->message, listing->memory, sizeof(listing->memory));
	return listing;
}

static void
send_rows(struct listing *listing)
{
	if (listing->rows == 0)
		return;
	attr_write_end(&listing->message);
	control_session_write(listing->session, &listing->message);
	buf_clear(&listing->message);
	listing->rows = 0;
}

/* A row was added. */
static void
count_row(struct listing *listing)
{
	listing->rows++;
	if (listing->rows == MESSAGE_ROWS ||
	    buf_room(&listing->message) < ROW_SIZE)
		send_rows(listing);
}

/* Whether the store has told all that it has: it ends a scan in the same way
 * when it fails. */
static bool
is_complete(const struct listing *listing)
{
	const struct replica_status status = replica_status(listing->replica);
	struct recipient_record record;

	return status.loaded && status.epoch == listing->epoch &&
	       replica_peek(listing->replica, "@", &record) !=
		   RECIPIENT_UNAVAILABLE;
}

static void
go_on(struct listing *listing, bool more)
{
	send_rows(listing);
	if (more)
		return;
	if (is_complete(listing))
		control_session_finish(listing->session, &listing->message);
	else
		control_session_fail(listing->session,
		    "the store failed in the middle of the list");
}

static bool
is_wanted(const struct listing *listing, const char *address)
{
	const char *at = strrchr(address, '@');

	return *listing->domain == '\0' ||
	       (at != NULL && strcmp(at + 1, listing->domain) == 0);
}

static void
visit_address(struct replica_visitor *visitor, const char *address,
    const struct recipient_record *record)
{
	struct listing *listing =
	    container_of(visitor, struct listing, addresses);

	if (!is_wanted(listing, address))
		return;
	if (listing->with_records)
		control_put_record(&listing->message, "record", record);
	control_put_text(&listing->message, "address", address);
	count_row(listing);
}

static void
list_addresses(struct control_task *task)
{
	struct listing *listing = container_of(task, struct listing, task);

	go_on(listing, replica_list(listing->replica, &listing->cursor,
			   STEP_ROWS, &listing->addresses));
}

static void
visit_sender(struct replica_sender_visitor *visitor, const char *sender,
    unsigned bits)
{
	struct listing *listing =
	    container_of(visitor, struct listing, senders);

	control_put_number(&listing->message, "listing", bits);
	control_put_text(&listing->message, "sender", sender);
	count_row(listing);
}

static void
list_senders(struct control_task *task)
{
	struct listing *listing = container_of(task, struct listing, task);

	go_on(listing, replica_list_senders(listing->replica, listing->id,
			   &listing->cursor, STEP_ROWS, &listing->senders));
}

/* A replica that can be listed; otherwise NULL, and the refusal is sent. */
static struct replica *
find_replica(struct control_session *session,
    const struct control_services *services)
{
	struct replica *replica = services->replica;

	if (replica == NULL) {
		control_session_fail(session,
		    "there is no list of recipients: in the configuration, "
		    "recipients has source = none or replica = no");
		return NULL;
	}
	if (!replica_status(replica).loaded) {
		control_session_fail(session,
		    services->accepts_import
			? "no recipients have been imported yet"
			: "no recipients have been copied from the directory "
			  "yet");
		return NULL;
	}
	return replica;
}

static bool
read_domain(const char *text, char domain[static ADDRESS_MAX + 1])
{
	struct buf folded;

	buf_init(&folded, domain, ADDRESS_MAX);
	mailaddr_fold(text, &folded);
	domain[folded.len] = '\0';
	return !folded.full;
}

void
control_recipient_list(struct control_session *session,
    const struct control_services *services, const struct message *request)
{
	struct replica *replica = find_replica(session, services);
	struct listing *listing;
	char domain[ADDRESS_MAX + 1];

	if (replica == NULL)
		return;
	if (!read_domain(message_text(request, "domain"), domain)) {
		control_session_fail(session, "the domain is too long");
		return;
	}
	listing = create_listing(session, replica);
	listing->task.step = list_addresses;
	listing->addresses.visit = visit_address;
	listing->with_records =
	    strcmp(message_text(request, "records"), "yes") == 0;
	memcpy(listing->domain, domain, sizeof(domain));
	control_session_start(session, &listing->task, CONTROL_PACE);
}

void
control_recipient_senders(struct control_session *session,
    const struct control_services *services, const struct message *request)
{
	const char *digits = message_text(request, "id");
	struct replica *replica = find_replica(session, services);
	struct listing *listing;
	unsigned char id[RECIPIENT_ID];

	if (replica == NULL)
		return;
	if (strlen(digits) != 2 * sizeof(id) || !ldap_hex_read(digits, id)) {
		control_session_fail(session, "this is no id");
		return;
	}
	listing = create_listing(session, replica);
	listing->task.step = list_senders;
	listing->senders.visit = visit_sender;
	memcpy(listing->id, id, sizeof(id));
	control_session_start(session, &listing->task, CONTROL_PACE);
}
