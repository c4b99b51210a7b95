/* An answer: headers that every answer has, conditions, compression. */
#include <stdio.h>

#include <zlib.h>

#include "base/mem.h"
#include "web/web_impl.h"
#include "wire/text.h"

#define COMPRESS_MIN  1024 /* below this a packet is a packet */
#define COMPRESS_MAX  (8u << 20)
#define COMPRESS_FAST (256u << 10) /* from here on speed counts */
#define INFLATE_MAX   (64u << 20)
#define HSTS_SECONDS  63072000 /* two years, as preload lists want at least one */

/* ---- headers ---- */

struct header {
    const char *name, *value;
};

static const char public_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'";
static const char desk_policy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' "
    "data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/* Of every answer. "same-origin" and not "no-referrer": with that, browsers would say "Origin:
 * null" of the forms of our own pages (Fetch, "append a request Origin header"). */
static const struct header always[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"}, /* where frame-ancestors is not known */
    {"Referrer-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"X-Robots-Tag", NULL}, /* desk */
    {"Permissions-Policy",
     "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
     "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"},
};

static bool add(struct MHD_Response *m, const char *name, const char *value)
{
    return MHD_add_response_header(m, name, value) == MHD_YES;
}

static bool add_security(const struct web *w, const struct web_request *r, struct MHD_Response *m)
{
    bool desk = w->setup.policy == WEB_DESK, good = true;
    char hsts[40];
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        const char *value = always[i].value;
        if (!value && desk)
            value = "noindex, nofollow";
        if (value)
            good &= add(m, always[i].name, value);
    }
    good &= add(m, "Content-Security-Policy", desk ? desk_policy : public_policy);
    if (w->setup.hsts) {
        snprintf(hsts, sizeof hsts, "max-age=%d", HSTS_SECONDS);
        good &= add(m, "Strict-Transport-Security", hsts);
    }
    return good;
}

/* Onion-Location (the Tor Project's; Tor Browser heeds it on pages by TLS alone): the same page,
 * unless it is asked for there already. */
static bool add_onion(const struct web *w, const struct web_request *r, const char *type,
                      struct MHD_Response *m)
{
    const char *onion = w->setup.onion, *host = onion ? strstr(onion, "://") : NULL;
    struct buf url = {0};
    if (!host || strncmp(type, "text/html", 9) != 0 ||
        span_ieq(web_header(r, "Host"), span_str(host + 3)))
        return true;
    buf_str(&url, onion);
    for (const char *p = r->target.path; *p; p++) { /* all but what may stand in a path */
        if (strchr("/-._~", *p) || (*p >= '0' && *p <= '9') ||
            (text_lower((uint8_t)*p) >= 'a' && text_lower((uint8_t)*p) <= 'z'))
            buf_byte(&url, (uint8_t)*p);
        else
            buf_printf(&url, "%%%02X", (uint8_t)*p);
    }
    buf_byte(&url, 0);
    bool good = add(m, "Onion-Location", (const char *)url.p);
    buf_free(&url);
    return good;
}

static bool add_caching(const struct web *w, const struct web_reply *reply, bool zipped,
                        struct MHD_Response *m)
{
    char text[96];
    bool keep = reply->max_age_s && reply->status < 400, good = true;
    const char *whose = reply->immutable || w->setup.policy == WEB_PUBLIC ? "public" : "private";
    if (keep)
        snprintf(text, sizeof text, "%s, max-age=%u%s", whose, reply->max_age_s,
                 reply->immutable ? ", immutable" : "");
    good &= add(m, "Cache-Control", keep ? text : "no-store");
    good &=
        add(m, "Vary", reply->language[0] ? "Accept-Encoding, Accept-Language" : "Accept-Encoding");
    if (reply->etag[0]) {
        snprintf(text, sizeof text, "\"%s%s\"", reply->etag, zipped ? "-gz" : "");
        good &= add(m, "ETag", text);
    }
    return good;
}

/* What is no letter, digit, "-", "_" or "." in a file's name becomes "_". */
static bool add_attachment(const char *name, struct MHD_Response *m)
{
    char text[160], *p = text;
    p += snprintf(text, sizeof text, "attachment; filename=\"");
    for (; *name && p < text + sizeof text - 2; name++) {
        uint8_t c = text_lower((uint8_t)*name);
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.", c);
        *p++ = fine ? *name : '_';
    }
    *p++ = '"';
    *p = 0;
    return add(m, "Content-Disposition", text);
}

static bool add_own(const struct web_reply *reply, struct MHD_Response *m)
{
    char retry[16];
    bool good = true;
    if (reply->location[0])
        good &= add(m, "Location", reply->location);
    if (reply->cookie[0])
        good &= add(m, "Set-Cookie", reply->cookie);
    if (reply->language[0])
        good &= add(m, "Content-Language", reply->language);
    if (reply->allow)
        good &= add(m, "Allow", reply->allow);
    if (reply->attachment[0])
        good &= add_attachment(reply->attachment, m);
    snprintf(retry, sizeof retry, "%u", reply->retry_s);
    if (reply->retry_s)
        good &= add(m, "Retry-After", retry);
    return good;
}

/* ---- compression ---- */

