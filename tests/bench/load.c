/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The load generator: speaks to a policy server as many smtpd(8) do at once.
 *
 * Each connection has one outstanding request, with the 29 attributes of
 * Postfix 3.7.  Without -r the loop is closed: a connection asks again as soon
 * as it is answered, so the server always has as many requests as there are
 * connections, and the latency is mostly the time in its queue.  With -r
 * requests are due at a fixed rate, whether or not earlier ones are answered
 * yet; the latency counts from the moment a request was due, so a server that
 * stalls pays for all that would have come meanwhile.
 *
 * Every answer is checked.  An answer that is none, a closed connection or half
 * a minute of silence ends the run with exit code 1.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "endpoint.h"
#include "triplets.h"

enum {
	EVENTS = 512,
	CONNECTIONS_MAX = 10000,
	REQUEST_MAX = 2048,
	REPLY_MAX = 2048,
	/* Of five requests of a mix one is new. */
	MIX_NEW = 5,
	/* A bucket of the histogram is at most 1/64 of its value wide. */
	BUCKET_BITS = 6,
	BUCKETS = (64 - BUCKET_BITS) << BUCKET_BITS,
};

#define SECOND UINT64_C(1000000000)
#define PATIENCE (30 * SECOND)

enum mode { MODE_NEW = 0, MODE_KNOWN, MODE_MIX };

static const char *const mode_names[] = {
	[MODE_NEW] = "new",
	[MODE_KNOWN] = "known",
	[MODE_MIX] = "mix",
};

enum action { ACTION_OTHER = 0, ACTION_DEFER, ACTION_DUNNO, ACTION_PREPEND };

enum { ACTIONS = ACTION_PREPEND + 1 };

static const char *const action_names[ACTIONS] = {
	[ACTION_OTHER] = "other",
	[ACTION_DEFER] = "defer",
	[ACTION_DUNNO] = "dunno",
	[ACTION_PREPEND] = "prepend",
};

struct options {
	const char *server;
	enum mode mode;
	uint64_t connections;
	/* 0: as many as the seconds hold. */
	uint64_t requests;
	double seconds;
	/* Requests a second; 0: as many as the server answers. */
	double rate;
	uint64_t triplets;
	/* So many recipients are asked about, and nothing else; 0: triplets. */
	uint64_t recipients;
	/* The first new triplet. */
	uint64_t first;
	uint64_t seed;
	/* 0: unknown. */
	pid_t pid;
	bool json;
};

struct histogram {
	uint64_t counts[BUCKETS];
	uint64_t total;
	uint64_t sum;
	uint64_t max;
};

struct connection {
	int fd;
	bool waiting;
	/* When its request was due, in nanoseconds. */
	uint64_t since;
	size_t len;
	char reply[REPLY_MAX];
};

struct load {
	const struct options *options;
	int epoll;
	struct connection *connections;
	/* The connections that have nothing to do, the longest idle first. */
	struct connection **idle;
	uint64_t idle_first;
	uint64_t idle_count;
	uint64_t random;
	uint64_t next_new;
	uint64_t started;
	uint64_t looked;
	uint64_t sent;
	uint64_t answered;
	uint64_t bytes;
	uint64_t actions[ACTIONS];
	struct histogram latency;
};

/* What the run has cost, and how long it took. */
struct result {
	double seconds;
	/* Microseconds for each decision; the server's is negative when
	 * unknown. */
	double server_cpu;
	double generator_cpu;
	const char *cpu_source;
};

__attribute__((format(printf, 1, 2))) static _Noreturn void
fail(const char *format, ...)
{
	va_list arguments;

	fputs("load: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static uint64_t
clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* The histogram. */

static unsigned
bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < 2u << BUCKET_BITS)
		return (unsigned)value;
	shift = 63 - BUCKET_BITS - (unsigned)__builtin_clzll(value);
	return (shift << BUCKET_BITS) + (unsigned)(value >> shift);
}

/* The greatest value that falls into the bucket. */
static uint64_t
bucket_end(unsigned bucket)
{
	unsigned shift;

	if (bucket < 2u << BUCKET_BITS)
		return bucket;
	shift = (bucket >> BUCKET_BITS) - 1;
	return ((uint64_t)(bucket - (shift << BUCKET_BITS) + 1) << shift) - 1;
}

