/* Which of a mail's parts a reader would see, and what is on them. */
#include "mail/mail_impl.h"
#include "wire/text.h"

struct viewing {
    const struct mime *m;
    struct arena *arena;
    struct mail_view *v;
};

static bool view_part(struct viewing *w, unsigned i);

/* The next part that the same one holds; m->parts: there is none. */
static unsigned next_child(const struct mime *m, unsigned of, unsigned behind)
{
    for (unsigned i = behind + 1; i < m->parts && m->part[i].depth > m->part[of].depth; i++)
        if (m->part[i].parent == (int)of)
            return i;
    return m->parts;
}

static bool view_leaf(struct viewing *w, const struct mime_part *part)
{
    if (!part->text || span_is(part->disposition, "attachment") || !part->body.n)
        return false;
    struct mail_view *v = w->v;
    if (v->n == MAIL_BODIES_MAX) {
        v->cut = true;
        return false;
    }
    bool is_html = span_is(part->type, "text/html") || span_is(part->type, "application/xhtml+xml");
    struct span visible = part->body;
    bool seen = true;
    if (is_html) {
        html_read(part->body, w->arena, &v->html[v->n]);
        visible = v->html[v->n].visible;
        v->images += v->html[v->n].images;
        v->anomalies |= v->html[v->n].anomalies;
        seen = visible.n || v->html[v->n].images || v->html[v->n].links;
    }
    v->is_html[v->n] = is_html;
    v->visible[v->n++] = visible;
    return seen;
}

/* Of the same thing in several forms, the last that shows something. */
static bool view_alternative(struct viewing *w, unsigned of)
{
    unsigned child[MIME_PARTS_MAX], n = 0;
    for (unsigned i = next_child(w->m, of, of); i < w->m->parts && n < MIME_PARTS_MAX;
         i = next_child(w->m, of, i))
        child[n++] = i;
    while (n)
        if (view_part(w, child[--n]))
            return true;
    return false;
}

/* `one`: just the first that shows something: the root of what belongs together. */
static bool view_children(struct viewing *w, unsigned of, bool one)
{
    bool seen = false;
    for (unsigned i = next_child(w->m, of, of); i < w->m->parts; i = next_child(w->m, of, i)) {
        seen |= view_part(w, i);
        if (seen && one)
            break;
    }
    return seen;
}

/* True when it shows something. */
static bool view_part(struct viewing *w, unsigned i)
{
    const struct mime_part *part = &w->m->part[i];
    if (span_is(part->type, "multipart/alternative") && part->multipart)
        return view_alternative(w, i);
    if (part->multipart || part->message)
        return view_children(w, i, span_is(part->type, "multipart/related"));
    return view_leaf(w, part);
}

void mail_view_read(const struct mime *m, struct arena *arena, struct mail_view *out)
{
    struct viewing w = {m, arena, out};
    out->n = out->images = 0;
    out->anomalies = 0;
    out->cut = false;
    if (m->parts)
        view_part(&w, 0);
}

/* At most `max` bytes, and no half character. */
static struct span cut_text(struct span s, size_t max, bool *cut)
{
    if (s.n <= max)
        return s;
    *cut = true;
    s.n = max;
    while (s.n && (s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

/* The texts, a line each; themselves when there is one. */
static struct span join(const struct span *text, unsigned n, struct arena *arena, bool *cut)
{
    size_t sum = 0, at = 0;
    unsigned some = 0, last = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!text[i].n)
            continue;
        sum += text[i].n + 1;
        some++;
        last = i;
    }
    if (some <= 1)
        return some ? cut_text(text[last], MAIL_TEXT_MAX, cut) : span_of(NULL, 0);
    uint8_t *out = arena_alloc(arena, sum < MAIL_TEXT_MAX ? sum : MAIL_TEXT_MAX);
    for (unsigned i = 0; i < n && at < MAIL_TEXT_MAX; i++) {
        struct span s = cut_text(text[i], MAIL_TEXT_MAX - at, cut);
        if (!s.n)
            continue;
        memcpy(out + at, s.p, s.n);
        at += s.n;
        if (at < MAIL_TEXT_MAX && at < sum)
            out[at++] = '\n';
    }
    return span_of(out, at);
}

void mail_view_texts(const struct mail_view *v, struct arena *arena, struct mail *out)
{
    struct span hidden[MAIL_BODIES_MAX];
    bool cut = false, ignored = false;
    for (unsigned i = 0; i < v->n; i++)
        hidden[i] = v->is_html[i] ? v->html[i].hidden : span_of(NULL, 0);
    out->visible = join(v->visible, v->n, arena, &cut);
    out->hidden = join(hidden, v->n, arena, &ignored);
    if (cut)
        out->flags |= MAIL_CUT;
}
