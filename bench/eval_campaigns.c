/* How good the campaigns are. Reads the mails that a list of labels names, in its order, and prints
 * how clusters and labels agree, and the largest clusters for reading by eye.
 *
 *     eval_campaigns [-s] [-k N] [-m ID] [-f N] LABELS FOLDER
 *
 * LABELS has a line a mail: file name (below FOLDER), tab, label; or is what ebb-sim mail wrote.
 * -s: labels are kinds of mail (spam and ham), not campaigns: how many mails are in clusters that
 * mix them. -k: how many clusters are shown (30). -m: the members of one. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <xxhash.h>

#include "base/file.h"
#include "state/campaigns_impl.h"
#include "state/test_campaigns.h"

#define MAIL_BYTES_MAX (64u << 20)
#define BATCH          256          /* mails between two looks at the clock */
#define FILL_INDEX     (1ull << 40) /* log indexes that the mails do not have */
#define SUBJECT_SHOWN  70

struct one {
    uint64_t label, cluster;
    uint8_t why;
    char name[48];
    char subject[SUBJECT_SHOWN + 1];
};

struct eval {
    struct mail_reader *reader;
    struct campaigns *campaigns;
    struct one *v;
    size_t n, cap;
    char *label[65536]; /* names */
    unsigned labels;
    unsigned merges, proposals;
    double read_ns, add_ns, worst_ns;
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static unsigned label_number(struct eval *e, struct span name)
{
    static struct idmap known;
    uint32_t number;
    uint64_t hash = XXH3_64bits(name.p, name.n);
    if (idmap_get(&known, hash, &number))
        return number;
    if (e->labels == sizeof e->label / sizeof *e->label) {
        fprintf(stderr, "too many labels\n");
        exit(1);
    }
    idmap_set(&known, hash, e->labels);
    e->label[e->labels] = strndup((const char *)name.p, name.n);
    return e->labels++;
}

static void add_one(struct eval *e, const struct mail *mail, struct one *o, size_t index,
                    size_t bytes)
{
    struct campaigns_proposal p;
    enum campaign_why why;
    struct campaigns_mail m = {
        .index = index, .time = (int64_t)index, .bytes = bytes, .mail = mail};
    o->cluster = campaigns_add(e->campaigns, &m, &why, &p);
    o->why = (uint8_t)why;
    if (p.into == p.from)
        return;
    e->proposals++;
    e->merges += campaigns_merge(e->campaigns, p.into, p.from) == 0;
}

/* A batch of mails read, then added, so that each can be timed. */
static void run_batch(struct eval *e, const char *folder, size_t from, size_t to)
{
    static struct mail mail[BATCH];
    struct buf raw[BATCH] = {0};
    struct arena arena = {0};
    for (size_t i = from; i < to; i++) {
        char path[FILE_PATH_MAX];
        struct err err;
        if (file_path(path, &err, "%s/%s", folder, e->v[i].name) < 0 ||
            file_read(path, MAIL_BYTES_MAX, &raw[i - from], &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            exit(1);
        }
    }
    double t0 = now_ns();
    for (size_t i = from; i < to; i++)
        mail_read(e->reader, buf_as_span(&raw[i - from]), NULL, &arena, &mail[i - from]);
    double t1 = now_ns();
    for (size_t i = from; i < to; i++)
        add_one(e, &mail[i - from], &e->v[i], i, raw[i - from].n);
    double t2 = now_ns();
    e->read_ns += t1 - t0;
    e->add_ns += t2 - t1;
    for (size_t i = from; i < to; i++) {
        struct span s = mail[i - from].subject;
        snprintf(e->v[i].subject, sizeof e->v[i].subject, "%.*s",
                 (int)(s.n < SUBJECT_SHOWN ? s.n : SUBJECT_SHOWN), s.p);
        buf_free(&raw[i - from]);
    }
    arena_free(&arena);
}

/* The n-th field of a row, from 0. */
static struct span field(struct span line, unsigned n)
{
    for (;;) {
        const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;
        size_t len = tab ? (size_t)(tab - line.p) : line.n;
        if (n-- == 0)
            return span_of(line.p, len);
        if (!tab)
            return (struct span){0};
        line = span_of(tab + 1, line.n - len - 1);
    }
}

static unsigned column(struct span head, const char *name)
{
    for (unsigned i = 0; field(head, i).n; i++)
        if (span_is(field(head, i), name))
            return i;
    fprintf(stderr, "no column %s\n", name);
    exit(1);
}

static void read_labels(struct eval *e, const char *path)
{
    struct buf text = {0};
    struct err err;
    if (file_read(path, MAIL_BYTES_MAX, &text, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    struct cur c = cur_of(buf_as_span(&text));
    unsigned file = 0, label = 1;
    if (text.n > 7 && memcmp(text.p, "number\t", 7) == 0) { /* of ebb-sim mail */
        struct span head = cur_line(&c);
        file = column(head, "file");
        label = column(head, "campaign");
    }
    while (cur_left(&c)) {
        struct span line = cur_line(&c), name = field(line, file);
        if (!name.n)
            continue;
        e->v = mem_room(e->v, e->n, &e->cap, sizeof *e->v);
        struct one *o = &e->v[e->n++];
        *o = (struct one){.label = label_number(e, field(line, label))};
        snprintf(o->name, sizeof o->name, "%.*s", (int)name.n, name.p);
    }
    buf_free(&text);
}

/* Campaigns of two mails each that nothing else is like. */
static void fill(struct eval *e, size_t n)
{
    static struct made_mail made;
    uint64_t rng = 1;
    for (size_t i = 0; i < n; i++) {
        struct made_source s = {
            .seed = made_next(&rng), .own = 100, .domain_mails = 1, .hand = i % 50};
        struct one o;
        for (unsigned k = 0; k < 2; k++) {
            made_mail(&s, &rng, &made);
            add_one(e, &made.mail, &o, FILL_INDEX + 2 * i + k, 1000);
        }
    }
}

/* --- what came out --- */

struct cluster {
    uint64_t id;
    size_t mails, most;
    uint64_t most_label;
    unsigned why[CAMPAIGN_ACT + 1];
};

static int cmp_id(const void *x, const void *y)
{
    const struct one *a = *(const struct one *const *)x, *b = *(const struct one *const *)y;
    if (a->cluster != b->cluster)
        return a->cluster < b->cluster ? -1 : 1;
    return (a->label > b->label) - (a->label < b->label);
}
static int cmp_size(const void *x, const void *y)
{
    const struct cluster *a = x, *b = y;
    if (a->mails != b->mails)
        return a->mails > b->mails ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static size_t make_clusters(struct eval *e, struct cluster **out)
{
    struct one **by = mem_zeroed(e->n, sizeof *by);
    size_t n = 0, same = 0;
    for (size_t i = 0; i < e->n; i++)
        by[i] = &e->v[i];
    qsort(by, e->n, sizeof *by, cmp_id);
    *out = mem_zeroed(e->n, sizeof **out);
    for (size_t i = 0; i < e->n; i++) {
        bool fresh = i == 0 || by[i]->cluster != by[i - 1]->cluster;
        if (fresh)
            (*out)[n++].id = by[i]->cluster;
        struct cluster *c = &(*out)[n - 1];
        same = fresh || by[i]->label != by[i - 1]->label ? 1 : same + 1;
        c->mails++;
        c->why[by[i]->why]++;
        if (same > c->most) {
            c->most = same;
            c->most_label = by[i]->label;
        }
    }
    free(by);
    qsort(*out, n, sizeof **out, cmp_size);
    return n;
}

static void print_cluster(const struct eval *e, const struct cluster *k)
{
    const struct campaign *c = campaigns_find(e->campaigns, k->id);
    printf("%7llu %6zu  %5.1f%% %-12s like %u exact %u evidence %u | %s |",
           (unsigned long long)k->id, k->mails, 100.0 * (double)k->most / (double)k->mails,
           e->label[k->most_label], k->why[CAMPAIGN_LIKE], k->why[CAMPAIGN_EXACT],
           k->why[CAMPAIGN_EVIDENCE], c ? c->subject : e->v[k->id].subject);
    for (unsigned i = 0; c && i < 4; i++)
        if (c->domain[i].mails)
            printf(" %s(%u)", c->domain[i].name, c->domain[i].mails);
    printf("\n");
}

static void print_mixed(const struct eval *e, const struct cluster *k, size_t n)
{
    size_t mixed = 0, minority = 0, clusters = 0, single = 0;
    for (size_t i = 0; i < n; i++) {
        single += k[i].mails == 1;
        if (k[i].most == k[i].mails)
            continue;
        mixed += k[i].mails;
        minority += k[i].mails - k[i].most;
        clusters++;
    }
    printf(
        "%zu mails in %zu clusters, %zu of them single; %zu clusters mix labels: %zu mails in them "
        "(%.2f %%), %zu of a minority (%.3f %%)\n",
        e->n, n, single, clusters, mixed, 100.0 * (double)mixed / (double)e->n, minority,
        100.0 * (double)minority / (double)e->n);
    for (size_t i = 0, shown = 0; i < n && shown < 15; i++)
        if (k[i].most != k[i].mails) {
            print_cluster(e, &k[i]);
            shown++;
        }
}

/* The simulator's mails that people want: among the others they have to be kept apart from, but
 * what is one campaign of them is a matter of taste. */
static bool is_ham(const struct eval *e, const struct one *o)
{
    return strncmp(e->label[o->label], "ham-", 4) == 0;
}

static void print_strays(const struct eval *e)
{
    struct idmap spam = {0};
    uint32_t at;
    size_t strays = 0, ham = 0;
    for (size_t i = 0; i < e->n; i++)
        if (!is_ham(e, &e->v[i]))
            idmap_set(&spam, e->v[i].cluster, 0);
    for (size_t i = 0; i < e->n; i++)
        if (is_ham(e, &e->v[i])) {
            ham++;
            strays += idmap_get(&spam, e->v[i].cluster, &at);
        }
    printf("# %zu of %zu wanted mails are in a cluster with spam\n", strays, ham);
    idmap_free(&spam);
}

static void print_score(const struct eval *e)
{
    uint64_t *label = mem_zeroed(e->n, 8), *cluster = mem_zeroed(e->n, 8);
    struct score s;
    size_t n = 0;
    for (size_t i = 0; i < e->n; i++) {
        if (is_ham(e, &e->v[i]))
            continue;
        label[n] = e->v[i].label;
        cluster[n++] = e->v[i].cluster;
    }
    score_of(label, cluster, n, &s);
    score_print(&s);
    free(label);
    free(cluster);
}

static int cmp_label(const void *x, const void *y)
{
    const struct one *a = *(const struct one *const *)x, *b = *(const struct one *const *)y;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return (a->cluster > b->cluster) - (a->cluster < b->cluster);
}

struct torn {
    uint64_t label;
    size_t mails, clusters, most;
};

static int cmp_torn(const void *x, const void *y)
{
    const struct torn *a = x, *b = y;
    size_t i = a->mails - a->most, k = b->mails - b->most;
    return i != k ? (i > k ? -1 : 1) : (a->label > b->label) - (a->label < b->label);
}

/* The labels of which most mails are outside of their main cluster. */
static void print_torn(struct eval *e, size_t show)
{
    struct one **by = mem_zeroed(e->n, sizeof *by);
    struct torn *t = mem_zeroed(e->labels, sizeof *t);
    size_t same = 0;
    for (size_t i = 0; i < e->n; i++)
        by[i] = &e->v[i];
    qsort(by, e->n, sizeof *by, cmp_label);
    for (size_t i = 0; i < e->n; i++) {
        struct torn *o = &t[by[i]->label];
        bool more = i && by[i]->label == by[i - 1]->label && by[i]->cluster == by[i - 1]->cluster;
        same = more ? same + 1 : 1;
        if (is_ham(e, by[i]))
            continue;
        o->label = by[i]->label;
        o->mails++;
        o->clusters += !more;
        o->most = same > o->most ? same : o->most;
    }
    qsort(t, e->labels, sizeof *t, cmp_torn);
    for (size_t i = 0; i < e->labels && i < show && t[i].most < t[i].mails; i++)
        printf("torn: %s: %zu mails in %zu clusters, %zu in the largest\n", e->label[t[i].label],
               t[i].mails, t[i].clusters, t[i].most);
    free(by);
    free(t);
}

static void print_members(const struct eval *e, uint64_t id)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->v[i].cluster == id || id == UINT64_MAX)
            printf("%llu\t%s\t%s\t%s\t%s\n", (unsigned long long)e->v[i].cluster, e->v[i].name,
                   e->label[e->v[i].label], campaign_why_name(e->v[i].why), e->v[i].subject);
}

int main(int argc, char **argv)
{
    static struct eval e;
    struct err err;
    bool kinds = false;
    size_t show = 30, filled = 0;
    bool members = false;
    uint64_t member = 0;
    for (int o; (o = getopt(argc, argv, "sk:m:f:")) != -1;) {
        if (o == 's')
            kinds = true;
        else if (o == 'k')
            show = strtoul(optarg, NULL, 10);
        else if (o == 'f')
            filled = strtoul(optarg, NULL, 10);
        else if (o == 'm' && (members = true))
            member = strcmp(optarg, "all") == 0 ? UINT64_MAX : strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    if (argc - optind != 2) {
        fprintf(stderr, "usage: eval_campaigns [-s] [-k N] [-m ID] [-f N] LABELS FOLDER\n");
        return 2;
    }
    /* what receiving servers of the real mails added; rules only when there are some to read */
    static const char *const strip[] = {"X-Miltered",     "X-Virus-*", "X-j-chkmail-*",
                                        "X-Spam-*",       "X-UUID",    "Status",
                                        "Content-Length", "Lines",     NULL};
    struct mail_options options = {.rules = getenv("EBB_RULES"), .strip = strip};
    if (mail_reader_open(&options, &e.reader, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    e.campaigns = campaigns_new(NULL);
    read_labels(&e, argv[optind]);
    fill(&e, filled);
    for (size_t at = 0; at < e.n; at += BATCH)
        run_batch(&e, argv[optind + 1], at, at + BATCH < e.n ? at + BATCH : e.n);
    for (size_t i = 0; i < e.n; i++)
        e.v[i].cluster = campaigns_root(e.campaigns, e.v[i].cluster);
    if (members) {
        print_members(&e, member);
        return 0;
    }
    struct cluster *k;
    size_t n = make_clusters(&e, &k);
    printf("read %.2f us a mail, added %.2f us a mail (CPU); %u merges proposed, %u done\n",
           e.read_ns / 1e3 / (double)e.n, e.add_ns / 1e3 / (double)e.n, e.proposals, e.merges);
    if (kinds)
        print_mixed(&e, k, n);
    else {
        print_score(&e);
        print_strays(&e);
        print_torn(&e, show);
    }
    printf("     id  mails  purity label, why | subject of the medoid | domains\n");
    for (size_t i = 0; i < n && i < show; i++)
        print_cluster(&e, &k[i]);
    free(k);
    campaigns_free(e.campaigns);
    mail_reader_close(e.reader);
    return 0;
}
