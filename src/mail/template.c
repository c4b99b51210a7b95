#include "mail/template_impl.h"

#include <errno.h>

#include "wire/text.h"

#define STRANDS_MAX (4 + TEMPLATE_URLS_MAX + 2)
/* Samples that share little with the others are left out: a fifth of them below ENOUGH_BITS in
 * common, half of them below SCARCE_BITS. */
#define ENOUGH_BITS  160.0
#define SCARCE_BITS  80.0
#define STRAY_GAIN   1.25 /* a stray is one without whom so many times as much is shared */
#define RARE_BITS    4.0f /* an anchor that weighs less says nothing between free text */
#define FIELD_NARROW 24   /* bytes of a value; longer ones, and those with spaces, are free text */

/* One place of all samples: the texts, and how those of the others stand to the pivot's. */
struct strand {
    enum template_place place;
    const char *header;
    struct tokens text[TEMPLATE_SAMPLES_MAX];
    uint32_t *map[TEMPLATE_SAMPLES_MAX]; /* token of the pivot -> of this sample */
    uint64_t *held;                      /* by token of the pivot: samples that have it there */
};

struct inference {
    const struct template_text *sample;
    unsigned n, pivot;
    struct arena scratch, *out;
    struct vocabulary *vocabulary;
    struct strand *strand;
    unsigned strands;
    struct tokens (*url)[TEMPLATE_URLS_MAX];
    uint32_t *stamp, stamps; /* by id: to count each once */
};

#define SAMPLE(i) (UINT64_C(1) << (i))

/* --- texts --- */

static struct span cut(struct span s, size_t most)
{
    return span_of(s.p, s.n < most ? s.n : most);
}

/* White space runs as one: a space; with `lines` one LF for a line's end and two for a paragraph's.
 * No-break spaces are white space. */
static struct span normalize(struct span in, bool lines, struct arena *arena)
{
    uint8_t *out = arena_alloc(arena, in.n + 1);
    size_t n = 0, at = 0;
    while (at < in.n) {
        size_t space = at, ends = 0;
        for (;; at++) {
            if (at < in.n && template_is_space(in.p[at]))
                ends += in.p[at] == '\n';
            else if (at + 1 < in.n && in.p[at] == 0xc2 && in.p[at + 1] == 0xa0)
                at++;
            else
                break;
        }
        if (at > space && n > 0 && at < in.n) { /* never longer than what it stands for */
            out[n++] = lines && ends ? '\n' : ' ';
            if (lines && ends > 1)
                out[n++] = '\n';
        }
        if (at < in.n)
            out[n++] = in.p[at++];
    }
    return span_of(out, n);
}

static struct span url_text(const struct url *u, struct arena *arena)
{
    struct buf b = {0};
    buf_span(&b, u->scheme);
    buf_str(&b, "://");
    buf_span(&b, u->host);
    if (u->port)
        buf_printf(&b, ":%u", u->port);
    if (u->path.n == 0 || *u->path.p != '/')
        buf_byte(&b, '/');
    buf_span(&b, u->path);
    if (u->query.n && *u->query.p != '?')
        buf_byte(&b, '?');
    buf_span(&b, u->query);
    struct span out = span_of(arena_copy(arena, b.p, b.n), b.n);
    buf_free(&b);
    return out;
}

/* The sender's name, without the address: that is random, or the recipient's own. */
static struct span display_name(struct span from)
{
    if (!from.n)
        return from;
    const uint8_t *address = memrchr(from.p, '<', from.n);
    if (!address)
        return text_find(from, '@') < from.n ? span_of(NULL, 0) : from;
    return text_trim_end(cut(from, (size_t)(address - from.p)));
}

/* Was it made by a server on the way, for want of one? Its host took the mail then: "by HOST". */
static bool is_servers_id(const struct mime *m, struct span id)
{
    size_t at = text_find(id, '@');
    struct span host = at < id.n ? text_behind(id, at + 1) : span_of(NULL, 0);
    host = cut(host, text_find(host, '>'));
    for (unsigned i = 0; i < m->part[0].headers && host.n; i++) {
        const struct mime_header *h = &m->header[m->part[0].first_header + i];
        if (!text_is(h->name, "received"))
            continue;
        for (struct span rest = h->value; rest.n > host.n + 3;) {
            const uint8_t *by = memmem(rest.p, rest.n - host.n, "by ", 3);
            if (!by)
                break;
            rest = text_behind(rest, (size_t)(by - rest.p) + 3);
            if (rest.n >= host.n && span_ieq(cut(rest, host.n), host))
                return true;
        }
    }
    return false;
}

