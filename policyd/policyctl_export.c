/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_text.h"
#include "policyctl_client.h"
#include "policyctl_file.h"
#include "policyctl_rows.h"
#include "policyctl_settings.h"

enum { REQUEST_SIZE = 256 };

static void
take_recipients(struct rows *rows, const struct message *message)
{
	struct recipient_record record = { .disabled = false };

	for (size_t i = 0; i < message->count; i++) {
		const struct attr *attr = &message->attributes[i];

		if (strcmp(attr->name, "record") == 0)
			control_read_record(attr->value, &record);
		else if (strcmp(attr->name, "address") == 0)
			rows_add(rows, attr->value, &record, 0);
	}
}

static enum client_answer
fetch_recipients(struct client *client, struct rows *rows, struct err *err)
{
	char memory[REQUEST_SIZE];
	struct buf request;
	struct message message;
	enum client_answer answer = CLIENT_MORE;

	buf_init(&request, memory, sizeof(memory));
	client_request(&request, "recipient-list");
	control_put_text(&request, "records", "yes");
	if (client_send(client, &request, err) != 0)
		return CLIENT_LOST;
	while (answer == CLIENT_MORE) {
		answer = client_receive(client, &message, err);
		if (answer == CLIENT_MORE || answer == CLIENT_END)
			take_recipients(rows, &message);
	}
	return answer;
}

static void
take_senders(struct rows *rows, const unsigned char *id,
    const struct message *message)
{
	unsigned listing = 0;

	for (size_t i = 0; i < message->count; i++) {
		const struct attr *attr = &message->attributes[i];

		if (strcmp(attr->name, "listing") == 0)
			listing = (unsigned)strtoul(attr->value, NULL, 10);
		else if (strcmp(attr->name, "sender") == 0)
			rows_add_sender(rows, id, attr->value, listing);
	}
}

static enum client_answer
fetch_senders_of(struct client *client, struct rows *rows,
    const struct recipient_record *record, struct err *err)
{
	char memory[REQUEST_SIZE];
	struct buf request;
	struct message message;
	enum client_answer answer = CLIENT_MORE;

	buf_init(&request, memory, sizeof(memory));
	client_request(&request, "recipient-senders");
	buf_puts(&request, "id=");
	recipient_setting_write(&recipient_settings[0], record, &request);
	buf_putc(&request, '\n');
	if (client_send(client, &request, err) != 0)
		return CLIENT_LOST;
	while (answer == CLIENT_MORE) {
		answer = client_receive(client, &message, err);
		if (answer == CLIENT_MORE || answer == CLIENT_END)
			take_senders(rows, record->id, &message);
	}
	return answer;
}

/* The lists of each recipient that has any, with one of its rows. */
static enum client_answer
fetch_senders(struct client *client, struct rows *rows, struct err *err)
{
	enum client_answer answer = CLIENT_END;
	const unsigned char *last = NULL;

	rows_sort_by_id(rows);
	for (size_t i = 0; answer == CLIENT_END && i < rows->count; i++) {
		struct recipient_row *row = &rows->recipient[i];
		const struct recipient_record *record = &row->record;

		if (!(record->permits || record->refuses || record->allows) ||
		    (last != NULL &&
			memcmp(last, record->id, RECIPIENT_ID) == 0))
			continue;
		last = record->id;
		row->tells_lists = true;
		answer = fetch_senders_of(client, rows, record, err);
	}
	rows_sort_by_address(rows);
	return answer;
}

static enum client_answer
fetch(const struct policyctl *ctl, bool with_senders, struct rows *rows,
    struct err *err)
{
	struct client *client = client_connect(ctl->socket, err);
	enum client_answer answer;

	if (client == NULL)
		return CLIENT_LOST;
	answer = fetch_recipients(client, rows, err);
	if (answer == CLIENT_END && with_senders)
		answer = fetch_senders(client, rows, err);
	client_close(client);
	return answer;
}

/* Writes all; a file that is there is replaced only when there is something to
 * replace it with. */
static int
write_file(const char *name, bool is_csv, const struct rows *rows,
    struct err *err)
{
	FILE *out = name != NULL ? fopen(name, "w") : stdout;
	bool is_written;

	if (out == NULL) {
		err_set(err, "%s: %s", name, strerror(errno));
		return -1;
	}
	(is_csv ? file_write_csv : file_write_text)(out, rows);
	is_written = fflush(out) == 0 && !ferror(out);
	if (name != NULL && fclose(out) != 0)
		is_written = false;
	if (is_written)
		return 0;
	err_set(err, "%s: cannot be written: %s",
	    name != NULL ? name : "standard output", strerror(errno));
	return -1;
}

enum verb_exit
recipient_export(const struct policyctl *ctl,
    const struct verb_arguments *arguments)
{
	struct rows rows = { .count = 0 };
	struct err err;
	enum client_answer answer = fetch(ctl, arguments->csv, &rows, &err);

	if (answer == CLIENT_END &&
	    write_file(arguments->word[0], arguments->csv, &rows, &err) != 0)
		answer = CLIENT_REFUSED;
	rows_finish(&rows);
	return answer == CLIENT_END ? VERB_DONE : client_complain(answer, &err);
}
