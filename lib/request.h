/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One question of Postfix: may this recipient of this message in?
 *
 * The attributes that policyd uses, checked and typed; all others are ignored.
 * The strings are borrowed from the bytes that were read and are never NULL:
 * an attribute that was not sent is "", as in the protocol.  Of an attribute
 * that was sent twice the last one counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "attr.h"
#include "err.h"
#include "netaddr.h"

/* The states that make a difference here; "other" are CONNECT, EHLO, HELO,
 * MAIL, DATA, END-OF-MESSAGE and ETRN. */
enum protocol_state {
	PROTOCOL_STATE_OTHER = 0,
	PROTOCOL_STATE_RCPT,
	PROTOCOL_STATE_VRFY
};

struct request {
	/* Typed by request_finish(). */
	enum protocol_state state;
	/* Family 0 when Postfix does not know the client (XCLIENT). */
	struct netaddr client;

	const char *request;
	const char *protocol_state;
	const char *client_address;
	/* Set only when the forward and the reverse name agree, else
	 * "unknown". */
	const char *client_name;
	/* "" is the null sender. */
	const char *sender;
	const char *recipient;
	/* The same for all requests of one message. */
	const char *instance;
	/* "" until the first recipient of the message was accepted. */
	const char *queue_id;
	/* What the client announced with SIZE=, in bytes; "0" or "" when it did
	 * not. */
	const char *size;
	const char *sasl_method;
	const char *sasl_username;
	const char *ccert_subject;
	const char *ccert_fingerprint;
	const char *ccert_pubkey_fingerprint;
	const char *policy_context;
};

void request_init(struct request *request);

/* Takes one attribute; its value is borrowed. */
void request_set(struct request *request, const struct attr *attr);

/* Types the attributes when all are set.  Fails when this is not a question of
 * Postfix's policy protocol. */
int request_finish(struct request *request, struct err *err);

/* The announced size of the message in bytes; 0 when it is not known, the
 * largest number when it is larger than any. */
uint64_t request_size(const struct request *request);

/* The client has authenticated with SASL. */
bool request_is_authenticated(const struct request *request);

/* The client has shown a TLS certificate that Postfix could verify or take the
 * fingerprint of. */
bool request_has_client_certificate(const struct request *request);
