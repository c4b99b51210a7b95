/* What is learned of the family: how long leases last in each AS, and from where they last, how
 * often a host makes contact and how many are behind one address. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "stat/hosts_impl.h"
#include "stat/rng.h"

#define FRAMES_WANTED 3000 /* days in between, before worse ASes are used too */
#define WRONG_GOOD    0.04 /* share of frames whose lease did not hold */
#define WRONG_MAX     0.3
#define PAIRS_MIN     30
#define PRESENCE_MORE 0.002 /* of address-days with more than one contact: none to speak of */

static const uint8_t frame_days[] = {8, 6, 4, 2};

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

/* met = a exp(-lag / stay) + reuse: a and reuse by least squares for each of a row of stays. */
static void persistence_fit(struct persistence *p)
{
    double best = INFINITY, a_best = 0, floor_best = 0;
    p->stay = NAN;
    for (double stay = 0.15; stay < 3000; stay *= 1.15) {
        double sw = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, error = 0;
        for (unsigned l = 0; l < LAGS; l++) {
            double w = p->base[l], x = exp(-hosts_lags[l] / stay), y = p->met[l];
            sw += w, sx += w * x, sy += w * y, sxx += w * x * x, sxy += w * x * y;
        }
        double det = sw * sxx - sx * sx, a = 0, c = 0;
        if (det > 1e-9 * sw * sxx) {
            a = (sw * sxy - sx * sy) / det;
            c = (sy - a * sx) / sw;
        }
        if (det <= 1e-9 * sw * sxx || c < 0) { /* no level that it falls to */
            c = 0;
            a = sxy / sxx;
        }
        for (unsigned l = 0; l < LAGS; l++) {
            double e = p->met[l] - a * exp(-hosts_lags[l] / stay) - c;
            error += p->base[l] * e * e;
        }
        if (error < best * 0.999) {
            best = error;
            p->stay = stay;
            a_best = a;
            floor_best = c;
        }
    }
    p->reuse = floor_best;
    if (p->stay > 1000)
        p->stay = INFINITY;
    /* The longest frame in which the lease held, nearly always. */
    p->wrong = 1;
    for (unsigned i = 0; i < sizeof frame_days; i++) {
        double k = frame_days[i], held = a_best * exp(-k / p->stay),
               chance = p->reuse * (1 - exp(-k / p->stay));
        double wrong = held + chance > 0 ? chance / (held + chance) : 1;
        if (wrong < p->wrong && (p->wrong > WRONG_GOOD || !p->frame)) {
            p->wrong = wrong;
            p->frame = frame_days[i];
        }
    }
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

/* The frames of one sampled address: the calendar is cut into pieces of `length`, and those pieces
 * are taken on whose first and last day it was met. */
static size_t frames_of(const struct sample *s, const struct sampled *r, uint32_t address,
                        unsigned length, struct multiplicity_frame *out, size_t most)
{
    const struct sampled_day *d = s->pool + r->at;
    size_t n = 0;
    for (uint32_t i = 0; i < r->n && n < most; i++) {
        if ((d[i].day + r->hash) % length)
            continue;
        struct multiplicity_frame f = {.address = address, .n = (uint8_t)(length - 1)};
        uint32_t j = i + 1;
        for (; j < r->n && d[j].day < d[i].day + length; j++)
            f.counts[d[j].day - d[i].day - 1] = d[j].contacts;
        if (j < r->n && d[j].day == d[i].day + length)
            out[n++] = f;
    }
    return n;
}

/* Frames of the sample, from ASes with at most `wrong`. */
static size_t frames_all(const struct hosts_fit *f, const struct sample *s, double wrong,
                         struct multiplicity_frame *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n && n < HOSTS_SAMPLE_MAX; i++) {
        const struct persistence *p = &f->persistence[s->rows[i].as];
        if (p->frame && p->wrong <= wrong)
            n += frames_of(s, &s->rows[i], (uint32_t)i, p->frame, out + n, HOSTS_SAMPLE_MAX - n);
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

static void learn_law(struct hosts *h, struct hosts_fit *f)
{
    struct multiplicity_frame *frames = mem_zeroed(HOSTS_SAMPLE_MAX, sizeof *frames);
    struct multiplicity_options o = {.seed = f->options.seed + 1, .replicates = 30};
    size_t n = 0;
    if (f->params.method == HOSTS_BOTS) {
        o.single = true;
        for (size_t i = 0; i < h->id_sample.n && n < HOSTS_SAMPLE_MAX; i++)
            n += frames_of(&h->id_sample, &h->id_sample.rows[i], (uint32_t)i, 8, frames + n,
                           HOSTS_SAMPLE_MAX - n);
        if (frames_days(frames, n) < 500)
            for (size_t i = n = 0; i < h->id_sample.n && n < HOSTS_SAMPLE_MAX; i++)
                n += frames_of(&h->id_sample, &h->id_sample.rows[i], (uint32_t)i, 2, frames + n,
                               HOSTS_SAMPLE_MAX - n);
    } else {
        o.presence = f->params.method == HOSTS_PRESENT;
        static const double steps[] = {0.005, 0.01, 0.02, WRONG_GOOD, 0.08, 0.15, WRONG_MAX, 1};
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            n = frames_all(f, &h->sample, steps[i], frames);
            if (frames_days(frames, n) < FRAMES_WANTED)
                continue;
            if (steps[i] > WRONG_MAX)
                note(&f->params, "no network keeps addresses long enough to see one line's days: "
                                 "the contacts of a host are learned from changing lines");
            break;
        }
    }
    bool good = multiplicity_fit(frames, n, &o, &f->law);
    if (!good)
        note(&f->params, "too few addresses were met on days apart: the share of active hosts is "
                         "hardly more than a guess");
    f->params.runs = n;
    f->params.windows = f->law.days;
    double few = 1. / fmax(4, (double)f->law.days);
    f->log_contacts_sd = sqrt(f->law.var_contacts + (f->params.method == HOSTS_PRESENT ? 0 : 1e-4));
    f->logit_active_sd = sqrt(f->law.var_active + 2.5e-3 + (good ? 0 : 0.5 + few));
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

void hosts_learn(struct hosts *h, struct hosts_fit *f)
{
    choose_method(h, f);
    persistence_all(h, f);
    if (f->params.method != HOSTS_NOTHING)
        learn_law(h, f);
    notes(h, f);
    f->present = f->params.method == HOSTS_PRESENT ? multiplicity_present(&f->law) : 1;
    if (f->params.method == HOSTS_PRESENT) {
        f->law.contacts = 1;
        f->log_contacts_sd = fmax(0.01, 0.5 * log(f->present));
    }
    double days = (double)h->hour_days, mean = (double)h->hour_rates / HOUR_STEPS,
           squares = (double)h->hour_squares / (HOUR_STEPS * HOUR_STEPS);
    if (days > 100) {
        mean /= days;
        double cv = sqrt(fmax(0, squares / days - mean * mean)) / mean;
        f->params.beacon = cv < 0.35 && mean > 1.2 ? mean : 0;
    }
}
