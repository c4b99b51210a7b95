#include "wire/mime.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "wire/mime_text.h"
#include "wire/mime_vector.h"
#include "wire/text.h"

enum {
    UU_BEGIN_MIN = 11, /* "begin 644 x" */
    SLACK = 32,        /* room behind decoded bytes, for whole vectors */
};

void mime_anomaly_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {
        "cut-depth", "cut-parts",   "cut-headers",     "cut-bytes",   "bad-header",
        "duplicate", "no-boundary", "unclosed",        "bad-base64",  "bad-qp",
        "bad-uu",    "bad-word",    "unknown-charset", "bad-charset", "unknown-encoding",
        "raw-8bit",  "nul",         "uuencoded",
    };
    text_bit_words(bits, words, sizeof words / sizeof *words, out);
}

struct mime_scanner *mime_scanner_new(void)
{
    struct mime_scanner *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->charsets = charset_open();
    return s;
}

void mime_scanner_free(struct mime_scanner *s)
{
    if (!s)
        return;
    charset_close(s->charsets);
    buf_free(&s->text);
    buf_free(&s->word);
    free(s);
}

/* One mail being read. */
struct scan {
    struct mime_scanner *s;
    struct arena *arena;
    unsigned headers, parts, opens;
    uint64_t decoded; /* bytes of bodies so far */
};

/* Where a body ended: at a line that is an open boundary, or at the end of its bytes. */
struct stop {
    int open;            /* number in s->open; -1: the end */
    bool closes;         /* "--" behind the boundary */
    const uint8_t *line; /* where the boundary's line begins */
};

/* --- boundaries --- */

/* Is the line at p one? c is behind it then. */
static bool boundary_at(const struct scan *z, struct cur *c, const uint8_t *p, struct stop *stop)
{
    if (c->end - p < 2 || p[0] != '-' || p[1] != '-')
        return false;
    const uint8_t *lf = memchr(p, '\n', (size_t)(c->end - p));
    struct span line = text_trim_lines(span_of(p, (size_t)((lf ? lf : c->end) - p)));
    for (int i = (int)z->opens - 1; i >= 0; i--) {
        struct span boundary = z->s->open[i].boundary;
        bool closes =
            line.n == boundary.n + 4 && line.p[line.n - 1] == '-' && line.p[line.n - 2] == '-';
        if (!closes && line.n != boundary.n + 2)
            continue;
        if (memcmp(line.p + 2, boundary.p, boundary.n) != 0)
            continue;
        *stop = (struct stop){i, closes, p};
        c->p = lf ? lf + 1 : c->end;
        return true;
    }
    return false;
}

/* Passes over everything up to a boundary, which is passed over too, or the end. */
static struct stop boundary_find(const struct scan *z, struct cur *c)
{
    struct stop stop = {-1, false, c->end};
    if (z->opens && boundary_at(z, c, c->p, &stop))
        return stop;
    const uint8_t *p = z->opens ? vector_line(c->p, c->end, '-', '-') : NULL;
    for (; p; p = vector_line(p + 1, c->end, '-', '-'))
        if (boundary_at(z, c, p + 1, &stop))
            return stop;
    c->p = c->end;
    return stop;
}

/* The bytes from `start` to the boundary's line; the line end before it belongs to the boundary. */
static struct span body_until(const uint8_t *start, const struct stop *stop)
{
    const uint8_t *end = stop->line;
    if (stop->open >= 0 && end > start && end[-1] == '\n')
        end--;
    if (stop->open >= 0 && end > start && end[-1] == '\r')
        end--;
    return span_of(start, (size_t)(end - start));
}

/* --- headers --- */

/* What a part's headers say that matters for reading it. */
struct fields {
    struct span type, encoding, disposition, id; /* values */
    uint32_t seen;                               /* of the names that should come once */
    bool any;
};

enum field { FIELD_TYPE, FIELD_ENCODING, FIELD_DISPOSITION, FIELD_ID, FIELD_OTHER };

