#include "wire/smtp.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What has just been read. */
enum {
    LINE, /* CRLF (or the start): a dot here is stuffing or the end */
    TEXT,
    CR,
    BARE,     /* LF without CR: a dot here is data */
    BARE_DOT, /* such a dot */
    BARE_DOT_CR,
    DOT, /* a dot behind CRLF, not yet put out */
    DOT_CR,
    END,
};

static void put(struct span s, size_t max, struct buf *mail, uint64_t *size)
{
    size_t room = mail->n < max ? max - mail->n : 0;
    *size += s.n;
    buf_put(mail, s.p, s.n < room ? s.n : room);
}

/* The state behind a byte that stands in no line's first two places; notes what is odd. */
static int text_byte(struct smtp_data *s, bool after_cr, uint8_t c)
{
    if (after_cr && c != '\n')
        s->anomalies |= SMTP_BARE_CR;
    if (c == '\r')
        return CR;
    if (c != '\n')
        return TEXT;
    if (after_cr)
        return LINE;
    s->anomalies |= SMTP_BARE_LF;
    return BARE;
}

/* Bytes that are copied at once: some processors copy long pieces more slowly than short ones. */
enum { RUN_MAX = 1984 };

#ifdef __SSE2__
/* Where in 64 bytes this one stands: a bit each. */
static uint64_t places(const __m128i *v, char byte)
{
    __m128i all = _mm_set1_epi8(byte);
    uint64_t bits = 0;
    for (unsigned i = 0; i < 4; i++)
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], all)) << 16 * i;
    return bits;
}

/* Whether a dot stands at one of the places. */
static bool dot_at(const uint8_t *p, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        if (p[__builtin_ctzll(bits)] == '.')
            return true;
    return false;
}

/* Bytes in which there is nothing to do but to copy, 64 at a time: each CR and LF is part of a CRLF
 * (the last CR may still become one), and no dot begins a line. The byte in front was neither, or
 * the LF of a CRLF. */
static size_t plain_length(struct span s, bool at_line)
{
    uint64_t cr_before = 0, lf_before = at_line;
    size_t n = 0;
    for (; s.n - n >= 64 && n < RUN_MAX; n += 64) {
        __m128i v[4];
        memcpy(v, s.p + n, sizeof v);
        uint64_t cr = places(v, '\r'), lf = places(v, '\n');
        if (lf != (cr << 1 | cr_before) || dot_at(s.p + n, lf << 1 | lf_before))
            break;
        cr_before = cr >> 63;
        lf_before = lf >> 63;
    }
    return n;
}
#else
static size_t plain_length(struct span s, bool at_line)
{
    return 0;
}
#endif

/* Most of most mails: copied in one piece. False when there is nothing of that kind here. */
static bool plain_run(struct smtp_data *s, struct cur *c, size_t max, struct buf *mail,
                      uint64_t *size)
{
    struct span run = span_of(c->p, plain_length(span_of(c->p, cur_left(c)), s->state == LINE));
    if (!run.n)
        return false;
    c->p += run.n;
    put(run, max, mail, size);
    s->state = c->p[-1] == '\r' ? CR : c->p[-1] == '\n' ? LINE : TEXT;
    return true;
}

/* Text up to the LF of its line is put out in one piece. */
static void text_run(struct smtp_data *s, struct cur *c, size_t max, struct buf *mail,
                     uint64_t *size)
{
    const uint8_t *lf = memchr(c->p, '\n', cur_left(c));
    struct span run = span_of(c->p, lf ? (size_t)(lf + 1 - c->p) : cur_left(c));
    c->p += run.n;
    put(run, max, mail, size);
    /* the last byte decides the state, together with the one before it */
    size_t inner = run.n - 1;
    bool cr_before = inner > 0 && run.p[inner - 1] == '\r';
    size_t lone = cr_before ? inner - 1 : inner;
    if (!(s->anomalies & SMTP_BARE_CR) && lone && memchr(run.p, '\r', lone))
        s->anomalies |= SMTP_BARE_CR;
    s->state = text_byte(s, cr_before, run.p[inner]);
}

/* A byte behind a dot that may end the mail. 1 it does. */
static int dot_byte(struct smtp_data *s, uint8_t c, size_t max, struct buf *mail, uint64_t *size)
{
    bool stuffed = s->state == DOT || s->state == DOT_CR;
    bool after_cr = s->state == DOT_CR || s->state == BARE_DOT_CR;
    if (c == '\n' && s->state == DOT_CR) {
        s->state = END;
        return 1;
    }
    if (c == '\n')
        s->anomalies |= SMTP_ODD_END;
    if (after_cr && stuffed)
        put(span_of("\r", 1), max, mail, size);
    if (c == '\r' && !after_cr) {
        s->state = stuffed ? DOT_CR : BARE_DOT_CR;
        if (!stuffed)
            put(span_of(&c, 1), max, mail, size);
        return 0;
    }
    put(span_of(&c, 1), max, mail, size);
    s->state = text_byte(s, after_cr, c);
    return 0;
}

int smtp_data_next(struct smtp_data *s, struct cur *c, size_t max, struct buf *mail, uint64_t *size)
{
    while (s->state != END && cur_left(c)) {
        if (s->state == DOT || s->state == DOT_CR || s->state == BARE_DOT ||
            s->state == BARE_DOT_CR) {
            if (dot_byte(s, *c->p++, max, mail, size))
                break;
        } else if (*c->p == '.' && (s->state == LINE || s->state == BARE)) {
            if (s->state == BARE)
                put(span_of(c->p, 1), max, mail, size);
            s->state = s->state == LINE ? DOT : BARE_DOT;
            c->p++;
        } else if (s->state == TEXT || s->state == LINE || s->state == BARE) {
            if (s->state == BARE || !plain_run(s, c, max, mail, size))
                text_run(s, c, max, mail, size);
        } else { /* CR */
            put(span_of(c->p, 1), max, mail, size);
            s->state = text_byte(s, true, *c->p++);
        }
    }
    return s->state == END;
}
