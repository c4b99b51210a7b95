/* What the tests measure of one address. */
#include <math.h>

#include "base/utc.h"
#include "state/census.h"
#include "state/judge_impl.h"

#define FAMILY_ROWS      20 /* addresses that it takes to know a family */
#define KNOWN_LOG        0.5 /* of all contacts that are matched: rules, feeds, assets know the log */
#define LASTING_MOST     0.5 /* of a family's contacts with an identity never seen before, at most */
#define HAS_IDS          0.02 /* identities an address, at least: the family has some */
#define NEW_CONTACTS     4    /* contacts and days that it takes to say so */
#define KNOWN_CONTACTS   6
#define NEW_DAYS         3
#define CHANCE           13.8 /* -ln of the chance by which a host would look so: one in a million */
#define CHANCE_WEAK      6.9  /* likewise: one in a thousand */
#define SWEPT_SHARE      0.5
#define SWEPT_FAMILY     0.1
#define SWEPT_TIMES      3
#define SAME_DAYS        0.1 /* of days, with two families, at most: one at a time */
#define SEEN_DAYS        3   /* fewer do not tell how an address behaves */
#define NEIGHBOURS       4   /* others in its network, at least */
#define NEW_SHARE        0.8 /* as the tests "always-new" and "one-at-a-time" want */
#define CHANGES          3
#define POOL_SUSPECTS    100 /* in one AS: no lab is so large; addresses there change hands */
#define MIXED_LEAST      3
#define FAMILIES_AT_ONCE 16
#define RATE_LEAST       10 /* contacts a day */
#define TOOLS_FEW        0.05

static bool among(const uint32_t *v, unsigned n, uint32_t x)
{
    for (unsigned i = 0; i < n; i++)
        if (v[i] == x)
            return true;
    return false;
}

static bool is_unknown(const struct source *r)
{
    return span_is(r->family, CENSUS_FAMILY_UNKNOWN);
}

static bool log_is_known(const struct norms *n)
{
    return n->own > 0 && n->matched >= KNOWN_LOG * n->own;
}

/* The family to compare with; NULL where too little is known of it, or where it is that of
 * strangers to a log whose families are known. */
static const struct norm *family_of(const struct norms *norms, const struct source *r)
{
    const struct norm *f = norms_of(norms, r);
    return f->rows < FAMILY_ROWS || (is_unknown(r) && log_is_known(norms)) ? NULL : f;
}

enum speech { SAYS_NOTHING, SAYS_USUAL, SAYS_SELDOM, SAYS_STRANGE };

static enum speech speech_of(const struct norms *norms, const struct source *r)
{
    const struct norm *f = norms_of(norms, r);
    if (r->own && r->ruled)
        return SAYS_USUAL;
    if (!r->own || !r->shape)
        return SAYS_NOTHING;
    if (is_unknown(r) && log_is_known(norms))
        return SAYS_STRANGE;
    if (!f->clear)
        return SAYS_NOTHING;
    return among(f->usual, f->n_usual, r->shape)     ? SAYS_USUAL
           : among(f->seldom, f->n_seldom, r->shape) ? SAYS_SELDOM
                                                     : SAYS_STRANGE;
}

/* ---- scanners ---- */

static unsigned same_words(const struct norms *norms, const struct source *rows, size_t n)
{
    unsigned most = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned same = 0;
        if (speech_of(norms, &rows[i]) != SAYS_STRANGE)
            continue;
        for (size_t k = 0; k < n; k++)
            same += rows[k].shape == rows[i].shape && speech_of(norms, &rows[k]) == SAYS_STRANGE;
        most = same > most ? same : most;
    }
    return most;
}

/* Tools and crawlers count where few of the family's addresses have such agents. */
static bool is_odd(uint64_t with, const struct norm *f)
{
    return !f || (double)with <= TOOLS_FEW * (double)f->rows;
}

static void measure_agents(const struct norms *norms, const struct source *rows, size_t n,
                           double out[TESTS])
{
    unsigned crawlers = 0, tools = 0;
    for (size_t i = 0; i < n; i++) {
        const struct norm *f = family_of(norms, &rows[i]);
        crawlers += rows[i].crawler_agent && is_odd(f ? f->crawlers : 0, f);
        tools += rows[i].tool_agent && !rows[i].ruled && is_odd(f ? f->tools : 0, f);
    }
    out[TEST_CRAWLER] = crawlers;
    out[TEST_TOOL] = tools;
}

