/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control_text.h"
#include "policyctl_client.h"
#include "policyctl_file.h"
#include "policyctl_json.h"
#include "policyctl_rows.h"

enum {
	/* Addresses and senders of one message: the daemon takes one in a turn
	 * of its loop, between the questions of Postfix. */
	MESSAGE_ROWS = 100,
	/* Attributes and bytes that one of them adds at most. */
	MESSAGE_ATTRIBUTES = 2 * MESSAGE_ROWS + 2,
	ROW_SIZE = 1024,
};

_Static_assert(MESSAGE_ATTRIBUTES <= CHANNEL_ATTRIBUTES &&
		   MESSAGE_ROWS * 512 < CHANNEL_MESSAGE,
    "a message is never too large");

/* A message that is being filled. */
struct upload {
	struct client *client;
	const struct rows *rows;
	struct buf message;
	unsigned count;
	/* The object that is told. */
	const struct recipient_record *record;
	char memory[CHANNEL_MESSAGE];
};

/* Sends what there is, and waits until the daemon has taken it. */
static enum client_answer
exchange(struct upload *upload, struct message *answer, struct err *err)
{
	if (client_send(upload->client, &upload->message, err) != 0)
		return CLIENT_LOST;
	buf_clear(&upload->message);
	upload->count = 0;
	return client_receive(upload->client, answer, err);
}

/* The answer when all is well is: go on. */
static enum client_answer
flush(struct upload *upload, struct err *err)
{
	struct message message;
	const enum client_answer answer = exchange(upload, &message, err);

	if (answer != CLIENT_END)
		return answer;
	err_set(err, "policyd has ended the import");
	return CLIENT_LOST;
}

/* Makes room for a row: of the object that is told. */
static enum client_answer
make_room(struct upload *upload, struct err *err)
{
	enum client_answer answer;

	if (upload->count++ < MESSAGE_ROWS &&
	    buf_room(&upload->message) >= ROW_SIZE)
		return CLIENT_MORE;
	answer = flush(upload, err);
	if (answer == CLIENT_MORE) {
		upload->count = 1;
		control_put_record(&upload->message, "more", upload->record);
	}
	return answer;
}

static enum client_answer
send_senders(struct upload *upload, struct err *err)
{
	enum client_answer answer = CLIENT_MORE;
	size_t count;
	size_t at = rows_find_senders(upload->rows, upload->record->id, &count);

	for (; answer == CLIENT_MORE && count > 0; at++, count--) {
		const struct sender_row *row = &upload->rows->sender[at];

		answer = make_room(upload, err);
		if (answer != CLIENT_MORE)
			break;
		control_put_number(&upload->message, "listing", row->listing);
		control_put_text(&upload->message, "sender", row->sender);
	}
	return answer;
}

/* Sends the object whose rows begin at `*at`, which moves on. */
static enum client_answer
send_object(struct upload *upload, size_t *at, struct err *err)
{
	const struct rows *rows = upload->rows;
	const struct recipient_record *record = &rows->recipient[*at].record;
	enum client_answer answer;
	size_t i = *at;

	upload->record = record;
	/* Half-full messages cost nothing, and most objects stay whole. */
	control_put_record(&upload->message, "record", record);
	do {
		answer = make_room(upload, err);
		if (answer == CLIENT_MORE)
			control_put_text(&upload->message, "address",
			    rows->recipient[i].address);
		i++;
	} while (answer == CLIENT_MORE && i < rows->count &&
		 memcmp(rows->recipient[i].record.id, record->id,
		     RECIPIENT_ID) == 0);
	*at = i;
	return answer == CLIENT_MORE ? send_senders(upload, err) : answer;
}

static enum client_answer
begin(struct upload *upload, bool is_forced, struct err *err)
{
	client_request(&upload->message, "recipient-import");
	control_put_text(&upload->message, "force", is_forced ? "yes" : "no");
	return flush(upload, err);
}

/* Sends all; `result` is the last message of the daemon. */
static enum client_answer
send_all(struct upload *upload, bool is_forced, struct message *result,
    struct err *err)
{
	enum client_answer answer = begin(upload, is_forced, err);
	size_t at = 0;

	while (answer == CLIENT_MORE && at < upload->rows->count)
		answer = send_object(upload, &at, err);
	if (answer == CLIENT_MORE && upload->count > 0)
		answer = flush(upload, err);
	if (answer != CLIENT_MORE)
		return answer;
	control_put_text(&upload->message, "commit", "yes");
	return exchange(upload, result, err);
}

static enum verb_exit
conclude(const struct policyctl *ctl, const struct message *result)
{
	const char *refused = message_text(result, "refused");
	const unsigned long long objects =
	    message_number(result, "objects", 1ULL << 60, 0);
	const unsigned long long addresses =
	    message_number(result, "addresses", 1ULL << 60, 0);
	struct err err;

	if (*refused != '\0') {
		err_set(&err,
		    "the recipients are as they were: %s; --force takes the "
		    "new ones",
		    refused);
		return client_complain(CLIENT_REFUSED, &err);
	}
	if (ctl->json) {
		json_print(stdout,
		    json_pack("{s:I, s:I}", "recipients", (json_int_t)objects,
			"addresses", (json_int_t)addresses));
		putchar('\n');
	} else {
		printf("imported: %llu recipients with %llu addresses\n",
		    objects, addresses);
	}
	return VERB_DONE;
}

static enum verb_exit
upload_rows(const struct policyctl *ctl, const struct rows *rows,
    bool is_forced)
{
	struct upload upload = { .rows = rows };
	struct message result;
	enum client_answer answer;
	enum verb_exit code;
	struct err err;

	upload.client = client_connect(ctl->socket, &err);
	if (upload.client == NULL)
		return client_complain(CLIENT_LOST, &err);
	buf_init(&upload.message, upload.memory, sizeof(upload.memory));
	answer = send_all(&upload, is_forced, &result, &err);
	code = answer == CLIENT_END ? conclude(ctl, &result)
				    : client_complain(answer, &err);
	client_close(upload.client);
	return code;
}

static int
read_file(const char *name, bool is_csv, struct rows *rows, struct err *err)
{
	const bool is_stdin = strcmp(name, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(name, "r");
	const char *shown = is_stdin ? "standard input" : name;
	int failed;

	if (in == NULL) {
		err_set(err, "%s: %s", name, strerror(errno));
		return -1;
	}
	failed =
	    (is_csv ? file_read_csv : file_read_text)(in, shown, rows, err);
	if (!is_stdin)
		fclose(in);
	return failed == 0 ? rows_arrange(rows, shown, err) : -1;
}

enum verb_exit
recipient_import(const struct policyctl *ctl,
    const struct verb_arguments *arguments)
{
	struct rows rows = { .count = 0 };
	struct err err;
	enum verb_exit code;

	/* The whole file is read before the first word to the daemon. */
	if (read_file(arguments->word[0], arguments->csv, &rows, &err) == 0)
		code = upload_rows(ctl, &rows, arguments->force);
	else
		code = client_complain(CLIENT_REFUSED, &err);
	rows_finish(&rows);
	return code;
}
