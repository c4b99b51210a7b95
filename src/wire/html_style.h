/* Styles as far as they decide what is seen: colours, sizes, display and its like. CSS is read as
 * mail has it: declarations of `style` attributes, and rules of <style> whose selector is one tag,
 * class or id. */
#pragma once

#include "base/buf.h"

#define HTML_RULES_MAX   64          /* of one mail's style sheets; later ones are passed over */
#define HTML_CLASSES_MAX 8           /* of one element */
#define HTML_COLOR_NONE  0xff000000u /* no plain colour: a picture */
#define HTML_COLOR_NEAR  24 /* colours are the same to a reader when no channel differs by more */
#define HTML_SIZE(px)    ((px)*64) /* font sizes are counted in 64ths of a CSS pixel */
#define HTML_SIZE_SEEN   HTML_SIZE(3)
#define HTML_FAR         500 /* pixels off the page's edge that nobody scrolls to */

enum html_css {
    CSS_FG = 1 << 0,
    CSS_BG = 1 << 1,
    CSS_SIZE = 1 << 2,         /* absolute */
    CSS_SIZE_PERCENT = 1 << 3, /* of the parent's */
    CSS_NONE = 1 << 4,         /* display: none and what cannot be undone further in */
    CSS_SHOWN = 1 << 5,        /* display: anything else */
    CSS_UNSEEN = 1 << 6,       /* visibility: hidden */
    CSS_SEEN = 1 << 7,
    CSS_CLEAR = 1 << 8,     /* text without colour */
    CSS_BOX_EMPTY = 1 << 9, /* a width or height of nothing... */
    CSS_CLIPPED = 1 << 10,  /* ...whose contents are cut off */
    CSS_PLACED = 1 << 11,   /* position: absolute... */
    CSS_FAR = 1 << 12,      /* ...and far off */
    CSS_PRE = 1 << 13,
    CSS_WRAP = 1 << 14, /* white space as usual again */
    CSS_BLOCK = 1 << 15,
};

/* What declarations change; only members whose bit is set count. */
struct html_decl {
    uint32_t set, fg, bg;
    int32_t size;
};

/* What is in force in an element. */
struct html_style {
    uint32_t fg, bg; /* 0xrrggbb */
    int32_t size;
    bool gone; /* not drawn, and nothing in it is */
    bool unseen, clear, pre;
    bool quiet;  /* not drawn by its nature: <noscript> */
    bool hidden; /* all of that together: its text is not seen */
};

void html_style_apply(struct html_style *s, const struct html_decl *d);
/* Sets `hidden` from the rest. */
void html_style_judge(struct html_style *s);

/* "a: b; c: d" added to *d, later ones over earlier ones. */
void html_css_read(struct span text, struct html_decl *d);
/* A colour as CSS has it; false when it is none. *clear: nothing would be seen. */
bool html_color_css(struct span text, uint32_t *rgb, bool *clear);
/* As attributes have it (WHATWG HTML, 2.3.6: any text but an empty one is some colour). */
bool html_color_legacy(struct span text, uint32_t *rgb);
/* A length in 64ths of a pixel; *percent: in 64ths of a percent. */
bool html_length(struct span text, int32_t *out, bool *percent);

enum html_selector { SEL_TAG, SEL_CLASS, SEL_ID };
struct html_rule {
    uint32_t hash; /* of the name, small letters */
    uint8_t kind;
    uint8_t tag; /* 0 any; "p.x" */
    struct html_decl decl;
};
struct html_sheet {
    unsigned n;
    uint64_t tags[2]; /* bits of the tags that rules of SEL_TAG have */
    uint64_t names;   /* bits of hashes of the classes and ids that others have */
    struct html_rule rule[HTML_RULES_MAX];
};

/* False when no rule is for such an element, which is said without looking at their names. */
static inline bool html_sheet_may_match(const struct html_sheet *s, unsigned tag, bool named)
{
    return (named && s->names) || (tag < 128 && (s->tags[tag >> 6] >> (tag & 63) & 1));
}

void html_sheet_read(struct span text, struct html_sheet *s);
/* The rules that name the element, added to *d: the tag's, then the classes', then the id's. */
void html_sheet_match(const struct html_sheet *s, unsigned tag, struct span classes, struct span id,
                      struct html_decl *d);