static void
histogram_add(struct histogram *histogram, uint64_t value)
{
	histogram->counts[bucket_of(value)]++;
	histogram->total++;
	histogram->sum += value;
	if (value > histogram->max)
		histogram->max = value;
}

static uint64_t
histogram_quantile(const struct histogram *histogram, double share)
{
	const double wanted = share * (double)histogram->total;
	uint64_t seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += histogram->counts[i];
		if ((double)seen >= wanted && seen > 0)
			return bucket_end(i) < histogram->max ? bucket_end(i)
							      : histogram->max;
	}
	return histogram->max;
}

/* The CPU time of the server. */

static uint64_t
thread_ns(pid_t pid, const char *thread)
{
	char path[300];
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/task/%s/schedstat", (long)pid,
	    thread);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fscanf(file, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(file);
	return ns;
}

/* What the scheduler has counted for all threads, in nanoseconds; 0 when the
 * kernel does not say. */
static uint64_t
schedstat_ns(pid_t pid)
{
	char path[64];
	const struct dirent *thread;
	uint64_t ns = 0;
	DIR *threads;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	threads = opendir(path);
	if (threads == NULL)
		fail("no process %ld", (long)pid);
	while ((thread = readdir(threads)) != NULL)
		if (*thread->d_name != '.')
			ns += thread_ns(pid, thread->d_name);
	closedir(threads);
	return ns;
}

/* The same in clock ticks, hundredths of a second: user and system time are
 * fields 14 and 15, the 12th and 13th behind the name in parentheses. */
static uint64_t
stat_ns(pid_t pid)
{
	char path[64];
	char line[1024] = "";
	unsigned long user = 0;
	unsigned long system = 0;
	const char *behind;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (file == NULL || fgets(line, sizeof(line), file) == NULL)
		fail("no process %ld", (long)pid);
	fclose(file);
	behind = strrchr(line, ')');
	if (behind == NULL ||
	    sscanf(behind + 1,
		" %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &user,
		&system) != 2)
		fail("%s is not understood", path);
	return (user + system) * (SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

static uint64_t
server_ns(pid_t pid, bool ticks)
{
	return ticks ? stat_ns(pid) : schedstat_ns(pid);
}

static uint64_t
timeval_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * SECOND + (uint64_t)time->tv_usec * 1000;
}

static uint64_t
own_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
}

/* Requests. */

/* What stands before a piece of the request that is different each time. */
enum field {
	FIELD_ADDRESS = 0,
	FIELD_NAME,
	FIELD_SENDER,
	FIELD_RECIPIENT,
	FIELD_INSTANCE,
	FIELD_CONTEXT,
	FIELD_NONE,
	FIELDS,
};

struct piece {
	const char *text;
	size_t len;
	enum field field;
};

#define PIECE(piece_text, piece_field) \
	{ \
		.text = (piece_text), .len = sizeof(piece_text) - 1, \
		.field = (piece_field) \
	}

/* A first RCPT TO over TLS, in the order of Postfix 3.7 (smtpd_check.c). */
static const struct piece pieces[] = {
	PIECE("request=smtpd_access_policy\n"
	      "protocol_state=RCPT\n"
	      "protocol_name=ESMTP\n"
	      "client_address=",
	    FIELD_ADDRESS),
	PIECE("\nclient_name=", FIELD_NAME),
	PIECE("\nclient_port=47318\n"
	      "reverse_client_name=",
	    FIELD_NAME),
	PIECE("\nserver_address=192.0.2.25\n"
	      "server_port=25\n"
	      "helo_name=",
	    FIELD_NAME),
	PIECE("\nsender=", FIELD_SENDER),
	PIECE("\nrecipient=", FIELD_RECIPIENT),
	PIECE("\nrecipient_count=0\n"
	      "queue_id=\n"
	      "instance=",
	    FIELD_INSTANCE),
	PIECE("\nsize=48213\n"
	      "etrn_domain=\n"
	      "stress=\n"
	      "sasl_method=\n"
	      "sasl_username=\n"
	      "sasl_sender=\n"
	      "ccert_subject=\n"
	      "ccert_issuer=\n"
	      "ccert_fingerprint=\n"
	      "ccert_pubkey_fingerprint=\n"
	      "encryption_protocol=TLSv1.3\n"
	      "encryption_cipher=TLS_AES_256_GCM_SHA384\n"
	      "encryption_keysize=256\n"
	      "policy_context=",
	    FIELD_CONTEXT),
	PIECE("\n\n", FIELD_NONE),
};