void template_text_of(const struct mail *mail, struct span raw, struct arena *arena,
                      struct template_text *out)
{
    const struct mime_header *id = mime_header(&mail->mime, 0, "Message-ID");
    *out = (struct template_text){.raw = raw};
    out->subject = normalize(mail->subject, false, arena);
    out->from = normalize(display_name(mail->from), false, arena);
    out->body = normalize(mail->visible, true, arena);
    if (id && !is_servers_id(&mail->mime, id->value))
        out->message_id = normalize(id->value, false, arena);
    out->url = arena_alloc(arena, mail->urls * sizeof *out->url);
    for (unsigned i = 0; i < mail->urls; i++)
        out->url[out->urls++] = url_text(&mail->url[i].url, arena);
}

/* The line of the header, without its end; empty when there is none. */
static struct span raw_header(struct span raw, const char *name)
{
    struct cur c = cur_of(raw);
    while (cur_left(&c)) {
        struct span line = text_trim_lines(cur_line(&c));
        if (line.n == 0)
            break;
        if (text_starts(line, name))
            return line;
    }
    return span_of(NULL, 0);
}

/* What follows the header block, from the empty line's end on: it starts with LF. */
static struct span raw_body(struct span raw)
{
    for (size_t i = 0; i + 1 < raw.n; i++) {
        if (raw.p[i] != '\n')
            continue;
        size_t next = i + 1 + (raw.p[i + 1] == '\r');
        if (next < raw.n && raw.p[next] == '\n')
            return text_behind(raw, next);
    }
    return span_of(NULL, 0);
}

/* --- which samples, and the one that the others are held against --- */

static bool stamp(struct inference *in, uint32_t id)
{
    bool fresh = in->stamp[id] != in->stamps;
    in->stamp[id] = in->stamps;
    return fresh;
}

/* Bits of the tokens of subject and body that at least half of the samples have. */
static double typical_bits(struct inference *in, const uint32_t *samples_with, unsigned sample)
{
    double bits = 0;
    in->stamps++;
    for (unsigned s = 0; s < in->strands; s++) {
        const struct tokens *t = &in->strand[s].text[sample];
        for (uint32_t i = 0; i < t->n; i++) {
            uint32_t id = t->v[i].id;
            if (stamp(in, id) && samples_with[id] * 2 > in->n)
                bits += vocabulary_bits(in->vocabulary, id);
        }
    }
    return bits;
}

static size_t sample_bytes(const struct template_text *t)
{
    return t->subject.n + t->body.n + t->raw.n;
}

static void choose_pivot(struct inference *in)
{
    uint32_t ids = vocabulary_count(in->vocabulary);
    uint32_t *with = arena_alloc(&in->scratch, (ids + 1) * sizeof *with);
    double best = -1;
    memset(with, 0, (ids + 1) * sizeof *with);
    for (unsigned i = 0; i < in->n; i++) {
        in->stamps++;
        for (unsigned s = 0; s < in->strands; s++) {
            const struct tokens *t = &in->strand[s].text[i];
            for (uint32_t k = 0; k < t->n; k++)
                with[t->v[k].id] += stamp(in, t->v[k].id);
        }
    }
    for (unsigned i = 0; i < in->n; i++) {
        double bits = typical_bits(in, with, i);
        if (bits > best ||
            (bits == best && sample_bytes(&in->sample[i]) < sample_bytes(&in->sample[in->pivot]))) {
            best = bits;
            in->pivot = i;
        }
    }
}

static void align_strand(struct inference *in, struct aligner *aligner, struct strand *s)
{
    const struct tokens *p = &s->text[in->pivot];
    s->held = arena_alloc(&in->scratch, (p->n + 1) * sizeof *s->held);
    memset(s->held, 0, (p->n + 1) * sizeof *s->held);
    for (unsigned i = 0; i < in->n; i++) {
        s->map[i] = arena_alloc(&in->scratch, (p->n + 1) * sizeof **s->map);
        aligner_align(aligner, p, &s->text[i], s->map[i]);
        for (uint32_t k = 0; k < p->n; k++)
            s->held[k] |= s->map[i][k] == TEMPLATE_NONE ? 0 : SAMPLE(i);
    }
}