/* The headers that should come once, and which of them matter here. */
static const struct once {
    const char *name;
    enum field field;
} once[] = {
    {"content-type", FIELD_TYPE},
    {"content-transfer-encoding", FIELD_ENCODING},
    {"content-disposition", FIELD_DISPOSITION},
    {"content-id", FIELD_ID},
    {"from", FIELD_OTHER},
    {"to", FIELD_OTHER},
    {"date", FIELD_OTHER},
    {"subject", FIELD_OTHER},
    {"sender", FIELD_OTHER},
    {"reply-to", FIELD_OTHER},
    {"message-id", FIELD_OTHER},
    {"mime-version", FIELD_OTHER},
};

/* The rows above whose names are so long. */
enum { ONCE_LONGEST = 25 };
static const uint16_t once_long[ONCE_LONGEST + 1] = {
    [2] = 1 << 5,
    [4] = 1 << 4 | 1 << 6,
    [6] = 1 << 8,
    [7] = 1 << 7,
    [8] = 1 << 9,
    [10] = 1 << 3 | 1 << 10,
    [12] = 1 << 0 | 1 << 11,
    [19] = 1 << 2,
    [25] = 1 << 1,
};

/* Eight bytes of a name in small letters. Of other bytes of names none becomes a letter or '-'. */
static inline uint64_t name_word(const void *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word | 0x2020202020202020u;
}

/* Is the name, which has as many letters as the row's, the row's? */
static inline bool once_is(struct span name, const char *row)
{
    if (name.n < 8)
        return text_starts(name, row);
    for (size_t i = 0; i + 8 < name.n; i += 8)
        if (name_word(name.p + i) != name_word(row + i))
            return false;
    return name_word(name.p + name.n - 8) == name_word(row + name.n - 8);
}

/* The name's row; -1 when it has none. */
static int once_named(struct span name)
{
    unsigned rows = name.n <= ONCE_LONGEST ? once_long[name.n] : 0;
    for (; rows; rows &= rows - 1) {
        int row = __builtin_ctz(rows);
        if (text_lower(*name.p) == (uint8_t)*once[row].name && once_is(name, once[row].name))
            return row;
    }
    return -1;
}

static void field_take(struct mime_part *part, struct fields *f, struct span name,
                       struct span value)
{
    int row = once_named(name);
    if (row < 0)
        return;
    unsigned bit = 1u << row;
    if (f->seen & bit) {
        part->anomalies |= MIME_DUPLICATE;
        return;
    }
    enum field field = once[row].field;
    f->seen |= bit;
    if (field == FIELD_TYPE)
        f->type = value;
    else if (field == FIELD_ENCODING)
        f->encoding = value;
    else if (field == FIELD_DISPOSITION)
        f->disposition = value;
    else if (field == FIELD_ID)
        f->id = value;
}

/* Bytes of a name (RFC 5322, 2.2), and those above ASCII. */
static const bool name_char[256] = {
    ['!' ... '9'] = true,
    [';' ... '~'] = true,
    [0x80 ... 0xff] = true,
};

/* How many of the first 16 bytes are surely of a name; 0 where fewer are left. */
static size_t name_block(struct span text)
{
#ifdef __SSE2__
    enum { BLOCK = 16 };
    if (text.n < BLOCK)
        return 0;
    __m128i c = _mm_loadu_si128((const __m128i *)(const void *)text.p);
    __m128i low = _mm_cmpeq_epi8(_mm_max_epu8(c, _mm_set1_epi8('!')), c); /* at least '!' */
    __m128i ends =
        _mm_or_si128(_mm_cmpeq_epi8(c, _mm_set1_epi8(':')), _mm_cmpeq_epi8(c, _mm_set1_epi8(0x7f)));
    unsigned stop = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(low, _mm_set1_epi8(-1))) |
                    (unsigned)_mm_movemask_epi8(ends);
    return stop ? (size_t)__builtin_ctz(stop) : BLOCK;
#else
    return 0;
#endif
}

/* The name of the header in `text`, white space before its colon left out; empty when it is none.
 */
static struct span header_name(struct span text)
{
    size_t n = name_block(text), colon;
    while (n < text.n && name_char[text.p[n]])
        n++;
    colon = n;
    while (colon < text.n && text_is_space(text.p[colon]))
        colon++;
    return span_of(text.p, colon < text.n && text.p[colon] == ':' ? n : 0);
}

