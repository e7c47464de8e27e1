/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_lookup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attr.h"
#include "container.h"
#include "ldap_find.h"
#include "ldap_hex.h"
#include "ldap_listing.h"
#include "record.h"
#include "xalloc.h"

/* Bytes of an answer: a record in digits, or a sentence. */
#define ANSWER_MAX 4096
/* Questions under way. */
#define QUESTIONS_MAX 8192

struct ldap_lookup {
	struct ldap_reader reader;
	struct ldap_lookup_handler *handler;
	unsigned questions;
	/* Addresses of more than one entry are spoken of once. */
	bool told_duplicates;
};

/* An address longer than ADDRESS_MAX is refused by ldap_find_start(). */
struct address {
	char text[ADDRESS_MAX + 2];
};

struct find_question {
	struct ldap_lookup *lookup;
	unsigned long long id;
	struct address recipient;
	struct ldap_find find;
	unsigned entries;
	struct recipient_record record;
};

struct sender_question {
	struct ldap_lookup *lookup;
	unsigned long long id;
	struct address recipient;
	struct address sender;
	struct ldap_listing listing;
};

static void
address_copy(struct address *address, const char *text)
{
	snprintf(address->text, sizeof(address->text), "%s", text);
}

struct answer {
	struct buf out;
	char memory[ANSWER_MAX];
};

static void
put(struct answer *answer, const char *name, const char *value)
{
	attr_write(&answer->out, name, value, strlen(value));
}

static void
answer_begin(struct answer *answer, const char *what, unsigned long long id,
    const char *status)
{
	buf_init(&answer->out, answer->memory, sizeof(answer->memory));
	put(answer, "answer", what);
	buf_printf(&answer->out, "id=%llu\n", id);
	put(answer, "status", status);
}

static void
answer_send(struct ldap_lookup *lookup, struct answer *answer)
{
	attr_write_end(&answer->out);
	lookup->handler->answer(lookup->handler, &answer->out);
}

static void
answer_unavailable(struct ldap_lookup *lookup, const char *what,
    unsigned long long id, const char *problem)
{
	struct answer answer;

	answer_begin(&answer, what, id, "unavailable");
	put(&answer, "problem", problem);
	answer_send(lookup, &answer);
}

static void
answer_unknown(struct find_question *question)
{
	struct answer answer;

	answer_begin(&answer, "find", question->id, "unknown");
	answer_send(question->lookup, &answer);
}

static void
answer_valid(struct find_question *question)
{
	char record[RECORD_SIZE];
	const size_t len = recipient_record_write(&question->record, record);
	struct answer answer;

	answer_begin(&answer, "find", question->id, "valid");
	buf_puts(&answer.out, "record=");
	ldap_hex_write(&answer.out, record, len);
	buf_putc(&answer.out, '\n');
	answer_send(question->lookup, &answer);
}

/* A mistake in the directory that mail does not suffer from. */
static void
tell_duplicates(const struct find_question *question)
{
	struct answer note;

	if (question->entries < 2 || question->lookup->told_duplicates)
		return;
	question->lookup->told_duplicates = true;
	buf_init(&note.out, note.memory, sizeof(note.memory));
	put(&note, "answer", "note");
	buf_printf(&note.out, "text=%u entries have the address <",
	    question->entries);
	buf_put_escaped(&note.out, question->recipient.text,
	    strlen(question->recipient.text));
	buf_puts(&note.out, ">: the settings of the first one count\n");
	answer_send(question->lookup, &note);
}

static void
on_match(struct ldap_find *find, struct ldap_message *message,
    const struct account *account)
{
	struct find_question *question =
	    container_of(find, struct find_question, find);

	(void)message;
	if (question->entries++ == 0)
		question->record = account->record;
}

static void
on_again(struct ldap_find *find)
{
	container_of(find, struct find_question, find)->entries = 0;
}

static void
on_found(struct ldap_find *find, enum ldap_outcome outcome, const char *problem)
{
	struct find_question *question =
	    container_of(find, struct find_question, find);

	question->lookup->questions--;
	tell_duplicates(question);
	if (outcome != LDAP_OUTCOME_UNAVAILABLE && question->entries > 0)
		answer_valid(question);
	else if (outcome == LDAP_OUTCOME_COMPLETE)
		answer_unknown(question);
	else
		answer_unavailable(question->lookup, "find", question->id,
		    problem);
	free(question);
}

static void
ask_find(struct ldap_lookup *lookup, const struct message *message,
    unsigned long long id)
{
	struct find_question *question = xcalloc(1, sizeof(*question));

	question->lookup = lookup;
	question->id = id;
	address_copy(&question->recipient, message_text(message, "recipient"));
	question->find = (struct ldap_find){
		.reader = &lookup->reader,
		.policy = &lookup->reader.recipients,
		.attributes = lookup->reader.attributes,
		.address = question->recipient.text,
		.match = on_match,
		.again = on_again,
		.done = on_found,
	};
	ldap_find_start(&question->find);
}

static void
on_listed(struct ldap_listing *listing, enum sender_status status,
    unsigned bits, const char *problem)
{
	struct sender_question *question =
	    container_of(listing, struct sender_question, listing);
	struct answer answer;

	question->lookup->questions--;
	if (status == SENDER_LOOKED_UP) {
		answer_begin(&answer, "sender", question->id, "found");
		buf_printf(&answer.out, "listing=%u\n", bits);
		answer_send(question->lookup, &answer);
	} else {
		answer_unavailable(question->lookup, "sender", question->id,
		    problem);
	}
	free(question);
}

static void
ask_sender(struct ldap_lookup *lookup, const struct message *message,
    unsigned long long id)
{
	struct sender_question *question = xcalloc(1, sizeof(*question));

	question->lookup = lookup;
	question->id = id;
	address_copy(&question->recipient, message_text(message, "recipient"));
	address_copy(&question->sender, message_text(message, "sender"));
	question->listing.reader = &lookup->reader;
	question->listing.recipient = question->recipient.text;
	question->listing.sender = question->sender.text;
	question->listing.done = on_listed;
	ldap_listing_start(&question->listing);
}

struct ldap_lookup *
ldap_lookup_create(struct ldap_link *link, const struct ldap_settings *settings,
    struct ldap_lookup_handler *handler)
{
	struct ldap_lookup *lookup = xcalloc(1, sizeof(*lookup));

	ldap_reader_init(&lookup->reader, link, settings);
	lookup->handler = handler;
	return lookup;
}

bool
ldap_lookup_ask(struct ldap_lookup *lookup, const struct message *message)
{
	const char *request = message_text(message, "request");
	const bool find = strcmp(request, "find") == 0;
	const unsigned long long id =
	    message_number(message, "id", UINT64_MAX, 0);

	if (!find && strcmp(request, "sender") != 0)
		return false;
	if (lookup->questions == QUESTIONS_MAX) {
		answer_unavailable(lookup, request, id,
		    "too many questions to the directory");
		return true;
	}
	lookup->questions++;
	if (find)
		ask_find(lookup, message, id);
	else
		ask_sender(lookup, message, id);
	return true;
}
