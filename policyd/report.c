/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "report.h"

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "log.h"

enum {
	/* As long as an address may be (RFC 5321 4.5.3.1). */
	VALUE_MAX = 320,
	/* Six values, each byte escaped, and the words between them. */
	LINE_MAX = 6 * (4 * VALUE_MAX + 3) + 256,
};

static void
put_value(struct buf *line, const char *value)
{
	const size_t len = strnlen(value, VALUE_MAX + 1);

	if (len <= VALUE_MAX) {
		buf_put_escaped(line, value, len);
		return;
	}
	buf_put_escaped(line, value, VALUE_MAX);
	buf_puts(line, "...");
}

static void
put_action(struct buf *line, const struct verdict *verdict)
{
	buf_puts(line, "action=");
	buf_puts(line, action_word(verdict->action));
	if (verdict->would != verdict->action) {
		buf_puts(line, " would=");
		buf_puts(line, action_word(verdict->would));
	}
	buf_puts(line, " reason=");
	buf_puts(line, reason_word(verdict->reason));
}

static void
put_decision(struct buf *line, const struct request *request,
    const struct verdict *verdict)
{
	put_action(line, verdict);
	buf_puts(line, " client=");
	put_value(line, request->client_name);
	buf_putc(line, '[');
	put_value(line, request->client_address);
	buf_puts(line, "] sender=<");
	put_value(line, request->sender);
	buf_puts(line, "> recipient=<");
	put_value(line, request->recipient);
	buf_puts(line, "> delay=");
	buf_put_number(line, verdict->delay);
	buf_puts(line, " wait=");
	buf_put_number(line, verdict->wait);
	buf_puts(line, " queue_id=");
	put_value(line, request->queue_id);
	buf_puts(line, " instance=");
	put_value(line, request->instance);
}

void
report_decision(struct metrics *metrics, const struct request *request,
    const struct verdict *verdict)
{
	char memory[LINE_MAX];
	struct buf line;

	metrics->reasons[verdict->reason]++;
	metrics->actions[verdict->action]++;
	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	buf_init(&line, memory, sizeof(memory));
	put_decision(&line, request, verdict);
	assert(!line.full);
	log_line(LOG_LEVEL_INFO, line.data, line.len);
}
