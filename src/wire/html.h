/* HTML as mail has it, to what a reader sees, what is hidden from them, and what it links to. No
 * tree: a tokenizer (the WHATWG one's states, simplified) and a stack of what styles are in force.
 * It never fails, and takes time in proportion to its input. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define HTML_INPUT_MAX (256u << 10)
#define HTML_LINKS_MAX 256
#define HTML_DEPTH_MAX                                                                             \
    64 /* open elements whose styles are kept; deeper ones inherit the last's                      \
        */

/* HTML_IMAGE: <img> and backgrounds. HTML_OTHER: <link>, <script src>, refreshes, objects. */
enum html_link_kind { HTML_ANCHOR, HTML_IMAGE, HTML_FORM, HTML_FRAME, HTML_OTHER };

struct html_link {
    struct span url; /* the attribute's value, entities decoded, white space off its ends */
    enum html_link_kind kind;
    bool hidden; /* nothing to click on (an <a> without text or picture that is seen), not drawn, or
                  * a picture of at most 2 by 2 pixels */
};

enum html_anomaly {
    HTML_CUT = 1 << 0,         /* longer than the limits */
    HTML_HIDDEN_TEXT = 1 << 1, /* by its style, or in form fields; not just titles, comments, alt */
    HTML_SCRIPT = 1 << 2,
    HTML_SPLIT_WORDS =
        1 << 3, /* empty or useless tags or comments within a word: v<b></b>ia<!--x-->gra */
    HTML_BAD_ENTITY = 1 << 4,
    HTML_UNCLOSED = 1 << 5, /* a tag or comment without its end */
};

struct html {
    struct span
        visible; /* UTF-8; blocks and <br> end lines, table cells and pictures end words, runs of
                  * white space (no-break spaces too) are one space; no control bytes */
    struct span
        hidden; /* the same, of what is not seen: display:none, visibility:hidden, font sizes
                 * below 3 pixels, text without colour, in its background's (no channel differs
                 * by more than 24), clipped or off the screen; <title>, <noscript>, alt texts,
                 * contents of <textarea>, comments that hold two words or more */
    struct html_link *link;
    unsigned links;
    unsigned images;  /* <img>, linked or not */
    struct span base; /* <base href> */
    uint32_t anomalies;
};

/* `in` is UTF-8, and is kept by the caller: links without entities are parts of it. The rest is in
 * the arena, which gives up to three times the input's size and 64 KiB for it. */
void html_read(struct span in, struct arena *arena, struct html *out);
