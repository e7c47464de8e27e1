/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "policyctl_check.h"
#include "policyctl_export.h"
#include "policyctl_import.h"
#include "policyctl_list.h"
#include "policyctl_sync.h"
#include "policyctl_text.h"
#include "policyctl_verb.h"

/* What a verb knows beside --json, which all know but one that says so. */
enum {
	TAKES_FORCE = 1 << 0,
	TAKES_CSV = 1 << 1,
	TAKES_DOMAIN = 1 << 2,
	TAKES_NO_JSON = 1 << 3,
};

struct verb {
	const char *group;
	const char *name;
	unsigned takes;
	/* Words behind it. */
	int least;
	int most;
	enum verb_exit (*run)(const struct policyctl *ctl,
	    const struct verb_arguments *arguments);
	const char *synopsis;
	const char *help;
};

static const struct verb verbs[] = {
	{ "recipient", "check", 0, 1, 1, recipient_check, "ADDRESS",
	    "what replica and directory say of an address" },
	{ "recipient", "list", TAKES_DOMAIN, 0, 0, recipient_list,
	    "[--domain DOMAIN]", "the addresses of the replica" },
	{ "recipient", "sync", TAKES_FORCE, 0, 0, recipient_sync, "[--force]",
	    "copy the directory to the replica now" },
	{ "recipient", "export", TAKES_CSV | TAKES_NO_JSON, 0, 1,
	    recipient_export, "[--csv] [FILE]", "the replica as a file" },
	{ "recipient", "import", TAKES_CSV | TAKES_FORCE, 1, 1,
	    recipient_import, "[--csv] [--force] FILE",
	    "the replica from a file" },
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

enum long_option { FORCE = 256, CSV, DOMAIN_NAME, JSON };

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, JSON },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const struct option verb_options[] = {
	{ "json", no_argument, NULL, JSON },
	{ "force", no_argument, NULL, FORCE },
	{ "csv", no_argument, NULL, CSV },
	{ "domain", required_argument, NULL, DOMAIN_NAME },
	{ NULL, 0, NULL, 0 },
};

/* The words of the command line. */
struct command {
	const char *file;
	const char *socket;
	bool json;
	const struct verb *verb;
	struct verb_arguments arguments;
};

static void
print_usage(FILE *out)
{
	fputs("usage: policyctl [-s SOCKET] [-c FILE] [--json] VERB ...\n",
	    out);
	for (size_t i = 0; i < VERBS; i++) {
		char words[80];

		snprintf(words, sizeof(words), "%s %s %s", verbs[i].group,
		    verbs[i].name, verbs[i].synopsis);
		fprintf(out, "  %-44s %s\n", words, verbs[i].help);
	}
	fputs("\n"
	      "  -s SOCKET  the daemon's admin socket, instead of the one\n"
	      "  -c FILE    that its configuration names, instead of\n"
	      "             " DEFAULT_CONFIG_FILE "\n"
	      "  --json     print JSON\n"
	      "  -V | -h    version, this help\n"
	      "\n"
	      "See policyctl(1).\n",
	    out);
}

static enum verb_exit
misuse(void)
{
	print_usage(stderr);
	return VERB_USAGE;
}

static const struct verb *
find_verb(const char *group, const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].group, group) == 0 &&
		    strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static bool
take_verb_option(struct command *command, int option)
{
	const unsigned takes = command->verb->takes;

	switch (option) {
	case JSON:
		command->json = true;
		return true;
	case FORCE:
		command->arguments.force = true;
		return (takes & TAKES_FORCE) != 0;
	case CSV:
		command->arguments.csv = true;
		return (takes & TAKES_CSV) != 0;
	case DOMAIN_NAME:
		command->arguments.domain = optarg;
		return (takes & TAKES_DOMAIN) != 0;
	default:
		return false;
	}
}

/* Reads what stands behind the verb; false when it does not fit. */
static bool
read_verb_arguments(struct command *command, int argc, char **argv)
{
	const struct verb *verb = command->verb;
	int option;

	/* Begins anew (getopt(3)). */
	optind = 0;
	while ((option = getopt_long(argc, argv, "", verb_options, NULL)) != -1)
		if (!take_verb_option(command, option))
			return false;
	command->arguments.word = argv + optind;
	command->arguments.count = argc - optind;
	return command->arguments.count >= verb->least &&
	       command->arguments.count <= verb->most &&
	       !(command->json && (verb->takes & TAKES_NO_JSON) != 0);
}

/* The socket that the configuration names. */
static enum verb_exit
find_socket(const char *file, char **path)
{
	struct err err;
	struct conf *conf = conf_read(file, &err);

	if (conf == NULL) {
		fputs("policyctl: cannot tell where the daemon listens: ",
		    stderr);
		text_put_sentence(stderr, err.text);
		fputs(" (-s SOCKET tells it, too)\n", stderr);
		return VERB_AWAY;
	}
	*path = conf->control;
	conf->control = NULL;
	conf_free(conf);
	if (**path != '\0')
		return VERB_DONE;
	fprintf(stderr,
	    "policyctl: %s has control = \"\": policyd has no "
	    "admin socket\n",
	    file);
	return VERB_AWAY;
}

/* What was printed must have arrived. */
static enum verb_exit
finish_output(enum verb_exit code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	fprintf(stderr, "policyctl: cannot write: %s\n", strerror(errno));
	return code == VERB_DONE ? VERB_NO : code;
}

static enum verb_exit
run(const struct command *command)
{
	struct policyctl ctl = {
		.socket = command->socket,
		.json = command->json,
	};
	char *found = NULL;
	enum verb_exit code = VERB_DONE;

	if (ctl.socket == NULL) {
		code = find_socket(command->file, &found);
		ctl.socket = found;
	}
	if (code == VERB_DONE)
		code = command->verb->run(&ctl, &command->arguments);
	free(found);
	return finish_output(code);
}

static enum verb_exit
run_verb(struct command *command, int argc, char **argv)
{
	if (argc >= 2)
		command->verb = find_verb(argv[0], argv[1]);
	if (command->verb == NULL ||
	    !read_verb_arguments(command, argc - 1, argv + 1))
		return misuse();
	return run(command);
}

int
main(int argc, char **argv)
{
	struct command command = { .file = DEFAULT_CONFIG_FILE };
	int option;

	while ((option = getopt_long(argc, argv, "+s:c:hV", options, NULL)) !=
	       -1) {
		switch (option) {
		case 's':
			command.socket = optarg;
			break;
		case 'c':
			command.file = optarg;
			break;
		case JSON:
			command.json = true;
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return VERB_DONE;
		case 'h':
			print_usage(stdout);
			return VERB_DONE;
		default:
			return (int)misuse();
		}
	}
	return (int)run_verb(&command, argc - optind, argv + optind);
}
