/* The progress page: how many machines are infected still, in one look; and the same for programs.
 * All numbers are those of the newest release. */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "app/public/progress_page.h"
#include "app/release/release_make.h"
#include "base/json.h"
#include "base/log.h"
#include "state/releases.h"

/* ---- the release ---- */

static int take(void *ctx, const struct release_entry *r)
{
    struct progress *p = ctx;
    p->entry = r->entry;
    p->recorded = r->recorded;
    p->size = r->size;
    p->replaces = r->replaces;
    p->replaced_by = r->replaced_by;
    p->withdrawn = r->withdrawn;
    memcpy(p->sha256, r->sha256.p, SHA256_LEN);
    snprintf(p->rule, sizeof p->rule, "%.*s", (int)(r->rule.n < 60 ? r->rule.n : 60),
             (const char *)r->rule.p);
    return 0;
}

int progress_load(struct face *f, uint64_t entry, struct progress *out)
{
    struct err err;
    memset(out, 0, sizeof *out);
    int rc = f->c.pursuit && entry ? releases_one(f->c.pursuit, entry, take, out, &err) : 0;
    if (rc == 1) {
        int read = release_load(&f->c, entry, &out->doc, &out->bytes, &err);
        rc = read < 0 ? read : 1;
    }
    if (rc < 0)
        log_line(LOG_WARN, "a release cannot be shown", "entry=%llu why=\"%s\"",
                 (unsigned long long)entry, err.text);
    return rc;
}

void progress_free(struct progress *p)
{
    release_doc_free(&p->doc);
    buf_free(&p->bytes);
}

static int load_newest(struct face *f, struct progress *out)
{
    return progress_load(f, f->c.pursuit ? releases_newest(f->c.pursuit) : 0, out);
}

/* ---- text ---- */

static struct progress_text text_of(struct buf *b)
{
    struct progress_text t;
    size_t n = b->n < sizeof t.s ? b->n : sizeof t.s - 1;
    memcpy(t.s, b->p ? (const char *)b->p : "", n);
    t.s[n] = 0;
    buf_free(b);
    return t;
}

struct progress_text progress_count(uint64_t n)
{
    struct buf b = {0};
    html_count(&b, n); /* digits and spaces: nothing that is HTML */
    return text_of(&b);
}

struct progress_text progress_double(double v, int decimals)
{
    struct progress_text t;
    snprintf(t.s, sizeof t.s, "%.*f", decimals, v);
    return t;
}

struct progress_text progress_date(struct face_view *v, int32_t day)
{
    char iso[UTC_TEXT_MAX], key[24], number[8], year[8];
    struct buf b = {0};
    utc_format_date((int64_t)day * UTC_DAY, iso);
    snprintf(key, sizeof key, "site.month.%d", (iso[5] - '0') * 10 + iso[6] - '0');
    snprintf(number, sizeof number, "%d", (iso[8] - '0') * 10 + iso[9] - '0');
    snprintf(year, sizeof year, "%.4s", iso);
    words_plain(&b, v->words, "site.day", number, words_raw(v->words, key), year, NULL);
    return text_of(&b);
}

struct progress_text progress_address(struct face_view *v, const char *what, uint64_t entry,
                                      const char *ending)
{
    struct progress_text path;
    struct buf b = {0}, *out = v->out;
    if (entry)
        snprintf(path.s, sizeof path.s, "%s%llu%s", what, (unsigned long long)entry, ending);
    else
        snprintf(path.s, sizeof path.s, "%s%s", what, ending);
    v->out = &b;
    face_href(v, path.s);
    v->out = out;
    return text_of(&b);
}

/* ---- one look ---- */

/* The last day that is shown, and the first; NULL: none. */
static const struct release_row *last_shown(const struct release_doc *d)
{
    for (size_t i = d->days.n; i-- > 0;)
        if (d->days.v[i].shown)
            return &d->days.v[i];
    return NULL;
}

static int32_t day_of(const struct release_row *r)
{
    int64_t time = 0;
    utc_parse(span_str(r->key), &time); /* it is a date: release_doc_read looked */
    return utc_day(time);
}

