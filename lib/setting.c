/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "setting.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "duration.h"
#include "xalloc.h"

enum { DESCRIPTION_TEXT = 512, COMMENT_WIDTH = 76, MODE_MAX = 0777 };

static int
check_bounds(const struct setting *row, const char *text, int64_t number,
    struct err *err)
{
	if (number >= row->min && number <= row->max)
		return 0;
	err_set(err, "\"%.80s\" is out of bounds", text);
	return -1;
}

static int
parse_duration(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	int64_t seconds;

	if (duration_parse(text, &seconds, err) != 0 ||
	    check_bounds(row, text, seconds, err) != 0)
		return -1;
	value->number = seconds;
	return 0;
}

static int
parse_size(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	uint64_t size;

	if (size_parse(text, &size, err) != 0)
		return -1;
	if (size > INT64_MAX)
		size = INT64_MAX;
	if (check_bounds(row, text, (int64_t)size, err) != 0)
		return -1;
	value->size = size;
	return 0;
}

static int
parse_count(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	const size_t digits = strspn(text, "0123456789");
	int64_t number;

	if (digits == 0 || text[digits] != '\0') {
		err_set(err, "\"%.80s\" is not a number", text);
		return -1;
	}
	/* Too large a number becomes INTMAX_MAX. */
	number = strtoimax(text, NULL, 10);
	if (check_bounds(row, text, number, err) != 0)
		return -1;
	value->number = number;
	return 0;
}

static int
find_word(const char *const *words, const char *text, struct err *err)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	err_set(err, "\"%.80s\" is not known", text);
	return -1;
}

static int
parse_word(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	const int word = find_word(row->words, text, err);

	if (word < 0)
		return -1;
	value->word = word;
	return 0;
}

static const char *const no_and_yes[] = { "no", "yes", NULL };

static int
parse_yes_no(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	const int word = find_word(no_and_yes, text, err);

	(void)row;
	if (word < 0)
		return -1;
	value->yes = word == 1;
	return 0;
}

static int
parse_text(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	(void)row;
	(void)err;
	value->text = xstrdup(text);
	return 0;
}

/* A list comes item by item. */
static int
parse_item(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	struct setting_list *list = &value->list;

	(void)row;
	(void)err;
	list->item =
	    xrealloc(list->item, (list->count + 1) * sizeof(list->item[0]));
	list->item[list->count++] = xstrdup(text);
	return 0;
}

static int
parse_mode(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	const size_t digits = strspn(text, "01234567");

	(void)row;
	if (digits < 3 || digits > 4 || text[digits] != '\0' ||
	    strtoul(text, NULL, 8) > MODE_MAX) {
		err_set(err, "\"%.80s\" is not a file's mode", text);
		return -1;
	}
	value->mode = (unsigned)strtoul(text, NULL, 8);
	return 0;
}

static const struct {
	size_t size;
	int (*parse)(const struct setting *row, const char *text,
	    union setting_value *value, struct err *err);
} types[] = {
	[SETTING_DURATION] = { sizeof(int64_t), parse_duration },
	[SETTING_SIZE] = { sizeof(uint64_t), parse_size },
	[SETTING_COUNT] = { sizeof(int64_t), parse_count },
	[SETTING_YES_NO] = { sizeof(bool), parse_yes_no },
	[SETTING_WORD] = { sizeof(int), parse_word },
	[SETTING_TEXT] = { sizeof(char *), parse_text },
	[SETTING_LIST] = { sizeof(struct setting_list), parse_item },
	[SETTING_MODE] = { sizeof(unsigned), parse_mode },
};

static bool
has_control_byte(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return true;
	return false;
}

static void
add_accepted(const struct setting *row, struct err *err)
{
	char memory[DESCRIPTION_TEXT];
	struct buf accepted;

	buf_init(&accepted, memory, sizeof(memory));
	setting_describe(row, &accepted);
	if (accepted.len > 0)
		err_set(err, "%s; accepted: %.*s", err->text, (int)accepted.len,
		    accepted.data);
}