/* As Postfix makes it: process, seconds and microseconds in hexadecimal, and
 * the message's number; here the microseconds count requests. */
static void
write_instance(uint64_t number, char *to)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(to, "4d2.66a1b2c3.00000000.0", 24);
	for (char *digit = to + 20; number != 0 && digit > to + 12;) {
		*digit-- = digits[number & 15];
		number >>= 4;
	}
}

static size_t
write_request(const struct bench_triplet *triplet, const char *context,
    uint64_t number, char *to)
{
	char name[48] = "mail.";
	char instance[24];
	const char *const values[FIELDS] = {
		[FIELD_ADDRESS] = triplet->client_address,
		[FIELD_NAME] = name,
		[FIELD_SENDER] = triplet->sender,
		[FIELD_RECIPIENT] = triplet->recipient,
		[FIELD_INSTANCE] = instance,
		[FIELD_CONTEXT] = context,
		[FIELD_NONE] = "",
	};
	char *const start = to;

	*bench_append(name + 5, strchr(triplet->sender, '@') + 1) = '\0';
	write_instance(number, instance);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		memcpy(to, pieces[i].text, pieces[i].len);
		to = bench_append(to + pieces[i].len, values[pieces[i].field]);
	}
	return (size_t)(to - start);
}

/* SplitMix64. */
static uint64_t
random_below(struct load *load, uint64_t limit)
{
	load->random += 0x9e3779b97f4a7c15;
	return (bench_mix(load->random) >> 32) * limit >> 32;
}

static uint64_t
choose_triplet(struct load *load)
{
	const struct options *options = load->options;

	if (options->mode == MODE_NEW ||
	    (options->mode == MODE_MIX && random_below(load, MIX_NEW) == 0))
		return load->next_new++;
	return random_below(load, options->triplets);
}

/* Any triplet's client and sender, but a recipient of the directory. */
static void
choose_recipient(struct load *load, struct bench_triplet *triplet)
{
	const uint64_t recipients = load->options->recipients;

	snprintf(triplet->recipient, sizeof(triplet->recipient),
	    "r%" PRIu64 "@d.example", random_below(load, recipients));
}

/* Connections. */

static void
open_connection(struct load *load, struct connection *connection)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.ptr = connection };
	struct bench_endpoint endpoint;
	const int on = 1;

	if (!bench_endpoint_parse(load->options->server, &endpoint))
		fail("%s names no server", load->options->server);
	connection->fd = socket(endpoint.address.ss_family, SOCK_STREAM, 0);
	if (connection->fd < 0)
		fail("socket: %s", strerror(errno));
	if (connect(connection->fd, (struct sockaddr *)&endpoint.address,
		endpoint.len) != 0)
		fail("connect to %s: %s", load->options->server,
		    strerror(errno));
	/* Fails on a UNIX socket, which has no need of it. */
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
		fail("epoll_ctl: %s", strerror(errno));
}

static void
put_idle(struct load *load, struct connection *connection)
{
	const uint64_t last = load->idle_first + load->idle_count++;

	load->idle[last % load->options->connections] = connection;
}

static struct connection *
take_idle(struct load *load)
{
	const uint64_t first = load->idle_first++;

	load->idle_count--;
	return load->idle[first % load->options->connections];
}

static void
ask(struct load *load, struct connection *connection, uint64_t since)
{
	const char *context = "";
	char request[REQUEST_MAX];
	struct bench_triplet triplet;
	size_t len;

	bench_triplet(choose_triplet(load), &triplet);
	if (load->options->recipients > 0) {
		choose_recipient(load, &triplet);
		context = "recipient";
	}
	len = write_request(&triplet, context, load->sent, request);
	connection->since = since;
	connection->waiting = true;
	connection->len = 0;
	load->sent++;
	load->bytes += len;
	if (send(connection->fd, request, len, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)len)
		fail("a request was not sent: %s", strerror(errno));
}