/* One header, all its lines. False when it is none. */
static bool header_take(struct scan *z, struct mime_part *part, struct fields *f, struct span text)
{
    struct span name = header_name(text);
    if (name.n == 0)
        return false;
    struct span behind = text_trim_start(text_behind(text, name.n));
    struct span value = text_trim_lines(text_behind(behind, 1));
    f->any = true;
    field_take(part, f, name, value);
    if (z->headers == MIME_HEADERS_MAX) {
        part->anomalies |= MIME_CUT_HEADERS;
        return true;
    }
    z->s->header[z->headers++] = (struct mime_header){name, value};
    part->headers++;
    return true;
}

/* The next '\n' at p or behind it; `end` when there is none. Lines of headers are short: here,
 * without a call. */
static inline const uint8_t *line_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    enum { BLOCK = 16, BLOCKS = 8 };
    const __m128i lf = _mm_set1_epi8('\n');
    for (unsigned i = 0; i < BLOCKS && end - p >= BLOCK; i++, p += BLOCK) {
        __m128i c = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(c, lf));
        if (hits)
            return p + __builtin_ctz(hits);
    }
#endif
    const uint8_t *at = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    return at ? at : end;
}

/* The end of the header whose first line begins at p, its folded lines with it. */
static const uint8_t *header_end(const uint8_t *p, const uint8_t *end)
{
    do {
        p = line_end(p, end);
        if (p == end)
            return end;
        p++;
    } while (p < end && text_is_space(*p));
    return p;
}

static bool is_empty_line(const uint8_t *p, const uint8_t *end)
{
    return *p == '\n' || (*p == '\r' && (end - p == 1 || p[1] == '\n'));
}

/* What mail programs put before the first header of a mail in a file: "From a@b Mon Jan  1 ...". */
static bool is_envelope(struct span line)
{
    if (line.n && *line.p == '>')
        line = text_behind(line, 1);
    return text_starts(line, "from ") && header_name(line).n == 0;
}

/* Does text begin at p, where no header has been yet, with its empty line left out? Not when a
 * header follows the line. */
static bool is_headerless(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *next = header_end(p, end);
    return !text_is_space(*p) &&
           (next == end || !header_name(span_of(next, (size_t)(header_end(next, end) - next))).n);
}

/* Behind the empty line at the end of a block that is too long. */
static void head_skip(struct cur *c)
{
    for (const uint8_t *p = c->p; (p = memchr(p, '\n', (size_t)(c->end - p)));) {
        p++;
        if (p == c->end)
            break;
        if (is_empty_line(p, c->end)) {
            c->p = p;
            return;
        }
    }
    c->p = c->end;
}

/* Reads a block of headers and passes over its empty line. True when a boundary ended it. */
static bool head_read(struct scan *z, struct cur *c, struct mime_part *part, struct fields *f,
                      struct span *head, struct stop *stop)
{
    const uint8_t *start = c->p;
    bool stopped = false;
    while (cur_left(c) && !is_empty_line(c->p, c->end)) {
        if (z->opens && boundary_at(z, c, c->p, stop)) {
            stopped = true;
            break;
        }
        if (c->p - start > MIME_HEAD_MAX) {
            part->anomalies |= MIME_CUT_HEADERS;
            head_skip(c);
            break;
        }
        const uint8_t *end = header_end(c->p, c->end);
        struct span text = span_of(c->p, (size_t)(end - c->p));
        bool envelope = c->p == start && is_envelope(text);
        if (!envelope && !header_take(z, part, f, text)) {
            part->anomalies |= MIME_BAD_HEADER;
            if (!f->any && is_headerless(c->p, c->end)) {
                *head = span_of(start, (size_t)(c->p - start));
                return false;
            }
        }
        c->p = end;
    }
    *head = span_of(start, (size_t)((stopped ? stop->line : c->p) - start));
    if (!stopped && cur_left(c))
        cur_line(c);
    unsigned seen = vector_look(*head);
    part->anomalies |=
        (seen & VECTOR_8BIT ? MIME_RAW_8BIT : 0) | (seen & VECTOR_NUL ? MIME_NUL : 0);
    return stopped;
}

/* --- what headers say --- */

/* In small letters: itself, or a copy. */
static struct span small_letters(struct span s, struct arena *arena)
{
    size_t i = 0;
    while (i < s.n && text_lower(s.p[i]) == s.p[i])
        i++;
    if (i == s.n)
        return s;
    uint8_t *copy = arena_alloc(arena, s.n);
    for (i = 0; i < s.n; i++)
        copy[i] = text_lower(s.p[i]);
    return span_of(copy, s.n);
}

