/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_text.h"
#include "directory.h"
#include "duration.h"
#include "policyctl_client.h"
#include "policyctl_json.h"
#include "policyctl_settings.h"
#include "policyctl_text.h"
#include "xalloc.h"

enum {
	/* Room for a request with an address. */
	REQUEST_SIZE = 4096,
	/* Senders of a list that are shown to a person. */
	SENDERS_SHOWN = 20,
	NOTE_SIZE = 512,
};

/* What the replica says, or the directory. */
struct opinion {
	bool is_there;
	enum recipient_status status;
	struct recipient_record record;
	/* How long it took. */
	double ms;
	/* Why there is no answer, or who gave it. */
	char note[NOTE_SIZE];
	/* The replica's: how long ago the directory confirmed it; -1: never. */
	long long age;
};

struct sender_of {
	char *name;
	unsigned listing;
};

struct check {
	struct client *client;
	char *address;
	struct opinion replica;
	struct opinion directory;
	/* Of the lists, as the replica has them. */
	struct sender_of *sender;
	size_t senders;
	size_t room;
};

static void
take_opinion(struct opinion *opinion, const struct message *message)
{
	const bool is_answered =
	    strcmp(message_text(message, "status"), "unavailable") != 0;

	opinion->is_there = true;
	opinion->status = control_read_status(message_text(message, "status"));
	opinion->ms =
	    (double)message_number(message, "microseconds", 1ULL << 40, 0) /
	    1000.0;
	opinion->age = -1;
	if (*message_text(message, "age") != '\0')
		opinion->age =
		    (long long)message_number(message, "age", 1ULL << 40, 0);
	snprintf(opinion->note, sizeof(opinion->note), "%s",
	    message_text(message, is_answered ? "server" : "problem"));
	if (opinion->status == RECIPIENT_VALID &&
	    !control_read_record(message_text(message, "record"),
		&opinion->record))
		opinion->status = RECIPIENT_UNAVAILABLE;
}

static enum client_answer
ask_opinions(struct check *check, struct err *err)
{
	char memory[REQUEST_SIZE];
	struct buf request;
	struct message message;
	enum client_answer answer = CLIENT_MORE;

	buf_init(&request, memory, sizeof(memory));
	client_request(&request, "recipient-check");
	control_put_text(&request, "recipient", check->address);
	if (client_send(check->client, &request, err) != 0)
		return CLIENT_LOST;
	while (answer == CLIENT_MORE) {
		answer = client_receive(check->client, &message, err);
		if (answer == CLIENT_LOST || answer == CLIENT_REFUSED)
			break;
		if (strcmp(message_text(&message, "from"), "replica") == 0)
			take_opinion(&check->replica, &message);
		if (strcmp(message_text(&message, "from"), "directory") == 0)
			take_opinion(&check->directory, &message);
	}
	return answer;
}

static void
add_sender(struct check *check, const char *name, unsigned listing)
{
	if (check->senders == check->room) {
		check->room = check->room == 0 ? 64 : 2 * check->room;
		check->sender = xrealloc(check->sender,
		    check->room * sizeof(*check->sender));
	}
	check->sender[check->senders++] =
	    (struct sender_of){ xstrdup(name), listing };
}

static void
take_senders(struct check *check, const struct message *message)
{
	unsigned listing = 0;

	for (size_t i = 0; i < message->count; i++) {
		const struct attr *attr = &message->attributes[i];

		if (strcmp(attr->name, "listing") == 0)
			listing = (unsigned)strtoul(attr->value, NULL, 10);
		else if (strcmp(attr->name, "sender") == 0)
			add_sender(check, attr->value, listing);
	}
}

/* The lists are those of the replica: it has them all at hand. */
static enum client_answer
ask_senders(struct check *check, struct err *err)
{
	const struct recipient_record *record = &check->replica.record;
	char memory[REQUEST_SIZE];
	struct buf request;
	struct message message;
	enum client_answer answer = CLIENT_MORE;

	if (check->replica.status != RECIPIENT_VALID ||
	    !(record->permits || record->refuses || record->allows))
		return CLIENT_END;
	buf_init(&request, memory, sizeof(memory));
	client_request(&request, "recipient-senders");
	buf_puts(&request, "id=");
	recipient_setting_write(&recipient_settings[0], record, &request);
	buf_putc(&request, '\n');
	if (client_send(check->client, &request, err) != 0)
		return CLIENT_LOST;
	while (answer == CLIENT_MORE) {
		answer = client_receive(check->client, &message, err);
		if (answer == CLIENT_MORE || answer == CLIENT_END)
			take_senders(check, &message);
	}
	return answer;
}

/* What the mail gets to hear: the replica answers for what it has, the
 * directory for the rest. */
static enum recipient_status
status_of(const struct check *check)
{
	if (check->replica.status == RECIPIENT_VALID)
		return RECIPIENT_VALID;
	if (check->directory.is_there)
		return check->directory.status;
	return check->replica.status;
}

/* The one whose settings hold: of the replica, if it has the recipient. */
static const struct recipient_record *
record_of(const struct check *check)
{
	if (check->replica.status == RECIPIENT_VALID)
		return &check->replica.record;
	if (check->directory.status == RECIPIENT_VALID)
		return &check->directory.record;
	return NULL;
}

static bool
settings_differ(const struct check *check)
{
	char replica[RECORD_SIZE];
	char directory[RECORD_SIZE];
	size_t len;

	if (check->replica.status != RECIPIENT_VALID ||
	    check->directory.status != RECIPIENT_VALID)
		return false;
	len = recipient_record_write(&check->replica.record, replica);
	return recipient_record_write(&check->directory.record, directory) !=
		   len ||
	       memcmp(replica, directory, len) != 0;
}