/* What the samples `kept` have in common, each token once. */
static double common_bits(struct inference *in, uint64_t kept)
{
    double bits = 0;
    in->stamps++;
    for (unsigned s = 0; s < in->strands; s++) {
        const struct strand *strand = &in->strand[s];
        if (strand->place == TEMPLATE_RAW)
            continue;
        const struct tokens *p = &strand->text[in->pivot];
        for (uint32_t i = 0; i < p->n; i++) {
            if ((strand->held[i] & kept) == kept && stamp(in, p->v[i].id))
                bits += vocabulary_bits(in->vocabulary, p->v[i].id);
        }
    }
    return bits;
}

/* What a sample has of the pivot, for each; the middle one of these. */
static double likeness_to_pivot(struct inference *in, double like[TEMPLATE_SAMPLES_MAX])
{
    double sorted[TEMPLATE_SAMPLES_MAX];
    for (unsigned i = 0; i < in->n; i++) {
        like[i] = common_bits(in, SAMPLE(i));
        unsigned k = i;
        for (; k > 0 && sorted[k - 1] > like[i]; k--)
            sorted[k] = sorted[k - 1];
        sorted[k] = like[i];
    }
    return sorted[in->n / 2];
}

/* The sample to leave out next: the one whose absence leaves most in common, when it is much; else
 * the least like the pivot, when it is not half as much like it as most are. in->n: there is none.
 */
static unsigned choose_stray(struct inference *in, uint64_t kept, double bits, const double *like,
                             double middle)
{
    double best = bits * STRAY_GAIN + 1;
    unsigned stray = in->n, least = in->n;
    for (unsigned i = 0; i < in->n; i++) {
        if (i == in->pivot || !(kept & SAMPLE(i)))
            continue;
        double without = common_bits(in, kept & ~SAMPLE(i));
        if (without > best) {
            best = without;
            stray = i;
        }
        if (like[i] * 2 < middle && (least == in->n || like[i] < like[least]))
            least = i;
    }
    return stray != in->n ? stray : least;
}

/* A cluster has strays in it: while the samples share little, they are left out one by one, at most
 * a fifth of the samples or half of them; those that turn out to do no harm come back. */
static uint64_t choose_samples(struct inference *in)
{
    const uint64_t all = in->n == 64 ? UINT64_MAX : SAMPLE(in->n) - 1;
    double like[TEMPLATE_SAMPLES_MAX], middle = likeness_to_pivot(in, like);
    double bits = common_bits(in, all);
    uint64_t kept = all;
    for (unsigned left = in->n; left > TEMPLATE_SAMPLES_MIN; left--) {
        unsigned least = bits < SCARCE_BITS ? (in->n + 1) / 2 : in->n - in->n / 5;
        if (bits >= ENOUGH_BITS || left <= least)
            break;
        unsigned stray = choose_stray(in, kept, bits, like, middle);
        if (stray == in->n)
            break;
        kept &= ~SAMPLE(stray);
        bits = common_bits(in, kept);
    }
    for (unsigned i = 0; i < in->n; i++) {
        if (!(kept & SAMPLE(i)) && common_bits(in, kept | SAMPLE(i)) >= bits / STRAY_GAIN)
            kept |= SAMPLE(i);
    }
    return kept;
}

/* --- strands --- */

static struct strand *strand_add(struct inference *in, enum template_place place,
                                 const char *header)
{
    struct strand *s = &in->strand[in->strands++];
    *s = (struct strand){.place = place, .header = header};
    return s;
}

static void read_text(struct inference *in, struct strand *s, unsigned sample, struct span text)
{
    vocabulary_read(in->vocabulary, cut(text, TEMPLATE_TEXT_MAX), reading_of(s->place, s->header),
                    &in->scratch, &s->text[sample]);
}

