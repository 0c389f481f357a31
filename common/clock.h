#pragma once

#include <stdint.h>

/*
 * The only reader of the clocks; all else takes times as arguments.
 */

/** clock_wall_ms(): ms since 1970, as the machine believes; it may step. */
int64_t clock_wall_ms(void);

/** clock_mono_us(): microseconds that never step; the start means nothing. */
int64_t clock_mono_us(void);

/** clock_boot_us(): microseconds since the machine's start. */
int64_t clock_boot_us(void);
