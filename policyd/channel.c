/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "container.h"
#include "err.h"
#include "xalloc.h"

static const struct attr_limits message_limits = {
	.attributes = CHANNEL_ATTRIBUTES,
	.value = CHANNEL_MESSAGE,
	.request = CHANNEL_MESSAGE,
};

struct channel {
	struct ev_loop *loop;
	struct channel_handler *handler;
	struct ev_io readable;
	struct ev_io writable;
	bool listens;
	/* Bytes are left that have not been looked at: it was told to listen
	 * no more while it read them. */
	bool is_held;
	/* Not 0: the error for which nothing can be written any more. */
	int broken;
	/* The handler is being called, and has destroyed the channel. */
	bool is_calling;
	bool is_destroyed;
	/* The message that is read begins at `start` of the input. */
	struct attr_reader reader;
	size_t start;
	size_t count;
	/* Of the output, these bytes are out already. */
	size_t sent;
	struct buf in;
	struct buf out;
	struct attr attributes[CHANNEL_ATTRIBUTES];
	char in_memory[CHANNEL_MESSAGE];
	char out_memory[];
};

const char *
message_text(const struct message *message, const char *name)
{
	for (size_t i = 0; i < message->count; i++)
		if (strcmp(message->attributes[i].name, name) == 0)
			return message->attributes[i].value;
	return "";
}

unsigned long long
message_number(const struct message *message, const char *name,
    unsigned long long max, unsigned long long fallback)
{
	const char *text = message_text(message, name);
	unsigned long long number = 0;

	if (*text == '\0')
		return fallback;
	for (; *text != '\0'; text++) {
		const unsigned digit = (unsigned)(*text - '0');

		if (*text < '0' || *text > '9' || digit > max ||
		    number > (max - digit) / 10)
			return fallback;
		number = number * 10 + digit;
	}
	return number;
}

static bool
channel_is_open(const struct channel *channel)
{
	return channel->readable.fd >= 0;
}

static void
channel_close(struct channel *channel)
{
	if (!channel_is_open(channel))
		return;
	ev_io_stop(channel->loop, &channel->readable);
	ev_io_stop(channel->loop, &channel->writable);
	close(channel->readable.fd);
	channel->readable.fd = -1;
}

/* The handler may destroy the channel: the last that is done with it. */
static void
channel_fail(struct channel *channel, const char *why)
{
	channel_close(channel);
	channel->handler->closed(channel->handler, why);
}

/* Sends what waits, as far as the socket takes it. */
static void
channel_send(struct channel *channel)
{
	const size_t waiting = channel_waiting(channel);
	const ssize_t n = send(channel->writable.fd,
	    channel->out.data + channel->sent, waiting, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		channel->broken = errno;
		channel->sent = channel->out.len;
	} else if (n > 0) {
		channel->sent += (size_t)n;
	}
	if (channel->sent == channel->out.len) {
		buf_clear(&channel->out);
		channel->sent = 0;
	}
}

/* Forgets the messages that were read, so that there is room for others.  What
 * is left of the input moves, and with it what was read of a message. */
static void
channel_forget_read(struct channel *channel)
{
	if (channel->start == 0)
		return;
	for (size_t i = 0; i < channel->count; i++) {
		channel->attributes[i].name -= channel->start;
		channel->attributes[i].value -= channel->start;
	}
	buf_consume(&channel->in, channel->start);
	channel->start = 0;
}

static void
channel_begin_message(struct channel *channel)
{
	channel->count = 0;
	attr_reader_init(&channel->reader, &message_limits);
}

static void
channel_hear(struct channel *channel)
{
	const struct message message = {
		.attributes = channel->attributes,
		.count = channel->count,
	};

	channel->is_calling = true;
	channel->handler->heard(channel->handler, &message);
	channel->is_calling = false;
	channel->start += attr_size(&channel->reader);
	channel_begin_message(channel);
}

static void
channel_fail_malformed(struct channel *channel)
{
	struct err err;

	err_set(&err, "what came is no message: %s",
	    attr_complaint(&channel->reader));
	channel_fail(channel, err.text);
}

/* Reads the messages that are in the input, until it is told to stop. */
static void
channel_read_messages(struct channel *channel)
{
	while (channel->listens && !channel->is_destroyed) {
		switch (attr_read(&channel->reader,
		    channel->in.data + channel->start,
		    channel->in.len - channel->start,
		    &channel->attributes[channel->count])) {
		case ATTR_PAIR:
			channel->count++;
			break;
		case ATTR_MORE:
			return;
		case ATTR_END:
			channel_hear(channel);
			break;
		case ATTR_MALFORMED:
			channel_fail_malformed(channel);
			return;
		}
	}
	if (channel->is_destroyed)
		free(channel);
	else
		channel->is_held = true;
}

