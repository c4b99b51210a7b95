/* Display: outside text made fit for a terminal. Nothing that comes out can move the cursor, change
 * colours, reorder or hide text: control characters (C0, DEL, C1), direction marks, line separators
 * and bytes that are not UTF-8 are written as \xNN or \u{NNNN}. */
#pragma once

#include "base/buf.h"

/* Appends s, made safe. */
void display_put(struct buf *out, struct span s);
/* Terminal columns that well-formed UTF-8 takes: two for wide East Asian characters and emoji, none
 * for combining marks, else one. */
unsigned display_width(struct span s);
