/* Campaigns, inside: what campaigns*.c share. Nobody else includes it (but its test and fuzzer). */
#pragma once

#include "state/campaigns.h"

#define CACHE_LINE 64

static inline unsigned sketch_bins_same(const struct sketch *a, const struct sketch *b)
{
    uint16_t same = 0;
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        same += a->bin[i] == b->bin[i];
    return same;
}

/* --- signs: what is compared besides the text, as hashes, of a mail or of a campaign --- */

enum sign {
    SIGN_EXACT,
    SIGN_DOMAIN,
    SIGN_FILE,
    SIGN_LOOK, /* of a picture that is the message, with the hand that sent it */
    SIGN_HAND,
    SIGN_SUBJECT,
    SIGN_SHAPE,
    SIGN_HEADERS,
    SIGN_MESSAGE_ID,
    SIGN_DIALECT,
    SIGNS
};
#define SIGNS_INDEXED SIGN_SHAPE /* those before it lead to candidates */
/* How many of each are kept; the oldest gives way. */
#define SIGN_EXACT_MAX      8
#define SIGN_DOMAIN_MAX     8
#define SIGN_FILE_MAX       4
#define SIGN_LOOK_MAX       2
#define SIGN_HAND_MAX       2
#define SIGN_SUBJECT_MAX    2
#define SIGN_SHAPE_MAX      4
#define SIGN_HEADERS_MAX    3
#define SIGN_MESSAGE_ID_MAX 3
#define SIGN_DIALECT_MAX    2
#define SIGN_VALUES         38
extern const uint8_t sign_at[SIGNS + 1]; /* where each kind's values begin */

struct signs {
    uint64_t v[SIGN_VALUES]; /* 0 is no value */
    uint8_t n[SIGNS];
    uint8_t next[SIGNS]; /* which is replaced next, once full */
};
/* A text of fewer shingles is scant: it agrees by chance, so other evidence has to speak. */
#define SCANT 8
void signs_of(const struct mail *m, struct signs *out);
bool signs_has(const struct signs *s, enum sign kind, uint64_t value);

/* Zeroed memory that is used here and there: mapped, so that pages nobody touches stay unmade; huge
 * pages, because each look goes somewhere else and would miss the TLB as well. */
void *pages_new(size_t n, size_t size);
void pages_free(void *p, size_t n, size_t size);

/* --- index: hashed keys to the slots that have them --- */

#define INDEX_WAYS 16 /* entries of a line: 64 bytes */
#define INDEX_SAME 8  /* slots with one key: more are not kept, and the key counts as common */
struct index {
    uint32_t *line; /* lines of INDEX_WAYS entries: tag << 16 | slot; tag 0 is free */
    size_t lines;   /* a power of two */
};
void index_init(struct index *x, size_t entries);
void index_free(struct index *x);
/* False when the line is full or the key is common: it is not in then. */
bool index_put(struct index *x, uint64_t key, uint16_t slot);
void index_drop(struct index *x, uint64_t key, uint16_t slot);
/* The slots that may have the key, at most INDEX_SAME; whether it is common: as many as that have
 * it, or half of them in a line that is full, so that it cannot be told how many there would be. */
unsigned index_get(const struct index *x, uint64_t key, uint16_t out[INDEX_SAME], bool *common);
static inline void index_prefetch(const struct index *x, uint64_t key)
{
    __builtin_prefetch(x->line + (key & (x->lines - 1)) * INDEX_WAYS);
}

/* Locality-sensitive hashing: a band is BAND_ROWS bins that follow one another. Texts that are J
 * alike share a band with 1-(1-J^3)^32: 0.22 at 0.2, 0.58 at 0.3, 0.88 at 0.4, 0.986 at 0.5. More
 * bands (42, or 64 of two) found nothing more on simulated mail and 1 % on real mail, for as much
 * more time. */
#define BAND_ROWS 3
#define BANDS     32
_Static_assert(BANDS <= 64 && BANDS * BAND_ROWS <= SKETCH_BINS, "a bit a band");
uint64_t band_key(const struct sketch *s, unsigned band);
uint64_t sign_key(enum sign kind, uint64_t value);

