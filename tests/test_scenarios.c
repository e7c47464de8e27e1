/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Behaviour that a customer can name, in files that a postmaster can read:
 * scenarios/NAME.scn.  A line is one of
 *
 *     # what a person should know
 *     policy    delay 120s window 48h keep 36d whitelist-after 5 mode observe
 *     whitelist 10.0.0.0/8
 *     store     up | down | full
 *     directory ADDRESS valid [internal] [disabled] [max-size SIZE]
 *               [greylist on|off|observe] [delay TIME]
 *               [permits SENDER] [refuses SENDER] [allows SENDER]
 *     directory ADDRESS gone
 *     directory up | down
 *     at TIME   ask CLIENT SENDER RECIPIENT [NAME=VALUE ...]
 *               expect ACTION REASON           (both in one line)
 *
 * A policy may also have: disabled reject, on-failure accept, harvest off|slow|defer.  The first line `directory` turns
 * the check of recipients on, for example.com and catch-all.example.
 *
 * TIME counts from the beginning, and may go backwards; SENDER <> is the null
 * sender; NAME=VALUE are further attributes of the request.  What a policy does
 * not name has its default.  The engine is the daemon's own, with a store in
 * memory and no clock.
 */
#include "config.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address_book.h"
#include "container.h"
#include "duration.h"
#include "engine.h"
#include "store_memory.h"
#include "suites.h"
#include "xalloc.h"

#define START 1000000000

enum { LINE = 1024, WORDS = 32, SCENARIOS = 100 };

/* A store in memory that can be taken away. */
struct moody_store {
	struct store store;
	struct store *memory;
	bool is_down;
};

struct scenario {
	const char *name;
	unsigned line;
	struct moody_store moody;
	struct engine_policy policy;
	struct engine *engine;
	/* Nobody waits: who is slowed is answered at once. */
	struct pauser pauser;
	struct harvest *harvest;
	struct address_book book;
	bool checks_recipients;
	char with_header[LINE];
};

static struct moody_store *
moody_store_of(struct store *store)
{
	return container_of(store, struct moody_store, store);
}

static void
moody_get(struct store *store, struct store_get *get)
{
	struct moody_store *moody = moody_store_of(store);

	if (!moody->is_down) {
		store_get(moody->memory, get);
		store->rows[get->table] = moody->memory->rows[get->table];
		return;
	}
	get->status = STORE_UNAVAILABLE;
	get->lookup.done(&get->lookup);
}

static void
moody_insert(struct store *store, enum store_table table,
    const struct store_row *row)
{
	store_insert(moody_store_of(store)->memory, table, row);
	store->rows[table] = moody_store_of(store)->memory->rows[table];
}

static void
moody_update(struct store *store, enum store_table table,
    const struct store_row *row)
{
	store_update(moody_store_of(store)->memory, table, row);
}

static void
complain(const struct scenario *scenario, const char *what, const char *word)
{
	ck_abort_msg("%s:%u: %s: %s", scenario->name, scenario->line, what,
	    word);
}

static time_t
seconds(const struct scenario *scenario, const char *text)
{
	const bool back = *text == '-';
	int64_t value;
	struct err err;

	if (duration_parse(text + back, &value, &err) != 0)
		complain(scenario, err.text, text);
	return back ? -value : value;
}

/* A new engine with the policy as it is now. */
static void
rebuild(struct scenario *scenario, const struct netaddr *network)
{
	struct engine_policy policy = scenario->policy;

	policy.networks = netset_create();
	if (network->family != 0)
		netset_add(policy.networks, network);
	engine_release(scenario->engine);
	policy.domains = domainset_create();
	policy.catch_all = domainset_create();
	domainset_add(policy.domains, "example.com");
	domainset_add(policy.domains, "catch-all.example");
	domainset_add(policy.catch_all, "catch-all.example");
	scenario->engine = engine_create(&policy,
	    &(struct engine_parts){ .store = &scenario->moody.store,
		.directory = scenario->checks_recipients
				 ? &scenario->book.directory
				 : NULL,
		.harvest = scenario->harvest,
		.pauser = &scenario->pauser });
}

