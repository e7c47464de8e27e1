/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf.h"
#include "policyd.h"

static const char usage[] =
    "usage: policyd [-c FILE] [-f] [-v]    serve Postfix\n"
    "       policyd [-c FILE] -t           check the configuration\n"
    "       policyd -p                     print every key, its default and "
    "its meaning\n"
    "       policyd -V | -h                version, this help\n"
    "\n"
    "  -c FILE  the configuration, instead of " DEFAULT_CONFIG_FILE "\n"
    "  -f       stay in the foreground\n"
    "  -v       log more\n"
    "\n"
    "See policyd(8) and policyd.conf(5).\n";

enum task { SERVE = 0, CHECK, PRINT };

static int
serve_or_check(enum task task, const struct policyd_options *options)
{
	struct err err;
	struct conf *conf = conf_read(options->file, &err);

	if (conf == NULL) {
		fprintf(stderr, "policyd: %s\n", err.text);
		return EX_CONFIG;
	}
	if (task == SERVE)
		return policyd_run(options, conf);
	conf_free(conf);
	printf("%s: the configuration is good\n", options->file);
	return EX_OK;
}

int
main(int argc, char **argv)
{
	struct policyd_options options = { .file = DEFAULT_CONFIG_FILE };
	enum task task = SERVE;
	int option;

	while ((option = getopt(argc, argv, "c:ftpvVh")) != -1) {
		switch (option) {
		case 'c':
			options.file = optarg;
			break;
		case 'f':
			options.foreground = true;
			break;
		case 't':
			task = CHECK;
			break;
		case 'p':
			task = PRINT;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'V':
			puts(PACKAGE_STRING);
			return EX_OK;
		case 'h':
			fputs(usage, stdout);
			return EX_OK;
		default:
			fputs(usage, stderr);
			return EX_USAGE;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	if (task == PRINT) {
		conf_print(stdout);
		return EX_OK;
	}
	return serve_or_check(task, &options);
}