static enum action
action_of(const char *reply)
{
	const char *word = reply + strlen("action=");

	if (strncmp(word, "DEFER", 5) == 0)
		return ACTION_DEFER;
	if (strncmp(word, "DUNNO", 5) == 0)
		return ACTION_DUNNO;
	if (strncmp(word, "PREPEND ", 8) == 0)
		return ACTION_PREPEND;
	return ACTION_OTHER;
}

/* Whether the reply is all there.  With one request there is one reply: behind
 * its empty line comes nothing. */
static bool
reply_is_whole(const struct connection *connection)
{
	const char *const end =
	    memmem(connection->reply, connection->len, "\n\n", 2);

	if (!connection->waiting)
		fail("an answer without a question");
	if (end == NULL)
		return false;
	if (end != connection->reply + connection->len - 2 ||
	    strncmp(connection->reply, "action=", 7) != 0)
		fail("not an answer: \"%.*s\"", (int)connection->len,
		    connection->reply);
	return true;
}

/* Reads what has come. */
static bool
hear(struct connection *connection)
{
	const size_t room = sizeof(connection->reply) - connection->len - 1;
	const ssize_t n = recv(connection->fd,
	    connection->reply + connection->len, room, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0)
		fail("recv: %s", strerror(errno));
	if (n == 0)
		fail(room == 0 ? "an answer is too long"
			       : "the server closed a connection");
	connection->len += (size_t)n;
	connection->reply[connection->len] = '\0';
	return true;
}

/* The run. */

static bool
all_sent(const struct load *load, uint64_t now)
{
	const struct options *options = load->options;

	if (options->requests > 0)
		return load->sent >= options->requests;
	return (double)(now - load->started) >=
	       options->seconds * (double)SECOND;
}

/* Asks what is due, on the connections that are free. */
static void
ask_due(struct load *load, uint64_t now)
{
	const double interval = (double)SECOND / load->options->rate;

	while (load->idle_count > 0 && !all_sent(load, now)) {
		const uint64_t due =
		    load->started + (uint64_t)((double)load->sent * interval);

		if (due > now)
			return;
		ask(load, take_idle(load), due);
	}
}

static void
answer(struct load *load, struct connection *connection)
{
	uint64_t now;

	if (!hear(connection) || !reply_is_whole(connection))
		return;
	now = clock_ns();
	connection->waiting = false;
	load->answered++;
	load->actions[action_of(connection->reply)]++;
	histogram_add(&load->latency, now - connection->since);
	if (load->options->rate > 0)
		put_idle(load, connection);
	else if (!all_sent(load, now))
		ask(load, connection, now);
}

/* Once a second. */
static void
look_for_silence(struct load *load, uint64_t now)
{
	if (now - load->looked < SECOND)
		return;
	load->looked = now;
	for (uint64_t i = 0; i < load->options->connections; i++)
		if (load->connections[i].waiting &&
		    now > load->connections[i].since + PATIENCE)
			fail("a request waits for its answer since 30 "
			     "seconds");
}

static void
start(struct load *load)
{
	const struct options *options = load->options;

	load->started = load->looked = clock_ns();
	for (uint64_t i = 0; i < options->connections; i++)
		if (options->rate > 0)
			put_idle(load, &load->connections[i]);
		else if (!all_sent(load, load->started))
			ask(load, &load->connections[i], clock_ns());
}

/* With a rate it does not sleep: waking up takes longer than an answer. */
static void
run(struct load *load)
{
	const bool paced = load->options->rate > 0;
	struct epoll_event events[EVENTS];
	uint64_t now;

	start(load);
	for (;;) {
		now = clock_ns();
		if (paced)
			ask_due(load, now);
		if (load->answered == load->sent && all_sent(load, now))
			return;
		const int count =
		    epoll_wait(load->epoll, events, EVENTS, paced ? 0 : 1000);

		for (int i = 0; i < count; i++)
			answer(load, events[i].data.ptr);
		look_for_silence(load, now);
	}
}

