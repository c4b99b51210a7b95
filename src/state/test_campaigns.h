/* For the tests and benchmarks of campaigns: mails made without text (only what campaigns look at),
 * and how well a grouping agrees with labels. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "state/campaigns.h"

static inline uint64_t made_mix(uint64_t v)
{
    v += 0x9e3779b97f4a7c15u;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9u;
    v = (v ^ v >> 27) * 0x94d049bb133111ebu;
    return v ^ v >> 31;
}
static inline uint64_t made_next(uint64_t *rng)
{
    return made_mix(*rng += 0x632be59bd9b4e019u);
}

/* One-permutation MinHash of shingle hashes; empty bins borrow from others by a fixed hash. */
static inline void made_sketch(const uint64_t *shingle, unsigned n, struct sketch *out)
{
    uint64_t min[SKETCH_BINS];
    memset(min, 0xff, sizeof min);
    memset(out, 0, sizeof *out);
    out->shingles = n;
    for (unsigned i = 0; i < n; i++) {
        uint64_t h = made_mix(shingle[i]);
        unsigned bin = h >> 57;
        min[bin] = (h & 0xffffffffffffff) < min[bin] ? h & 0xffffffffffffff : min[bin];
    }
    for (unsigned i = 0; n && i < SKETCH_BINS; i++) {
        unsigned from = i;
        for (unsigned k = 1; min[from] == UINT64_MAX; k++)
            from = made_mix(i * 1000u + k) % SKETCH_BINS;
        out->bin[i] = (uint16_t)(min[from] >> 8);
    }
}

#define MADE_SHINGLES_MAX 400
#define MADE_SUBJECT      6
#define MADE_SOURCES_MAX  1024

/* What a campaign's mails are made from. */
struct made_source {
    uint64_t seed;
    unsigned own;              /* shingles of its template */
    unsigned shared, fragment; /* shingles of a fragment that other campaigns have too */
    unsigned random;           /* new ones in each mail, at most */
    unsigned lost;             /* per cent of its own that a mail leaves out */
    unsigned domain_mails;     /* mails until it has a new domain */
    unsigned hand;             /* the program that writes it */
    bool subject_varies, picture;
    unsigned sent;
};

struct made_mail {
    struct mail mail;
    struct mail_url url[2];
    struct mail_file file[1];
    struct word subject[MADE_SUBJECT];
    char domain[2][24];
    uint64_t shingle[MADE_SHINGLES_MAX];
};

static inline unsigned made_text(struct made_source *s, uint64_t *rng, uint64_t *shingle)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->own; i++)
        if (made_next(rng) % 100 >= s->lost)
            shingle[n++] = made_mix(s->seed * 4096 + i);
    for (unsigned i = 0; i < s->shared; i++)
        shingle[n++] = made_mix(0xf00d0000u + s->fragment * 4096 + i);
    unsigned random = s->random ? (unsigned)(made_next(rng) % s->random) : 0;
    for (unsigned i = 0; i < random; i++)
        shingle[n++] = made_next(rng);
    return n;
}

static inline void made_url(struct made_mail *m, unsigned at, uint64_t domain, uint64_t shape)
{
    int n = snprintf(m->domain[at], sizeof m->domain[at], "d%llx.example",
                     (unsigned long long)(domain & 0xffffffff));
    m->url[at] = (struct mail_url){.domain = span_of(m->domain[at], (size_t)n),
                                   .domain_hash = domain | 1,
                                   .shape_hash = shape | 1,
                                   .url = {.path = span_str("/a/0.html")}};
}

static inline void made_mail(struct made_source *s, uint64_t *rng, struct made_mail *m)
{
    memset(&m->mail, 0, sizeof m->mail);
    unsigned n = made_text(s, rng, m->shingle);
    uint64_t all = n;
    for (unsigned i = 0; i < n; i++)
        all = made_mix(all ^ m->shingle[i]);
    made_sketch(m->shingle, n, &m->mail.sketch);
    m->mail.exact = n ? all | 1 : 0;
    for (unsigned i = 0; i < MADE_SUBJECT; i++)
        m->subject[i] =
            (struct word){.hash = made_mix(s->seed + i + (s->subject_varies ? made_next(rng) : 0))};
    m->mail.subject_words = (struct words){.v = m->subject, .n = MADE_SUBJECT};
    m->mail.subject = span_str("A subject");
    m->mail.url = m->url;
    if (s->domain_mails) {
        made_url(m, 0, made_mix(s->seed + 77 * (s->sent / s->domain_mails)), made_mix(s->seed + 5));
        made_url(m, 1, 0x773dull, 0x773dull); /* one that everybody links to */
        m->mail.urls = 2;
    }
    m->file[0] = (struct mail_file){
        .hash = {made_mix(s->seed + 9), 1}, .size = 9000, .kind = MAIL_FILE_IMAGE};
    m->mail.file = m->file;
    m->mail.files = s->picture;
    m->mail.headers.hash = made_mix(s->hand);
    m->mail.message_id.hash = made_mix(s->hand + 1000);
    m->mail.topics.topic = TOPIC_PHARMACY;
    s->sent++;
}

