/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "policyctl_sync.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control_text.h"
#include "policyctl_client.h"
#include "policyctl_json.h"

enum { REQUEST_SIZE = 256 };

/* Seconds between two lines when nobody looks at a terminal. */
#define LINE_EVERY 10.0

struct progress {
	bool is_silent;
	bool is_terminal;
	/* A line stands on the terminal that the next one replaces. */
	bool is_shown;
	double began;
	/* When the last line was printed. */
	double told;
};

static unsigned long long
number_of(const struct message *message, const char *name)
{
	return message_number(message, name, 1ULL << 60, 0);
}

/* "12000 recipients, 60 % of the last count, 4 s" */
static void
print_progress(const struct progress *progress, const struct message *message)
{
	const unsigned long long objects = number_of(message, "objects");
	const unsigned long long expected = number_of(message, "expected");
	const double elapsed = clock_seconds() - progress->began;

	if (strcmp(message_text(message, "running"), "yes") != 0)
		printf("waiting for the directory process, ");
	else if (expected > 0)
		printf("%llu recipients, %llu %% of the last count, ", objects,
		    objects * 100 / expected);
	else
		printf("%llu recipients, ", objects);
	printf("%.0f s", elapsed);
}

static void
show_progress(struct progress *progress, const struct message *message)
{
	const double now = clock_seconds();

	if (progress->is_silent)
		return;
	if (progress->is_terminal) {
		printf("\r");
		print_progress(progress, message);
		printf("\033[K");
		progress->is_shown = true;
	} else if (now >= progress->told + LINE_EVERY) {
		print_progress(progress, message);
		printf("\n");
		progress->told = now;
	}
	fflush(stdout);
}

static void
end_progress(const struct progress *progress)
{
	if (progress->is_shown)
		printf("\r\033[K");
}

static void
print_result(const struct policyctl *ctl, const struct progress *progress,
    const struct message *message)
{
	const double elapsed = clock_seconds() - progress->began;
	const unsigned long long objects = number_of(message, "objects");
	const unsigned long long addresses = number_of(message, "addresses");

	if (!ctl->json) {
		printf("synced: %llu recipients with %llu addresses in %.1f "
		       "s\n",
		    objects, addresses, elapsed);
		return;
	}
	json_print(stdout,
	    json_pack("{s:I, s:I, s:f}", "recipients", (json_int_t)objects,
		"addresses", (json_int_t)addresses, "seconds", elapsed));
	putchar('\n');
}

/* The last message: done, or refused since too much would be gone. */
static enum verb_exit
conclude(const struct policyctl *ctl, const struct progress *progress,
    const struct message *message)
{
	const char *refused = message_text(message, "refused");
	struct err err;

	if (*refused == '\0') {
		print_result(ctl, progress, message);
		return VERB_DONE;
	}
	err_set(&err,
	    "the replica stays as it was: %s; --force takes the new one",
	    refused);
	return client_complain(CLIENT_REFUSED, &err);
}

static enum verb_exit
follow(const struct policyctl *ctl, struct client *client)
{
	struct progress progress = {
		.is_silent = ctl->json,
		.is_terminal = isatty(STDOUT_FILENO),
		.began = clock_seconds(),
		.told = clock_seconds(),
	};
	enum client_answer answer;
	struct message message;
	struct err err;

	while ((answer = client_receive(client, &message, &err)) == CLIENT_MORE)
		show_progress(&progress, &message);
	end_progress(&progress);
	return answer == CLIENT_END ? conclude(ctl, &progress, &message)
				    : client_complain(answer, &err);
}

enum verb_exit
recipient_sync(const struct policyctl *ctl,
    const struct verb_arguments *arguments)
{
	char memory[REQUEST_SIZE];
	struct buf request;
	enum verb_exit code;
	struct err err;
	struct client *client = client_connect(ctl->socket, &err);

	if (client == NULL)
		return client_complain(CLIENT_LOST, &err);
	buf_init(&request, memory, sizeof(memory));
	client_request(&request, "recipient-sync");
	control_put_text(&request, "force", arguments->force ? "yes" : "no");
	code = client_send(client, &request, &err) == 0
		   ? follow(ctl, client)
		   : client_complain(CLIENT_LOST, &err);
	client_close(client);
	return code;
}
