/* The progress page's tables: all numbers of its charts, countries with bars, families. */
#include <math.h>
#include <stdio.h>

#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "app/public/progress_page.h"
#include "web/assets.h"

#define COUNTRIES_OPEN 15 /* the others are folded up */
#define DAYS_OPEN      62 /* more: every seventh */
#define DAYS_ROWS_MAX  160
#define NAME_MAX_UNITS 128

void progress_country(struct face_view *v, const char *code, struct buf *out)
{
    char locale[16], name[NAME_MAX_UNITS * 3 + 1];
    UChar wide[NAME_MAX_UNITS];
    UErrorCode status = U_ZERO_ERROR;
    if (!code[0]) {
        words_put(out, v->words, "progress.unknown", NULL);
        return;
    }
    snprintf(locale, sizeof locale, "und_%.2s", code);
    int32_t n =
        uloc_getDisplayCountry(locale, words_language(v->words), wide, NAME_MAX_UNITS, &status);
    int32_t len = 0;
    if (U_SUCCESS(status) && n > 0 && n < NAME_MAX_UNITS)
        u_strToUTF8(name, (int32_t)sizeof name, &len, wide, n, &status);
    if (U_FAILURE(status) || len <= 0 || len >= (int32_t)sizeof name)
        html_str(out, code);
    else
        html_text(out, span_of(name, (size_t)len));
}

/* ---- cells ---- */

static void put_head(struct face_view *v, const char *key, bool number)
{
    buf_str(v->out, number ? "<th scope=\"col\" class=\"number\">" : "<th scope=\"col\">");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</th>");
}

static void put_number(struct face_view *v, uint64_t n)
{
    buf_str(v->out, "<td class=\"number\">");
    html_count(v->out, n);
    buf_str(v->out, "</td>");
}

/* "4 520 – 4 780", always in that order. */
static void put_interval(struct face_view *v, const struct release_number *x)
{
    buf_str(v->out, "<td class=\"number quiet\"><span dir=\"ltr\">");
    html_count(v->out, x->low);
    buf_str(v->out, "\xe2\x80\x93");
    html_count(v->out, x->high);
    buf_str(v->out, "</span></td>");
}

static void put_suppressed(struct face_view *v, unsigned columns)
{
    buf_printf(v->out, "<td class=\"number quiet\" colspan=\"%u\">", columns);
    words_put(v->out, v->words, "progress.suppressed", NULL);
    buf_str(v->out, "</td>");
}

static void put_data(struct face_view *v, const char *name, const char *key)
{
    struct buf text = {0};
    words_plain(&text, v->words, key, NULL);
    html_attribute(v->out, name, buf_as_span(&text));
    buf_free(&text);
}

/* Wide ones are moved within themselves, by keys as well. */
static void begin_table(struct face_view *v, const char *name_key)
{
    buf_str(v->out, "<div class=\"wide\" tabindex=\"0\" role=\"region\"");
    put_data(v, "aria-label", name_key);
    buf_str(v->out, "><table class=\"figures\">");
}

/* ---- days ---- */

static void put_day(struct face_view *v, const struct release_row *r)
{
    int64_t time = 0;
    utc_parse(span_str(r->key), &time);
    buf_printf(v->out, "<tr><th scope=\"row\"><time>%.10s</time></th>", r->key);
    if (r->shown) {
        put_number(v, r->n[RELEASE_INFECTED].value);
        put_interval(v, &r->n[RELEASE_INFECTED]);
        put_number(v, r->n[RELEASE_HOSTS].value);
        put_interval(v, &r->n[RELEASE_HOSTS]);
        put_number(v, r->n[RELEASE_ADDRESSES].value);
    } else {
        put_suppressed(v, 5);
    }
    buf_str(v->out, "</tr>\n");
}

void progress_days(struct face_view *v, const struct progress *p)
{
    const struct release_rows *days = &p->doc.days;
    size_t step = days->n > DAYS_OPEN ? 7 : 1;
    while (days->n / step > DAYS_ROWS_MAX)
        step += 7;
    if (!days->n)
        return;
    buf_str(v->out, "<details>\n<summary>");
    words_put(v->out, v->words, step > 1 ? "progress.days-some" : "progress.days", NULL);
    buf_str(v->out, "</summary>\n");
    begin_table(v, "progress.base-plain");
    buf_str(v->out, "<thead><tr>");
    put_head(v, "progress.day", false);
    put_head(v, "progress.infected", true);
    put_head(v, "progress.between", true);
    put_head(v, "progress.hosts", true);
    put_head(v, "progress.between", true);
    put_head(v, "progress.addresses", true);
    buf_str(v->out, "</tr></thead><tbody>\n");
    for (size_t i = (days->n - 1) % step; i < days->n; i += step)
        put_day(v, &days->v[i]);
    buf_str(v->out, "</tbody></table></div>\n");
    progress_say(v, "", "progress.days-all",
                 progress_address(v, "/releases/", p->entry, ".json").s);
    buf_str(v->out, "</details>\n");
}

