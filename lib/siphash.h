/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
 * 2012): a hash with a secret.
 *
 * Who does not know the secret can neither say which hash his bytes will have,
 * nor choose bytes that share the hash of another's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_secret {
	uint64_t half[2];
};

uint64_t siphash(const struct siphash_secret *secret, const void *bytes,
    size_t len);
