/* What mime and charset share of searching bytes in bulk: AVX2 where the CPU has it, told at run
 * time; else, or when mime_decode_scalar() forbids it, plain code with the same results. */
#pragma once

#include "base/buf.h"

#ifdef __x86_64__
#define VECTOR_AVX2 __attribute__((target("avx2,bmi")))
#endif

/* May AVX2 code run? */
bool vector_is_on(void);

enum vector_look { VECTOR_8BIT = 1, VECTOR_NUL = 2 };
/* Which of these bytes are there. */
unsigned vector_look(struct span s);
/* Bytes of ASCII at the start of s, NUL among them. */
size_t vector_ascii(struct span s);
/* The first '\n' in [p, end) that a, b follow; NULL when there is none. */
const uint8_t *vector_line(const uint8_t *p, const uint8_t *end, char a, char b);