/* ---- countries ---- */

static void put_bar(struct face_view *v, uint64_t value, uint64_t most)
{
    double share = most ? 100.0 * (double)value / (double)most : 0;
    buf_printf(
        v->out,
        "<td class=\"bar\"><svg dir=\"ltr\" viewBox=\"0 0 100 10\" width=\"100\" height=\"10\" "
        "preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"%.1f\" height=\"10\" "
        "fill=\"currentColor\"/></svg></td>",
        share < 0.5 ? 0.5 : share);
}

static void put_country(struct face_view *v, const struct release_row *r, uint64_t most)
{
    buf_str(v->out, "<tr><th scope=\"row\">");
    progress_country(v, r->key, v->out);
    buf_str(v->out, "</th>");
    put_number(v, r->n[RELEASE_WEEK_HOSTS].value);
    put_interval(v, &r->n[RELEASE_WEEK_HOSTS]);
    if (most)
        put_bar(v, r->n[RELEASE_WEEK_HOSTS].value, most);
    put_number(v, r->n[RELEASE_WEEK_ADDRESSES].value);
    buf_str(v->out, "</tr>\n");
}

static void begin_countries(struct face_view *v, bool bars)
{
    buf_str(v->out, "<thead><tr>");
    put_head(v, "progress.country", false);
    put_head(v, "progress.machines", true);
    put_head(v, "progress.between", true);
    if (bars)
        buf_str(v->out, "<td class=\"bar\"></td>");
    put_head(v, "progress.addresses", true);
    buf_str(v->out, "</tr></thead><tbody>\n");
}

static void put_total(struct face_view *v, const struct release_row *week, bool bars)
{
    buf_str(v->out, "</tbody><tfoot><tr><th scope=\"row\">");
    words_put(v->out, v->words, "progress.total", NULL);
    buf_str(v->out, "</th>");
    if (week->shown) {
        put_number(v, week->n[RELEASE_WEEK_HOSTS].value);
        put_interval(v, &week->n[RELEASE_WEEK_HOSTS]);
        if (bars)
            buf_str(v->out, "<td class=\"bar\"></td>");
        put_number(v, week->n[RELEASE_WEEK_ADDRESSES].value);
    } else {
        put_suppressed(v, bars ? 4 : 3);
    }
    buf_str(v->out, "</tr></tfoot></table></div>\n");
}

static void put_other_countries(struct face_view *v, const struct release_rows *c, size_t shown)
{
    if (shown <= COUNTRIES_OPEN)
        return;
    buf_str(v->out, "<details>\n<summary>");
    words_put(v->out, v->words, "progress.more-countries", progress_count(shown - COUNTRIES_OPEN).s,
              NULL);
    buf_str(v->out, "</summary>\n");
    begin_table(v, "progress.countries");
    begin_countries(v, false);
    for (size_t i = COUNTRIES_OPEN; i < shown; i++)
        put_country(v, &c->v[i], 0);
    buf_str(v->out, "</tbody></table></div>\n</details>\n");
}

/* Those that are suppressed, by name: that nothing is said of them is said. */
static void put_few(struct face_view *v, const struct release_rows *c, size_t shown)
{
    struct buf names = {0}, one = {0};
    if (shown == c->n)
        return;
    for (size_t i = shown; i < c->n; i++) {
        if (i > shown)
            buf_str(&names, strcmp(words_language(v->words), "ar") == 0 ? "\xd8\x8c " : ", ");
        progress_country(v, c->v[i].key, &names);
    }
    buf_str(v->out, "<p class=\"few\">");
    /* the names are HTML already: put where the words have %1 */
    words_put(&one, v->words, "progress.few-countries", "@NAMES@", NULL);
    const uint8_t *at = memmem(one.p, one.n, "@NAMES@", 7);
    if (at) {
        buf_put(v->out, one.p, (size_t)(at - one.p));
        buf_span(v->out, buf_as_span(&names));
        buf_put(v->out, at + 7, one.n - (size_t)(at - one.p) - 7);
    }
    buf_str(v->out, "</p>\n");
    buf_free(&one);
    buf_free(&names);
}

/* Hidden where there are no scripts: the pages' own script makes it seen, and fetches what draws it
 * when somebody comes near. */
static void put_map(struct face_view *v)
{
    struct buf url = {0};
    web_asset_url(&url, "map.js");
    buf_str(v->out, "<figure id=\"map\" hidden data-src=\"/progress.json\"");
    if (url.n)
        html_attribute(v->out, "data-script", buf_as_span(&url));
    put_data(v, "data-label", "progress.map");
    put_data(v, "data-suppressed", "progress.map-suppressed");
    put_data(v, "data-none", "progress.map-none");
    put_data(v, "data-hint", "progress.map-hint");
    buf_str(v->out, "></figure>\n");
    buf_free(&url);
}