/* --- agreement with labels --- */

struct score {
    double precision, recall,
        f1;            /* B-cubed (Bagga, Baldwin 1998): the mean over mails of the share of its
                        * cluster that has its label, and of its label that is in its cluster */
    double over_merge; /* mails in a cluster that most mails of another label are in */
    unsigned clusters, labels;
    double first_mean; /* mails of a campaign until 95 % of the following ones get one id; of labels
                          with */
    unsigned first_max; /* at least 20 mails */
    unsigned late;      /* such labels that need 10 or more */
};

struct score_pair {
    uint64_t label, cluster, n;
};

static int score_cmp_label(const void *x, const void *y)
{
    const struct score_pair *a = x, *b = y;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return (a->cluster > b->cluster) - (a->cluster < b->cluster);
}
static int score_cmp_cluster(const void *x, const void *y)
{
    const struct score_pair *a = x, *b = y;
    if (a->cluster != b->cluster)
        return a->cluster < b->cluster ? -1 : 1;
    return (a->label > b->label) - (a->label < b->label);
}

/* From behind: where the share of the main cluster among the mails from there on falls below 95 %.
 */
static inline unsigned score_first(const uint64_t *label, const uint64_t *cluster, size_t n,
                                   uint64_t which, uint64_t main, unsigned mails)
{
    unsigned hit = 0, seen = 0, first = mails;
    for (size_t i = n; i-- > 0;) {
        if (label[i] != which)
            continue;
        seen++;
        hit += cluster[i] == main;
        if (cluster[i] == main && hit * 100 >= seen * 95)
            first = mails - seen + 1;
    }
    return first;
}

static inline void score_of(const uint64_t *label, const uint64_t *cluster, size_t n,
                            struct score *out)
{
    struct score_pair *p = mem_zeroed(n, sizeof *p);
    size_t pairs = 0;
    *out = (struct score){0};
    for (size_t i = 0; i < n; i++)
        p[i] = (struct score_pair){label[i], cluster[i], 1};
    qsort(p, n, sizeof *p, score_cmp_label);
    for (size_t i = 0; i < n; i++)
        if (pairs && p[pairs - 1].label == p[i].label && p[pairs - 1].cluster == p[i].cluster)
            p[pairs - 1].n++;
        else
            p[pairs++] = p[i];
    unsigned timed = 0;
    for (size_t i = 0, k; i < pairs; i = k) {
        uint64_t mails = 0;
        size_t main = i;
        for (k = i; k < pairs && p[k].label == p[i].label; k++) {
            mails += p[k].n;
            main = p[k].n > p[main].n ? k : main;
        }
        for (size_t j = i; j < k; j++)
            out->recall += (double)p[j].n * (double)p[j].n / (double)mails;
        out->labels++;
        if (mails >= 20) {
            unsigned first =
                score_first(label, cluster, n, p[i].label, p[main].cluster, (unsigned)mails);
            timed++;
            out->first_mean += first;
            out->first_max = first > out->first_max ? first : out->first_max;
            out->late += first >= 10;
        }
    }
    out->first_mean /= timed ? timed : 1;
    qsort(p, pairs, sizeof *p, score_cmp_cluster);
    for (size_t i = 0, k; i < pairs; i = k) {
        uint64_t mails = 0, most = 0;
        for (k = i; k < pairs && p[k].cluster == p[i].cluster; k++) {
            mails += p[k].n;
            most = p[k].n > most ? p[k].n : most;
        }
        for (size_t j = i; j < k; j++)
            out->precision += (double)p[j].n * (double)p[j].n / (double)mails;
        out->over_merge += (double)(mails - most);
        out->clusters++;
    }
    free(p);
    out->precision /= (double)n;
    out->recall /= (double)n;
    out->over_merge /= (double)n;
    out->f1 = 2 * out->precision * out->recall / (out->precision + out->recall);
}

static inline void score_print(const struct score *s)
{
    printf("# B-cubed precision %.4f recall %.4f F1 %.4f, over-merge %.3f %%, %u labels in %u "
           "clusters, "
           "recognised after %.1f mails (at most %u, %u late)\n",
           s->precision, s->recall, s->f1, 100 * s->over_merge, s->labels, s->clusters,
           s->first_mean, s->first_max, s->late);
}
