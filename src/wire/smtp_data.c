#include "wire/smtp.h"

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
            text_run(s, c, max, mail, size);
        } else { /* CR */
            put(span_of(c->p, 1), max, mail, size);
            s->state = text_byte(s, true, *c->p++);
        }
    }
    return s->state == END;
}
