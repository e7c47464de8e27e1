/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream socket that carries messages in the attribute format (attr.h), both
 * ways, on an event loop.
 *
 * The daemon and its directory process talk over such sockets, and so do
 * policyctl and the daemon.  A message is a list of name=value lines and an
 * empty line; names may repeat.  Input and output are bounded: an incoming
 * message larger than CHANNEL_MESSAGE closes the channel, and when more than
 * `output_max` bytes wait to be written, channel_write() refuses.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "attr.h"
#include "buf.h"

/* Bytes and attributes of one message. */
#define CHANNEL_MESSAGE 65536
#define CHANNEL_ATTRIBUTES 512

struct message {
	const struct attr *attributes;
	size_t count;
};

/* The value of the first attribute of this name, "" when there is none. */
const char *message_text(const struct message *message, const char *name);

/* Its value as a number from 0 to `max`; `fallback` when it is none. */
unsigned long long message_number(const struct message *message,
    const char *name, unsigned long long max, unsigned long long fallback);

struct channel;

struct channel_handler {
	/* A message has come; it is borrowed for the call.  The handler may
	 * destroy the channel. */
	void (*heard)(struct channel_handler *handler,
	    const struct message *message);
	/* The other side has closed, failed or sent what is no message.  Called
	 * once, never from within channel_write(); the channel is closed
	 * already and may be destroyed. */
	void (*closed)(struct channel_handler *handler, const char *why);
};

/* Takes the descriptor, which it makes non-blocking.  `handler` is kept. */
struct channel *channel_create(struct ev_loop *loop, int descriptor,
    size_t output_max, struct channel_handler *handler);

/* Closes the descriptor, after one attempt to write what waits; `closed` is not
 * called.  NULL is accepted. */
void channel_destroy(struct channel *channel);

/* Sends the message (whole: ended by attr_write_end()) now or later.  False
 * when it does not fit in the output. */
bool channel_write(struct channel *channel, const struct buf *message);

/* Bytes that wait to be written. */
size_t channel_waiting(const struct channel *channel);

/* Reads no more until it is switched on again: nothing is lost, the other side
 * waits. */
void channel_listen(struct channel *channel, bool on);
