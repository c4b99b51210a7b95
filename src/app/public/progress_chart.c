/* Charts as inline SVG: no script, no inline style (the pages' policy forbids both); colours come
 * from classes, or are the text's. Always from left to right, as time goes on a chart's axis; the
 * tables beside them say the same in words and numbers. */
#include <math.h>
#include <stdio.h>

#include "app/public/progress_page.h"

#define WIDTH      720
#define LEFT       96 /* for the numbers at the axis */
#define RIGHT      14
#define TOP        14
#define BOTTOM     34
#define POINTS_MAX 360
#define STEPS_MAX  5
#define MILLION    1e6

struct point {
    int32_t day;
    double value, low, high; /* value NaN: nothing is shown */
};

struct chart {
    struct face_view *v;
    const struct point *p;
    size_t n;
    int32_t first, last; /* days */
    double top;          /* of the axis */
    int height;
    const char *id; /* of title and description */
};

static double x_of(const struct chart *c, int32_t day)
{
    double days = c->last > c->first ? (double)(c->last - c->first) : 1;
    return LEFT + (double)(day - c->first) / days * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct chart *c, double value)
{
    double within = value < c->top ? value : c->top;
    return c->height - BOTTOM - within / c->top * (c->height - TOP - BOTTOM);
}

/* A round step so that the axis has at most STEPS_MAX of them. */
static double step_of(double most)
{
    double step = pow(10, floor(log10(most / STEPS_MAX)));
    static const double by[] = {1, 2, 5, 10};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++)
        if (most / (step * by[i]) <= STEPS_MAX)
            return step * by[i];
    return step * 10;
}

static void put_text(struct chart *c, double x, double y, const char *anchor, const char *class_,
                     const char *text)
{
    buf_printf(c->v->out, "<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"%s\" class=\"%s\">", x, y,
               anchor, class_);
    html_str(c->v->out, text);
    buf_str(c->v->out, "</text>");
}

/* Lines across, with their numbers. */
static void put_scale(struct chart *c, double step)
{
    for (double y = 0; y <= c->top * 1.0001; y += step) {
        double at = y_of(c, y);
        buf_printf(c->v->out, "<path class=\"grid\" stroke=\"currentColor\" d=\"M%d %.1fH%d\"/>",
                   LEFT, at, WIDTH - RIGHT);
        struct progress_text text = progress_count((uint64_t)y);
        if (c->top >= MILLION) /* SI's prefix, in every language */
            snprintf(text.s, sizeof text.s, "%.3g M", y / MILLION);
        put_text(c, LEFT - 8, at + 5, "end", "tick", text.s);
    }
}

/* First days of months, or days where there are few; every other one may be left out on a phone. */
static void put_dates(struct chart *c)
{
    int32_t days = c->last - c->first;
    unsigned month = days > 720 ? 6 : days > 300 ? 3 : days > 150 ? 2 : 1, n = 0;
    int32_t every = days > 20 ? 7 : days > 7 ? 2 : 1;
    double before = -WIDTH;
    for (int32_t d = c->first; d <= c->last; d++) {
        char iso[UTC_TEXT_MAX];
        unsigned len = utc_format_date((int64_t)d * UTC_DAY, iso);
        iso[len] = 0;
        unsigned m = (unsigned)((iso[5] - '0') * 10 + iso[6] - '0');
        bool tick = days > 62 ? strcmp(iso + 8, "01") == 0 && (m - 1) % month == 0
                              : (d - c->first) % every == 0;
        double x = x_of(c, d);
        if (!tick || x - before < 90 || x > WIDTH - RIGHT - 30)
            continue;
        before = x;
        buf_printf(c->v->out, "<path class=\"grid\" stroke=\"currentColor\" d=\"M%.1f %dv6\"/>", x,
                   c->height - BOTTOM);
        if (days > 62)
            iso[7] = 0; /* the month */
        put_text(c, x, c->height - 10, "middle", n++ % 2 ? "tick minor" : "tick",
                 days > 62 ? iso : iso + 5);
    }
}

/* Days between two points that are not shown: the line is broken. */
static bool is_gap(const struct chart *c, size_t i, int32_t usual)
{
    return i == 0 || isnan(c->p[i - 1].value) || c->p[i].day - c->p[i - 1].day > usual;
}

