/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For libraries that take a plain pointer to what they only read, and for the
 * one place that frees what is const to everybody else.
 */
#pragma once

static inline void *
unconst(const void *pointer)
{
	const union {
		const void *given;
		void *taken;
	} same = { .given = pointer };

	return same.taken;
}