int
setting_parse(const struct setting *row, const char *text,
    union setting_value *value, struct err *err)
{
	if (has_control_byte(text)) {
		err_set(err, "the value holds a line end or another control "
			     "character");
		return -1;
	}
	if (row->check != NULL && row->check(text, err) != 0)
		return -1;
	if (types[row->type].parse(row, text, value, err) != 0) {
		add_accepted(row, err);
		return -1;
	}
	return 0;
}

void
setting_clear(const struct setting *row, union setting_value *value)
{
	if (row->type == SETTING_TEXT)
		free(value->text);
	if (row->type == SETTING_LIST) {
		for (size_t i = 0; i < value->list.count; i++)
			free(value->list.item[i]);
		free(value->list.item);
	}
	*value = SETTING_NO_VALUE;
}

void
setting_store(const struct setting *row, union setting_value *value,
    void *target)
{
	memcpy((char *)target + row->offset, value, types[row->type].size);
	*value = SETTING_NO_VALUE;
}

void
setting_take(const struct setting *row, void *target,
    union setting_value *value)
{
	char *field = (char *)target + row->offset;

	*value = SETTING_NO_VALUE;
	memcpy(value, field, types[row->type].size);
	memset(field, 0, types[row->type].size);
}

static void
describe_number(const struct setting *row, int64_t number, struct buf *out)
{
	char text[DURATION_TEXT];

	_Static_assert(SIZE_TEXT <= DURATION_TEXT, "one text for both");

	if (row->type == SETTING_COUNT) {
		buf_put_number(out, number);
		return;
	}
	if (row->type == SETTING_DURATION)
		duration_format(number, text);
	else
		size_format((uint64_t)number, text);
	buf_puts(out, text);
}

/* "a, b or c" */
static void
describe_words(const char *const *words, struct buf *out)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			buf_puts(out, words[i + 1] == NULL ? " or " : ", ");
		buf_puts(out, words[i]);
	}
}

void
setting_describe(const struct setting *row, struct buf *out)
{
	switch (row->type) {
	case SETTING_DURATION:
	case SETTING_SIZE:
	case SETTING_COUNT:
		describe_number(row, row->min, out);
		buf_puts(out, " to ");
		describe_number(row, row->max, out);
		break;
	case SETTING_YES_NO:
		describe_words(no_and_yes, out);
		break;
	case SETTING_WORD:
		describe_words(row->words, out);
		break;
	case SETTING_MODE:
		buf_puts(out, "octal, 0000 to 0777");
		break;
	case SETTING_TEXT:
	case SETTING_LIST:
		break;
	}
}

/* Writes a comment of lines that fit a page. */
static void
print_comment(const char *indent, const char *text, FILE *out)
{
	const size_t width = COMMENT_WIDTH - strlen(indent);

	while (strlen(text) > width) {
		const char *space = memrchr(text, ' ', width + 1);

		if (space == NULL)
			break;
		fprintf(out, "%s# %.*s\n", indent, (int)(space - text), text);
		text = space + 1;
	}
	fprintf(out, "%s# %s\n", indent, text);
}

static void
print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* "HELP (WHAT IS ACCEPTED)" */
static void
write_comment(const struct setting *row, struct buf *out)
{
	size_t help_len;

	buf_puts(out, row->help);
	help_len = out->len;
	buf_puts(out, " (");
	setting_describe(row, out);
	if (out->len == help_len + strlen(" ("))
		out->len = help_len;
	else
		buf_putc(out, ')');
}

void
setting_print(const struct setting *row, const char *indent, FILE *out)
{
	char text[2 * DESCRIPTION_TEXT];
	struct buf comment;

	buf_init(&comment, text, sizeof(text) - 1);
	write_comment(row, &comment);
	assert(!comment.full);
	text[comment.len] = '\0';
	print_comment(indent, text, out);
	fprintf(out, "%s%s = ", indent, row->name);
	if (row->type == SETTING_TEXT || row->type == SETTING_MODE)
		print_quoted(row->fallback, out);
	else
		fputs(row->fallback, out);
	fputc('\n', out);
}
