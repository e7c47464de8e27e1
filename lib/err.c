/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
err_set(struct err *err, const char *format, ...)
{
	/* The old sentence may be an argument of the new one. */
	char text[ERR_TEXT];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	memcpy(err->text, text, sizeof(text));
}
