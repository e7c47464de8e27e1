/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf.h"
#include "conf_policy.h"
#include "directoryd.h"
#include "ldap_probe.h"
#include "policyd.h"

static const char usage[] =
    "usage: policyd [-c FILE] [-f] [-v]    serve Postfix\n"
    "       policyd [-c FILE] -t           check the configuration and the "
    "directory\n"
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

/* Whether the directory can be asked as it is configured. */
static int
try_directory(const struct conf *conf)
{
	struct ldap_settings *settings;
	int failed;

	if (conf->recipients.source != CONF_SOURCE_LDAP)
		return EX_OK;
	settings = conf_ldap_settings(conf);
	failed = ldap_probe(settings, stdout);
	ldap_settings_free(settings);
	return failed == 0 ? EX_OK : EX_UNAVAILABLE;
}

static int
serve_or_check(enum task task, const struct policyd_options *options)
{
	struct err err;
	struct conf *conf = conf_read(options->file, &err);
	int code;

	if (conf == NULL) {
		fprintf(stderr, "policyd: %s\n", err.text);
		return EX_CONFIG;
	}
	if (task == SERVE)
		return policyd_run(options, conf);
	printf("%s: the configuration is good\n", options->file);
	fflush(stdout);
	code = try_directory(conf);
	conf_free(conf);
	return code;
}

int
main(int argc, char **argv)
{
	struct policyd_options options = { .file = DEFAULT_CONFIG_FILE };
	enum task task = SERVE;
	int option;

	/* The daemon starts its directory process so (directory_child.h). */
	if (argc == 2 && strcmp(argv[1], DIRECTORYD_OPTION) == 0)
		return directoryd_run();
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
