/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mail of the benchmark: which client, sender and recipient are triplet
 * number i.
 *
 * load.c asks for these triplets and fill.c puts them into a store, so both
 * must agree on them; nothing but the number decides.  Two numbers below
 * BENCH_NETWORKS have two /24 networks, so no two triplets are the same, and no
 * network has passed often enough to be whitelisted for it.  Beyond, a network
 * comes again with another sender and recipient.
 *
 * The numbers are spread: one after the other, they come in no order that a
 * B-tree could profit from, as mail does.  Senders (28 bytes on the average)
 * write from 4,096 domains, recipients (23 bytes) are 5,000 people at four
 * domains; some write and get much more than others.
 */
#pragma once

#include <stdint.h>

/* First octets 1 to 223 without 127, and all second and third ones. */
#define BENCH_NETWORKS (222u << 16)

#define BENCH_RECIPIENTS 5000u

/* The longest of each, and its NUL. */
struct bench_triplet {
	char client_address[16];
	char sender[40];
	char recipient[32];
};

/* Each list is 64 long, so six bits choose. */
static const char bench_first_names[64][8] = { "ann", "adam", "alba", "amir",
	"anton", "bea", "ben", "bo", "carla", "chen", "clara", "dan", "diego",
	"dora", "ed", "ella", "emil", "eva", "felix", "fred", "gina", "greta",
	"hans", "hugo", "ida", "igor", "ines", "ivan", "jack", "jan", "jana",
	"joe", "jonas", "jules", "karl", "kate", "kim", "lara", "lena", "leo",
	"lily", "luis", "maja", "maria", "mark", "max", "mia", "nils", "nina",
	"noah", "olga", "omar", "otto", "paula", "peter", "rita", "rosa", "sam",
	"sofia", "tara", "tom", "vera", "yuki", "zoe" };

static const char bench_last_names[64][8] = { "abbott", "adler", "arden",
	"baker", "bauer", "becker", "bell", "berg", "blanc", "brandt", "brown",
	"carter", "castro", "clark", "costa", "cruz", "dubois", "eder", "evans",
	"ferrari", "fischer", "fox", "garcia", "gruber", "haas", "hansen",
	"harris", "huber", "ito", "jansen", "jensen", "jung", "keller", "khan",
	"klein", "koch", "kovacs", "kumar", "lang", "larsen", "lopez", "maier",
	"martin", "meyer", "miller", "moreau", "novak", "olsen", "perez",
	"popescu", "reid", "ricci", "roth", "sato", "schmidt", "silva", "smith",
	"sousa", "stein", "tanaka", "vogel", "weber", "wilson", "young" };

static const char bench_places[64][8] = { "alder", "amber", "apple", "ash",
	"bay", "beech", "birch", "blue", "brook", "cedar", "city", "clay",
	"cliff", "coal", "coast", "copper", "corn", "crown", "dale", "deep",
	"east", "elm", "fern", "field", "fir", "ford", "forest", "glen", "gold",
	"grand", "green", "grove", "harbor", "hill", "iron", "ivy", "lake",
	"long", "maple", "mill", "moor", "new", "north", "oak", "old", "park",
	"pine", "port", "red", "ridge", "river", "rock", "rose", "sand",
	"silver", "snow", "south", "spring", "star", "stone", "sun", "vale",
	"west", "wood" };

/* The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit of the
 * result depends on every bit of the number. */
static inline uint64_t
bench_mix(uint64_t number)
{
	number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
	number = (number ^ number >> 27) * 0x94d049bb133111eb;
	return number ^ number >> 31;
}

/* Takes bits off the random ones. */
static inline uint32_t
bench_take(uint64_t *bits, unsigned count)
{
	const uint32_t taken = (uint32_t)(*bits & ((1u << count) - 1));

	*bits >>= count;
	return taken;
}

/* One of so many, the low numbers more often: the lowest quarter takes half. */
static inline uint32_t
bench_take_skewed(uint64_t *bits, uint32_t count)
{
	const uint32_t even = bench_take(bits, 16);

	return (even * even >> 16) * count >> 16;
}

static inline char *
bench_append(char *to, const char *text)
{
	while (*text != '\0')
		*to++ = *text++;
	return to;
}

static inline char *
bench_append_number(char *to, unsigned number)
{
	if (number >= 100)
		*to++ = (char)('0' + number / 100);
	if (number >= 10)
		*to++ = (char)('0' + number / 10 % 10);
	*to++ = (char)('0' + number % 10);
	return to;
}

/* The multiplier has no divisor in common with BENCH_NETWORKS, so the networks
 * take turns; it is the golden section of it, so neighbours are far apart. */
static inline void
bench_write_client(uint64_t i, unsigned host, char *to)
{
	const uint64_t turn = i % BENCH_NETWORKS * 8991773 % BENCH_NETWORKS;
	const unsigned network = (unsigned)turn;
	const unsigned first = (network >> 16) + 1;

	to = bench_append_number(to, first < 127 ? first : first + 1);
	*to++ = '.';
	to = bench_append_number(to, network >> 8 & 255);
	*to++ = '.';
	to = bench_append_number(to, network & 255);
	*to++ = '.';
	to = bench_append_number(to, host);
	*to = '\0';
}

static inline void
bench_write_sender(uint64_t *bits, char *to)
{
	uint32_t domain;

	to = bench_append(to, bench_first_names[bench_take(bits, 6)]);
	*to++ = '.';
	to = bench_append(to, bench_last_names[bench_take(bits, 6)]);
	*to++ = '@';
	domain = bench_take_skewed(bits, 4096);
	to = bench_append(to, bench_places[domain * 37 & 63]);
	to = bench_append(to, bench_places[domain >> 6]);
	*bench_append(to, ".example") = '\0';
}

static inline void
bench_write_person(uint32_t person, char *to)
{
	static const char domains[4][20] = { "@city.example",
		"@college.example", "@works.example", "@hospital.example" };

	to = bench_append(to, bench_last_names[person & 63]);
	*to++ = '.';
	*to++ = (char)('a' + (person >> 6) % 26);
	if (person >> 6 >= 26)
		*to++ = (char)('a' + (person >> 6) / 26);
	*bench_append(to, domains[person & 3]) = '\0';
}

static inline void
bench_write_recipient(uint64_t *bits, char *to)
{
	bench_write_person(bench_take_skewed(bits, BENCH_RECIPIENTS), to);
}

static inline void
bench_triplet(uint64_t i, struct bench_triplet *triplet)
{
	uint64_t bits = bench_mix(i);

	bench_write_client(i, bench_take(&bits, 7) + 1,
	    triplet->client_address);
	bench_write_sender(&bits, triplet->sender);
	bench_write_recipient(&bits, triplet->recipient);
}