static void
set_policy(struct scenario *scenario, char **words)
{
	struct greylist_policy *policy = &scenario->policy.greylist;

	for (; words[0] != NULL && words[1] != NULL; words += 2) {
		if (strcmp(words[0], "delay") == 0)
			policy->delay = seconds(scenario, words[1]);
		else if (strcmp(words[0], "window") == 0)
			policy->retry_window = seconds(scenario, words[1]);
		else if (strcmp(words[0], "keep") == 0)
			policy->keep = seconds(scenario, words[1]);
		else if (strcmp(words[0], "whitelist-after") == 0)
			policy->whitelist_after = (unsigned)atoi(words[1]);
		else if (strcmp(words[0], "ipv4-prefix") == 0)
			scenario->policy.origin.ipv4_prefix =
			    (unsigned)atoi(words[1]);
		else if (strcmp(words[0], "mode") == 0)
			policy->mode =
			    strcmp(words[1], "observe") == 0 ? GREYLIST_OBSERVE
			    : strcmp(words[1], "off") == 0   ? GREYLIST_OFF
							     : GREYLIST_ENFORCE;
		else if (strcmp(words[0], "header") == 0)
			policy->header = strcmp(words[1], "yes") == 0;
		else if (strcmp(words[0], "disabled") == 0)
			scenario->policy.recipient.reject_disabled =
			    strcmp(words[1], "reject") == 0;
		else if (strcmp(words[0], "on-failure") == 0)
			scenario->policy.recipient.accept_on_failure =
			    strcmp(words[1], "accept") == 0;
		else if (strcmp(words[0], "harvest") == 0)
			scenario->policy.harvest.action =
			    strcmp(words[1], "defer") == 0  ? HARVEST_DEFER
			    : strcmp(words[1], "slow") == 0 ? HARVEST_SLOW
							    : HARVEST_OFF;
		else
			complain(scenario, "unknown policy", words[0]);
	}
	rebuild(scenario, &(struct netaddr){ 0 });
}

static void
set_whitelist(struct scenario *scenario, char **words)
{
	struct netaddr network;
	struct err err;

	if (words[0] == NULL || network_parse(words[0], &network, &err) != 0)
		complain(scenario, "not a network", words[0]);
	rebuild(scenario, &network);
}

static void
set_store(struct scenario *scenario, char **words)
{
	struct moody_store *moody = &scenario->moody;

	if (words[0] == NULL)
		complain(scenario, "store", "up, down or full is missing");
	moody->is_down = strcmp(words[0], "down") == 0;
	moody->store.max_entries = strcmp(words[0], "full") == 0 ? 1 : 0;
}

static uint64_t
bytes(const struct scenario *scenario, const char *text)
{
	uint64_t value;
	struct err err;

	if (size_parse(text, &value, &err) != 0)
		complain(scenario, err.text, text);
	return value;
}

static enum recipient_greylist
greylist_word(const char *word)
{
	return strcmp(word, "off") == 0       ? RECIPIENT_GREYLIST_OFF
	       : strcmp(word, "observe") == 0 ? RECIPIENT_GREYLIST_OBSERVE
					      : RECIPIENT_GREYLIST_ON;
}

/* A setting of a recipient with a value. */
static void
set_recipient(struct scenario *scenario, const char *address, char **words)
{
	struct recipient_record *record =
	    address_book_add(&scenario->book, address);

	if (words[1] == NULL)
		complain(scenario, "what is missing after", words[0]);
	if (strcmp(words[0], "max-size") == 0)
		record->max_size = bytes(scenario, words[1]);
	else if (strcmp(words[0], "delay") == 0)
		record->delay = seconds(scenario, words[1]);
	else if (strcmp(words[0], "greylist") == 0)
		record->greylist = greylist_word(words[1]);
	else if (strcmp(words[0], "permits") == 0)
		address_book_list(&scenario->book, address, words[1],
		    SENDER_PERMITTED);
	else if (strcmp(words[0], "refuses") == 0)
		address_book_list(&scenario->book, address, words[1],
		    SENDER_REFUSED);
	else if (strcmp(words[0], "allows") == 0)
		address_book_list(&scenario->book, address, words[1],
		    SENDER_ALLOWED);
	else
		complain(scenario, "unknown setting", words[0]);
}