static bool is_type_char(uint8_t c)
{
    return c > ' ' && c != 0x7f && c != '/' && c != ';' && c != ',' && c != '"' && c != '(' &&
           c != ')';
}

/* "text/html" at the value's start; empty when it is not of that form. */
static struct span type_of(struct span value, struct arena *arena)
{
    size_t n = 0, slash;
    while (n < value.n && is_type_char(value.p[n]))
        n++;
    slash = n++;
    if (slash == 0 || slash >= value.n || value.p[slash] != '/')
        return span_of(NULL, 0);
    while (n < value.n && is_type_char(value.p[n]))
        n++;
    return n == slash + 1 ? span_of(NULL, 0) : small_letters(span_of(value.p, n), arena);
}

/* A structured value is looked at up to its limit. */
static struct span bounded(struct span value)
{
    return span_of(value.p, value.n < MIME_HEADER_MAX ? value.n : MIME_HEADER_MAX);
}

/* The type and its parameters. A name comes only from here when Content-Disposition has none. */
static void type_read(struct scan *z, struct mime_part *part, struct span value,
                      struct span *boundary)
{
    struct cur c = cur_of(bounded(value));
    struct mime_param p;
    bool name = false;
    struct span type = type_of(mime_value_read(&c), z->arena);
    if (type.n)
        part->type = type;
    else if (value.n)
        part->type = span_str("text/plain"); /* RFC 2045, 5.2, of what is not understood */
    while (mime_param_next(&c, &p)) {
        if (text_is(p.name, "charset") && part->charset.n == 0)
            part->charset = mime_param_value(&p, z->arena);
        else if (text_is(p.name, "boundary") && boundary->n == 0)
            *boundary = text_trim_end(mime_param_value(&p, z->arena));
        name = name || text_starts(p.name, "name");
        if (boundary->n == 0 && text_starts(p.name, "boundary*"))
            *boundary = mime_parameter_read(z->s, value, "boundary", z->arena, &part->anomalies);
        if (part->charset.n == 0 && text_starts(p.name, "charset*"))
            part->charset = mime_parameter_read(z->s, value, "charset", z->arena, &part->anomalies);
    }
    if (name)
        part->name = mime_parameter_read(z->s, value, "name", z->arena, &part->anomalies);
}

static void disposition_read(struct scan *z, struct mime_part *part, struct span value)
{
    struct cur c = cur_of(bounded(value));
    part->disposition = small_letters(mime_value_read(&c), z->arena);
    if (cur_left(&c) == 0)
        return;
    struct span name = mime_parameter_read(z->s, value, "filename", z->arena, &part->anomalies);
    if (name.n)
        part->name = name;
}

static void encoding_read(struct mime_part *part, struct span value)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } known[] = {
        {"7bit", MIME_IDENTITY},
        {"8bit", MIME_IDENTITY},
        {"binary", MIME_IDENTITY},
        {"base64", MIME_BASE64},
        {"quoted-printable", MIME_QP},
        {"x-uuencode", MIME_UU},
        {"uuencode", MIME_UU},
        {"x-uue", MIME_UU},
        {"x-uu", MIME_UU},
    };
    struct cur c = cur_of(bounded(value));
    struct span word = mime_value_read(&c);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!text_is(word, known[i].name))
            continue;
        part->encoding = known[i].encoding;
        return;
    }
    if (word.n)
        part->anomalies |= MIME_UNKNOWN_ENCODING;
}

static void fields_read(struct scan *z, struct mime_part *part, const struct fields *f,
                        struct span *boundary)
{
    *boundary = span_of(NULL, 0);
    if (f->type.n)
        type_read(z, part, f->type, boundary);
    if (f->disposition.n)
        disposition_read(z, part, f->disposition);
    if (f->encoding.n)
        encoding_read(part, f->encoding);
    part->content_id = f->id;
    if (f->id.n >= 2 && f->id.p[0] == '<' && f->id.p[f->id.n - 1] == '>')
        part->content_id = span_of(f->id.p + 1, f->id.n - 2);
}

/* --- leaves --- */

