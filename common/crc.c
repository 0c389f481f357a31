#include "common/crc.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

#define CLMUL __attribute__((target("pclmul")))

enum { LANE = sizeof(__m128i), LANES = 4, STRIDE = LANES * LANE };

static inline __m128i
load(const unsigned char *bytes)
{
    return _mm_loadu_si128((const __m128i *)bytes);
}

/* @sum moved to where @next stands, and added to it. */
CLMUL static inline __m128i
fold(__m128i sum, __m128i powers, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(sum, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(sum, powers, 0x11);

    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/*
 * A CRC is a remainder, so 16 bytes may be replaced by what they leave d bits
 * further behind: their halves times x^(d + 32) and x^(d - 32), both modulo
 * the polynomial and with their bits reversed (V. Gopal et al., "Fast CRC
 * Computation for Generic Polynomials Using PCLMULQDQ Instruction").  Four
 * lanes go beside each other, as each product waits for the one before.  The
 * 16 bytes that are left at the end stand for all that were folded.
 */
CLMUL static uint32_t
crc_folded(const unsigned char *bytes, size_t len)
{
    const __m128i by_stride = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i by_lane = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    unsigned char last[LANE];
    __m128i lanes[LANES], sum;

    for (int i = 0; i < LANES; i++)
        lanes[i] = load(bytes + i * LANE);
    /* The register begins with ones. */
    lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(-1));
    for (bytes += STRIDE, len -= STRIDE; len >= STRIDE;
         bytes += STRIDE, len -= STRIDE)
        for (int i = 0; i < LANES; i++)
            lanes[i] = fold(lanes[i], by_stride, load(bytes + i * LANE));

    sum = lanes[0];
    for (int i = 1; i < LANES; i++)
        sum = fold(sum, by_lane, lanes[i]);
    for (; len >= LANE; bytes += LANE, len -= LANE)
        sum = fold(sum, by_lane, load(bytes));

    /* zlib inverts what it is given: here the register goes on from 0. */
    _mm_storeu_si128((__m128i *)last, sum);
    return (uint32_t)crc32_z(crc32_z(0xffffffff, last, LANE), bytes, len);
}
#endif

uint32_t
crc_of(const void *bytes, size_t len)
{
#if defined(__x86_64__)
    if (len >= STRIDE && __builtin_cpu_supports("pclmul"))
        return crc_folded(bytes, len);
#endif
    return (uint32_t)crc32_z(0, bytes, len);
}
