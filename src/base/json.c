#include "base/json.h"

#include <math.h>
#include <stdio.h>

#include "base/digest.h"

static void separate(struct json *j)
{
    if (j->comma)
        buf_byte(j->out, ',');
    j->comma = true;
}

static void open_with(struct json *j, uint8_t c)
{
    separate(j);
    buf_byte(j->out, c);
    j->comma = false;
}

static void close_with(struct json *j, uint8_t c)
{
    buf_byte(j->out, c);
    j->comma = true;
}

void json_object(struct json *j)
{
    open_with(j, '{');
}
void json_object_end(struct json *j)
{
    close_with(j, '}');
}
void json_array(struct json *j)
{
    open_with(j, '[');
}
void json_array_end(struct json *j)
{
    close_with(j, ']');
}

void json_key(struct json *j, const char *key)
{
    separate(j);
    buf_byte(j->out, '"');
    buf_str(j->out, key);
    buf_put(j->out, "\":", 2);
    j->comma = false;
}

void json_key_span(struct json *j, struct span key)
{
    json_span(j, key);
    buf_byte(j->out, ':');
    j->comma = false;
}

void json_uint(struct json *j, uint64_t v)
{
    char text[24];
    char *p = text + sizeof text;
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    separate(j);
    buf_put(j->out, p, (size_t)(text + sizeof text - p));
}

void json_int(struct json *j, int64_t v)
{
    separate(j);
    buf_printf(j->out, "%lld", (long long)v);
}

void json_double(struct json *j, double v, int decimals)
{
    if (!isfinite(v)) {
        json_null(j);
        return;
    }
    separate(j);
    buf_printf(j->out, "%.*f", decimals, v);
}

void json_bool(struct json *j, bool v)
{
    separate(j);
    buf_str(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
    separate(j);
    buf_str(j->out, "null");
}

static void put_escaped(struct buf *b, uint8_t c)
{
    static const char short_form[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                      ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    if (c < sizeof short_form && short_form[c]) {
        buf_byte(b, '\\');
        buf_byte(b, (uint8_t)short_form[c]);
    } else {
        buf_printf(b, "\\u%04x", c);
    }
}

void json_span(struct json *j, struct span s)
{
    separate(j);
    buf_byte(j->out, '"');
    const uint8_t *p = s.p, *end = s.p + s.n, *run = p;
    while (p < end) {
        uint8_t c = *p;
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            p++;
            continue;
        }
        buf_put(j->out, run, (size_t)(p - run));
        if (c < 0x80) {
            put_escaped(j->out, c);
            p++;
        } else {
            size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
            if (n <= (size_t)(end - p) && span_is_utf8(span_of(p, n))) {
                buf_put(j->out, p, n);
                p += n;
            } else {
                buf_put(j->out, "\xef\xbf\xbd", 3);
                p++;
            }
        }
        run = p;
    }
    if (p > run)
        buf_put(j->out, run, (size_t)(p - run));
    buf_byte(j->out, '"');
}

void json_str(struct json *j, const char *s)
{
    json_span(j, span_str(s));
}

void json_hex(struct json *j, const uint8_t *p, size_t n)
{
    separate(j);
    buf_byte(j->out, '"');
    char *at = (char *)buf_reserve(j->out, 2 * n + 2);
    hex_encode(p, n, at);
    j->out->n += 2 * n;
    buf_byte(j->out, '"');
}

void json_newline(struct json *j)
{
    buf_byte(j->out, '\n');
    j->comma = false;
}
