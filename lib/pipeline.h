/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journey of one request.
 *
 * A session reads the bytes of a request and calls pipeline_decide().  The
 * decision walks through the stages of its pipeline, one after the other.  Each
 * stage may first `ask`: it starts lookups, to a store or to a directory, which
 * write facts into the decision.  When all of them are answered the stage is
 * told to `judge`: it reads only the request, the facts and the time it was
 * asked, waits for nothing, and either says CONTINUE or has written the verdict
 * and says DECIDED.  After the last stage, or the first that has decided, the
 * decision calls `done`, once.
 *
 * An answer that comes at once and one that comes in a second take the same
 * path.  When the deadline is over, pipeline_give_up() cancels what is open and
 * runs on: the facts that are missing are zero, and zero is the safe value of
 * each: not available, never "not found".  pipeline_cancel() ends a decision
 * that nobody waits for any more; `done` is not called.
 *
 * A decision is embedded in whatever asks, so deciding allocates nothing.  Each
 * fact is a member of it: a new stage is one member here and one file.
 */
#pragma once

#include <stdbool.h>
#include <time.h>

#include "directory.h"
#include "greylist.h"
#include "lookup.h"
#include "pause.h"
#include "reason.h"
#include "request.h"
#include "store.h"
#include "triplet.h"
#include "verdict.h"

struct decision;

enum ruling { CONTINUE = 0, DECIDED };

struct stage {
	const char *name;
	/* Starts lookups with decision_expect(); may be NULL. */
	void (*ask)(const struct stage *stage, struct decision *decision);
	enum ruling (
	    *judge)(const struct stage *stage, struct decision *decision);
};

/* What the store remembers of the client's network. */
struct remembered_client {
	char key[ORIGIN_KEY_MAX];
	struct store_get get;
};

/* What the store remembers of the triplet. */
struct remembered_triplet {
	struct triplet key;
	struct store_get get;
};

enum recipient_scope {
	RECIPIENT_NOT_LOOKED_AT = 0,
	/* Not at RCPT TO or VRFY, or not in our domains. */
	RECIPIENT_NOT_OURS,
	RECIPIENT_OURS,
	/* In our domains, and longer than any address is or with control
	 * bytes: nobody can have it. */
	RECIPIENT_IMPOSSIBLE,
};

/* What the directory says of the recipient, and of the sender in its lists. */
struct known_recipient {
	enum recipient_scope scope;
	/* The folded address, and the same without extension. */
	char address[ADDRESS_MAX + 1];
	char plain[ADDRESS_MAX + 1];
	struct recipient_query whole;
	bool whole_is_open;
	struct recipient_query base;
	/* The one of the two that exists, or NULL. */
	const struct recipient_query *valid;
	char sender[ADDRESS_MAX + 1];
	struct sender_query lists;
};

struct decision {
	/* Set by whoever asks; borrowed until `done`. */
	const struct request *request;
	/* When it was asked: the only clock there is. */
	time_t now;
	/* The message has its X-Greylist header already. */
	bool has_header;
	void (*done)(struct decision *decision);

	/* Facts: each is written by one stage's lookups and read by its
	 * judge, or by those of later stages. */
	enum reason exempt;
	struct pause pause;
	struct known_recipient recipient;
	/* The greylist's rules for this recipient; NULL: those for all. */
	const struct greylist_policy *greylist;
	struct greylist_policy own_greylist;
	struct remembered_client client;
	struct remembered_triplet triplet;
	/* The verdict is worth nothing if the store cannot commit. */
	bool rests_on_store;
	struct verdict verdict;

	/* pipeline.c only: where we are, what is open, whether we run. */
	const struct stage *const *stage;
	struct lookup *open;
	bool asked;
	bool running;
	bool given_up;
};

/* Decides.  `stages` ends with NULL and stays until `done`, which may be called
 * before this returns.  request, now, has_header and done are set; the rest is
 * initialised here. */
void pipeline_decide(struct decision *decision,
    const struct stage *const *stages);

/* Cancels what is open and decides with the facts there are: no stage asks any
 * more. */
void pipeline_give_up(struct decision *decision);

/* Cancels what is open; `done` will not be called. */
void pipeline_cancel(struct decision *decision);

/* For `ask`: the decision waits for this lookup.  To be called before the
 * question is handed over.  `lookup->done` must end in decision_answered(). */
void decision_expect(struct decision *decision, struct lookup *lookup);

/* An expected lookup is answered. */
void decision_answered(struct decision *decision, struct lookup *lookup);
