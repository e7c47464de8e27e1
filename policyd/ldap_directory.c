/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "ldap_directory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "answer_cache.h"
#include "attr.h"
#include "clock.h"
#include "container.h"
#include "ldap_hex.h"
#include "xalloc.h"

enum {
	/* An id is a running number and the question's place. */
	PLACE_BITS = 20,
	/* Room for a question: two addresses and the names. */
	MESSAGE_MAX = 2 * ADDRESS_MAX + 128,
};

LIST_HEAD(recipient_askers, recipient_query);
LIST_HEAD(sender_askers, sender_query);

/* A question under way, and all who want to know. */
struct question {
	/* Its age, or its place among the free ones. */
	TAILQ_ENTRY(question) link;
	LIST_ENTRY(question) in_bucket;
	size_t place;
	/* 0 when it is free. */
	uint64_t id;
	double asked;
	struct recipient_askers recipient_askers;
	struct sender_askers sender_askers;
	struct answer_key key;
};

TAILQ_HEAD(question_list, question);
LIST_HEAD(bucket, question);

struct ldap_directory {
	struct directory directory;
	struct directory_listener listener;
	struct ev_loop *loop;
	struct directory_child *child;
	struct ldap_directory_policy policy;
	struct ldap_directory_counters counters;
	uint64_t seed;
	uint64_t last;
	/* All questions that there are; they get more, never fewer. */
	struct question **questions;
	size_t count;
	struct question_list free;
	/* Those under way, the oldest first; by key. */
	struct question_list open;
	struct bucket *buckets;
	size_t bucket_count;
	struct ev_timer timeout;
	struct answer_cache *cache;
};

static struct bucket *
bucket_of(const struct ldap_directory *ldap, const struct answer_key *key)
{
	return &ldap->buckets[key->hash & (ldap->bucket_count - 1)];
}

static struct question *
find_open(const struct ldap_directory *ldap, const struct answer_key *key)
{
	struct question *question;

	LIST_FOREACH(question, bucket_of(ldap, key), in_bucket)
	{
		if (answer_key_equal(&question->key, key))
			return question;
	}
	return NULL;
}

static bool
put(struct buf *out, const char *name, const char *value)
{
	return attr_write(out, name, value, strlen(value));
}

/* Sends the question to the process; false when it cannot be sent. */
static bool
send_question(struct ldap_directory *ldap, const struct question *question)
{
	const struct answer_key *key = &question->key;
	const size_t len = strnlen(key->bytes, key->len);
	char memory[MESSAGE_MAX];
	struct buf out;

	buf_init(&out, memory, sizeof(memory));
	put(&out, "request", key->is_sender ? "sender" : "find");
	buf_puts(&out, "id=");
	buf_put_number(&out, (long long)question->id);
	buf_putc(&out, '\n');
	attr_write(&out, "recipient", key->bytes, len);
	if (key->is_sender)
		attr_write(&out, "sender", key->bytes + len + 1,
		    key->len - len - 1);
	attr_write_end(&out);
	assert(!out.full);
	return directory_child_write(ldap->child, DIRECTORY_LOOKUPS, &out);
}

/* The timer is not set anew for each question: when it is early, it is set for
 * what is left. */
static void
set_timer(struct ldap_directory *ldap, double seconds)
{
	ev_timer_stop(ldap->loop, &ldap->timeout);
	ev_timer_set(&ldap->timeout, seconds, 0.0);
	ev_timer_start(ldap->loop, &ldap->timeout);
}

static void
question_open(struct ldap_directory *ldap, struct question *question)
{
	TAILQ_REMOVE(&ldap->free, question, link);
	question->id = ++ldap->last << PLACE_BITS | question->place;
	question->asked = clock_seconds();
	LIST_INIT(&question->recipient_askers);
	LIST_INIT(&question->sender_askers);
	LIST_INSERT_HEAD(bucket_of(ldap, &question->key), question, in_bucket);
	TAILQ_INSERT_TAIL(&ldap->open, question, link);
	ldap->counters.open++;
	if (!ev_is_active(&ldap->timeout))
		set_timer(ldap, ldap->policy.question_timeout);
}

/* `list` is the one that it stands in. */
static void
question_close(struct ldap_directory *ldap, struct question_list *list,
    struct question *question)
{
	TAILQ_REMOVE(list, question, link);
	LIST_REMOVE(question, in_bucket);
	question->id = 0;
	TAILQ_INSERT_HEAD(&ldap->free, question, link);
	ldap->counters.open--;
}