static void read_samples(struct inference *in)
{
    struct strand *subject = strand_add(in, TEMPLATE_SUBJECT, NULL);
    struct strand *body = strand_add(in, TEMPLATE_BODY, NULL);
    struct strand *from = strand_add(in, TEMPLATE_HEADER, "From");
    struct strand *id = strand_add(in, TEMPLATE_HEADER, "Message-ID");
    struct strand *raw = strand_add(in, TEMPLATE_RAW, NULL);
    struct strand *raw_subject = strand_add(in, TEMPLATE_RAW, "Subject");
    for (unsigned i = 0; i < in->n; i++) {
        const struct template_text *t = &in->sample[i];
        read_text(in, subject, i, t->subject);
        read_text(in, body, i, t->body);
        read_text(in, from, i, t->from);
        read_text(in, id, i, t->message_id);
        read_text(in, raw, i, raw_body(t->raw));
        read_text(in, raw_subject, i, raw_header(t->raw, "subject:"));
        for (unsigned u = 0; u < t->urls && u < TEMPLATE_URLS_MAX; u++)
            vocabulary_read(in->vocabulary, cut(t->url[u], URL_MAX), READ_TEXT, &in->scratch,
                            &in->url[i][u]);
    }
}

static double shared_bits(struct inference *in, const struct tokens *a, const struct tokens *b)
{
    double bits = 0;
    in->stamps += 2; /* one for a's, the next for those counted */
    for (uint32_t i = 0; i < a->n; i++)
        in->stamp[a->v[i].id] = in->stamps - 1;
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t id = b->v[i].id;
        if (in->stamp[id] != in->stamps - 1)
            continue;
        in->stamp[id] = in->stamps;
        bits += vocabulary_bits(in->vocabulary, id);
    }
    /* of equal ones the one most like it in length */
    return bits - 0.01 * (a->n > b->n ? a->n - b->n : b->n - a->n);
}

/* A strand for each URL of the pivot: with the URL of each other sample that is most like it. */
static void read_urls(struct inference *in)
{
    const struct template_text *pivot = &in->sample[in->pivot];
    for (unsigned u = 0; u < pivot->urls && u < TEMPLATE_URLS_MAX; u++) {
        struct strand *s = strand_add(in, TEMPLATE_URL, NULL);
        for (unsigned i = 0; i < in->n; i++) {
            double best = -1e9;
            unsigned urls = in->sample[i].urls;
            for (unsigned k = 0; k < urls && k < TEMPLATE_URLS_MAX; k++) {
                double bits = shared_bits(in, &in->url[in->pivot][u], &in->url[i][k]);
                if (bits > best) {
                    best = bits;
                    s->text[i] = in->url[i][k];
                }
            }
        }
    }
}

/* --- items --- */

/* Anchor tokens that stand together in all samples. */
struct run {
    uint32_t first, last;
    float bits;
};

struct builder {
    struct inference *in;
    const struct strand *s;
    const struct tokens *p; /* the pivot's */
    uint64_t kept;
    struct run *run;
    uint32_t runs;
    struct template_line *line;
};

static struct span between(const struct tokens *t, uint32_t before, uint32_t behind)
{
    size_t from = before == TEMPLATE_NONE ? 0 : t->v[before].at + t->v[before].n;
    size_t to = behind == TEMPLATE_NONE ? t->text.n : t->v[behind].at;
    return span_of(t->text.p + from, to - from);
}

static uint32_t mapped(const struct builder *b, unsigned sample, uint32_t token)
{
    return token == TEMPLATE_NONE ? TEMPLATE_NONE : b->s->map[sample][token];
}

/* What joins tokens i and i + 1 of the pivot in all samples: a GAP_, or -1 when nothing does. */
static int joint(const struct builder *b, uint32_t i)
{
    bool raw = b->s->place == TEMPLATE_RAW;
    struct span own = between(b->p, i, i + 1);
    enum gap least = GAP_PARAGRAPH, most = GAP_NONE;
    for (unsigned k = 0; k < b->in->n; k++) {
        if (!(b->kept & SAMPLE(k)))
            continue;
        const struct tokens *t = &b->s->text[k];
        uint32_t at = b->s->map[k][i];
        if (b->s->map[k][i + 1] != at + 1)
            return -1;
        enum gap gap = t->v[at + 1].gap;
        least = gap < least ? gap : least;
        most = gap > most ? gap : most;
        if (raw && (gap >= GAP_LINE || !span_eq(own, between(t, at, at + 1))))
            return -1;
    }
    if (least == GAP_NONE)
        return most == GAP_NONE ? GAP_NONE : -1;
    return most == GAP_PARAGRAPH ? GAP_LINE : least;
}