/* --- ids to numbers; order of iteration is never used --- */

struct idmap {
    struct {
        uint64_t id;
        uint32_t value1;
    } * v; /* value + 1; 0: free */
    size_t size, n;
};
void idmap_free(struct idmap *m);
void idmap_set(struct idmap *m, uint64_t id, uint32_t value);
bool idmap_get(const struct idmap *m, uint64_t id, uint32_t *value);
void idmap_drop(struct idmap *m, uint64_t id);

/* --- slots: a live campaign each --- */

#define NO_SLOT UINT32_MAX

struct slot {
    struct sketch sketch; /* the medoid's */
    struct signs signs;
    uint64_t banded; /* bands that are in the index: bits */
    uint64_t keyed;  /* values of the indexed signs that are in the index: bits */
};

/* A member that may become the medoid. */
#define MEMBERS 3
struct member {
    struct sketch sketch;
    uint64_t index;
    uint64_t headers, message_id, dialect;
    char subject[CAMPAIGN_SUBJECT_MAX];
};
struct slot_more {
    uint64_t touched; /* the clock's reading: order of the lists */
    uint64_t seen;    /* mails put in here, whichever campaign counts them */
    uint32_t newer, older;
    uint32_t children; /* other slots whose root it is */
    uint8_t list;      /* enum slot_list */
    uint8_t members;
    struct member member[MEMBERS];
};

/* Campaigns by when they were last used. */
enum slot_list { LIST_SINGLE, LIST_MANY, LISTS };
struct slot_ends {
    uint32_t newest, oldest, n;
};

/* An act on the log. */
struct merge {
    uint64_t into, from;
    uint8_t split; /* taken back */
};

struct campaigns {
    struct campaigns_hooks hooks;
    uint32_t live_max, live;
    /* by slot */
    struct slot *slot;
    struct campaign *info;
    struct slot_more *more;
    uint32_t *root;      /* the slot that counts its mails */
    uint32_t room;       /* how many there is room for: live_max, once the first mail came */
    uint32_t index_room; /* how many campaigns the index is made for */
    struct index index;
    struct idmap by_id; /* id to slot */
    struct slot_ends list[LISTS];
    uint64_t clock;
    struct merge *merge;
    size_t merges, merges_cap;
    struct idmap merged; /* id of `from` to its merge that holds */
    uint8_t *hits;       /* by slot, all 0 between mails */
};

/* How a mail stands to a campaign. */
struct fit {
    bool exact, same[SIGNS];
    bool by_text;      /* the text alone would do */
    unsigned likeness; /* thousandths */
    unsigned points;   /* it fits from FIT_POINTS on */
};
#define FIT_POINTS 1000
void fit_judge(const struct sketch *sketch, const struct signs *signs, uint64_t common,
               const struct slot *slot, const struct slot_more *more, struct fit *out);
/* Bits of the values that are common to so many campaigns that they say nothing. */
uint64_t signs_common(const struct campaigns *c, const struct signs *s);

/* Adds to the campaign's figures. */
void figures_count(struct campaign *c, const struct campaigns_mail *m);
void figures_subject(struct span subject, char out[CAMPAIGN_SUBJECT_MAX]);

/* Slots (campaigns_slots.c) */
void slots_room(struct campaigns *c);
/* Makes the index one for so many campaigns: depends on nothing but the largest number there was.
 */
bool slots_index_room(struct campaigns *c, uint32_t live);
uint32_t slots_found(struct campaigns *c, const struct campaigns_mail *m,
                     const struct signs *signs);
void slots_join(struct campaigns *c, uint32_t slot, const struct campaigns_mail *m,
                const struct signs *signs);
void slots_touch(struct campaigns *c, uint32_t slot, enum slot_list list);
void slots_list(struct campaigns *c, uint32_t slot, enum slot_list list);
void slots_link(struct campaigns *c, uint32_t slot);
/* Puts all its keys into the index, those that `banded` and `keyed` say or all. */
bool slots_restore(struct campaigns *c, uint32_t slot);
bool merge_is_split(const struct campaigns *c, uint64_t a, uint64_t b);
void merge_roots(struct campaigns *c);