static void measure_speech(const struct norms *norms, const struct source *rows, size_t n,
                           double out[TESTS])
{
    double speaking = 0, usual = 0, strange = 0, nothing = 0, by_address = 0;
    for (size_t i = 0; i < n; i++) {
        const struct norm *f = norms_of(norms, &rows[i]);
        enum speech speech = speech_of(norms, &rows[i]);
        double own = (double)rows[i].own;
        bool compare = !is_unknown(&rows[i]) || !log_is_known(norms);
        if (speech == SAYS_NOTHING)
            continue;
        speaking += own;
        nothing += compare && f->nothing ? 0 : rows[i].nothing;
        by_address += compare && f->by_address ? 0 : rows[i].by_address;
        usual += speech == SAYS_USUAL || speech == SAYS_SELDOM ? own : 0;
        if (speech != SAYS_STRANGE)
            continue;
        strange += compare ? own : 0; /* unknown families' are "unmatched" */
    }
    if (speaking <= 0)
        return;
    out[TEST_OFF_FAMILY] = strange / speaking;
    out[TEST_ASKS_NOTHING] = nothing / speaking;
    out[TEST_BY_ADDRESS] = by_address / speaking;
    out[TEST_SPEAKS] = usual / speaking;
    out[TEST_SAME_WORDS] = same_words(norms, rows, n);
}

/* Steps from target to target, where they are more than chance gives at this address's rate (many
 * hosts behind one address are quick, too) and its family's bots do not do so. */
static double swept(const struct norms *norms, const struct source *rows, size_t n)
{
    double steps = 0;
    for (size_t i = 0; i < n; i++) {
        const struct source *r = &rows[i];
        const struct norm *f = family_of(norms, r);
        double share = r->contacts ? (double)r->swept / (double)r->contacts : 0;
        double by_chance = r->gap_mean > 0 ? 1 - exp(-SOURCES_SWEEP_SECONDS / r->gap_mean) : 0;
        if (share >= SWEPT_SHARE && share >= SWEPT_TIMES * by_chance &&
            (!f || f->swept <= SWEPT_FAMILY * f->own))
            steps += r->swept;
    }
    return steps;
}

static double probed(const struct norms *norms, const struct source *rows, size_t n)
{
    unsigned most = 0;
    for (size_t i = 0; i < n; i++) {
        const struct norm *f = family_of(norms, &rows[i]);
        if (rows[i].paths > most && (!f || rows[i].paths > 2 * f->paths_most))
            most = rows[i].paths;
    }
    return most;
}

static void measure_matched(const struct norms *norms, const struct source *rows, size_t n,
                            double out[TESTS])
{
    double own = 0, matched = 0;
    for (size_t i = 0; i < n; i++) {
        own += (double)rows[i].own;
        matched += (double)rows[i].matched;
    }
    if (own <= 0)
        return;
    out[TEST_MATCHED] = matched / own;
    if (log_is_known(norms))
        out[TEST_UNMATCHED] = 1 - matched / own;
}

/* By what it does itself. */
static void measure_scanner(const struct norms *norms, const struct source *rows, size_t n,
                            double out[TESTS])
{
    measure_matched(norms, rows, n, out);
    measure_speech(norms, rows, n, out);
    measure_agents(norms, rows, n, out);
    out[TEST_PATHS] = probed(norms, rows, n);
    out[TEST_SWEEPING] = swept(norms, rows, n);
}

/* ---- sandboxes ---- */

/* The family's bots have identities, and come back with them. */
static bool is_lasting(const struct norm *f)
{
    return f->spoken > 0 && f->fresh <= LASTING_MOST * f->spoken &&
           f->fresh >= HAS_IDS * (double)f->rows && f->fresh >= NEW_CONTACTS;
}

/* How far a share of n is beyond p, as -ln of its chance, about (Chernoff's bound). */
static double beyond(double n, double share, double p)
{
    if (share <= p)
        return 0;
    double there = share * log(share / p);
    double not = share < 1 ? (1 - share) * log((1 - share) / (1 - p)) : 0;
    return n * (there + not );
}