void progress_countries(struct face_view *v, const struct release_doc *d, bool map)
{
    const struct release_rows *c = &d->countries;
    size_t shown = 0;
    while (shown < c->n && c->v[shown].shown)
        shown++;
    uint64_t most = shown ? c->v[0].n[RELEASE_WEEK_HOSTS].value : 0;
    begin_table(v, "progress.countries");
    buf_str(v->out, "<caption>");
    words_put(v->out, v->words, "progress.countries-caption", progress_date(v, d->week_since).s,
              progress_date(v, d->until - 1).s, NULL);
    buf_str(v->out, "</caption>");
    begin_countries(v, true);
    for (size_t i = 0; i < shown && i < COUNTRIES_OPEN; i++)
        put_country(v, &c->v[i], most);
    put_total(v, &d->week, true);
    put_other_countries(v, c, shown);
    put_few(v, c, shown);
    if (map)
        put_map(v);
}

/* ---- families ---- */

void progress_families(struct face_view *v, const struct release_doc *d)
{
    if (d->families.n) {
        begin_table(v, "progress.families");
        buf_str(v->out, "<thead><tr>");
        put_head(v, "progress.family", false);
        put_head(v, "progress.machines", true);
        put_head(v, "progress.between", true);
        put_head(v, "progress.addresses", true);
        buf_str(v->out, "</tr></thead><tbody>\n");
        for (size_t i = 0; i < d->families.n; i++) {
            const struct release_row *r = &d->families.v[i];
            buf_str(v->out, "<tr><th scope=\"row\">");
            if (r->key[0])
                face_outside(v, span_str(r->key));
            else
                words_put(v->out, v->words, "progress.others", NULL);
            buf_str(v->out, "</th>");
            put_number(v, r->n[RELEASE_WEEK_HOSTS].value);
            put_interval(v, &r->n[RELEASE_WEEK_HOSTS]);
            put_number(v, r->n[RELEASE_WEEK_ADDRESSES].value);
            buf_str(v->out, "</tr>\n");
        }
        put_total(v, &d->week, false);
    }
    if (d->families_suppressed)
        progress_say(v, " class=\"few\"", "progress.families-few",
                     progress_count(d->families_suppressed).s);
}

/* ---- spam ---- */

static void put_impact(struct face_view *v, const struct release_spam *s)
{
    if (!s->impact)
        return;
    bool fewer = s->change < 0, sure = s->low < 0 && s->high < 0;
    const char *key = !fewer  ? "progress.spam-more"
                      : !sure ? "progress.spam-open"
                              : "progress.spam-fewer";
    /* of a fall, the nearer end to nothing is the smaller one */
    progress_say(v, " class=\"lead\"", key, progress_double(fabs(s->change), 0).s,
                 progress_double(fabs(s->high), 0).s, progress_double(fabs(s->low), 0).s);
}

void progress_spam(struct face_view *v, const struct release_doc *d)
{
    const struct release_spam *s = &d->spam;
    size_t step = s->n > DAYS_OPEN ? 7 : 1;
    put_impact(v, s);
    progress_chart_spam(v, d);
    buf_str(v->out, "<details>\n<summary>");
    words_put(v->out, v->words, step > 1 ? "progress.days-some" : "progress.spam-days", NULL);
    buf_str(v->out, "</summary>\n");
    begin_table(v, "progress.spam");
    buf_str(v->out, "<thead><tr>");
    put_head(v, "progress.day", false);
    put_head(v, "progress.index", true);
    put_head(v, "progress.between", true);
    buf_str(v->out, "</tr></thead><tbody>\n");
    for (size_t i = s->n ? (s->n - 1) % step : 0; i < s->n; i += step) {
        char date[UTC_TEXT_MAX];
        date[utc_format_date((int64_t)s->v[i].day * UTC_DAY, date)] = 0;
        buf_printf(v->out, "<tr><th scope=\"row\"><time>%s</time></th>", date);
        if (!s->v[i].shown)
            put_suppressed(v, 2);
        else
            put_number(v, (uint64_t)s->v[i].index);
        if (s->v[i].shown && isfinite(s->v[i].low) && isfinite(s->v[i].high))
            put_interval(v, &(struct release_number){0, (uint64_t)fmax(s->v[i].low, 0),
                                                     (uint64_t)fmax(s->v[i].high, 0)});
        else if (s->v[i].shown)
            buf_str(v->out, "<td></td>");
        buf_str(v->out, "</tr>\n");
    }
    buf_str(v->out, "</tbody></table></div>\n</details>\n");
}
