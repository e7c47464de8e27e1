/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_list.h"

#include <stdio.h>
#include <string.h>

#include "control_text.h"
#include "policyctl_client.h"
#include "policyctl_json.h"
#include "policyctl_text.h"

enum { REQUEST_SIZE = 4096 };

struct list {
	const struct policyctl *ctl;
	bool is_first;
};

static void
print_json(struct list *list, const char *address, const char *record)
{
	json_t *object = json_object();
	struct recipient_record settings;

	json_object_set_new(object, "address", json_address(address));
	if (control_read_record(record, &settings))
		json_put_settings(object, &settings);
	fputs(list->is_first ? "[\n" : ",\n", stdout);
	list->is_first = false;
	json_print(stdout, object);
}

static void
print_rows(struct list *list, const struct message *message)
{
	const char *record = "";

	for (size_t i = 0; i < message->count; i++) {
		const struct attr *attr = &message->attributes[i];

		if (strcmp(attr->name, "record") == 0)
			record = attr->value;
		if (strcmp(attr->name, "address") != 0)
			continue;
		if (list->ctl->json) {
			print_json(list, attr->value, record);
			continue;
		}
		text_put_address(stdout, attr->value);
		putchar('\n');
	}
}

static enum client_answer
print_all(struct list *list, struct client *client, struct err *err)
{
	enum client_answer answer;
	struct message message;

	do {
		answer = client_receive(client, &message, err);
		if (answer == CLIENT_MORE || answer == CLIENT_END)
			print_rows(list, &message);
	} while (answer == CLIENT_MORE);
	if (list->ctl->json && answer == CLIENT_END)
		fputs(list->is_first ? "[]\n" : "\n]\n", stdout);
	return answer;
}

static enum client_answer
ask(const struct policyctl *ctl, struct client *client, const char *domain,
    struct err *err)
{
	char memory[REQUEST_SIZE];
	struct buf request;

	buf_init(&request, memory, sizeof(memory));
	client_request(&request, "recipient-list");
	control_put_text(&request, "records", ctl->json ? "yes" : "no");
	if (domain != NULL)
		control_put_text(&request, "domain", domain);
	return client_send(client, &request, err) == 0 ? CLIENT_MORE
						       : CLIENT_LOST;
}

enum verb_exit
recipient_list(const struct policyctl *ctl,
    const struct verb_arguments *arguments)
{
	struct list list = { .ctl = ctl, .is_first = true };
	enum client_answer answer;
	struct err err;
	struct client *client = client_connect(ctl->socket, &err);

	if (client == NULL)
		return client_complain(CLIENT_LOST, &err);
	answer = ask(ctl, client, arguments->domain, &err);
	if (answer == CLIENT_MORE)
		answer = print_all(&list, client, &err);
	client_close(client);
	return answer == CLIENT_END ? VERB_DONE : client_complain(answer, &err);
}
