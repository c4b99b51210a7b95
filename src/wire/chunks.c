#include "wire/http.h"

/* Where in a chunked body (RFC 9112, 7.1) the next byte stands. */
enum {
    SIZE,       /* before the first digit of a size */
    DIGITS,     /* behind it */
    SIZE_SPACE, /* behind the number */
    EXTENSION,  /* behind a semicolon */
    SIZE_LF,    /* behind the CR of a size */
    DATA,
    DATA_CR, /* behind a chunk's data */
    DATA_LF,
    TRAILER, /* at the start of a trailer line */
    TRAILER_LINE,
    TRAILER_LF, /* behind a CR at the start of a trailer line */
    DONE,
    BAD,
};

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int size_ended(struct http_chunks *s)
{
    s->line = 0;
    return s->left ? DATA : TRAILER;
}

/* A byte in a size line: the next state. */
static int size_byte(struct http_chunks *s, uint8_t c)
{
    int digit = hex_value(c);
    if (++s->line > HTTP_CHUNK_LINE_MAX)
        return BAD;
    if (s->state == EXTENSION)
        return c == '\n' ? size_ended(s) : EXTENSION;
    if (s->state == SIZE_LF)
        return c == '\n' ? size_ended(s) : BAD;
    if (s->state != SIZE_SPACE && digit >= 0) {
        s->left = s->left << 4 | (unsigned)digit;
        return s->left > HTTP_CHUNK_MAX ? BAD : DIGITS;
    }
    if (s->state == SIZE)
        return BAD;
    switch (c) {
    case '\n':
        return size_ended(s);
    case '\r':
        return SIZE_LF;
    case ';':
        return EXTENSION;
    case ' ':
    case '\t':
        return SIZE_SPACE;
    default:
        return BAD;
    }
}

static int data_end_byte(struct http_chunks *s, uint8_t c)
{
    if (c == '\n')
        return SIZE;
    return c == '\r' && s->state == DATA_CR ? DATA_LF : BAD;
}

static int trailer_byte(struct http_chunks *s, uint8_t c)
{
    if (++s->line > HTTP_HEAD_MAX)
        return BAD;
    if (c == '\n')
        return s->state == TRAILER_LINE ? TRAILER : DONE;
    return c == '\r' && s->state == TRAILER ? TRAILER_LF : TRAILER_LINE;
}

int http_chunks_next(struct http_chunks *s, struct cur *c, struct span *piece)
{
    *piece = span_of(c->p, 0);
    while (s->state != DONE && s->state != BAD && cur_left(c)) {
        if (s->state == DATA) {
            size_t n = s->left < cur_left(c) ? (size_t)s->left : cur_left(c);
            s->left -= n;
            if (s->left == 0)
                s->state = DATA_CR;
            cur_take(c, n, piece);
            return 0;
        }
        uint8_t byte = *c->p++;
        if (s->state < DATA)
            s->state = size_byte(s, byte);
        else if (s->state < TRAILER)
            s->state = data_end_byte(s, byte);
        else
            s->state = trailer_byte(s, byte);
    }
    return s->state == DONE ? 1 : s->state == BAD ? -1 : 0;
}
