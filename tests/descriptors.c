/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "descriptors.h"

#include <check.h>
#include <dirent.h>

static unsigned before;

static unsigned
open_now(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

void
descriptors_count(void)
{
	before = open_now();
}

void
descriptors_check(void)
{
	ck_assert_uint_eq(open_now(), before);
}
