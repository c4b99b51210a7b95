/* Words: numbers as common English words, to be written down and read out (words.def has them). */
#pragma once

#include "base/buf.h"

#define WORDS_BITS  11
#define WORDS_COUNT 2048

/* The word of a value below WORDS_COUNT. */
const char *word_of(unsigned value);
/* The value of a word: whole, or its first four letters or more, in any case. -1: no such word. */
int word_value(struct span word);