#define THEN_DAYS 14 /* a first count within so many days tells of the takedown */

/* The day to compare with: the first one, where it is soon enough after the takedown; NULL. */
static const struct release_row *then_of(const struct release_doc *d)
{
    const struct release_row *then = d->days.n ? d->days.v : NULL;
    bool soon = then && d->has_takedown && day_of(then) - d->takedown <= THEN_DAYS;
    return soon && then->shown && then->n[RELEASE_INFECTED].value && then != last_shown(d) ? then
                                                                                           : NULL;
}

/* Suppressed days at the end say that it is few by now: then no older number is put in front. */
static bool is_current(const struct release_doc *d)
{
    return d->days.n && d->days.v[d->days.n - 1].shown;
}

static void put_headline(struct face_view *v, const struct release_doc *d)
{
    const struct release_row *now = last_shown(d), *then = then_of(d);
    buf_str(v->out, "<h1 class=\"headline\">");
    if (!now || !is_current(d)) {
        words_put(v->out, v->words, "progress.headline-few", NULL);
    } else {
        uint64_t b = now->n[RELEASE_INFECTED].value;
        double change =
            then ? round(100 * ((double)b / (double)then->n[RELEASE_INFECTED].value - 1)) : 0;
        words_put(v->out, v->words,
                  !then         ? "progress.headline-plain"
                  : change < 0  ? "progress.headline-fewer"
                  : change == 0 ? "progress.headline-same"
                                : "progress.headline-more",
                  progress_count(b).s, progress_double(fabs(change), 0).s, NULL);
    }
    buf_str(v->out, "</h1>\n");
}

static void put_now(struct face_view *v, const struct release_doc *d)
{
    const struct release_row *now = last_shown(d), *then = then_of(d);
    if (!now || !is_current(d))
        return;
    const struct release_number *x = &now->n[RELEASE_INFECTED];
    progress_say(v, " class=\"lead\"", "progress.interval", progress_date(v, day_of(now)).s,
                 progress_count(x->low).s, progress_count(x->high).s);
    if (!then)
        return;
    x = &then->n[RELEASE_INFECTED];
    progress_say(v, "", "progress.then", progress_date(v, day_of(then)).s,
                 progress_count(x->value).s, progress_count(x->low).s, progress_count(x->high).s);
}

static void put_half_life(struct face_view *v, const struct release_half_life *h)
{
    if (isfinite(h->days) && isfinite(h->low) && isfinite(h->high))
        progress_say(v, "", "progress.half-life", progress_double(h->days, 0).s,
                     progress_double(h->low, 0).s, progress_double(h->high, 0).s);
    else if (isfinite(h->days) && isfinite(h->low) && isinf(h->high))
        progress_say(v, "", "progress.half-life-open", progress_double(h->days, 0).s,
                     progress_double(h->low, 0).s);
    else if (isfinite(h->days))
        progress_say(v, "", "progress.half-life-plain", progress_double(h->days, 0).s);
    else
        progress_say(v, "", "progress.half-life-none",
                     words_raw(v->words, strcmp(h->why, "suppressed") == 0 ? "progress.why-few"
                                         : strcmp(h->why, "no decline") == 0
                                             ? "progress.why-rising"
                                             : "progress.why-short"));
}

static void put_range(struct face_view *v, const struct release_doc *d)
{
    const struct release_number *n = d->range.n;
    if (!d->range.shown)
        return;
    progress_say(v, "", "progress.range", progress_date(v, d->since).s,
                 progress_count(n[RELEASE_WEEK_HOSTS].value).s,
                 progress_count(n[RELEASE_WEEK_HOSTS].low).s,
                 progress_count(n[RELEASE_WEEK_HOSTS].high).s,
                 progress_count(n[RELEASE_WEEK_ADDRESSES].value).s);
}

