/* Finding acts by the words of their tags and reasons, and facts by theirs. */
#include <errno.h>

#include "event/event.h"
#include "state/reviews_impl.h"
#include "state/subjects.h"

#define FACTS_MOST   10000 /* facts with the text that are looked at: those of leads are wanted */
#define TERMS_MAX    8     /* words of a search; more are passed over */
#define COUNT_ENOUGH 10000 /* hits of a word beyond which it is just "common" */

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

bool review_word(struct span *text, uint8_t out[REVIEW_WORD_MAX], size_t *n)
{
    size_t i = 0;
    *n = 0;
    while (i < text->n && !is_word(text->p[i]))
        i++;
    for (; i < text->n && is_word(text->p[i]); i++) {
        uint8_t c = text->p[i];
        if (*n < REVIEW_WORD_MAX)
            out[(*n)++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    *text = span_of(text->p + (text->n ? i : 0), text->n - i);
    return *n > 0;
}

int review_words_put(const struct sql *db, uint64_t lead, uint64_t entry, struct span text,
                     struct err *err)
{
    uint8_t word[REVIEW_WORD_MAX];
    size_t n;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < REVIEW_WORDS_MAX && review_word(&text, word, &n); i++)
        rc = sql_run(db, err, "INSERT OR IGNORE INTO review_words VALUES(?,?,?)", "bii",
                     span_of(word, n), (int64_t)entry, (int64_t)lead);
    return rc;
}

/* ---- searching ---- */

struct terms {
    unsigned n;
    struct {
        uint8_t p[REVIEW_WORD_MAX + 1]; /* room for what ends the range of words that begin so */
        size_t n;
    } v[TERMS_MAX];
};

static void parse_terms(struct span text, struct terms *out)
{
    out->n = 0;
    while (out->n < TERMS_MAX && review_word(&text, out->v[out->n].p, &out->v[out->n].n)) {
        out->v[out->n].p[out->v[out->n].n] = 0xff; /* no byte of UTF-8 */
        out->n++;
    }
}

#define TERM(t, i)     span_of((t)->v[i].p, (t)->v[i].n)
#define TERM_END(t, i) span_of((t)->v[i].p, (t)->v[i].n + 1)

/* The words that are left out of a search by common ones are looked for in the text. */
static bool has_term(struct span text, struct span term)
{
    uint8_t word[REVIEW_WORD_MAX];
    size_t n;
    while (review_word(&text, word, &n))
        if (n >= term.n && memcmp(word, term.p, term.n) == 0)
            return true;
    return false;
}

static bool has_all(const struct terms *t, struct span a, struct span b)
{
    for (unsigned i = 0; i < t->n; i++)
        if (!has_term(a, TERM(t, i)) && !has_term(b, TERM(t, i)))
            return false;
    return true;
}

/* The word that the fewest acts have. */
static unsigned rarest(const struct sql *db, const struct terms *t)
{
    int64_t least = INT64_MAX;
    unsigned best = 0;
    for (unsigned i = 0; i < t->n; i++) {
        int64_t n = sql_int(db, 0,
                            "SELECT count(*) FROM (SELECT 1 FROM review_words WHERE word>=? AND"
                            " word<? LIMIT ?)",
                            "bbi", TERM(t, i), TERM_END(t, i), (int64_t)COUNT_ENOUGH);
        if (n < least) {
            least = n;
            best = i;
        }
    }
    return best;
}

static int search_acts(const struct sql *db, const struct terms *t, uint64_t limit, uint64_t *found,
                       int (*each)(void *ctx, const struct review_hit *h), void *ctx,
                       struct err *err)
{
    unsigned at = rarest(db, t);
    sqlite3_stmt *s = sql_prepare(
        db, err,
        "SELECT r.lead, r.entry, r.kind, r.what, r.value, r.why FROM"
        " (SELECT DISTINCT entry FROM review_words WHERE word>=? AND word<? ORDER BY entry DESC) w"
        " CROSS JOIN reviews r ON r.entry=w.entry",
        "bb", TERM(t, at), TERM_END(t, at));
    int rc = s ? 0 : -EIO;
    while (rc == 0 && *found < limit && (rc = sql_step(db, s, err)) == 1) {
        struct span value = sql_text(s, 4), why = sql_text(s, 5);
        rc = 0;
        if (!has_all(t, value, why))
            continue;
        ++*found;
        rc = each(ctx, &(struct review_hit){(uint64_t)sqlite3_column_int64(s, 0),
                                            (uint64_t)sqlite3_column_int64(s, 1),
                                            (uint8_t)sqlite3_column_int(s, 2), sql_text(s, 3),
                                            why.n ? why : value});
    }
    sqlite3_finalize(s);
    return rc;
}

/* ---- facts ---- */

struct finding {
    uint64_t *found, limit;
    int (*each)(void *ctx, const struct review_hit *h);
    void *ctx;
};

/* Facts that were drawn from a lead: of a text that is within their value. */
static int hit_fact(void *ctx, const struct subject_fact *f)
{
    struct finding *g = ctx;
    if (!f->act.lead || f->withdrawn)
        return 0;
    if (*g->found >= g->limit)
        return 1;
    ++*g->found;
    return g->each(
        g->ctx, &(struct review_hit){f->act.lead, f->entry, KIND_FACT, f->act.type, f->act.value});
}

int reviews_search(struct pursuit *p, struct span text, uint64_t limit,
                   int (*each)(void *ctx, const struct review_hit *h), void *ctx, struct err *err)
{
    struct terms terms;
    uint64_t found = 0;
    struct finding finding = {&found, limit, each, ctx};
    int rc = 0;
    parse_terms(text, &terms);
    if (terms.n)
        rc = search_acts(pursuit_sql(p), &terms, limit, &found, each, ctx, err);
    if (rc == 0 && span_trim(text).n && span_is_utf8(text) && found < limit)
        rc = subjects_search(p, span_of(NULL, 0), span_trim(text), FACTS_MOST, hit_fact, &finding,
                             err);
    return rc < 0 ? rc : 0;
}
