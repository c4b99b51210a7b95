/* The grammars that are part of the program. Made by sim/embed.py from sim/grammars. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct mail_bundled {
    const char *name;
    const uint8_t *text;
    size_t len;
};
/* Ended by a NULL name. */
extern const struct mail_bundled mail_bundled[];
