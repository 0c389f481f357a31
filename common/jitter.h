#pragma once

#include <stdint.h>

/** jitter_bits(): 32 random bits for delays; zeros where the system has none,
 * which makes a delay the shortest and is no fault. */
uint32_t jitter_bits(void);
