/* What is learned of the family: how long leases last in each AS, and from where they last, how
 * often a host makes contact and how many are behind one address. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "stat/hosts_impl.h"
#include "stat/rng.h"

#define WRONG_GOOD     0.1 /* share of frames whose lease did not hold: shorter ones would hold */
#define WRONG_MAX      0.5
#define WEEK_KEPT      0.92 /* of the busiest day of the week: other days are not learned from */
#define LAW_REPLICATES 30
/* What the models leave out, as standard deviations: doc/census.md says how they were found. */
#define CONTACTS_SD   0.012
#define ACTIVE_SD     0.08
#define WRONG_SD      0.2   /* times the share of frames whose lease did not hold */
#define MOVED_SD      0.4   /* times the logarithm of the addresses a line has on a day */
#define NAT_SD        0.035 /* times the share of hosts behind NAT */
#define BEACON_SD     0.015
#define UNSURE_SD     0.3 /* without a fit */
#define STAY_LEAST    0.5 /* days: what is shorter cannot be told from days */
#define REUSE_LATE    0.4 /* found on made-up worlds whose networks all change addresses daily */
#define REUSE_CHI2    10  /* that addresses are reused at all, so that it shows */
#define PAIRS_MIN     30
#define PRESENCE_MORE 0.002 /* of address-days with more than one contact: none to speak of */

static const uint8_t frame_days[] = {14, 8, 6, 4, 3, 2};

/* Sightings of an AS's addresses that could have been met again a lag later, and the decline in
 * between, of the whole family. */
static void persistence_base(const struct hosts *h, size_t as, double *base)
{
    const uint64_t *all = h->address.met;
    for (unsigned l = 0; l < LAGS; l++) {
        base[l] = 0;
        for (unsigned d = 0; d + hosts_lags[l] < h->days; d++) {
            double now = 0, then = 0, met = 0;
            for (int w = -3; w <= 3; w++) { /* a week, so that weekends do not show */
                int a = (int)d + w, b = a + hosts_lags[l];
                if (a < 0 || b < 0 || (unsigned)b >= h->days)
                    continue;
                now += (double)all[a];
                then += (double)all[b];
            }
            met = as < h->as.n ? h->as.met[as * h->days + d] : (double)all[d];
            base[l] += met * (now > 0 ? fmin(1.5, then / now) : 1);
        }
    }
}

/* met = a exp(-lag / stay) + reuse, at one stay: a and reuse by weighted least squares. Returns chi
 * squared. */
struct decay {
    double stay, a, reuse, chi2;
};
static struct decay decay_at(const struct persistence *p, double stay, bool reuse)
{
    struct decay f = {.stay = stay};
    double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, w[LAGS];
    for (unsigned l = 0; l < LAGS; l++) {
        double x = exp(-hosts_lags[l] / stay), y = p->met[l];
        w[l] = p->base[l] / (y * fmax(0, 1 - y) + 0.002);
        sw += w[l], sx += w[l] * x, sy += w[l] * y, sxx += w[l] * x * x, sxy += w[l] * x * y;
    }
    double det = sw * sxx - sx * sx;
    if (reuse && det > 1e-9 * sw * sxx) {
        f.a = (sw * sxy - sx * sy) / det;
        f.reuse = (sy - f.a * sx) / sw;
    }
    if (f.reuse <= 0) { /* no level that it falls to */
        f.reuse = 0;
        f.a = sxy / sxx;
    }
    for (unsigned l = 0; l < LAGS; l++) {
        double e = p->met[l] - f.a * exp(-hosts_lags[l] / stay) - f.reuse;
        f.chi2 += w[l] * e * e;
    }
    return f;
}

static struct decay decay_fit(const struct persistence *p, bool reuse)
{
    struct decay best = {.chi2 = INFINITY, .stay = NAN};
    for (double stay = 0.15; stay < 3000; stay *= 1.15) {
        struct decay f = decay_at(p, stay, reuse);
        if (f.chi2 < best.chi2 * 0.999)
            best = f;
    }
    return best;
}

