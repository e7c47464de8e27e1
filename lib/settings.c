/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "settings.h"

#include <assert.h>
#include <confuse.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conftext.h"
#include "container.h"
#include "xalloc.h"

/* A row while a file is read.  libConfuse knows it by its line. */
struct slot {
	const struct setting *row;
	struct reading *reading;
	union setting_value value;
	/* Where the file gives the value; 0: it does not. */
	long line;
};

struct reading {
	/* The file. */
	const char *name;
	struct err *err;
	struct slot *slots;
	size_t count;
	cfg_t *cfg;
};

static struct slot *
slot_of(const cfg_opt_t *option)
{
	return container_of(option->simple_value.number, struct slot, line);
}

/* Refuses a second "key =".  The first takes the default's place, while
 * "key +=" adds to it. */
static int
begin_assignment(cfg_t *cfg, cfg_opt_t *option)
{
	struct slot *slot = slot_of(option);

	if ((option->flags & CFGF_RESET) == 0)
		return 0;
	if (slot->line != 0) {
		cfg_error(cfg, "%s is given twice, first on line %ld",
		    slot->row->name, slot->line);
		return -1;
	}
	setting_clear(slot->row, &slot->value);
	option->flags &= ~CFGF_RESET;
	return 0;
}

/* libConfuse calls this for each value and for each item of a list, and keeps
 * the result in the slot's line. */
static int
take_value(cfg_t *cfg, cfg_opt_t *option, const char *text, void *result)
{
	struct slot *slot = slot_of(option);
	long *line = result;
	struct err err;

	if (begin_assignment(cfg, option) != 0)
		return -1;
	if (setting_parse(slot->row, text, &slot->value, &err) != 0) {
		cfg_error(cfg, "%s: %s", slot->row->name, err.text);
		return -1;
	}
	*line = cfg->line;
	return 0;
}

static bool
is_same_section(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static cfg_opt_t
option_for_value(struct slot *slot)
{
	const bool is_list = slot->row->type == SETTING_LIST;

	return (cfg_opt_t){
		.name = slot->row->name,
		.type = CFGT_INT,
		.flags = is_list ? CFGF_LIST : CFGF_NONE,
		.simple_value.number = &slot->line,
		.parsecb = take_value,
	};
}

/* The options of a section, in libConfuse's form; those outside of all sections
 * have the sections among them. */
static cfg_opt_t *
options_create(struct slot *slots, size_t count, const char *section)
{
	cfg_opt_t *options = xcalloc(count + 1, sizeof(*options));
	const char *last = NULL;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const char *own = slots[i].row->section;

		if (is_same_section(own, section))
			options[n++] = option_for_value(&slots[i]);
		else if (section == NULL && !is_same_section(own, last))
			options[n++] = (cfg_opt_t){
				.name = own,
				.type = CFGT_SEC,
				.subopts = options_create(slots, count, own),
			};
		last = own;
	}
	return options;
}

static void
options_destroy(cfg_opt_t *options)
{
	if (options == NULL)
		return;
	for (cfg_opt_t *option = options; option->name != NULL; option++)
		options_destroy(option->subopts);
	free(options);
}

/* libConfuse gives its error function nothing of ours, but each section has a
 * row of its own, and the row's slot knows the rest. */
static struct reading *
reading_of(const cfg_t *cfg)
{
	const cfg_opt_t *option = cfg->opts;

	while (option->type == CFGT_SEC)
		option++;
	return slot_of(option)->reading;
}

static void
add_known_keys(const cfg_t *cfg, struct err *err)
{
	char memory[ERR_TEXT / 2];
	struct buf keys;

	buf_init(&keys, memory, sizeof(memory));
	for (const cfg_opt_t *option = cfg->opts; option->name != NULL;
	     option++) {
		if (option != cfg->opts)
			buf_puts(&keys, ", ");
		buf_puts(&keys, option->name);
	}
	err_set(err, "%s; accepted: %.*s", err->text, (int)keys.len, keys.data);
}

__attribute__((format(printf, 2, 0))) static void
note_error(cfg_t *cfg, const char *format, va_list ap)
{
	struct reading *reading = reading_of(cfg);
	char what[ERR_TEXT];

	vsnprintf(what, sizeof(what), format, ap);
	err_set(reading->err, "%s:%d: %s", reading->name, cfg->line, what);
	if (strncmp(format, "no such option", 14) == 0)
		add_known_keys(cfg, reading->err);
}