static void
add_recipient(struct scenario *scenario, const char *address, char **words)
{
	struct recipient_record *record =
	    address_book_add(&scenario->book, address);

	while (*words != NULL) {
		if (strcmp(*words, "internal") == 0) {
			record->internal_only = true;
			words++;
		} else if (strcmp(*words, "disabled") == 0) {
			record->disabled = true;
			words++;
		} else {
			set_recipient(scenario, address, words);
			words += 2;
		}
	}
}

static void
set_directory(struct scenario *scenario, char **words)
{
	if (!scenario->checks_recipients) {
		scenario->checks_recipients = true;
		rebuild(scenario, &(struct netaddr){ 0 });
	}
	if (words[0] == NULL)
		complain(scenario, "directory", "up, down or ADDRESS");
	if (words[1] == NULL)
		scenario->book.is_down = strcmp(words[0], "down") == 0;
	else if (strcmp(words[1], "gone") == 0)
		address_book_remove(&scenario->book, words[0]);
	else
		add_recipient(scenario, words[0], words + 2);
}

static void
set_attribute(struct request *request, const char *name, const char *value)
{
	request_set(request, &(struct attr){ .name = name,
				 .name_len = strlen(name),
				 .value = value,
				 .value_len = strlen(value) });
}

static bool is_done;

static void
note_done(struct decision *decision)
{
	(void)decision;
	is_done = true;
}

/* Asks, as a session does; returns the words after the attributes. */
static char **
ask(struct scenario *scenario, struct decision *decision,
    struct request *request, char **words)
{
	struct err err;

	request_init(request);
	set_attribute(request, "request", "smtpd_access_policy");
	set_attribute(request, "protocol_state", "RCPT");
	set_attribute(request, "client_address", words[0]);
	set_attribute(request, "sender",
	    strcmp(words[1], "<>") == 0 ? "" : words[1]);
	set_attribute(request, "recipient", words[2]);
	for (words += 3; *words != NULL && strchr(*words, '=') != NULL;
	     words++) {
		char *equals = strchr(*words, '=');

		*equals = '\0';
		set_attribute(request, *words, equals + 1);
	}
	ck_assert_int_eq(request_finish(request, &err), 0);
	decision->request = request;
	decision->done = note_done;
	decision->has_header =
	    strcmp(request->instance, scenario->with_header) == 0;
	is_done = false;
	pipeline_decide(decision,
	    engine_stages(scenario->engine, request->policy_context));
	ck_assert(is_done);
	if (decision->verdict.action == ACTION_PREPEND)
		strcpy(scenario->with_header, request->instance);
	return words;
}

static void
at(struct scenario *scenario, char **words, size_t count)
{
	struct decision decision = { 0 };
	struct request request;

	if (count < 8 || strcmp(words[1], "ask") != 0)
		complain(scenario,
		    "at TIME ask CLIENT SENDER RECIPIENT "
		    "expect ACTION REASON",
		    words[0]);
	decision.now = START + seconds(scenario, words[0]);
	words = ask(scenario, &decision, &request, words + 2);
	if (words[0] == NULL || strcmp(words[0], "expect") != 0 ||
	    words[1] == NULL || words[2] == NULL)
		complain(scenario, "expect ACTION REASON", "is missing");
	if (strcmp(words[1], action_word(decision.verdict.action)) != 0 ||
	    strcmp(words[2], reason_word(decision.verdict.reason)) != 0)
		ck_abort_msg("%s:%u: expected %s %s, but it is %s %s",
		    scenario->name, scenario->line, words[1], words[2],
		    action_word(decision.verdict.action),
		    reason_word(decision.verdict.reason));
}