/* The length of frames: long ones tell more of a line, but fewer leases hold so long; and of these
 * the share that did not hold after all must be small. An address that was given back is taken
 * again about as late as leases last: two exponential times, one after the other; and contact must
 * fall before the one and after the other. */
static void persistence_frame(struct persistence *p, const struct decay *f)
{
    double best = 0;
    p->wrong = 1;
    for (unsigned i = 0; i < sizeof frame_days; i++) {
        double k = frame_days[i] / f->stay, held = f->a * exp(-k),
               chance = REUSE_LATE * f->reuse * (1 - exp(-k) * (1 + k));
        double wrong = held + chance > 0 ? chance / (held + chance) : 1;
        double worth = held * pow(frame_days[i] - 1, 1.5);
        bool good = wrong <= WRONG_GOOD, had = p->frame && p->wrong <= WRONG_GOOD;
        if (good == had ? good ? worth > best : wrong < p->wrong : good) {
            best = worth;
            p->wrong = wrong;
            p->frame = frame_days[i];
        }
    }
}

static void persistence_fit(struct persistence *p)
{
    struct decay none = decay_fit(p, false), some = decay_fit(p, true);
    /* Days of one address go together: what the fit leaves over is the measure of chance. */
    double chance = fmax(1, some.chi2 / (LAGS - 3));
    const struct decay *f = none.chi2 - some.chi2 > REUSE_CHI2 * chance ? &some : &none;
    p->reuse = f->reuse;
    p->stay = f->stay > 1000 ? INFINITY : fmax(STAY_LEAST, f->stay);
    persistence_frame(p, f);
}

static void persistence_all(struct hosts *h, struct hosts_fit *f)
{
    f->persistence = mem_zeroed(h->as.n + 1, sizeof *f->persistence);
    for (size_t as = 0; as <= h->as.n; as++) {
        struct persistence *p = &f->persistence[as];
        uint64_t pairs[LAGS] = {0}, most = 0;
        for (size_t i = as < h->as.n ? as : 0; i <= (as < h->as.n ? as : h->as.n); i++)
            for (unsigned l = 0; l < LAGS; l++)
                pairs[l] += h->pairs[i * LAGS + l];
        for (unsigned l = 0; l < LAGS; l++)
            most = pairs[l] > most ? pairs[l] : most;
        p->stay = NAN;
        p->wrong = 1;
        if (most < PAIRS_MIN)
            continue;
        persistence_base(h, as, p->base);
        for (unsigned l = 0; l < LAGS; l++)
            p->met[l] = p->base[l] > 0 ? (double)pairs[l] / p->base[l] : 0;
        persistence_fit(p);
    }
}

/* Frames are made by one of these. */
struct framing {
    const struct hosts_fit *fit;
    const struct sample *sample;
    bool kept[FACTORS]; /* by day of the week, as days since 1970 */
    double overlap; /* contacts an active hour beyond which several hosts overlap; 0: no beacon */
};

/* The frames of one sampled address: the calendar is cut into pieces of `length`, and those pieces
 * are taken on whose first and last day it was met. */
static size_t frames_of(const struct framing *g, const struct sampled *r, uint32_t address,
                        unsigned length, double wrong, struct multiplicity_frame *out, size_t most)
{
    const struct sampled_day *d = g->sample->pool + r->at;
    size_t n = 0;
    for (uint32_t i = 0; i < r->n && n < most; i++) {
        if ((d[i].day + r->hash) % length)
            continue;
        struct multiplicity_frame f = {.address = address, .wrong = (float)wrong};
        uint32_t j = i + 1;
        for (unsigned t = d[i].day + 1u; t < d[i].day + length; t++) {
            bool met = j < r->n && d[j].day == t;
            if (g->kept[(g->fit->first + t) % FACTORS]) {
                f.counts[f.n] = met ? d[j].contacts : 0;
                if (met && g->overlap > 0 && d[j].hours && d[j].contacts > g->overlap * d[j].hours)
                    f.overlap |= (uint16_t)(1u << f.n);
                f.n++;
            }
            j += met;
        }
        if (f.n && j < r->n && d[j].day == d[i].day + length)
            out[n++] = f;
    }
    return n;
}