static void
print_opinion(const char *name, const struct opinion *opinion)
{
	char age[DURATION_TEXT];

	if (!opinion->is_there) {
		printf("  %-14s none\n", name);
		return;
	}
	printf("  %-14s %s, %.2f ms", name,
	    control_status_name(opinion->status), opinion->ms);
	if (*opinion->note != '\0') {
		fputs(", ", stdout);
		text_put_sentence(stdout, opinion->note);
	}
	if (opinion->age >= 0) {
		duration_format(opinion->age, age);
		printf(", confirmed %s ago", age);
	}
	putchar('\n');
}

static void
print_settings(const struct recipient_record *record)
{
	for (const struct recipient_setting *setting = recipient_settings;
	     setting->name != NULL; setting++) {
		char memory[SETTING_TEXT];
		struct buf text;

		buf_init(&text, memory, sizeof(memory));
		recipient_setting_write(setting, record, &text);
		if (text.len == 0)
			buf_puts(&text, "default");
		printf("  %-14s %.*s\n", setting->label, (int)text.len,
		    text.data);
	}
}

static void
print_list(const struct check *check, const char *name, unsigned listing)
{
	size_t count = 0;

	for (size_t i = 0; i < check->senders; i++) {
		if ((check->sender[i].listing & listing) == 0)
			continue;
		if (strcmp(check->sender[i].name, SENDER_MANY) == 0) {
			printf("  %-14s too many for the replica: the "
			       "directory is asked\n",
			    name);
			continue;
		}
		if (count++ >= SENDERS_SHOWN)
			continue;
		printf("  %-14s <", name);
		text_put_address(stdout, check->sender[i].name);
		fputs(">\n", stdout);
	}
	if (count > SENDERS_SHOWN)
		printf("  %-14s and %zu more\n", name, count - SENDERS_SHOWN);
}

static void
print_check(const struct check *check)
{
	const struct recipient_record *record = record_of(check);

	text_put_address(stdout, check->address);
	printf(": %s\n", control_status_name(status_of(check)));
	print_opinion("replica", &check->replica);
	print_opinion("directory", &check->directory);
	if (record == NULL)
		return;
	print_settings(record);
	print_list(check, "permitted", SENDER_PERMITTED);
	print_list(check, "refused", SENDER_REFUSED);
	print_list(check, "allowed", SENDER_ALLOWED);
	if (!settings_differ(check))
		return;
	puts("The replica is behind; the directory has these settings now:");
	print_settings(&check->directory.record);
}

static json_t *
json_opinion(const struct opinion *opinion, const char *note)
{
	json_t *object;

	if (!opinion->is_there)
		return json_null();
	object = json_pack("{s:s, s:f}", "status",
	    control_status_name(opinion->status), "ms", opinion->ms);
	if (*opinion->note != '\0')
		json_object_set_new(object,
		    opinion->status == RECIPIENT_UNAVAILABLE ? "problem" : note,
		    json_address(opinion->note));
	if (opinion->age >= 0)
		json_object_set_new(object, "age", json_integer(opinion->age));
	if (opinion->status == RECIPIENT_VALID)
		json_put_settings(object, &opinion->record);
	return object;
}

static json_t *
json_list(const struct check *check, unsigned listing)
{
	json_t *list = json_array();

	for (size_t i = 0; i < check->senders; i++)
		if ((check->sender[i].listing & listing) != 0)
			json_array_append_new(list,
			    json_address(check->sender[i].name));
	return list;
}

static void
print_json(const struct check *check)
{
	json_t *object = json_object();

	json_object_set_new(object, "recipient", json_address(check->address));
	json_object_set_new(object, "status",
	    json_string(control_status_name(status_of(check))));
	json_object_set_new(object, "replica",
	    json_opinion(&check->replica, "note"));
	json_object_set_new(object, "directory",
	    json_opinion(&check->directory, "server"));
	json_object_set_new(object, "permitted",
	    json_list(check, SENDER_PERMITTED));
	json_object_set_new(object, "refused",
	    json_list(check, SENDER_REFUSED));
	json_object_set_new(object, "allowed",
	    json_list(check, SENDER_ALLOWED));
	json_print(stdout, object);
	putchar('\n');
}

static enum verb_exit
print(const struct policyctl *ctl, const struct check *check)
{
	if (ctl->json)
		print_json(check);
	else
		print_check(check);
	return status_of(check) == RECIPIENT_VALID ? VERB_DONE : VERB_NO;
}

static enum verb_exit
run(const struct policyctl *ctl, struct check *check)
{
	struct err err;
	enum client_answer answer;

	check->client = client_connect(ctl->socket, &err);
	if (check->client == NULL)
		return client_complain(CLIENT_LOST, &err);
	answer = ask_opinions(check, &err);
	if (answer == CLIENT_END)
		answer = ask_senders(check, &err);
	if (answer != CLIENT_END)
		return client_complain(answer, &err);
	if (check->replica.is_there || check->directory.is_there)
		return print(ctl, check);
	err_set(&err,
	    "recipients are not checked: in the configuration, recipients has "
	    "source = none");
	return client_complain(CLIENT_REFUSED, &err);
}

enum verb_exit
recipient_check(const struct policyctl *ctl,
    const struct verb_arguments *arguments)
{
	struct check check = { .address = xstrdup(arguments->word[0]) };
	enum verb_exit code;

	/* As `list` has shown it. */
	text_unescape(check.address);
	code = run(ctl, &check);
	client_close(check.client);
	for (size_t i = 0; i < check.senders; i++)
		free(check.sender[i].name);
	free(check.sender);
	free(check.address);
	return code;
}