static void find_runs(struct builder *b)
{
    bool open = false;
    b->run = arena_alloc(&b->in->scratch, (b->p->n + 1) * sizeof *b->run);
    for (uint32_t i = 0; i < b->p->n; i++) {
        bool anchor = (b->s->held[i] & b->kept) == b->kept;
        float bits = vocabulary_bits(b->in->vocabulary, b->p->v[i].id);
        if (!anchor) {
            open = false;
        } else if (open && joint(b, i - 1) >= 0) {
            b->run[b->runs - 1].last = i;
            b->run[b->runs - 1].bits += bits;
        } else {
            b->run[b->runs++] = (struct run){i, i, bits};
            open = true;
        }
    }
}

/* What each sample has between two tokens of the pivot. */
static unsigned values_between(const struct builder *b, uint32_t before, uint32_t behind,
                               struct span out[TEMPLATE_SAMPLES_MAX])
{
    unsigned n = 0;
    for (unsigned k = 0; k < b->in->n; k++) {
        if (b->kept & SAMPLE(k))
            out[n++] = between(&b->s->text[k], mapped(b, k, before), mapped(b, k, behind));
    }
    return n;
}

static bool is_free_text(const struct builder *b, uint32_t before, uint32_t behind)
{
    struct span value[TEMPLATE_SAMPLES_MAX];
    unsigned n = values_between(b, before, behind, value);
    for (unsigned i = 0; i < n; i++) {
        struct span v = text_trim_lines(value[i]);
        if (v.n > FIELD_NARROW)
            return true;
        for (size_t k = 0; k < v.n; k++) {
            if (template_is_space(v.p[k]))
                return true;
        }
    }
    return false;
}

/* Does a host name stand behind this token of the pivot? In URLs, Message-IDs and addresses. */
static bool in_host(const struct builder *b, uint32_t before)
{
    enum template_place place = b->s->place;
    if (before == TEMPLATE_NONE || (place != TEMPLATE_URL && place != TEMPLATE_HEADER))
        return false;
    const struct token *t = &b->p->v[before];
    struct span so_far = cut(b->p->text, t->at + t->n);
    unsigned slashes = 0;
    bool at = false;
    for (size_t i = 0; i < so_far.n; i++) {
        slashes += so_far.p[i] == '/';
        at = so_far.p[i] == '@' || (at && so_far.p[i] != '>');
    }
    return place == TEMPLATE_URL ? slashes == 2 : at;
}

/* A comma between two random texts is chance, not the template's; and so are the dots
 * and the "com" of hosts that change. */
static void drop_weak_runs(struct builder *b)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->runs; i++) {
        uint32_t before = n ? b->run[n - 1].last : TEMPLATE_NONE;
        uint32_t behind = i + 1 < b->runs ? b->run[i + 1].first : TEMPLATE_NONE;
        const struct run *r = &b->run[i];
        if (r->bits < RARE_BITS && (in_host(b, r->last) || is_free_text(b, before, r->first) ||
                                    is_free_text(b, r->last, behind)))
            continue;
        b->run[n++] = *r;
    }
    b->runs = n;
}

/* Takes token `to` of the pivot into the run that ends (step 1) or starts (step -1) with `from`,
 * when all samples have it there, and it is not `stop`'s. */
static bool extend(struct builder *b, uint32_t from, int step, uint32_t stop)
{
    uint32_t to = from + (uint32_t)step;
    if (to == stop || to >= b->p->n)
        return false;
    for (unsigned k = 0; k < b->in->n; k++) {
        const struct tokens *t = &b->s->text[k];
        uint32_t *map = b->s->map[k], at = map[from] + (uint32_t)step;
        if (!(b->kept & SAMPLE(k)))
            continue;
        if (at >= t->n || (stop < b->p->n && at == map[stop]) || t->v[at].id != b->p->v[to].id)
            return false;
        map[to] = at;
    }
    return joint(b, step > 0 ? from : to) >= 0;
}

/* What alignment gave away: text that all samples have right beside a run. */
static void extend_runs(struct builder *b)
{
    for (uint32_t i = 0; i < b->runs; i++) {
        struct run *r = &b->run[i];
        uint32_t behind = i + 1 < b->runs ? b->run[i + 1].first : TEMPLATE_NONE;
        while (extend(b, r->last, 1, behind))
            r->last++;
        while (extend(b, r->first, -1, i ? b->run[i - 1].last : TEMPLATE_NONE))
            r->first--;
    }
}