/* Frames of the sample, from ASes whose frames have at least so many days and are so good. */
static size_t frames_all(const struct framing *g, unsigned least, double wrong,
                         struct multiplicity_frame *out)
{
    size_t n = 0;
    for (size_t i = 0; i < g->sample->n && n < HOSTS_SAMPLE_MAX; i++) {
        const struct sampled *r = &g->sample->rows[i];
        const struct persistence *p = &g->fit->persistence[r->as];
        if (p->frame >= least && p->frame && p->wrong <= wrong)
            n += frames_of(g, r, (uint32_t)i, p->frame, p->wrong, out + n, HOSTS_SAMPLE_MAX - n);
    }
    return n;
}

static size_t frames_days(const struct multiplicity_frame *frames, size_t n)
{
    size_t days = 0;
    for (size_t i = 0; i < n; i++)
        days += frames[i].n;
    return days;
}

static void note(struct hosts_params *p, const char *text)
{
    if (p->n_notes < HOSTS_NOTES_MAX)
        p->notes[p->n_notes++] = text;
}

#define BEACON_CONTACTS 6 /* of a day, to be looked at */
#define BEACON_HOURS    3
#define BEACON_BINS     64
#define BEACON_RATE                                                                                \
    1.8 /* contacts an active hour: at random times they are less, up to 40 a day                  \
         */
#define BEACON_ABOVE 1.25
#define BIN_WIDTH    0.1 /* of the logarithm */

/* Regular beacons: contacts grow in proportion to the hours with any, so their ratio is one rate,
 * and what is above it comes from several hosts. Contacts at random times have a rate that grows
 * with their number. Returns the rate, the lowest one that is common; 0: not regular. */
static double beacon_rate(const struct sample *s)
{
    double bins[BEACON_BINS] = {0}, n = 0, x = 0, y = 0, xx = 0, xy = 0, most = 0;
    for (size_t i = 0; i < s->n; i++)
        for (uint32_t j = 0; j < s->rows[i].n; j++) {
            const struct sampled_day *d = &s->pool[s->rows[i].at + j];
            if (d->contacts < BEACON_CONTACTS || d->hours < BEACON_HOURS || d->hours > 22)
                continue;
            double h = log(d->hours), c = log(d->contacts);
            int bin = (int)((c - h) / BIN_WIDTH);
            bins[bin < BEACON_BINS ? bin : BEACON_BINS - 1]++;
            n++, x += h, y += c, xx += h * h, xy += h * c;
        }
    double var = xx - x * x / n, slope = var > 0 ? (xy - x * y / n) / var : 0;
    if (n < 200 || slope < 0.75 || slope > 1.3)
        return 0;
    for (unsigned b = 1; b + 1 < BEACON_BINS; b++)
        most = fmax(most, bins[b - 1] + bins[b] + bins[b + 1]);
    for (unsigned b = 1; b + 1 < BEACON_BINS; b++) {
        double near = bins[b - 1] + bins[b] + bins[b + 1];
        bool peak = bins[b] >= bins[b - 1] && bins[b] >= bins[b + 1];
        if (peak && near > 0.3 * most)
            return exp((b + 0.5) * BIN_WIDTH) > BEACON_RATE ? exp((b + 0.5) * BIN_WIDTH) : 0;
    }
    return 0;
}

/* Days of the week on which less hosts are active are left out. Returns how much more are active on
 * the others than on a mean day. */