/* The end of the run of points that begins at i. */
static size_t run_end(const struct chart *c, size_t i, int32_t usual)
{
    size_t end = i + 1;
    while (end < c->n && !isnan(c->p[end].value) && !is_gap(c, end, usual))
        end++;
    return end;
}

static void put_band(struct chart *c, size_t from, size_t to)
{
    struct buf *out = c->v->out;
    buf_str(out, "<path class=\"band\" fill=\"currentColor\" fill-opacity=\"0.18\" d=\"M");
    for (size_t i = from; i < to; i++)
        buf_printf(out, "%.1f %.1f ", x_of(c, c->p[i].day), y_of(c, c->p[i].high));
    for (size_t i = to; i-- > from;)
        buf_printf(out, "%.1f %.1f%s", x_of(c, c->p[i].day), y_of(c, c->p[i].low),
                   i > from ? " " : "Z\"/>");
}

static void put_line(struct chart *c, size_t from, size_t to)
{
    struct buf *out = c->v->out;
    if (to - from == 1) {
        buf_printf(out,
                   "<circle class=\"dot\" fill=\"currentColor\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>",
                   x_of(c, c->p[from].day), y_of(c, c->p[from].value));
        return;
    }
    buf_str(
        out,
        "<path class=\"line\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" d=\"M");
    for (size_t i = from; i < to; i++)
        buf_printf(out, "%.1f %.1f%s", x_of(c, c->p[i].day), y_of(c, c->p[i].value),
                   i + 1 < to ? " " : "\"/>");
}

static void put_curve(struct chart *c, int32_t usual)
{
    for (size_t i = 0, end; i < c->n; i = end) {
        end = i + 1;
        if (isnan(c->p[i].value))
            continue;
        end = run_end(c, i, usual);
        bool band = end - i > 1;
        for (size_t k = i; k < end; k++)
            band &= isfinite(c->p[k].low) && isfinite(c->p[k].high);
        if (band)
            put_band(c, i, end);
        put_line(c, i, end);
    }
}

/* Sets the bounds; false: there is nothing to draw. */
static bool set_bounds(struct chart *c)
{
    double most = 0;
    for (size_t i = 0; i < c->n; i++) {
        if (isnan(c->p[i].value))
            continue;
        most = c->p[i].value > most ? c->p[i].value : most;
        if (isfinite(c->p[i].high) && c->p[i].high > most)
            most = c->p[i].high;
    }
    if (!(most > 0))
        return false;
    c->first = c->p[0].day;
    c->last = c->p[c->n - 1].day;
    double step = step_of(most);
    c->top = ceil(most / step) * step;
    return true;
}

static void begin(struct chart *c, const char *title_key, struct buf *description)
{
    struct buf *out = c->v->out;
    buf_printf(out,
               "<div class=\"chart-box\" dir=\"ltr\"><svg class=\"chart\" viewBox=\"0 0 %d %d\" "
               "width=\"%d\" height=\"%d\" role=\"img\" aria-labelledby=\"%s-title %s-desc\" "
               "font-size=\"15\" fill=\"currentColor\">\n<title id=\"%s-title\">",
               WIDTH, c->height, WIDTH, c->height, c->id, c->id, c->id);
    words_put(out, c->v->words, title_key, NULL);
    buf_printf(out, "</title>\n<desc id=\"%s-desc\">", c->id);
    buf_span(out, buf_as_span(description));
    buf_free(description);
    buf_str(out, "</desc>\n");
    put_scale(c, step_of(c->top));
    put_dates(c);
}

static void end(struct chart *c)
{
    buf_str(c->v->out, "</svg></div>\n");
}

/* The caption may have marks that the words give. */
static void put_caption(struct face_view *v, const char *key, const char *first, const char *second)
{
    buf_str(v->out, "<figcaption>");
    words_put(v->out, v->words, key, first, second, NULL);
    buf_str(v->out, "</figcaption>\n");
}

/* ---- infected machines ---- */

/* At most POINTS_MAX of them: long times are drawn with every so many days. `usual` is how far
 * neighbours lie apart then. */