static uint64_t decode(enum mime_encoding encoding, struct span in, uint8_t *out, uint64_t max,
                       uint32_t *anomalies)
{
    switch (encoding) {
    case MIME_BASE64:
        return mime_base64(in, out, max, anomalies);
    case MIME_QP:
        return mime_quoted_printable(in, out, max, anomalies);
    default:
        return mime_uudecode(in, out, max, anomalies);
    }
}

/* At most `max` decoded bytes of the part's raw ones; part->size says how many there are. */
static struct span decoded(struct scan *z, struct mime_part *part, uint64_t max)
{
    struct span out = part->raw;
    uint64_t room = MIME_DECODED_MAX - z->decoded;
    room = room < max ? room : max;
    part->size = out.n;
    if (part->encoding != MIME_IDENTITY) {
        room = room < part->raw.n ? room : part->raw.n; /* no encoding makes it longer */
        uint8_t *to = arena_alloc(z->arena, room + SLACK);
        part->size = decode(part->encoding, part->raw, to, room, &part->anomalies);
        out = span_of(to, part->size);
    }
    if (part->size > room) {
        out.n = room;
        part->anomalies |= MIME_CUT_BYTES;
    }
    z->decoded += out.n;
    return out;
}

/* Without a UTF-8 sequence at the end that the limit has cut in two. */
static struct span cut_whole(struct span text)
{
    for (size_t i = 1; i <= 3 && i <= text.n; i++) {
        uint8_t c = text.p[text.n - i];
        if (c >= 0xc0)
            return span_of(text.p, (c >= 0xf0   ? 4u
                                    : c >= 0xe0 ? 3u
                                                : 2u) > i
                                       ? text.n - i
                                       : text.n);
        if (c < 0x80)
            break;
    }
    return text;
}

/* part->body from the decoded text. */
static void text_finish(struct scan *z, struct mime_part *part, struct span text)
{
    if (part->anomalies & MIME_CUT_BYTES)
        text = cut_whole(text);
    if (memchr(text.p ? (const void *)text.p : "", 0, text.n))
        part->anomalies |= MIME_NUL;
    int rc = charset_to_utf8(z->s->charsets, part->charset, text, z->arena, &part->body);
    part->anomalies |= rc == 1 ? MIME_UNKNOWN_CHARSET : rc == 2 ? MIME_BAD_CHARSET : 0;
}

/* A new part; NULL when there are too many. Nothing of it is known but where it is. */
static struct mime_part *part_new(struct scan *z, int parent, unsigned depth)
{
    if (z->parts == MIME_PARTS_MAX)
        return NULL;
    struct mime_part *part = &z->s->part[z->parts++];
    memset(part, 0, sizeof *part);
    part->parent = parent;
    part->depth = depth;
    part->first_header = z->headers;
    part->type = span_str("text/plain");
    return part;
}

/* --- uuencoded blocks within text --- */

/* "begin 644 name": is it a line that begins a block, and whose? */
static bool uu_begin(struct span line, struct span *name)
{
    if (line.n < UU_BEGIN_MIN || !text_starts(line, "begin ") || line.p[0] != 'b')
        return false;
    struct span rest = text_behind(line, 6);
    size_t digits = 0;
    while (digits < rest.n && rest.p[digits] >= '0' && rest.p[digits] <= '7')
        digits++;
    if (digits < 3 || digits > 4 || digits == rest.n || rest.p[digits] != ' ')
        return false;
    *name = span_trim(text_behind(rest, digits));
    return name->n > 0;
}

/* A line of data: about as long as its first character says (spaces at its end may be gone, a
 * checksum may follow), and of the alphabet. */
static bool uu_is_data(struct span line)
{
    while (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n == 0)
        return false;
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] < ' ' || line.p[i] > '`')
            return false;
    size_t bytes = (line.p[0] - ' ') & 63u, full = 1 + (bytes + 2) / 3 * 4;
    return line.n <= full + 1 && line.n * 2 >= full;
}

/* The block whose "begin" line is at c: *data its lines. False when there is none after all. */
static bool uu_block(struct cur *c, struct span *name, struct span *data)
{
    struct cur at = *c;
    if (!uu_begin(cur_line(&at), name))
        return false;
    const uint8_t *start = at.p, *end = start;
    bool ended = false;
    while (cur_left(&at) && !ended) {
        struct span line = cur_line(&at);
        ended = text_is(span_trim(line), "end");
        if (!ended && !uu_is_data(line))
            break;
        end = at.p;
    }
    if (end == start)
        return false;
    *data = span_of(start, (size_t)(end - start));
    c->p = end;
    return true;
}