/* A new question, or NULL when there are too many or nobody to ask. */
static struct question *
ask(struct ldap_directory *ldap, const struct answer_key *key)
{
	struct question *question = TAILQ_FIRST(&ldap->free);

	if (ldap->counters.open >= ldap->policy.max_questions)
		return NULL;
	question->key.hash = key->hash;
	question->key.len = key->len;
	question->key.is_sender = key->is_sender;
	memcpy(question->key.bytes, key->bytes, key->len);
	question_open(ldap, question);
	if (send_question(ldap, question))
		return question;
	question_close(ldap, &ldap->open, question);
	return NULL;
}

static void
answer_recipient(struct recipient_query *query, const struct answer *answer)
{
	query->status = answer->status;
	if (answer->status == RECIPIENT_VALID)
		query->record = answer->record;
	query->lookup.done(&query->lookup);
}

static void
answer_sender(struct sender_query *query, const struct answer *answer)
{
	query->status = answer->sender_status;
	if (answer->sender_status == SENDER_LOOKED_UP)
		query->listing = answer->listing;
	query->lookup.done(&query->lookup);
}

/* A query that waits no more stands in no list, and says so: it may be
 * cancelled once more. */
static void
leave_recipients(struct recipient_query *query)
{
	LIST_REMOVE(query, sharing);
	query->sharing.le_prev = NULL;
}

static void
leave_senders(struct sender_query *query)
{
	LIST_REMOVE(query, sharing);
	query->sharing.le_prev = NULL;
}

/* Moves a list to another head. */
#define LIST_TAKE(to, from, field) \
	do { \
		LIST_FIRST(to) = LIST_FIRST(from); \
		if (LIST_FIRST(to) != NULL) \
			LIST_FIRST(to)->field.le_prev = &LIST_FIRST(to); \
		LIST_INIT(from); \
	} while (0)

/* The question is forgotten first.  Those who get the answer may ask again, and
 * may cancel others that wait for it. */
static void
settle(struct ldap_directory *ldap, struct question_list *list,
    struct question *question, const struct answer *answer)
{
	struct recipient_askers recipients;
	struct sender_askers senders;
	struct recipient_query *query;
	struct sender_query *sender_query;

	LIST_TAKE(&recipients, &question->recipient_askers, sharing);
	LIST_TAKE(&senders, &question->sender_askers, sharing);
	question_close(ldap, list, question);
	while ((query = LIST_FIRST(&recipients)) != NULL) {
		leave_recipients(query);
		answer_recipient(query, answer);
	}
	while ((sender_query = LIST_FIRST(&senders)) != NULL) {
		leave_senders(sender_query);
		answer_sender(sender_query, answer);
	}
}

static void
settle_unavailable(struct ldap_directory *ldap, struct question_list *list,
    struct question *question)
{
	const struct answer answer = { 0 };

	ldap->counters.unavailable++;
	settle(ldap, list, question, &answer);
}

static void
cancel_recipient(struct lookup *lookup)
{
	struct recipient_query *query =
	    container_of(lookup, struct recipient_query, lookup);

	if (query->sharing.le_prev != NULL)
		leave_recipients(query);
}

static void
cancel_sender(struct lookup *lookup)
{
	struct sender_query *query =
	    container_of(lookup, struct sender_query, lookup);

	if (query->sharing.le_prev != NULL)
		leave_senders(query);
}

/* Answers at once, or finds the question to wait for. */
static struct question *
question_for(struct ldap_directory *ldap, const struct answer_key *key,
    struct answer *answer)
{
	struct question *question;

	if (answer_cache_get(ldap->cache, key, clock_seconds(), answer)) {
		ldap->counters.cache_hits++;
		return NULL;
	}
	question = find_open(ldap, key);
	if (question != NULL) {
		ldap->counters.shared++;
		return question;
	}
	question = ask(ldap, key);
	if (question == NULL) {
		ldap->counters.refused++;
		ldap->counters.unavailable++;
	}
	return question;
}

static void
find_recipient(struct directory *directory, struct recipient_query *query)
{
	struct ldap_directory *ldap =
	    container_of(directory, struct ldap_directory, directory);
	struct question *question = NULL;
	struct answer answer = { 0 };
	struct answer_key key;

	query->lookup.cancel = cancel_recipient;
	query->sharing.le_prev = NULL;
	ldap->counters.questions++;
	if (answer_key_recipient(&key, ldap->seed, query->address))
		question = question_for(ldap, &key, &answer);
	else
		ldap->counters.refused++;
	if (question != NULL)
		LIST_INSERT_HEAD(&question->recipient_askers, query, sharing);
	else
		answer_recipient(query, &answer);
}

