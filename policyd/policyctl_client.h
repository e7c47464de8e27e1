/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policyctl's end of the admin socket (control_session.h): it waits for what it
 * has asked.
 */
#pragma once

#include "buf.h"
#include "channel.h"
#include "err.h"
#include "policyctl_verb.h"

struct client;

/* Connects; NULL and a sentence when that is not possible. */
struct client *client_connect(const char *path, struct err *err);

/* NULL is accepted. */
void client_close(struct client *client);

enum client_answer {
	/* A message that others follow. */
	CLIENT_MORE,
	/* The last message of the answer. */
	CLIENT_END,
	/* The daemon says in `err` why it does not. */
	CLIENT_REFUSED,
	/* The connection is gone, `err` says why. */
	CLIENT_LOST,
};

/* Begins a request: appends its first attribute. */
void client_request(struct buf *message, const char *request);

/* Ends the message and sends it; -1 and `err` when that is not possible.  That
 * the daemon has hung up, and why, is told by client_receive(). */
int client_send(struct client *client, struct buf *message, struct err *err);

/* Waits for the next message, which is borrowed until the next call. */
enum client_answer client_receive(struct client *client,
    struct message *message, struct err *err);

/* Prints the sentence and says how policyctl ends. */
enum verb_exit client_complain(enum client_answer answer,
    const struct err *err);