static void uu_part(struct scan *z, int parent, struct span name, struct span data)
{
    struct mime_part *part = part_new(z, parent, z->s->part[parent].depth + 1);
    if (!part) {
        z->s->part[parent].anomalies |= MIME_CUT_PARTS;
        return;
    }
    part->type = span_str("application/octet-stream");
    part->encoding = MIME_UU;
    part->raw = data;
    part->anomalies = MIME_UUENCODED;
    charset_to_utf8(z->s->charsets, span_of(NULL, 0), name, z->arena, &part->name);
    part->body = decoded(z, part, MIME_DECODED_MAX);
}

/* The next line in c that begins a block; NULL when there is none. */
static const uint8_t *uu_look(const uint8_t *p, struct span text)
{
    const uint8_t *lf = vector_line(p, text.p + text.n, 'b', 'e');
    return lf ? lf + 1 : NULL;
}

/* Takes the blocks out of a text, as parts of their own; what is left of it. */
static struct span uu_take(struct scan *z, int index, struct span text)
{
    const uint8_t *p = text_starts(text, "begin ") ? text.p : uu_look(text.p, text);
    const uint8_t *kept = text.p;
    uint8_t *rest = NULL;
    size_t n = 0;
    struct cur c = cur_of(text);
    for (; p; p = uu_look(c.p > text.p ? c.p - 1 : c.p, text)) {
        struct span name, data;
        c.p = p;
        if (!uu_block(&c, &name, &data)) {
            c.p = p + 1;
            continue;
        }
        if (!rest)
            rest = arena_alloc(z->arena, text.n);
        memcpy(rest + n, kept, (size_t)(p - kept));
        n += (size_t)(p - kept);
        kept = c.p;
        z->s->part[index].anomalies |= MIME_UUENCODED;
        uu_part(z, index, name, data);
    }
    if (!rest)
        return text;
    memcpy(rest + n, kept, (size_t)(text.p + text.n - kept));
    return span_of(rest, n + (size_t)(text.p + text.n - kept));
}

/* --- the tree --- */

static struct stop entity_read(struct scan *z, struct cur *c, int index, struct span *head);

static void leaf_read(struct scan *z, int index)
{
    struct mime_part *part = &z->s->part[index];
    part->text = part->text || (text_starts(part->type, "text/") &&
                                !(part->name.n && text_is(part->disposition, "attachment")));
    if (!part->text) {
        part->body = decoded(z, part, MIME_DECODED_MAX);
        return;
    }
    bool plain =
        part->encoding == MIME_IDENTITY && span_is(part->type, "text/plain") && part->raw.n;
    struct span whole = part->raw;
    if (plain)
        part->raw = uu_take(z, index, whole);
    struct span text = decoded(z, part, MIME_TEXT_MAX);
    part->raw = whole;
    text_finish(z, part, text);
}

/* A message in base64 or quoted-printable, which should not be: read as if it stood there. */
static void message_decode(struct scan *z, int index)
{
    struct mime_part *part = &z->s->part[index];
    unsigned opens = z->opens;
    part->body = decoded(z, part, MIME_DECODED_MAX);
    struct cur c = cur_of(part->body);
    struct mime_part *child = part_new(z, index, part->depth + 1);
    struct span head;
    if (!child) {
        part->anomalies |= MIME_CUT_PARTS;
        return;
    }
    z->opens = 0; /* what is open outside does not reach in: s->open is used from its start again */
    struct mime_open saved[MIME_DEPTH_MAX];
    memcpy(saved, z->s->open, opens * sizeof *saved);
    entity_read(z, &c, (int)(child - z->s->part), &head);
    memcpy(z->s->open, saved, opens * sizeof *saved);
    z->opens = opens;
}