static void
find_sender(struct directory *directory, struct sender_query *query)
{
	struct ldap_directory *ldap =
	    container_of(directory, struct ldap_directory, directory);
	struct question *question = NULL;
	struct answer answer = { 0 };
	struct answer_key key;

	query->lookup.cancel = cancel_sender;
	query->sharing.le_prev = NULL;
	ldap->counters.questions++;
	if (answer_key_sender(&key, ldap->seed, query->recipient,
		query->sender))
		question = question_for(ldap, &key, &answer);
	else
		ldap->counters.refused++;
	if (question != NULL)
		LIST_INSERT_HEAD(&question->sender_askers, query, sharing);
	else
		answer_sender(query, &answer);
}

static bool
read_record(const char *digits, struct recipient_record *record)
{
	unsigned char bytes[RECORD_SIZE];
	const size_t len = strlen(digits);

	return len <= 2 * sizeof(bytes) && ldap_hex_read(digits, bytes) &&
	       recipient_record_read((const char *)bytes, len / 2, record);
}

static void
read_find(const struct message *message, struct answer *answer)
{
	const char *status = message_text(message, "status");

	if (strcmp(status, "unknown") == 0)
		answer->status = RECIPIENT_UNKNOWN;
	else if (strcmp(status, "valid") == 0 &&
		 read_record(message_text(message, "record"), &answer->record))
		answer->status = RECIPIENT_VALID;
}

static void
read_sender(const struct message *message, struct answer *answer)
{
	enum { MOST = SENDER_PERMITTED | SENDER_REFUSED | SENDER_ALLOWED };
	const unsigned long long listing =
	    message_number(message, "listing", MOST, MOST + 1);

	if (strcmp(message_text(message, "status"), "found") != 0 ||
	    listing > MOST)
		return;
	answer->sender_status = SENDER_LOOKED_UP;
	answer->listing = (unsigned)listing;
}

/* Whatever cannot be understood is UNAVAILABLE. */
static struct answer
read_answer(const struct message *message, const struct question *question)
{
	const char *kind = message_text(message, "answer");
	struct answer answer = { 0 };

	if (question->key.is_sender && strcmp(kind, "sender") == 0)
		read_sender(message, &answer);
	else if (!question->key.is_sender && strcmp(kind, "find") == 0)
		read_find(message, &answer);
	return answer;
}

static struct question *
question_of(const struct ldap_directory *ldap, const struct message *message)
{
	const uint64_t id = message_number(message, "id", UINT64_MAX, 0);
	const size_t place = id & ((1U << PLACE_BITS) - 1);

	if (id == 0 || place >= ldap->count || ldap->questions[place]->id != id)
		return NULL;
	return ldap->questions[place];
}

/* For how long an answer is remembered. */
static double
lasts(const struct ldap_directory *ldap, const struct answer *answer)
{
	if (answer->status == RECIPIENT_VALID ||
	    answer->sender_status == SENDER_LOOKED_UP)
		return ldap->policy.cache_valid;
	if (answer->status == RECIPIENT_UNKNOWN)
		return ldap->policy.cache_unknown;
	return 0.0;
}

/* An answer without a question is late, or made up. */
static void
heard(struct directory_listener *listener, const struct message *message)
{
	struct ldap_directory *ldap =
	    container_of(listener, struct ldap_directory, listener);
	struct question *question = question_of(ldap, message);
	const double now = clock_seconds();
	struct answer answer;

	if (question == NULL)
		return;
	answer = read_answer(message, question);
	if (answer.status == RECIPIENT_UNAVAILABLE &&
	    answer.sender_status == SENDER_UNAVAILABLE)
		ldap->counters.unavailable++;
	answer_cache_put(ldap->cache, &question->key, &answer, now,
	    now + lasts(ldap, &answer));
	settle(ldap, &ldap->open, question, &answer);
}

/* Questions that are asked meanwhile are new, and stand in `open`. */
static void
restarted(struct directory_listener *listener)
{
	struct ldap_directory *ldap =
	    container_of(listener, struct ldap_directory, listener);
	struct question_list again = TAILQ_HEAD_INITIALIZER(again);
	struct question *question;

	TAILQ_CONCAT(&again, &ldap->open, link);
	while ((question = TAILQ_FIRST(&again)) != NULL) {
		if (!send_question(ldap, question)) {
			settle_unavailable(ldap, &again, question);
			continue;
		}
		TAILQ_REMOVE(&again, question, link);
		TAILQ_INSERT_TAIL(&ldap->open, question, link);
	}
}