/* Days of all rows, as bits back from the latest, and how families take turns in them. */
struct turns {
    unsigned days, together, changes, families;
};

static void turns_of(const struct source *rows, size_t n, struct turns *t)
{
    uint64_t days[FAMILIES_AT_ONCE];
    int32_t last = INT32_MIN;
    int before = -1;
    unsigned k = 0;
    *t = (struct turns){0};
    if (n == 1) { /* most addresses */
        t->days = rows[0].own ? (unsigned)__builtin_popcountll(rows[0].recent) : 0;
        t->families = rows[0].own && !is_unknown(&rows[0]);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (rows[i].own && utc_day(rows[i].last_time) > last)
            last = utc_day(rows[i].last_time);
    for (size_t i = 0; i < n && k < FAMILIES_AT_ONCE; i++) {
        int32_t back = rows[i].own ? last - utc_day(rows[i].last_time) : 64;
        if (rows[i].own && !is_unknown(&rows[i]))
            t->families++;
        if (back < 64)
            days[k++] = rows[i].recent << back;
    }
    for (int day = 63; day >= 0; day--) {
        unsigned here = 0;
        int whose = -1;
        for (unsigned i = 0; i < k; i++)
            if (days[i] >> day & 1) {
                here++;
                whose = (int)i;
            }
        t->days += here > 0;
        t->together += here > 1;
        t->changes += here == 1 && before >= 0 && whose != before;
        before = here == 1 ? whose : here ? -1 : before;
    }
}

/* Contacts with an identity that nobody had before. */
struct newness {
    double always,
        so_far; /* their share; NAN: too little to tell. At most 0.5 where chance does it */
    bool known; /* the same machines come back */
};

static void newness_of(const struct norms *norms, const struct source *rows, size_t n,
                       unsigned days, struct newness *out)
{
    double spoken = 0, fresh = 0, p = 0;
    *out = (struct newness){NAN, NAN, false};
    for (size_t i = 0; i < n; i++) {
        const struct norm *f = norms_of(norms, &rows[i]);
        if (!rows[i].own || !is_lasting(f))
            continue;
        spoken += (double)rows[i].spoken;
        fresh += (double)rows[i].fresh;
        p = fmax(p, f->fresh / f->spoken);
    }
    if (spoken < NEW_CONTACTS)
        return;
    double share = fresh / spoken, far = days < NEW_DAYS ? 0 : beyond(spoken, share, p);
    out->known = spoken >= KNOWN_CONTACTS && share < LASTING_MOST;
    out->so_far = far >= CHANCE_WEAK ? share : fmin(share, 0.5);
    out->always = far >= CHANCE ? share : fmin(share, 0.5);
}

static bool is_pool(const struct norms *norms, const struct source *row)
{
    const struct norm_place *as = norms_as(norms, row);
    return as && as->suspect > POOL_SUSPECTS;
}

/* The share of an address's neighbours that behave so; itself left out. */
static double suspect_neighbours(const struct norms *norms, const struct source *rows, size_t n)
{
    const struct norm_place *near = norms_neighbours(norms, rows);
    struct suspicion is = judge_suspect(norms, rows, n);
    uint32_t itself = is.seen || is.scanner;
    if (!near || near->seen < NEIGHBOURS + itself)
        return NAN;
    return (double)(near->suspect - is.sandbox) / (near->seen - itself);
}

static double scanning_neighbours(const struct norms *norms, const struct source *rows, size_t n)
{
    const struct norm_place *near = norms_neighbours(norms, rows);
    if (!near || near->seen < NEIGHBOURS)
        return NAN;
    for (size_t i = 0; i < n; i++) {
        enum speech speech = speech_of(norms, &rows[i]);
        if (speech == SAYS_USUAL || speech == SAYS_SELDOM)
            return NAN;
    }
    struct suspicion is = judge_suspect(norms, rows, n);
    uint32_t itself = is.seen || is.scanner;
    if (!near || near->seen < NEIGHBOURS + itself)
        return NAN;
    return (double)(near->scanners - is.scanner) / (near->seen - itself);
}

static void measure_sandbox(const struct norms *norms, const struct source *rows, size_t n,
                            const struct turns *t, double out[TESTS])
{
    struct newness new;
    newness_of(norms, rows, n, t->days, &new);
    out[TEST_NEW_IDS] = new.always;
    out[TEST_NEW_SO_FAR] = new.so_far;
    if (new.known || is_pool(norms, rows))
        return;
    if (t->together <= SAME_DAYS * t->days) {
        out[TEST_ONE_AT_A_TIME] = t->changes;
        out[TEST_FAMILIES] = t->families;
    }
    if (t->changes > 0 && t->together <= SAME_DAYS * t->days)
        out[TEST_LAB] = suspect_neighbours(norms, rows, n);
}

/* ---- neighbours ---- */

static unsigned own_weight(const double values[TESTS], enum judged role)
{
    static const struct {
        enum judged role;
        unsigned weight;
        double threshold;
    } tests[TESTS] = {
#define TEST(symbol, name, role, weight, threshold, unit, says) {JUDGED_##role, weight, threshold},
#include "state/judge_tests.def"
    };
    unsigned weight = 0;
    for (int i = 0; i < TESTS; i++)
        if (tests[i].role == role && values[i] >= tests[i].threshold)
            weight += tests[i].weight;
    return weight;
}

struct suspicion judge_suspect(const struct norms *norms, const struct source *rows, size_t n)
{
    double values[TESTS];
    struct turns t;
    struct suspicion is = {0};
    struct newness new;
    for (int i = 0; i < TESTS; i++)
        values[i] = NAN;
    turns_of(rows, n, &t);
    is.seen = t.days >= SEEN_DAYS;
    newness_of(norms, rows, n, t.days, &new);
    if (is.seen)
        is.sandbox = new.always >= NEW_SHARE ||
                     (!new.known &&t.changes >= CHANGES &&t.together <= SAME_DAYS *t.days);
    measure_scanner(norms, rows, n, values);
    is.scanner = own_weight(values, JUDGED_SCANNER) >= JUDGE_ENOUGH;
    return is;
}

/* ---- several victims ---- */

static void measure_proxy(const struct norms *norms, const struct source *rows, size_t n,
                          const struct turns *t, double out[TESTS])
{
    double bots = 0, rate = 0, agents = 0;
    for (size_t i = 0; i < n; i++) {
        const struct source *r = &rows[i];
        const struct norm *f = norms_of(norms, r);
        double a_day = r->days ? (double)r->own / r->days : 0;
        if (r->mixed >= MIXED_LEAST && 10 * r->mixed >= r->own && r->bots > bots)
            bots = r->bots;
        if (a_day >= RATE_LEAST && f->rate_median > 0)
            rate = fmax(rate, a_day / f->rate_median);
        if (r->agents > f->agents_most)
            agents = fmax(agents, r->agents);
    }
    out[TEST_BOTS] = bots;
    out[TEST_RATE] = rate;
    out[TEST_AGENTS] = agents;
    out[TEST_TOGETHER] = t->together;
}

/* ---- the roles of the door ---- */

static void measure_door(const struct source *rows, size_t n, double out[TESTS])
{
    double contacts = 0, resolving = 0, others = 0;
    bool own = false; /* speaks for itself where nothing was asked for others */
    for (size_t i = 0; i < n; i++) {
        double apart = (double)(rows[i].contacts - rows[i].own);
        contacts += (double)rows[i].contacts;
        if (rows[i].roles & SOURCE_RESOLVER)
            resolving += apart;
        else
            others += apart;
        own |= rows[i].own && rows[i].roles == SOURCE_UNJUDGED && !is_unknown(&rows[i]);
    }
    out[TEST_RESOLVING] = own ? 0 : resolving / contacts;
    out[TEST_FOR_OTHERS] = own ? 0 : others / contacts;
}

void judge_facts(const struct norms *norms, const struct source *rows, size_t n, double out[TESTS])
{
    struct turns t;
    for (int i = 0; i < TESTS; i++)
        out[i] = NAN;
    turns_of(rows, n, &t);
    measure_door(rows, n, out);
    measure_scanner(norms, rows, n, out);
    out[TEST_SCANNER_NET] = scanning_neighbours(norms, rows, n);
    measure_sandbox(norms, rows, n, &t, out);
    measure_proxy(norms, rows, n, &t, out);
    out[TEST_RETURNS] = t.days;
}