static double keep_days(const struct hosts_fit *f, struct framing *g)
{
    double most = 0, sum = 0, n = 0;
    for (unsigned i = 0; i < FACTORS; i++)
        most = fmax(most, f->week[i]);
    for (unsigned i = 0; i < FACTORS; i++) {
        g->kept[i] = f->week[i] >= WEEK_KEPT * most;
        if (g->kept[i])
            sum += f->week[i], n++;
    }
    return sum / n;
}

/* Frames of bot ids: a single host each. */
static size_t frames_ids(const struct framing *g, struct multiplicity_frame *frames)
{
    size_t n = 0;
    for (unsigned i = 1; i < sizeof frame_days; i += 2) {
        n = 0;
        for (size_t r = 0; r < g->sample->n && n < HOSTS_SAMPLE_MAX; r++)
            n += frames_of(g, &g->sample->rows[r], (uint32_t)r, frame_days[i], 0, frames + n,
                           HOSTS_SAMPLE_MAX - n);
        if (frames_days(frames, n) >= 500)
            break;
    }
    return n;
}

/* From the best networks only, if they have enough: days of one line again and again say more of
 * how many hosts it has than single days of many lines. */
static size_t frames_addresses(struct hosts_fit *f, const struct framing *g,
                               struct multiplicity_frame *frames)
{
    static const struct {
        unsigned least, days; /* in a frame; wanted of all frames */
        double wrong;
    } steps[] = {{8, 2000, WRONG_GOOD}, {6, 2000, WRONG_GOOD},
                 {4, 1500, WRONG_GOOD}, {3, 1200, WRONG_GOOD},
                 {2, 4000, 0.05},       {2, 4000, WRONG_GOOD},
                 {2, 4000, 0.2},        {2, 4000, 0.3},
                 {2, 4000, WRONG_MAX},  {2, 0, 1}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        n = frames_all(g, steps[i].least, steps[i].wrong, frames);
        if (frames_days(frames, n) < steps[i].days)
            continue;
        if (steps[i].wrong > WRONG_MAX)
            note(&f->params, "no network keeps addresses long enough to see one line's days: "
                             "the contacts of a host are learned from changing lines");
        break;
    }
    return n;
}

static void learn_law(struct hosts *h, struct hosts_fit *f)
{
    bool ids = f->params.method == HOSTS_BOTS, present = f->params.method == HOSTS_PRESENT;
    struct framing g = {.fit = f, .sample = ids ? &h->id_sample : &h->sample};
    struct multiplicity_frame *frames = mem_zeroed(HOSTS_SAMPLE_MAX, sizeof *frames);
    double kept = keep_days(f, &g);
    f->params.beacon = beacon_rate(&h->sample);
    g.overlap = f->params.beacon * BEACON_ABOVE;
    size_t n = ids ? frames_ids(&g, frames) : frames_addresses(f, &g, frames);
    struct multiplicity_options o = {.seed = f->options.seed + 1,
                                     .replicates = LAW_REPLICATES,
                                     .presence = present,
                                     .single = ids,
                                     .overlaps = g.overlap > 0 && !ids};
    bool good = multiplicity_fit(frames, n, &o, &f->law);
    f->law.active /= kept;
    if (!good)
        note(&f->params, "too few addresses were met on days apart: the share of active hosts is "
                         "hardly more than a guess");
    f->params.runs = n;
    f->params.windows = f->law.days;
    double wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += (double)frames[i].wrong / (double)n;
    double left = WRONG_SD * wrong * WRONG_SD * wrong, unsure = good ? 0 : UNSURE_SD * UNSURE_SD;
    double shape = o.overlaps ? BEACON_SD : 0, nat = NAT_SD * f->law.nat_share;
    left += shape * shape + nat * nat;
    f->log_contacts_sd =
        sqrt(f->law.var_contacts + (present ? 0 : CONTACTS_SD * CONTACTS_SD + left + unsure));
    f->logit_active_sd = sqrt(f->law.var_active + ACTIVE_SD * ACTIVE_SD + 4 * left + 5 * unsure);
    double both = sqrt(f->law.var_contacts * f->law.var_active);
    f->correlation = both > 0 ? fmin(0.98, fmax(-0.98, f->law.cov / both)) : 0;
    free(frames);
}

