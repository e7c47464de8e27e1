/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "container.h"
#include "xalloc.h"

enum {
	/* A turn of the loop with some hundred decisions. */
	STREAM_BUFFER = 256 * 1024,
	STAMP_SIZE = 64,
	SYSLOG_LINE = 8192,
	RECONNECT_SECONDS = 1,
};

/* The time and the program in front of a line, made once a second. */
struct stamp {
	time_t second;
	char text[STAMP_SIZE];
	size_t len;
};

struct stream {
	struct log_sink sink;
	uint64_t *dropped;
	int fd;
	bool is_file;
	struct stamp stamp;
	struct buf out;
	char memory[STREAM_BUFFER];
};

struct syslog {
	struct log_sink sink;
	uint64_t *dropped;
	int fd;
	time_t tried;
	struct stamp stamp;
};

static void
stamp_update(struct stamp *stamp, bool for_syslog)
{
	const time_t now = time(NULL);
	struct buf out;
	struct tm tm;

	if (now == stamp->second)
		return;
	buf_init(&out, stamp->text, sizeof(stamp->text));
	localtime_r(&now, &tm);
	buf_added(&out,
	    strftime(stamp->text, sizeof(stamp->text),
		for_syslog ? "%b %e %H:%M:%S" : "%Y-%m-%dT%H:%M:%S%z", &tm));
	buf_puts(&out, " policyd[");
	buf_put_number(&out, getpid());
	buf_puts(&out, "]: ");
	stamp->len = out.len;
	stamp->second = now;
}

static struct stream *
stream_of(struct log_sink *sink)
{
	return container_of(sink, struct stream, sink);
}

/* How much may be written without blocking: to a file all of it, to a pipe or
 * a terminal that is ready PIPE_BUF bytes (pipe(7)). */
static size_t
writable(const struct stream *stream)
{
	struct pollfd ready = { .fd = stream->fd, .events = POLLOUT };

	if (stream->is_file)
		return stream->out.len;
	if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
		return 0;
	return stream->out.len < PIPE_BUF ? stream->out.len : PIPE_BUF;
}

static void
stream_flush(struct log_sink *sink)
{
	struct stream *stream = stream_of(sink);
	size_t len;

	while ((len = writable(stream)) > 0) {
		const ssize_t n = write(stream->fd, stream->out.data, len);

		if (n <= 0)
			break;
		buf_consume(&stream->out, (size_t)n);
	}
}

static void
stream_line(struct log_sink *sink, enum log_level level, const char *text,
    size_t len)
{
	struct stream *stream = stream_of(sink);

	(void)level;
	stamp_update(&stream->stamp, false);
	if (buf_room(&stream->out) < stream->stamp.len + len + 1)
		stream_flush(sink);
	if (buf_room(&stream->out) < stream->stamp.len + len + 1) {
		(*stream->dropped)++;
		return;
	}
	buf_append(&stream->out, stream->stamp.text, stream->stamp.len);
	buf_append(&stream->out, text, len);
	buf_putc(&stream->out, '\n');
}

struct log_sink *
logsink_stream_create(int fd, uint64_t *dropped)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));
	struct stat status;

	*stream = (struct stream){
		.sink = { .line = stream_line, .flush = stream_flush },
		.dropped = dropped,
		.fd = fd,
		.is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode),
	};
	buf_init(&stream->out, stream->memory, sizeof(stream->memory));
	return &stream->sink;
}

void
logsink_stream_destroy(struct log_sink *sink)
{
	if (sink == NULL)
		return;
	stream_flush(sink);
	free(stream_of(sink));
}

static struct syslog *
syslog_of(struct log_sink *sink)
{
	return container_of(sink, struct syslog, sink);
}

static void
syslog_disconnect(struct syslog *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

static bool
syslog_connect(struct syslog *log)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };
	const time_t now = time(NULL);

	if (log->fd >= 0)
		return true;
	if (now >= log->tried && now < log->tried + RECONNECT_SECONDS)
		return false;
	log->tried = now;
	log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (log->fd >= 0 && connect(log->fd, (const struct sockaddr *)&address,
				sizeof(address)) != 0)
		syslog_disconnect(log);
	return log->fd >= 0;
}

static int
priority_of(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR:
		return LOG_MAIL | LOG_ERR;
	case LOG_LEVEL_WARNING:
		return LOG_MAIL | LOG_WARNING;
	case LOG_LEVEL_INFO:
		return LOG_MAIL | LOG_INFO;
	case LOG_LEVEL_DEBUG:
		break;
	}
	return LOG_MAIL | LOG_DEBUG;
}

/* False when the log daemon is away; when it is only too slow the line is
 * dropped, but the connection is good. */
static bool
syslog_send(struct syslog *log, const struct buf *line)
{
	if (!syslog_connect(log))
		return false;
	if (send(log->fd, line->data, line->len, MSG_DONTWAIT | MSG_NOSIGNAL) >=
	    0)
		return true;
	if (errno != EAGAIN && errno != ENOBUFS)
		syslog_disconnect(log);
	return false;
}

static void
syslog_line(struct log_sink *sink, enum log_level level, const char *text,
    size_t len)
{
	struct syslog *log = syslog_of(sink);
	char memory[SYSLOG_LINE];
	struct buf line;

	stamp_update(&log->stamp, true);
	buf_init(&line, memory, sizeof(memory));
	buf_putc(&line, '<');
	buf_put_number(&line, priority_of(level));
	buf_putc(&line, '>');
	buf_append(&line, log->stamp.text, log->stamp.len);
	buf_append(&line, text, len);
	if (line.full || !syslog_send(log, &line))
		(*log->dropped)++;
}

struct log_sink *
logsink_syslog_create(uint64_t *dropped)
{
	struct syslog *log = xcalloc(1, sizeof(*log));

	*log = (struct syslog){
		.sink = { .line = syslog_line },
		.dropped = dropped,
		.fd = -1,
	};
	return &log->sink;
}

void
logsink_syslog_destroy(struct log_sink *sink)
{
	if (sink == NULL)
		return;
	syslog_disconnect(syslog_of(sink));
	free(syslog_of(sink));
}