static struct stop message_read(struct scan *z, struct cur *c, int index)
{
    struct mime_part *part = &z->s->part[index];
    struct span head;
    if (part->encoding == MIME_IDENTITY) {
        struct mime_part *child = part_new(z, index, part->depth + 1);
        if (child)
            return entity_read(z, c, (int)(child - z->s->part), &head);
        part->anomalies |= MIME_CUT_PARTS;
        return boundary_find(z, c);
    }
    const uint8_t *start = c->p;
    struct stop stop = boundary_find(z, c);
    part->raw = body_until(start, &stop);
    message_decode(z, index);
    return stop;
}

/* The parts between the boundaries. *found is false when no boundary came. */
static struct stop multipart_read(struct scan *z, struct cur *c, int index, struct span boundary,
                                  bool *found)
{
    struct mime_part *part = &z->s->part[index];
    struct span head;
    int own = (int)z->opens++;
    z->s->open[own].boundary = boundary;
    struct stop stop = boundary_find(z, c);
    *found = stop.open == own;
    while (stop.open == own && !stop.closes) {
        struct mime_part *child = part_new(z, index, part->depth + 1);
        if (!child) {
            part->anomalies |= MIME_CUT_PARTS;
            c->p = c->end;
            stop = (struct stop){-1, false, c->end};
            break;
        }
        if (span_is(part->type, "multipart/digest"))
            child->type = span_str("message/rfc822");
        stop = entity_read(z, c, (int)(child - z->s->part), &head);
    }
    z->opens = (unsigned)own;
    if (stop.open == own)
        return boundary_find(z, c); /* the epilogue */
    if (*found && !(part->anomalies & MIME_CUT_PARTS))
        part->anomalies |= MIME_UNCLOSED;
    return stop;
}

/* Reads the part at c, headers and body, up to what ends it. */
static struct stop entity_read(struct scan *z, struct cur *c, int index, struct span *head)
{
    struct mime_part *part = &z->s->part[index];
    struct fields f = {0};
    struct span boundary;
    struct stop stop;
    bool stopped = head_read(z, c, part, &f, head, &stop);
    fields_read(z, part, &f, &boundary);
    const uint8_t *start = stopped ? stop.line : c->p;
    part->multipart = text_starts(part->type, "multipart/");
    part->message = span_is(part->type, "message/rfc822") || span_is(part->type, "message/news") ||
                    span_is(part->type, "message/global");
    if ((part->multipart || part->message) && part->depth + 1 >= MIME_DEPTH_MAX) {
        part->anomalies |= MIME_CUT_DEPTH;
        part->multipart = part->message = false;
        part->text = true;
        part->encoding = MIME_IDENTITY;
    }
    if (part->multipart && boundary.n == 0) {
        part->anomalies |= MIME_NO_BOUNDARY;
        part->multipart = false;
        part->text = true;
    }
    if (!stopped && part->multipart) {
        stop = multipart_read(z, c, index, boundary, &part->multipart);
        part->text = !part->multipart;
        part->anomalies |= part->text ? MIME_NO_BOUNDARY : 0;
    } else if (!stopped && part->message) {
        stop = message_read(z, c, index);
    } else if (!stopped) {
        stop = boundary_find(z, c);
    }
    if (!part->raw.n)
        part->raw = body_until(start, &stop);
    if (!part->multipart && !part->message)
        leaf_read(z, index);
    return stop;
}

void mime_scan(struct mime_scanner *s, struct span mail, struct arena *arena, struct mime *out)
{
    struct scan z = {.s = s, .arena = arena};
    struct cur c = cur_of(mail);
    part_new(&z, -1, 0);
    entity_read(&z, &c, 0, &out->head);
    out->headers = z.headers;
    out->parts = z.parts;
    out->header = arena_alloc(arena, (z.headers + 1) * sizeof *out->header);
    out->part = arena_alloc(arena, z.parts * sizeof *out->part);
    memcpy(out->header, s->header, z.headers * sizeof *out->header);
    memcpy(out->part, s->part, z.parts * sizeof *out->part);
    out->anomalies = 0;
    for (unsigned i = 0; i < z.parts; i++)
        out->anomalies |= s->part[i].anomalies;
}

const struct mime_header *mime_header(const struct mime *m, unsigned part, const char *name)
{
    const struct mime_part *p = &m->part[part];
    for (unsigned i = 0; i < p->headers; i++)
        if (span_ieq(m->header[p->first_header + i].name, span_str(name)))
            return &m->header[p->first_header + i];
    return NULL;
}