static struct result
measure(struct load *load)
{
	const pid_t pid = load->options->pid;
	const bool ticks = pid > 0 && schedstat_ns(pid) == 0;
	const uint64_t server = pid > 0 ? server_ns(pid, ticks) : 0;
	const uint64_t own = own_ns();
	struct result result = { .server_cpu = -1, .cpu_source = "none" };
	double decisions;

	run(load);
	result.seconds = (double)(clock_ns() - load->started) / (double)SECOND;
	decisions = (double)load->answered * 1000;
	result.generator_cpu = (double)(own_ns() - own) / decisions;
	if (pid == 0)
		return result;
	result.server_cpu =
	    (double)(server_ns(pid, ticks) - server) / decisions;
	result.cpu_source = ticks ? "stat" : "schedstat";
	return result;
}

/* The report. */

struct quantile {
	const char *name;
	double share;
};

static const struct quantile quantiles[] = {
	{ "p50", 0.5 },
	{ "p90", 0.9 },
	{ "p99", 0.99 },
	{ "p99.9", 0.999 },
	{ "p99.99", 0.9999 },
	{ "max", 1.0 },
};

enum { QUANTILES = sizeof(quantiles) / sizeof(quantiles[0]) };

static double
quantile_us(const struct load *load, size_t i)
{
	return (double)histogram_quantile(&load->latency, quantiles[i].share) /
	       1000;
}

static void
print_json(const struct load *load, const struct result *result)
{
	const struct options *options = load->options;
	const double answered = (double)load->answered;

	printf("{\"mode\": \"%s\", \"connections\": %" PRIu64
	       ", \"rate\": %.1f, \"decisions\": %" PRIu64
	       ", \"seconds\": %.6f, \"decisions_per_second\": %.1f, ",
	    mode_names[options->mode], options->connections, options->rate,
	    load->answered, result->seconds, answered / result->seconds);
	printf("\"server_cpu_us\": %.4f, \"server_cpu_source\": \"%s\", "
	       "\"generator_cpu_us\": %.4f, \"request_bytes\": %.1f, "
	       "\"next_new\": %" PRIu64 ", \"latency_us\": {",
	    result->server_cpu, result->cpu_source, result->generator_cpu,
	    (double)load->bytes / answered, load->next_new);
	for (size_t i = 0; i < QUANTILES; i++)
		printf("\"%s\": %.3f, ", quantiles[i].name,
		    quantile_us(load, i));
	printf("\"mean\": %.3f}, \"actions\": {",
	    (double)load->latency.sum / answered / 1000);
	for (size_t i = 0; i < ACTIONS; i++)
		printf("%s\"%s\": %" PRIu64, i > 0 ? ", " : "", action_names[i],
		    load->actions[i]);
	puts("}}");
}

static void
print_text(const struct load *load, const struct result *result)
{
	const double answered = (double)load->answered;

	printf("%" PRIu64 " decisions in %.2f s, %.0f a second\n",
	    load->answered, result->seconds, answered / result->seconds);
	if (result->server_cpu >= 0)
		printf("server CPU %.2f us a decision (%s)\n",
		    result->server_cpu, result->cpu_source);
	printf("generator CPU %.2f us a decision, %.0f bytes a request\n",
	    result->generator_cpu, (double)load->bytes / answered);
	printf("latency in us:");
	for (size_t i = 0; i < QUANTILES; i++)
		printf("  %s %.0f", quantiles[i].name, quantile_us(load, i));
	printf("\nanswers:");
	for (size_t i = 0; i < ACTIONS; i++)
		printf("  %s %" PRIu64, action_names[i], load->actions[i]);
	putchar('\n');
}

/* The command line. */

