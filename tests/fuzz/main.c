/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzzer over the files and folders that are named, once each: what
 * libFuzzer does with -runs=0, for compilers that do not have it.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
give_up(const char *name)
{
	perror(name);
	exit(EXIT_FAILURE);
}

/* The bytes lie in memory of exactly their size, so that a sanitizer sees a
 * read beyond them. */
static void
run_file(const char *name, size_t size)
{
	FILE *file = fopen(name, "rb");
	uint8_t *data = malloc(size == 0 ? 1 : size);

	if (file == NULL || data == NULL || fread(data, 1, size, file) != size)
		give_up(name);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static unsigned run_path(const char *path);

static unsigned
run_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned count = 0;
	char *path;

	if (dir == NULL)
		give_up(folder);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
			give_up(folder);
		count += run_path(path);
		free(path);
	}
	closedir(dir);
	return count;
}

/* Returns the number of inputs. */
static unsigned
run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		give_up(path);
	if (S_ISDIR(st.st_mode))
		return run_folder(path);
	run_file(path, (size_t)st.st_size);
	return 1;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;

	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			count += run_path(argv[i]);
	printf("%u inputs\n", count);
	return count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
