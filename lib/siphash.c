/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void
mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void
absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

/* Up to eight bytes, the first one lowest. */
static uint64_t
word_of(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

uint64_t
siphash(const struct siphash_secret *secret, const void *bytes, size_t len)
{
	/* The paper's constants: "somepseudorandomlygeneratedbytes". */
	struct state s = {
		.v0 = secret->half[0] ^ 0x736f6d6570736575,
		.v1 = secret->half[1] ^ 0x646f72616e646f6d,
		.v2 = secret->half[0] ^ 0x6c7967656e657261,
		.v3 = secret->half[1] ^ 0x7465646279746573,
	};
	const unsigned char *at = bytes;
	const size_t rest = len % 8;

	for (size_t i = 0; i < len / 8; i++)
		absorb(&s, word_of(at + 8 * i, 8));
	absorb(&s, word_of(at + len - rest, rest) | (uint64_t)len << 56);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