static void add_anchor(struct builder *b, struct span text)
{
    struct template_line *l = b->line;
    if (text.n == 0)
        return;
    l->item[l->items++] = (struct template_item){
        .anchor = true,
        .text = span_of(arena_copy(b->in->out, text.p, text.n), text.n),
    };
}

/* White space that all values have at that end: the separator that stands for it, else 0. */
static uint8_t shared_space(const struct span *value, unsigned n, bool front)
{
    enum gap least = GAP_PARAGRAPH, most = GAP_NONE;
    for (unsigned i = 0; i < n; i++) {
        struct span v = value[i];
        size_t space = 0;
        while (space < v.n && template_is_space(v.p[front ? space : v.n - 1 - space]))
            space++;
        if (space == v.n) /* nothing else */
            return 0;
        enum gap gap = template_gap(front ? cut(v, space) : text_behind(v, v.n - space));
        least = gap < least ? gap : least;
        most = gap > most ? gap : most;
    }
    return least == GAP_NONE ? 0 : most == GAP_PARAGRAPH || least >= GAP_LINE ? '\n' : ' ';
}

static bool all_empty(const struct span *value, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (value[i].n)
            return false;
    }
    return true;
}

static bool all_space(const struct span *value, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (text_trim_lines(value[i]).n)
            return false;
    }
    return true;
}

static void trim_values(struct span *value, unsigned n, bool front)
{
    for (unsigned i = 0; i < n; i++) {
        struct span *v = &value[i];
        while (v->n && template_is_space(front ? *v->p : v->p[v->n - 1]))
            *v = front ? text_behind(*v, 1) : cut(*v, v->n - 1);
    }
}

/* The field between two tokens, its white space given to the anchors beside it: *before's is
 * appended to `anchor`, which is then added; the returned separator goes before the next anchor. */
static uint8_t add_field(struct builder *b, uint32_t before, uint32_t behind, struct buf *anchor)
{
    struct span value[TEMPLATE_SAMPLES_MAX];
    unsigned n = values_between(b, before, behind, value);
    struct template_item field = {.class = "any"};
    uint8_t after = 0;
    if (b->s->place == TEMPLATE_RAW || all_empty(value, n)) {
        add_anchor(b, buf_as_span(anchor));
        anchor->n = 0;
        if (b->s->place == TEMPLATE_RAW)
            b->line->item[b->line->items++] = field;
        return 0;
    }
    if (all_space(value, n)) {
        field = (struct template_item){.class = "space", .most = 2};
        if (before == TEMPLATE_NONE || behind == TEMPLATE_NONE) {
            add_anchor(b, buf_as_span(anchor));
            anchor->n = 0;
            return 0;
        }
    } else {
        uint8_t front = before == TEMPLATE_NONE ? 0 : shared_space(value, n, true);
        after = behind == TEMPLATE_NONE ? 0 : shared_space(value, n, false);
        if (front) {
            buf_byte(anchor, front);
            trim_values(value, n, true);
        }
        if (after)
            trim_values(value, n, false);
        field_of(value, n, in_host(b, before), b->in->out, &field);
    }
    add_anchor(b, buf_as_span(anchor));
    anchor->n = 0;
    b->line->item[b->line->items++] = field;
    return after;
}

static void add_run(struct builder *b, const struct run *r, struct buf *anchor)
{
    if (b->s->place == TEMPLATE_RAW) {
        const struct token *last = &b->p->v[r->last];
        size_t at = b->p->v[r->first].at;
        buf_put(anchor, b->p->text.p + at, last->at + last->n - at);
        return;
    }
    for (uint32_t i = r->first; i <= r->last; i++) {
        const struct token *t = &b->p->v[i];
        int gap = i == r->first ? GAP_NONE : joint(b, i - 1);
        if (gap != GAP_NONE)
            buf_byte(anchor, gap == GAP_SPACE ? ' ' : '\n');
        buf_put(anchor, b->p->text.p + t->at, t->n);
    }
}

