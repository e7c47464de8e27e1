/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_events.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attr.h"
#include "buf.h"
#include "channel.h"
#include "directory.h"
#include "ldap_hex.h"
#include "xalloc.h"

/* Addresses of a message. */
#define MESSAGE_ADDRESSES 100

/* Events are held back up to as many bytes, and one more message fits. */
#define HELD_MAX CHANNEL_MESSAGE

struct ldap_events {
	int descriptor;
	/* The requests that have come. */
	struct buf in;
	struct attr_limits limits;
	/* Bytes of the request that was given last: they hold its state. */
	size_t given;
	/* One more request that has been read. */
	bool asked;
	struct ldap_request request;
	size_t request_size;
	struct buf out;
};

struct ldap_events *
ldap_events_create(int descriptor)
{
	struct ldap_events *events = xcalloc(1, sizeof(*events));

	events->descriptor = descriptor;
	events->limits = (struct attr_limits){
		.attributes = CHANNEL_ATTRIBUTES,
		.value = CHANNEL_MESSAGE,
		.request = CHANNEL_MESSAGE,
	};
	buf_init(&events->in, xmalloc(2 * CHANNEL_MESSAGE),
	    2 * CHANNEL_MESSAGE);
	buf_init(&events->out, xmalloc(HELD_MAX + CHANNEL_MESSAGE),
	    HELD_MAX + CHANNEL_MESSAGE);
	return events;
}

void
ldap_events_destroy(struct ldap_events *events)
{
	if (events == NULL)
		return;
	close(events->descriptor);
	free(events->in.data);
	free(events->out.data);
	free(events);
}

int
ldap_events_descriptor(const struct ldap_events *events)
{
	return events->descriptor;
}

/* The daemon has closed its side, or it is none: there is nothing left to do,
 * and whatever the other threads do is for nobody. */
static void
daemon_is_gone(void)
{
	_exit(0);
}

static void
read_attribute(struct ldap_request *request, const struct attr *attr)
{
	if (strcmp(attr->name, "request") == 0)
		request->stop = strcmp(attr->value, "stop") == 0;
	else if (strcmp(attr->name, "full") == 0)
		request->full = strcmp(attr->value, "no") != 0;
	else if (strcmp(attr->name, "state") == 0)
		request->state = attr->value;
}

/* Reads the request that comes next, once it is here as a whole: a reader
 * writes into the bytes that it has read. */
static bool
read_request(struct ldap_events *events)
{
	char *bytes = events->in.data + events->given;
	const size_t len = events->in.len - events->given;
	struct ldap_request request = { .full = true, .state = "" };
	struct attr_reader reader;
	enum attr_status status;
	struct attr attr;

	if (events->asked)
		return true;
	if (len > CHANNEL_MESSAGE)
		daemon_is_gone();
	if (memmem(bytes, len, "\n\n", 2) == NULL)
		return false;
	attr_reader_init(&reader, &events->limits);
	while ((status = attr_read(&reader, bytes, len, &attr)) == ATTR_PAIR)
		read_attribute(&request, &attr);
	if (status != ATTR_END)
		daemon_is_gone();
	events->request = request;
	events->request_size = attr_size(&reader);
	events->asked = true;
	return true;
}

/* Reads what has come; waits up to `timeout_ms` for it, -1: for ever. */
static void
hear(struct ldap_events *events, int timeout_ms)
{
	struct pollfd wait = { .fd = events->descriptor, .events = POLLIN };
	ssize_t len;

	if (buf_room(&events->in) == 0)
		daemon_is_gone();
	if (poll(&wait, 1, timeout_ms) <= 0)
		return;
	len = recv(events->descriptor, buf_space(&events->in),
	    buf_room(&events->in), MSG_DONTWAIT);
	if (len > 0)
		buf_added(&events->in, (size_t)len);
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		daemon_is_gone();
}

struct ldap_request
ldap_events_wait(struct ldap_events *events)
{
	ldap_events_flush(events);
	if (!events->asked) {
		buf_consume(&events->in, events->given);
		events->given = 0;
	}
	while (!read_request(events))
		hear(events, -1);
	events->asked = false;
	events->given += events->request_size;
	return events->request;
}

bool
ldap_events_asked(struct ldap_events *events)
{
	if (!read_request(events))
		hear(events, 0);
	return read_request(events);
}