static bool is_text(const char *type)
{
    return strncmp(type, "text/", 5) == 0 || strstr(type, "json") || strstr(type, "javascript") ||
           strstr(type, "xml");
}

static bool zip(struct span in, struct buf *out)
{
    z_stream z = {0};
    int level = in.n > COMPRESS_FAST ? 1 : 5;
    if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&z, in.n);
    z.next_in = (uint8_t *)in.p;
    z.avail_in = (unsigned)in.n;
    z.next_out = buf_reserve(out, room);
    z.avail_out = (unsigned)room;
    int rc = deflate(&z, Z_FINISH);
    out->n = room - z.avail_out;
    deflateEnd(&z);
    return rc == Z_STREAM_END && out->n < in.n;
}

/* For a client that takes no gzip of what is kept as gzip. */
static bool unzip(struct span in, struct buf *out)
{
    z_stream z = {0};
    int rc = inflateInit2(&z, 15 + 16);
    z.next_in = (uint8_t *)in.p;
    z.avail_in = (unsigned)in.n;
    while (rc == Z_OK && out->n < INFLATE_MAX) {
        size_t room = 64 << 10;
        z.next_out = buf_reserve(out, room);
        z.avail_out = (unsigned)room;
        rc = inflate(&z, Z_NO_FLUSH);
        out->n += room - z.avail_out;
    }
    inflateEnd(&z);
    return rc == Z_STREAM_END;
}

/* The bytes as they go out; *made holds them when they were made here. */
static struct span encode(const struct web_request *r, const struct web_reply *reply, bool *zipped,
                          struct buf *made)
{
    struct span s = reply->borrowed.p ? reply->borrowed : buf_as_span(&reply->body);
    bool takes = web_takes_gzip(r);
    *zipped = reply->gzipped;
    if (reply->gzipped && !takes) {
        *zipped = false;
        return unzip(s, made) ? buf_as_span(made) : span_of("", 0);
    }
    if (!reply->gzipped && takes && !reply->forever && s.n > COMPRESS_MIN && s.n <= COMPRESS_MAX &&
        is_text(reply->type) && zip(s, made)) {
        *zipped = true;
        return buf_as_span(made);
    }
    return s;
}

/* ---- the whole ---- */

static void free_bytes(void *p)
{
    free(p);
}

/* Of bytes that the response then owns, where they are ours to give. */
static struct MHD_Response *response_of(struct span s, const struct web_reply *reply,
                                        struct buf *owned)
{
    if (s.n && owned && s.p == owned->p) {
        struct MHD_Response *m =
            MHD_create_response_from_buffer_with_free_callback(s.n, owned->p, free_bytes);
        if (m)
            *owned = (struct buf){0};
        return m;
    }
    bool stays = reply->forever && s.p == reply->borrowed.p;
    return MHD_create_response_from_buffer(s.n, (void *)s.p,
                                           stays ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);
}

static struct MHD_Response *make(struct web *w, struct web_request *r, struct web_reply *reply)
{
    struct buf made = {0};
    bool zipped, known = reply->status == 200 &&
                         web_text_matches(web_header(r, "If-None-Match"), reply->etag);
    struct span s = encode(r, reply, &zipped, &made);
    if (known) {
        reply->status = 304;
        s.n = 0;
    }
    struct buf *owned = s.p && s.p == made.p          ? &made
                        : s.p && s.p == reply->body.p ? &reply->body
                                                      : NULL;
    r->reply_n = s.n;
    struct MHD_Response *m = response_of(s, reply, owned);
    buf_free(&made);
    if (!m)
        return NULL;
    bool good = add_security(w, r, m) && add_caching(w, reply, zipped, m) && add_own(reply, m);
    if (good && !known && reply->status != 204)
        good = add(m, "Content-Type", reply->type) && add_onion(w, r, reply->type, m);
    if (good && zipped && !known)
        good = add(m, "Content-Encoding", "gzip");
    if (good)
        return m;
    MHD_destroy_response(m);
    return NULL;
}

bool web_reply_make(struct web *w, struct web_request *r, struct web_reply *reply)
{
    if (!reply->status)
        reply->status = 200;
    if (!reply->type)
        reply->type = "text/html; charset=utf-8";
    r->response = make(w, r, reply);
    if (!r->response) { /* a header that cannot be sent: of the handler's making, not the client's
                         */
        struct web_reply sorry = {0};
        web_refusal(&sorry, 500);
        sorry.status = reply->status = 500;
        r->response = make(w, r, &sorry);
        buf_free(&sorry.body);
    }
    r->status = reply->status;
    buf_free(&reply->body);
    reply->body = (struct buf){0};
    return r->response;
}

void web_refusal(struct web_reply *reply, unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {
        {400, "this request is malformed"},
        {413, "this request is too large"},
        {414, "this address is too long"},
        {417, "this expectation cannot be met"},
        {500, "this did not work"},
        {503, "too much is being sent at once: try again in some minutes"},
        {505, "HTTP/1.1 is spoken here"},
    };
    reply->status = status;
    reply->type = "text/plain; charset=utf-8";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            buf_printf(&reply->body, "%s\n", texts[i].text);
}