static cfg_opt_t *
option_of(cfg_t *cfg, const struct setting *row)
{
	cfg_t *section =
	    row->section == NULL ? cfg : cfg_getsec(cfg, row->section);

	return cfg_getopt(section, row->name);
}

/* "key = { }" has no value that libConfuse could hand over; its assignment is
 * still about to begin. */
static int
take_empty_lists(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		const struct slot *slot = &reading->slots[i];

		if (slot->row->type == SETTING_LIST &&
		    begin_assignment(reading->cfg,
			option_of(reading->cfg, slot->row)) != 0)
			return -1;
	}
	return 0;
}

static int
read_text(struct reading *reading, const char *name, const char *text)
{
	char *prepared = xstrdup(text);
	int result = -1;

	reading->name = name;
	/* For the errors that libConfuse keeps to itself. */
	err_set(reading->err, "%s: libConfuse cannot read it", name);
	if (conftext_prepare(name, prepared, reading->err) == 0 &&
	    cfg_parse_buf(reading->cfg, prepared) == CFG_SUCCESS)
		result = take_empty_lists(reading);
	free(prepared);
	return result;
}

/* The sample file that settings_print() writes sets the defaults. */
static int
read_defaults(struct reading *reading, const struct setting *rows)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int result;

	assert(out != NULL);
	settings_print(rows, reading->count, out);
	fclose(out);
	result = read_text(reading, "default", text);
	free(text);
	for (size_t i = 0; i < reading->count; i++)
		reading->slots[i].line = 0;
	return result;
}

static void
reading_init(struct reading *reading, const struct setting *rows, size_t count,
    struct err *err)
{
	cfg_opt_t *options;

	*reading = (struct reading){
		.err = err,
		.slots = xcalloc(count, sizeof(struct slot)),
		.count = count,
	};
	for (size_t i = 0; i < count; i++) {
		reading->slots[i].row = &rows[i];
		reading->slots[i].reading = reading;
	}
	options = options_create(reading->slots, count, NULL);
	reading->cfg = cfg_init(options, CFGF_NONE);
	options_destroy(options);
	assert(reading->cfg != NULL);
	cfg_set_error_function(reading->cfg, note_error);
}

static void
reading_finish(struct reading *reading)
{
	cfg_free(reading->cfg);
	for (size_t i = 0; i < reading->count; i++)
		setting_clear(reading->slots[i].row, &reading->slots[i].value);
	free(reading->slots);
}

int
settings_parse(const struct setting *rows, size_t count, const char *name,
    const char *text, void *target, struct err *err)
{
	struct reading reading;
	int result;

	reading_init(&reading, rows, count, err);
	result = read_defaults(&reading, rows);
	if (result == 0)
		result = read_text(&reading, name, text);
	if (result == 0)
		for (size_t i = 0; i < count; i++)
			setting_store(&rows[i], &reading.slots[i].value,
			    target);
	reading_finish(&reading);
	return result;
}

int
settings_read(const struct setting *rows, size_t count, const char *path,
    void *target, struct err *err)
{
	char *text = conftext_read(path, err);
	int result;

	if (text == NULL)
		return -1;
	result = settings_parse(rows, count, path, text, target, err);
	free(text);
	return result;
}

int
settings_defaults(const struct setting *rows, size_t count, void *target,
    struct err *err)
{
	return settings_parse(rows, count, "default", "", target, err);
}

void
settings_free(const struct setting *rows, size_t count, void *target)
{
	union setting_value value;

	for (size_t i = 0; i < count; i++) {
		setting_take(&rows[i], target, &value);
		setting_clear(&rows[i], &value);
	}
}

void
settings_print(const struct setting *rows, size_t count, FILE *out)
{
	const char *section = NULL;

	for (size_t i = 0; i < count; i++) {
		const bool begins = !is_same_section(rows[i].section, section);

		if (begins && section != NULL)
			fputs("}\n", out);
		if (i > 0)
			fputc('\n', out);
		if (begins)
			fprintf(out, "%s {\n", rows[i].section);
		section = rows[i].section;
		setting_print(&rows[i], section == NULL ? "" : "    ", out);
	}
	if (section != NULL)
		fputs("}\n", out);
}