/* The strand's line; without anchors nothing is to be said of it. */
static bool build_line(struct inference *in, const struct strand *s, uint64_t kept,
                       struct template_line *out)
{
    struct builder b = {.in = in, .s = s, .p = &s->text[in->pivot], .kept = kept, .line = out};
    struct buf anchor = {0};
    uint8_t separator = 0;
    find_runs(&b);
    if (s->place != TEMPLATE_RAW)
        drop_weak_runs(&b);
    extend_runs(&b);
    *out = (struct template_line){s->place, s->header, NULL, 0};
    if (b.runs == 0)
        return false;
    /* a run and the field before it, and the last field */
    uint32_t most = b.runs < TEMPLATE_ITEMS_MAX / 2 ? b.runs : TEMPLATE_ITEMS_MAX / 2 - 1;
    out->item = arena_alloc(in->out, (most * 2 + 1) * sizeof *out->item);
    for (uint32_t i = 0; i < most; i++) {
        separator = add_field(&b, i ? b.run[i - 1].last : TEMPLATE_NONE, b.run[i].first, &anchor);
        if (separator)
            buf_byte(&anchor, separator);
        add_run(&b, &b.run[i], &anchor);
    }
    if (most == b.runs)
        add_field(&b, b.run[most - 1].last, TEMPLATE_NONE, &anchor);
    else
        add_anchor(&b, buf_as_span(&anchor));
    buf_free(&anchor);
    return true;
}

static bool same_line(const struct template_line *a, const struct template_line *b)
{
    if (a->place != b->place || a->items != b->items)
        return false;
    for (unsigned i = 0; i < a->items; i++) {
        const struct template_item *x = &a->item[i], *y = &b->item[i];
        if (x->anchor != y->anchor || !span_eq(x->text, y->text) ||
            (!x->anchor && strcmp(x->class, y->class) != 0))
            return false;
    }
    return true;
}

static void build(struct inference *in, uint64_t kept, struct template *out)
{
    *out = (struct template){.used = kept, .samples = (unsigned)__builtin_popcountll(kept)};
    out->line = arena_alloc(in->out, in->strands * sizeof *out->line);
    for (unsigned s = 0; s < in->strands; s++) {
        struct template_line *l = &out->line[out->lines];
        if (!build_line(in, &in->strand[s], kept, l))
            continue;
        bool known = false; /* two URLs of the pivot that are one in the template */
        for (unsigned i = 0; i < out->lines && l->place == TEMPLATE_URL; i++)
            known = known || same_line(&out->line[i], l);
        out->lines += !known;
    }
}

static int weigh(struct template *t, struct err *err)
{
    struct plan plan;
    int rc = plan_make(t, RULE_SPAMASSASSIN, &plan, err);
    t->bits = rc < 0 ? 0 : plan.bits;
    plan_free(&plan);
    if (rc == -ENODATA) { /* a mail that is a picture: its bytes may still say enough */
        struct err ignored;
        rc = plan_make(t, RULE_YARA, &plan, &ignored) == 0 ? 0 : -ENODATA;
        t->bits = rc < 0 ? 0 : plan.bits;
        plan_free(&plan);
    }
    return rc;
}

int template_infer(const struct template_text *sample, size_t n, struct arena *arena,
                   struct template *out, struct err *err)
{
    *out = (struct template){0};
    if (n < TEMPLATE_SAMPLES_MIN)
        return err_set(err, -ENODATA, "template: %zu mails are too few (%d at least)", n,
                       TEMPLATE_SAMPLES_MIN);
    struct inference in = {
        .sample = sample,
        .n = n < TEMPLATE_SAMPLES_MAX ? (unsigned)n : TEMPLATE_SAMPLES_MAX,
        .out = arena,
        .vocabulary = vocabulary_open(),
    };
    arena_init(&in.scratch);
    in.strand = arena_alloc(&in.scratch, STRANDS_MAX * sizeof *in.strand);
    in.url = arena_alloc(&in.scratch, in.n * sizeof *in.url);
    read_samples(&in);
    in.stamp = mem_zeroed(vocabulary_count(in.vocabulary), sizeof *in.stamp);
    choose_pivot(&in);
    read_urls(&in);
    struct aligner *aligner = aligner_open(in.vocabulary);
    for (unsigned s = 0; s < in.strands; s++)
        align_strand(&in, aligner, &in.strand[s]);
    aligner_close(aligner);
    build(&in, choose_samples(&in), out);
    free(in.stamp);
    vocabulary_close(in.vocabulary);
    arena_free(&in.scratch);
    return weigh(out, err);
}
