/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where log lines go: to syslog (facility mail), or to stderr with the time in
 * front.  Neither ever blocks: what cannot be written at once waits in a
 * buffer, and what does not fit there is dropped and counted.
 */
#pragma once

#include <stdint.h>

#include "log.h"

/* A sink that sends datagrams to /dev/log, connecting again when the log
 * daemon was restarted.  `dropped` counts lines and is kept. */
struct log_sink *logsink_syslog_create(uint64_t *dropped);

/* A sink that writes to `fd`, which stays the caller's. */
struct log_sink *logsink_stream_create(int fd, uint64_t *dropped);

void logsink_syslog_destroy(struct log_sink *sink);
void logsink_stream_destroy(struct log_sink *sink);