static void
channel_receive(struct channel *channel)
{
	ssize_t n;

	channel_forget_read(channel);
	n = recv(channel->readable.fd, buf_space(&channel->in),
	    buf_room(&channel->in), 0);
	if (n > 0) {
		buf_added(&channel->in, (size_t)n);
		channel_read_messages(channel);
	} else if (n == 0) {
		channel_fail(channel, channel->in.len > 0
					  ? "closed in the middle of a message"
					  : "closed by the other side");
	} else if (channel->broken != 0) {
		channel_fail(channel, strerror(channel->broken));
	} else if (errno != EAGAIN && errno != EINTR) {
		channel_fail(channel, strerror(errno));
	}
}

/* When nothing can be written any more, what the other side has sent before it
 * went is still read, if anybody listens. */
static void
channel_readable(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct channel *channel = container_of(io, struct channel, readable);

	(void)events;
	if (channel->broken != 0)
		ev_feed_event(loop, io, EV_READ);
	if (!channel->listens) {
		channel_fail(channel, strerror(channel->broken));
	} else if (channel->is_held) {
		channel->is_held = false;
		channel_read_messages(channel);
	} else {
		channel_receive(channel);
	}
}

/* Writes what waits.  A failure is told later, by channel_readable(). */
static void
channel_flush(struct channel *channel)
{
	struct ev_io *io = &channel->writable;

	if (channel_waiting(channel) > 0)
		channel_send(channel);
	if (channel_waiting(channel) > 0)
		ev_io_start(channel->loop, io);
	else
		ev_io_stop(channel->loop, io);
	if (channel->broken != 0)
		ev_feed_event(channel->loop, &channel->readable, EV_READ);
}

static void
channel_writable(struct ev_loop *loop, struct ev_io *io, int events)
{
	(void)loop;
	(void)events;
	channel_flush(container_of(io, struct channel, writable));
}

struct channel *
channel_create(struct ev_loop *loop, int descriptor, size_t output_max,
    struct channel_handler *handler)
{
	struct channel *channel = xmalloc(sizeof(*channel) + output_max);
	const int flags = fcntl(descriptor, F_GETFL);

	assert(flags >= 0);
	fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
	channel->loop = loop;
	channel->handler = handler;
	channel->listens = true;
	channel->is_held = false;
	channel->broken = 0;
	channel->is_calling = false;
	channel->is_destroyed = false;
	channel->start = 0;
	channel->sent = 0;
	buf_init(&channel->in, channel->in_memory, sizeof(channel->in_memory));
	buf_init(&channel->out, channel->out_memory, output_max);
	channel_begin_message(channel);
	ev_io_init(&channel->readable, channel_readable, descriptor, EV_READ);
	ev_io_init(&channel->writable, channel_writable, descriptor, EV_WRITE);
	/* What is written in a turn of the loop goes out at the end of it. */
	ev_set_priority(&channel->writable, EV_MINPRI);
	ev_io_start(loop, &channel->readable);
	return channel;
}

void
channel_destroy(struct channel *channel)
{
	if (channel == NULL)
		return;
	if (channel_is_open(channel) && channel_waiting(channel) > 0)
		channel_send(channel);
	channel_close(channel);
	channel->is_destroyed = true;
	if (!channel->is_calling)
		free(channel);
}

/* Whether there is room for `len` bytes more in the output. */
static bool
channel_make_room(struct channel *channel, size_t len)
{
	if (len <= buf_room(&channel->out))
		return true;
	if (!ev_is_active(&channel->writable))
		channel_flush(channel);
	buf_consume(&channel->out, channel->sent);
	channel->sent = 0;
	return len <= buf_room(&channel->out) && channel->broken == 0;
}

bool
channel_write(struct channel *channel, const struct buf *message)
{
	if (!channel_is_open(channel) || channel->broken != 0 ||
	    !channel_make_room(channel, message->len))
		return false;
	buf_append(&channel->out, message->data, message->len);
	if (!ev_is_active(&channel->writable))
		ev_feed_event(channel->loop, &channel->writable, EV_WRITE);
	return true;
}

size_t
channel_waiting(const struct channel *channel)
{
	return channel->out.len - channel->sent;
}

void
channel_listen(struct channel *channel, bool on)
{
	if (!channel_is_open(channel) || channel->listens == on)
		return;
	channel->listens = on;
	if (!on) {
		ev_io_stop(channel->loop, &channel->readable);
		return;
	}
	ev_io_start(channel->loop, &channel->readable);
	if (channel->is_held || channel->broken != 0)
		ev_feed_event(channel->loop, &channel->readable, EV_READ);
}
