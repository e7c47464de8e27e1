/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a test leaves descriptors open: counted in its set-up, checked in its
 * tear-down.
 */
#pragma once

void descriptors_count(void);
void descriptors_check(void);