static size_t take_days(const struct release_doc *d, struct point out[POINTS_MAX + 1],
                        int32_t *usual)
{
    size_t n = 0, step = (d->days.n + POINTS_MAX - 1) / POINTS_MAX;
    step = step ? step : 1;
    *usual = (int32_t)step;
    for (size_t i = (d->days.n - 1) % step; i < d->days.n; i += step) {
        const struct release_row *r = &d->days.v[i];
        const struct release_number *x = &r->n[RELEASE_INFECTED];
        int64_t time = 0;
        utc_parse(span_str(r->key), &time);
        out[n++] =
            (struct point){utc_day(time), r->shown ? (double)x->value : NAN,
                           r->shown ? (double)x->low : NAN, r->shown ? (double)x->high : NAN};
    }
    return n;
}

static void describe_base(const struct chart *c, struct buf *out)
{
    const struct point *a = NULL, *b = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (!isnan(c->p[i].value)) {
            a = a ? a : &c->p[i];
            b = &c->p[i];
        }
    if (a)
        words_put(out, c->v->words, "progress.base-desc", progress_count((uint64_t)a->value).s,
                  progress_date(c->v, a->day).s, progress_count((uint64_t)b->value).s,
                  progress_date(c->v, b->day).s, NULL);
}

void progress_chart_base(struct face_view *v, const struct release_doc *d)
{
    struct point points[POINTS_MAX + 1];
    int32_t usual = 1;
    struct chart c = {.v = v, .p = points, .height = 300, .id = "base-chart"};
    struct buf description = {0};
    c.n = d->days.n ? take_days(d, points, &usual) : 0;
    if (!c.n || !set_bounds(&c))
        return;
    describe_base(&c, &description);
    buf_str(v->out, "<figure class=\"base\">\n");
    begin(&c, "progress.base-title", &description);
    put_curve(&c, usual);
    end(&c);
    put_caption(v, "progress.base-caption", "", "");
    buf_str(v->out, "</figure>\n");
}

/* ---- spam ---- */

static void describe_spam(const struct chart *c, const struct release_spam *s, struct buf *out)
{
    const struct point *a = NULL, *b = NULL;
    for (size_t i = 0; i < c->n; i++)
        if (!isnan(c->p[i].value)) {
            a = a ? a : &c->p[i];
            b = &c->p[i];
        }
    if (a)
        words_put(out, c->v->words, "progress.spam-desc", progress_double(a->value, 0).s,
                  progress_date(c->v, a->day).s, progress_double(b->value, 0).s,
                  progress_date(c->v, b->day).s, progress_date(c->v, s->baseline).s, NULL);
}

/* The day itself, and the level of the baseline. */
static void put_marks(struct chart *c, const struct release_doc *d)
{
    struct buf *out = c->v->out;
    if (c->top >= 100)
        buf_printf(out,
                   "<path class=\"level\" stroke=\"currentColor\" stroke-dasharray=\"6 5\" "
                   "d=\"M%d %.1fH%d\"/>",
                   LEFT, y_of(c, 100), WIDTH - RIGHT);
    if (!d->has_takedown || d->takedown < c->first || d->takedown > c->last)
        return;
    double x = x_of(c, d->takedown);
    buf_printf(
        out,
        "<path class=\"event\" stroke=\"currentColor\" stroke-width=\"1.5\" d=\"M%.1f %dV%d\"/>", x,
        TOP, c->height - BOTTOM);
    put_text(c, x < WIDTH - 160 ? x + 6 : x - 6, TOP + 14, x < WIDTH - 160 ? "start" : "end",
             "event-name", words_raw(c->v->words, "progress.takedown"));
}

void progress_chart_spam(struct face_view *v, const struct release_doc *d)
{
    struct point points[POINTS_MAX];
    const struct release_spam *s = &d->spam;
    struct chart c = {.v = v, .p = points, .height = 240, .id = "spam-chart"};
    struct buf description = {0};
    size_t from = s->n > POINTS_MAX ? s->n - POINTS_MAX : 0;
    for (size_t i = from; i < s->n; i++)
        points[c.n++] = (struct point){s->v[i].day, s->v[i].shown ? s->v[i].index : NAN,
                                       s->v[i].low, s->v[i].high};
    if (!c.n || !set_bounds(&c))
        return;
    describe_spam(&c, s, &description);
    buf_str(v->out, "<figure class=\"spam\">\n");
    begin(&c, "progress.spam-title", &description);
    put_curve(&c, 1);
    put_marks(&c, d);
    end(&c);
    put_caption(v, "progress.spam-caption", progress_count(s->sensors).s,
                progress_date(v, s->baseline).s);
    buf_str(v->out, "</figure>\n");
}