static const char usage[] =
    "usage: load -s unix:PATH|inet:HOST:PORT -m new|known|mix -n REQUESTS\n"
    "            [-c CONNECTIONS] [-T SECONDS] [-r RATE] [-k TRIPLETS]\n"
    "            [-b FIRST] [-R RECIPIENTS] [-S SEED] [-p PID] [--json]\n"
    "       load --people\n"
    "\n"
    "  -n  so many requests, or with -T as many as the seconds hold\n"
    "  -r  requests a second; without it each answer is followed by the next\n"
    "      request\n"
    "  -k  the triplets 0 to TRIPLETS-1 are known\n"
    "  -b  the first new triplet (TRIPLETS)\n"
    "  -R  asks whether one of so many recipients exists, r0@d.example and so\n"
    "      on, and nothing else\n"
    "  -p  the server, whose CPU time is to be told\n"
    "  --people  prints the recipients of all triplets\n";

static _Noreturn void
fail_usage(void)
{
	fputs(usage, stderr);
	exit(64);
}

static uint64_t
number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    value < min || value > max) {
		fprintf(stderr,
		    "load: %s is no number from %" PRIu64 " to %" PRIu64 "\n",
		    text, min, max);
		exit(64);
	}
	return value;
}

static enum mode
mode_named(const char *name)
{
	for (size_t i = 0; i < sizeof(mode_names) / sizeof(mode_names[0]); i++)
		if (strcmp(name, mode_names[i]) == 0)
			return (enum mode)i;
	fail_usage();
}

static _Noreturn void
print_people(void)
{
	char recipient[sizeof(((struct bench_triplet *)NULL)->recipient)];

	for (uint32_t i = 0; i < BENCH_RECIPIENTS; i++) {
		bench_write_person(i, recipient);
		puts(recipient);
	}
	exit(0);
}

static void
read_option(struct options *options, int option, const char *value)
{
	const uint64_t all = UINT32_MAX;

	switch (option) {
	case 's':
		options->server = value;
		break;
	case 'm':
		options->mode = mode_named(value);
		break;
	case 'c':
		options->connections = number(value, 1, CONNECTIONS_MAX);
		break;
	case 'n':
		options->requests = number(value, 1, all);
		break;
	case 'T':
		options->seconds = (double)number(value, 1, 86400);
		break;
	case 'r':
		options->rate = (double)number(value, 1, 100000000);
		break;
	case 'k':
		options->triplets = number(value, 1, all);
		break;
	case 'b':
		options->first = number(value, 0, all);
		break;
	case 'R':
		options->recipients = number(value, 1, all);
		break;
	case 'S':
		options->seed = number(value, 0, all);
		break;
	case 'p':
		options->pid = (pid_t)number(value, 1, INT32_MAX);
		break;
	case 'j':
		options->json = true;
		break;
	case 'P':
		print_people();
	default:
		fail_usage();
	}
}

static void
read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "people", no_argument, NULL, 'P' },
		{ NULL, 0, NULL, 0 },
	};
	const uint64_t unset = UINT64_MAX;
	int option;

	options->first = unset;
	while ((option = getopt_long(argc, argv,
		    "s:m:c:n:T:r:k:b:R:S:p:", long_options, NULL)) != -1)
		read_option(options, option, optarg);
	if (optind < argc || options->server == NULL ||
	    (options->requests == 0) == (options->seconds == 0) ||
	    (options->mode != MODE_NEW && options->triplets == 0))
		fail_usage();
	if (options->first == unset)
		options->first = options->triplets;
	/* All that is due in that time is asked, however late. */
	if (options->rate > 0 && options->requests == 0)
		options->requests =
		    (uint64_t)(options->rate * options->seconds);
}

static void
open_load(struct load *load, const struct options *options)
{
	load->options = options;
	load->next_new = options->first;
	load->random = bench_mix(options->seed);
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->connections =
	    calloc(options->connections, sizeof(*load->connections));
	load->idle = calloc(options->connections, sizeof(struct connection *));
	if (load->epoll < 0 || load->connections == NULL || load->idle == NULL)
		fail("no memory");
	for (uint64_t i = 0; i < options->connections; i++)
		open_connection(load, &load->connections[i]);
}

int
main(int argc, char **argv)
{
	static struct load load;
	struct options options = { .connections = 1 };
	struct result result;

	read_options(argc, argv, &options);
	open_load(&load, &options);
	result = measure(&load);
	if (options.json)
		print_json(&load, &result);
	else
		print_text(&load, &result);
	return 0;
}