static void choose_method(const struct hosts *h, struct hosts_fit *f)
{
    uint64_t met = 0, contacts = 0, named = 0;
    for (unsigned d = 0; d < h->days; d++) {
        met += h->address.met[d];
        contacts += h->address.contacts[d];
        named += h->id.contacts ? h->id.contacts[d] : 0;
    }
    f->params.id_share = contacts ? fmin(1, (double)named / (double)contacts) : 0;
    f->params.method = !met                                                    ? HOSTS_NOTHING
                       : f->params.id_share >= 0.5 && !f->options.without_bots ? HOSTS_BOTS
                       : (double)h->address.more > PRESENCE_MORE * (double)met ? HOSTS_COUNTS
                                                                               : HOSTS_PRESENT;
}

static void notes(const struct hosts *h, struct hosts_fit *f)
{
    struct hosts_params *p = &f->params;
    switch (p->method) {
    case HOSTS_NOTHING:
        note(p, "no contact was seen");
        return;
    case HOSTS_BOTS:
        note(p, "a bot id is one host's and stays so; an id met in four ASes on one day is left "
                "out as shared");
        if (p->id_share < 0.999)
            note(p, "hosts whose contacts carry no id make as many contacts as the others");
        if (h->shared_ids)
            note(p, "some ids are shared by many hosts and were left out");
        break;
    case HOSTS_COUNTS:
        note(p, "all hosts of the family make contact by one law, in all networks");
        note(p, "an address met on two days belonged to one line in between, where addresses are "
                "kept for long");
        note(p, "hosts behind one address make contact independently of each other; as little NAT "
                "as explains the counts");
        break;
    case HOSTS_PRESENT:
        note(p, "one contact an address and day: contacts cannot be counted, so NAT shows only in "
                "days without contact, and a host that changes its address within a day counts "
                "twice");
        break;
    }
    note(p, "new infections come only where the number alive rises by more than chance; hosts that "
            "are infected again are the same hosts");
    if (isfinite(f->law.concentration))
        note(p, "hosts differ in how often they make contact: Beta distributed");
}

/* Log of the addresses that a line has on a day, in the mean of the addresses met. */
static double moved_within_day(const struct hosts *h, const struct hosts_fit *f)
{
    double sum = 0, all = 0;
    for (size_t as = 0; as < h->as.n; as++) {
        double base = f->persistence[as].base[0], stay = f->persistence[as].stay;
        if (isnan(stay))
            continue;
        sum += base * log1p(1 / fmax(stay, 0.5));
        all += base;
    }
    return all > 0 ? sum / all : 0.5;
}

/* Hosts that make contact are in proportion to the contacts, day by day: so days of the week show
 * before anything is known of a host. */
static void learn_week(const struct hosts *h, struct hosts_fit *f)
{
    double *contacts = mem_zeroed(h->days, sizeof *contacts);
    for (unsigned d = 0; d < h->days; d++)
        contacts[d] = (double)h->address.contacts[d];
    series_week(contacts, h->days, h->first, f->week);
    free(contacts);
}

void hosts_learn(struct hosts *h, struct hosts_fit *f)
{
    choose_method(h, f);
    learn_week(h, f);
    persistence_all(h, f);
    if (f->params.method != HOSTS_NOTHING)
        learn_law(h, f);
    notes(h, f);
    f->present = f->params.method == HOSTS_PRESENT ? multiplicity_present(&f->law) : 1;
    if (f->params.method == HOSTS_PRESENT) {
        f->law.contacts = 1;
        f->log_contacts_sd = 0.01 + 0.5 * log(f->present);
        f->moved_sd = MOVED_SD * moved_within_day(h, f);
    }
}