/* Where the numbers are from: once at the top, and in short behind each part. */
static void put_source(struct face_view *v, const struct progress *p, bool brief)
{
    struct progress_text release = progress_address(v, "/releases/", p->entry, ""),
                         proof = progress_address(v, "/proof/", p->entry, "");
    char entry[24];
    snprintf(entry, sizeof entry, "%llu", (unsigned long long)p->entry);
    if (brief)
        progress_say(v, " class=\"source\"", "progress.source-short", entry, release.s, proof.s);
    else
        progress_say(v, " class=\"source\"", "progress.source",
                     progress_date(v, p->doc.until - 1).s, entry, release.s, proof.s);
}

/* ---- the page ---- */

static void put_none(struct face_view *v)
{
    face_heading(v, "progress.title", NULL);
    face_paragraph(v, "progress.none");
    progress_say(v, "", "progress.none-meanwhile", progress_address(v, "/check", 0, "").s,
                 progress_address(v, "/notices", 0, "").s);
}

static void put_page(struct face_view *v, const struct progress *p)
{
    const struct release_doc *d = &p->doc;
    put_headline(v, d);
    put_now(v, d);
    put_half_life(v, &d->half_life);
    put_source(v, p, false);
    face_section(v, d->has_takedown ? "progress.base" : "progress.base-plain", "base");
    progress_chart_base(v, d);
    put_range(v, d);
    progress_days(v, p);
    put_source(v, p, true);
    if (d->spam.there) {
        face_section(v, "progress.spam", "spam");
        progress_spam(v, d);
        put_source(v, p, true);
    }
    face_section(v, "progress.countries", "countries");
    progress_countries(v, d, true);
    put_source(v, p, true);
    face_section(v, "progress.families", "families");
    progress_families(v, d);
    put_source(v, p, true);
    progress_say(v, " class=\"note\"", "progress.check", progress_address(v, "/check", 0, "").s);
    progress_what(v, d);
    progress_verify(v, p);
}

void face_progress(struct face_view *v)
{
    struct progress p;
    int rc = load_newest(v->face, &p);
    if (rc < 0) {
        face_problem(v, 503, "progress.unreadable");
    } else {
        face_begin(v, "progress.title");
        if (rc == 0)
            put_none(v);
        else
            put_page(v, &p);
        face_end(v);
    }
    progress_free(&p);
}

/* ---- for programs ---- */

/* Machines by country, as the map wants them: null where it is not published. */
static void put_map_rows(struct json *j, const struct release_doc *d)
{
    json_key(j, "countries");
    json_array(j);
    for (size_t i = 0; i < d->countries.n; i++) {
        const struct release_row *r = &d->countries.v[i];
        if (!r->key[0])
            continue;
        json_object(j);
        json_key(j, "country");
        json_str(j, r->key);
        json_key(j, "value");
        if (r->shown)
            json_uint(j, r->n[RELEASE_WEEK_HOSTS].value);
        else
            json_null(j);
        json_object_end(j);
    }
    json_array_end(j);
}

static void put_address(struct json *j, const char *key, const char *what, uint64_t entry,
                        const char *ending)
{
    char path[64];
    snprintf(path, sizeof path, "%s%llu%s", what, (unsigned long long)entry, ending);
    json_key(j, key);
    json_str(j, path);
}

void face_progress_json(struct face_view *v)
{
    struct progress p;
    int rc = load_newest(v->face, &p);
    v->reply->type = "application/json";
    if (rc < 0)
        v->reply->status = 503;
    struct json j = json_to(v->out);
    json_object(&j);
    json_key(&j, "release");
    if (rc == 1)
        json_uint(&j, p.entry);
    else
        json_null(&j);
    if (rc == 1) {
        put_address(&j, "page", "/releases/", p.entry, "");
        put_address(&j, "figures", "/releases/", p.entry, ".json");
        put_address(&j, "proof", "/proof/", p.entry, "");
        json_key(&j, "sha256");
        json_hex(&j, p.sha256, SHA256_LEN);
        put_map_rows(&j, &p.doc);
    }
    json_object_end(&j);
    json_newline(&j);
    progress_free(&p);
}