/* Splits a line without its comment into words; returns how many. */
static size_t
split(char *line, char **words)
{
	size_t count = 0;
	char *rest = NULL;

	line[strcspn(line, "#\n")] = '\0';
	for (char *word = strtok_r(line, " \t", &rest); word != NULL;
	     word = strtok_r(NULL, " \t", &rest)) {
		ck_assert_uint_lt(count, WORDS);
		words[count++] = word;
	}
	words[count] = NULL;
	return count;
}

static void
play_line(struct scenario *scenario, char *line)
{
	char *words[WORDS + 1];
	const size_t count = split(line, words);

	if (count == 0)
		return;
	if (strcmp(words[0], "policy") == 0)
		set_policy(scenario, words + 1);
	else if (strcmp(words[0], "whitelist") == 0)
		set_whitelist(scenario, words + 1);
	else if (strcmp(words[0], "store") == 0)
		set_store(scenario, words + 1);
	else if (strcmp(words[0], "directory") == 0)
		set_directory(scenario, words + 1);
	else if (strcmp(words[0], "at") == 0)
		at(scenario, words + 1, count - 1);
	else
		complain(scenario, "unknown line", words[0]);
}

static bool
hold(struct pauser *pauser, struct pause *pause)
{
	(void)pauser;
	pause->lookup.done(&pause->lookup);
	return false;
}

static void
begin(struct scenario *scenario)
{
	static const struct siphash_secret secret;

	*scenario = (struct scenario){
		.moody = {
			.store = {
				.get = moody_get,
				.insert = moody_insert,
				.update = moody_update,
			},
			.memory = store_memory_create(),
		},
		.policy = {
			.greylist = {
				.delay = 120,
				.retry_window = 48 * 3600,
				.keep = 36 * 86400,
				.whitelist_after = 5,
				.code = "DEFER_IF_PERMIT 4.2.0",
				.text = "Greylisted",
			},
			.origin = { .ipv4_prefix = 24, .ipv6_prefix = 64 },
			.recipient = { .delimiter = "+" },
			.harvest = {
				.action = HARVEST_OFF,
				.threshold = 5,
				.half_life = 600,
				.delay = 2,
			},
		},
		.pauser = { .hold = hold },
		.harvest = harvest_create(64, &secret),
		.with_header = "none yet",
	};
	address_book_init(&scenario->book);
	rebuild(scenario, &(struct netaddr){ 0 });
}

static void
end(struct scenario *scenario)
{
	engine_release(scenario->engine);
	harvest_destroy(scenario->harvest);
	store_memory_destroy(scenario->moody.memory);
}

static char *names[SCENARIOS];
static int count;

START_TEST(a_scenario_goes_as_it_is_written)
{
	struct scenario scenario;
	char path[LINE];
	char line[LINE];
	unsigned asked = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/scenarios/%s", TESTS_DIR, names[_i]);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	begin(&scenario);
	scenario.name = names[_i];
	while (fgets(line, sizeof(line), file) != NULL) {
		scenario.line++;
		asked += strncmp(line, "at ", 3) == 0;
		play_line(&scenario, line);
	}
	fclose(file);
	end(&scenario);
	ck_assert_uint_gt(asked, 0);
}
END_TEST

static int
is_scenario(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && strcmp(dot, ".scn") == 0;
}

static void
find_scenarios(void)
{
	struct dirent **entries;
	const int found =
	    scandir(TESTS_DIR "/scenarios", &entries, is_scenario, alphasort);

	for (int i = 0; i < found; i++) {
		if (count < SCENARIOS)
			names[count++] = xstrdup(entries[i]->d_name);
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
}

START_TEST(there_are_scenarios)
{
	ck_assert_int_ge(count, 10);
}
END_TEST

Suite *
scenarios_suite(void)
{
	Suite *suite = suite_create("scenarios");
	TCase *tests = tcase_create("scenarios");

	find_scenarios();
	tcase_add_test(tests, there_are_scenarios);
	tcase_add_loop_test(tests, a_scenario_goes_as_it_is_written, 0, count);
	suite_add_tcase(suite, tests);
	return suite;
}