static void
timed_out(struct ev_loop *loop, struct ev_timer *timer, int events)
{
	struct ldap_directory *ldap =
	    container_of(timer, struct ldap_directory, timeout);
	const double now = clock_seconds();
	struct question *question;
	double left;

	(void)loop;
	(void)events;
	while ((question = TAILQ_FIRST(&ldap->open)) != NULL) {
		left = question->asked + ldap->policy.question_timeout - now;
		if (left > 0) {
			set_timer(ldap, left);
			return;
		}
		ldap->counters.timeouts++;
		settle_unavailable(ldap, &ldap->open, question);
	}
}

/* More places for questions; those that are under way stay where they are. */
static void
add_questions(struct ldap_directory *ldap, size_t count)
{
	ldap->questions =
	    xrealloc(ldap->questions, count * sizeof(struct question *));
	for (; ldap->count < count; ldap->count++) {
		struct question *question = xcalloc(1, sizeof(*question));

		question->place = ldap->count;
		ldap->questions[ldap->count] = question;
		TAILQ_INSERT_TAIL(&ldap->free, question, link);
	}
}

static void
add_buckets(struct ldap_directory *ldap)
{
	struct question *question;

	free(ldap->buckets);
	for (ldap->bucket_count = 1; ldap->bucket_count < ldap->count;
	     ldap->bucket_count *= 2)
		;
	ldap->buckets = xcalloc(ldap->bucket_count, sizeof(struct bucket));
	TAILQ_FOREACH(question, &ldap->open, link)
	{
		LIST_INSERT_HEAD(bucket_of(ldap, &question->key), question,
		    in_bucket);
	}
}

static bool
remembers_alike(const struct ldap_directory_policy *a,
    const struct ldap_directory_policy *b)
{
	return a->cache_entries == b->cache_entries &&
	       a->cache_valid == b->cache_valid &&
	       a->cache_unknown == b->cache_unknown;
}

struct ldap_directory *
ldap_directory_create(struct ev_loop *loop, struct directory_child *child,
    const struct ldap_directory_policy *policy)
{
	struct ldap_directory *ldap = xcalloc(1, sizeof(*ldap));

	ldap->loop = loop;
	ldap->child = child;
	ldap->directory.find = find_recipient;
	ldap->directory.find_sender = find_sender;
	ldap->listener.heard = heard;
	ldap->listener.restarted = restarted;
	/* Without any it is only easier to be in the way. */
	if (getrandom(&ldap->seed, sizeof(ldap->seed), GRND_NONBLOCK) < 0)
		ldap->seed = (uintptr_t)ldap;
	TAILQ_INIT(&ldap->free);
	TAILQ_INIT(&ldap->open);
	ev_timer_init(&ldap->timeout, timed_out, 0.0, 0.0);
	/* Answers that have come are heard first. */
	ev_set_priority(&ldap->timeout, EV_MINPRI);
	ldap_directory_configure(ldap, policy);
	directory_child_listen(child, DIRECTORY_LOOKUPS, &ldap->listener);
	return ldap;
}

void
ldap_directory_destroy(struct ldap_directory *ldap)
{
	if (ldap == NULL)
		return;
	directory_child_listen(ldap->child, DIRECTORY_LOOKUPS, NULL);
	ev_timer_stop(ldap->loop, &ldap->timeout);
	for (size_t i = 0; i < ldap->count; i++) {
		const struct question *question = ldap->questions[i];

		assert(LIST_EMPTY(&question->recipient_askers) &&
		       LIST_EMPTY(&question->sender_askers));
		free(ldap->questions[i]);
	}
	answer_cache_destroy(ldap->cache);
	free(ldap->questions);
	free(ldap->buckets);
	free(ldap);
}

void
ldap_directory_configure(struct ldap_directory *ldap,
    const struct ldap_directory_policy *policy)
{
	assert(policy->max_questions < 1U << PLACE_BITS);
	if (ldap->cache == NULL || !remembers_alike(&ldap->policy, policy)) {
		answer_cache_destroy(ldap->cache);
		ldap->cache = answer_cache_create(policy->cache_entries);
	}
	ldap->policy = *policy;
	if (policy->max_questions > ldap->count || ldap->buckets == NULL) {
		add_questions(ldap, policy->max_questions);
		add_buckets(ldap);
	}
	if (!TAILQ_EMPTY(&ldap->open))
		set_timer(ldap, 0.0);
}

struct directory *
ldap_directory_directory(struct ldap_directory *ldap)
{
	return &ldap->directory;
}

void
ldap_directory_forget(struct ldap_directory *ldap)
{
	answer_cache_forget(ldap->cache);
}

const struct ldap_directory_counters *
ldap_directory_counters(const struct ldap_directory *ldap)
{
	return &ldap->counters;
}
