/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a member back to the struct that embeds it.
 *
 * Interfaces here are structs that an implementation embeds; a function of the
 * implementation is given the embedded part and finds its own struct with
 * container_of().  The compiler checks that the pointer has the member's type.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define container_of(pointer, type, member) \
	__extension__({ \
		__typeof__(((type *)0)->member) *member_ = (pointer); \
		(type *)((uintptr_t)member_ - offsetof(type, member)); \
	})