bool
ldap_events_held(const struct ldap_events *events)
{
	return events->out.len > 0;
}

void
ldap_events_flush(struct ldap_events *events)
{
	struct pollfd wait = { .fd = events->descriptor, .events = POLLOUT };
	size_t written = 0;
	ssize_t len;

	while (written < events->out.len) {
		len = send(events->descriptor, events->out.data + written,
		    events->out.len - written, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (len > 0)
			written += (size_t)len;
		else if (errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (errno != EINTR)
			daemon_is_gone();
	}
	buf_clear(&events->out);
}

static void
put(struct ldap_events *events, const char *name, const char *value)
{
	attr_write(&events->out, name, value, strlen(value));
}

static void
put_bytes(struct ldap_events *events, const char *name, const void *bytes,
    size_t len)
{
	buf_puts(&events->out, name);
	buf_putc(&events->out, '=');
	ldap_hex_write(&events->out, bytes, len);
	buf_putc(&events->out, '\n');
}

static void
put_end(struct ldap_events *events)
{
	attr_write_end(&events->out);
	assert(!events->out.full);
	if (events->out.len > HELD_MAX)
		ldap_events_flush(events);
}

/* An address that no protocol could carry is left out: nobody can write to it,
 * or from it. */
static bool
is_sound(const char *address)
{
	return strlen(address) <= ADDRESS_MAX &&
	       strpbrk(address, "\r\n") == NULL;
}

/* Writes up to MESSAGE_ADDRESSES values and returns how many it took. */
static size_t
put_addresses(struct ldap_events *events, const char *name,
    const char *const *addresses, size_t count)
{
	if (count > MESSAGE_ADDRESSES)
		count = MESSAGE_ADDRESSES;
	for (size_t i = 0; i < count; i++) {
		if (is_sound(addresses[i]))
			put(events, name, addresses[i]);
	}
	return count;
}

void
ldap_events_begin(struct ldap_events *events, bool full, const char *method)
{
	put(events, "event", "begin");
	put(events, "full", full ? "yes" : "no");
	put(events, "method", method);
	put_end(events);
	ldap_events_flush(events);
}

void
ldap_events_object(struct ldap_events *events, const struct account *account)
{
	const char *const *addresses =
	    (const char *const *)account->addresses.name;
	const size_t count = account->addresses.count;
	char record[RECORD_SIZE];
	const size_t len = recipient_record_write(&account->record, record);
	size_t told = 0;

	do {
		put(events, "event", told == 0 ? "object" : "more");
		put_bytes(events, "record", record, len);
		told += put_addresses(events, "address", addresses + told,
		    count - told);
		put_end(events);
	} while (told < count);
}

void
ldap_events_senders(struct ldap_events *events,
    const unsigned char id[static RECIPIENT_ID], unsigned listing,
    const char *const *senders, size_t count)
{
	for (size_t told = 0; told < count;) {
		put(events, "event", "sender");
		put_bytes(events, "id", id, RECIPIENT_ID);
		buf_puts(&events->out, "listing=");
		buf_put_number(&events->out, listing);
		buf_putc(&events->out, '\n');
		told += put_addresses(events, "sender", senders + told,
		    count - told);
		put_end(events);
	}
}

void
ldap_events_gone(struct ldap_events *events,
    const unsigned char id[static RECIPIENT_ID])
{
	put(events, "event", "gone");
	put_bytes(events, "id", id, RECIPIENT_ID);
	put_end(events);
}

void
ldap_events_state(struct ldap_events *events, const char *state)
{
	put(events, "event", "state");
	put(events, "state", state);
	put_end(events);
}

static void
put_bare(struct ldap_events *events, const char *event)
{
	put(events, "event", event);
	put_end(events);
	ldap_events_flush(events);
}

void
ldap_events_current(struct ldap_events *events)
{
	put_bare(events, "current");
}

void
ldap_events_end(struct ldap_events *events)
{
	put_bare(events, "end");
}

void
ldap_events_failed(struct ldap_events *events, const char *problem, bool full)
{
	put(events, "event", "failed");
	buf_puts(&events->out, "problem=");
	for (; *problem != '\0'; problem++)
		buf_putc(&events->out,
		    (unsigned char)*problem < ' ' ? '?' : *problem);
	buf_putc(&events->out, '\n');
	if (full)
		put(events, "full", "yes");
	put_end(events);
	ldap_events_flush(events);
}
