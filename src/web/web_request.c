/* A request: what libmicrohttpd read of it, checked, and bounded by the setup's limits. */
#include "base/mem.h"
#include "web/web_impl.h"
#include "wire/text.h"

#define FORM_BUFFER        4096 /* of libmicrohttpd's form reader: names and part headers fit in it */
#define HEADERS_MAX        100
#define NAME_MAX_          256
#define MULTIPART_OVERHEAD (256u << 10) /* boundaries and part headers */

struct web_request *web_request_new(struct web *w, struct web_conn *c, struct MHD_Connection *mhd,
                                    const char *uri)
{
    struct web_request *r = mem_zeroed(1, sizeof *r);
    r->web = w;
    r->conn = c;
    r->mhd = mhd;
    if (w->spares)
        r->arena = w->spare[--w->spares];
    r->problem = web_target_parse(uri, &r->arena, &r->target);
    return r;
}

void web_request_free(struct web_request *r)
{
    if (!r)
        return;
    if (r->form)
        MHD_destroy_post_processor(r->form);
    if (r->response)
        MHD_destroy_response(r->response);
    r->web->large -= r->large;
    for (size_t i = 0; i < r->fields; i++)
        buf_free(&r->value[i]);
    free(r->field);
    free(r->value);
    buf_free(&r->body);
    buf_free(&r->forwarded);
    buf_free(&r->x_forwarded);
    if (r->taken || r->web->spares == WEB_SPARES_MAX) { /* what was told to us stays nowhere */
        arena_free(&r->arena);
    } else {
        arena_reset(&r->arena);
        r->web->spare[r->web->spares++] = r->arena;
    }
    free(r);
}

/* ---- headers ---- */

struct headers {
    struct web_request *r;
    unsigned n, hosts, lengths, encodings;
    struct span length, encoding, expect;
    struct span proto; /* the last of X-Forwarded-Proto */
    bool malformed;
};

static void join(struct buf *out, struct span value)
{
    if (out->n)
        buf_byte(out, ',');
    buf_span(out, value);
}

static enum MHD_Result take_header(void *ctx, enum MHD_ValueKind kind, const char *name_p,
                                   size_t name_n, const char *value_p, size_t value_n)
{
    struct headers *h = ctx;
    struct span name = span_of(name_p, name_n), value = span_of(value_p ? value_p : "", value_n);
    if (++h->n > HEADERS_MAX || !web_text_is_token(name) || !web_text_is_value(value))
        h->malformed = true;
    if (text_is(name, "host")) {
        h->hosts++;
    } else if (text_is(name, "content-length")) {
        h->lengths++;
        h->length = value;
    } else if (text_is(name, "transfer-encoding")) {
        h->encodings++;
        h->encoding = value;
    } else if (text_is(name, "expect")) {
        h->expect = value;
    } else if (text_is(name, "forwarded")) {
        join(&h->r->forwarded, value);
    } else if (text_is(name, "x-forwarded-for")) {
        join(&h->r->x_forwarded, value);
    } else if (text_is(name, "x-forwarded-proto")) {
        h->proto = value;
    }
    return h->malformed ? MHD_NO : MHD_YES;
}

/* Where a request ends must be told the same way by everybody on the way (RFC 9112, 6.1 and 11.2):
 * whatever leaves a doubt is refused, and the connection closed. */
static unsigned check_framing(const struct headers *h, const char *version, uint64_t *length)
{
    bool one = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    *length = 0;
    if (!one && strcmp(version, MHD_HTTP_VERSION_1_0) != 0)
        return 505;
    if (h->malformed || h->lengths > 1 || h->encodings > 1 || h->hosts > 1 || (one && !h->hosts))
        return 400;
    if (h->encodings && (!one || h->lengths || !text_is(h->encoding, "chunked")))
        return 400;
    if (h->lengths && !text_number(h->length, length))
        return 400;
    if (h->expect.n && !text_is(h->expect, "100-continue"))
        return 417;
    return 0;
}

static bool is_form(struct span type)
{
    size_t n = text_find(type, ';');
    struct span essence = span_trim(span_of(type.p, n));
    return text_is(essence, "application/x-www-form-urlencoded") ||
           text_is(essence, "multipart/form-data");
}

static bool is_multipart(const struct web_request *r)
{
    return text_starts(web_header(r, "Content-Type"), "multipart/");
}

static size_t body_limit(const struct web_request *r)
{
    const struct web_setup *s = &r->web->setup;
    if (r->small)
        return s->body_small;
    return r->form && is_multipart(r) ? s->body_max + s->file_max + MULTIPART_OVERHEAD
           : r->form                  ? 3 * s->body_max + FORM_BUFFER /* percent-encoded */
                                      : s->body_max;
}

/* ---- forms ---- */

static struct buf *new_field(struct web_request *r, const char *name, const char *file)
{
    if (r->fields == WEB_FIELDS_MAX || strlen(name) > NAME_MAX_ ||
        (file && strlen(file) > NAME_MAX_) || !span_is_utf8(span_str(name)) ||
        (file && !span_is_utf8(span_str(file)))) {
        r->problem = 400;
        return NULL;
    }
    r->field = mem_room(r->field, r->fields, &r->fields_cap, sizeof *r->field);
    r->value = mem_room(r->value, r->fields, &r->values_cap, sizeof *r->value);
    r->field[r->fields] =
        (struct web_field){arena_copy(&r->arena, name, strlen(name)),
                           file ? arena_copy(&r->arena, file, strlen(file)) : NULL,
                           {0}};
    r->value[r->fields] = (struct buf){0};
    return &r->value[r->fields++];
}

static enum MHD_Result take_field(void *ctx, enum MHD_ValueKind kind, const char *name,
                                  const char *file, const char *type, const char *encoding,
                                  const char *data, uint64_t offset, size_t n)
{
    struct web_request *r = ctx;
    if (r->problem || !name || (!offset && !new_field(r, name, file)) || !r->fields)
        return MHD_NO;
    size_t *total = file ? &r->file_n : &r->plain_n;
    size_t most = file ? r->web->setup.file_max : r->web->setup.body_max;
    if (n > most - *total) {
        r->problem = 413;
        return MHD_NO;
    }
    *total += n;
    buf_put(&r->value[r->fields - 1], data, n);
    return MHD_YES;
}

/* ---- as it comes ---- */

static void find_client(struct web_request *r, struct span proto)
{
    const struct web_setup *s = &r->web->setup;
    struct span forwarded = buf_as_span(&r->forwarded), x = buf_as_span(&r->x_forwarded);
    bool proxied = false;
    r->client = r->conn->client;
    r->port = r->conn->port;
    for (size_t i = 0; i < s->n_proxies; i++)
        proxied |= net_has(&s->proxies[i], &r->client);
    if (proxied)
        web_text_forwarded(forwarded, x, s->proxies, s->n_proxies, &r->client, &r->port);
    r->secure = s->certificate || (proxied && web_text_forwarded_https(forwarded, proto));
}

unsigned web_request_begin(struct web_request *r, const char *method, const char *version)
{
    struct headers h = {.r = r};
    uint64_t length;
    size_t n = strlen(method);
    MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, take_header, &h);
    if (n > WEB_METHOD_MAX || !web_text_is_token(span_of(method, n)))
        return 400;
    memcpy(r->method, method, n + 1);
    find_client(r, h.proto);
    unsigned status = check_framing(&h, version, &length);
    if (status || r->problem)
        return status ? status : r->problem;
    const struct web_setup *s = &r->web->setup;
    r->small = s->may_be_large && (h.encodings || length) && !s->may_be_large(s->ctx, r);
    if ((h.encodings || length) && is_form(web_header(r, "Content-Type"))) {
        r->form = MHD_create_post_processor(r->mhd, FORM_BUFFER, take_field, r);
        if (!r->form)
            return 400;
    }
    if (h.encodings || length)
        web_conn_phase(r->web, r->conn, WEB_BODY);
    return length > body_limit(r) ? 413 : 0;
}

/* So that many large ones at once do not take the machine's memory; small ones always have room. */
static bool has_room(struct web_request *r)
{
    const struct web_setup *s = &r->web->setup;
    size_t beyond = r->taken > s->body_small ? r->taken - s->body_small : 0;
    size_t more = beyond > r->large ? beyond - r->large : 0;
    if (!s->large_max || !more)
        return true;
    if (more > s->large_max - r->web->large)
        return false;
    r->large += more;
    r->web->large += more;
    return true;
}

bool web_request_take(struct web_request *r, const char *data, size_t n)
{
    size_t most = body_limit(r);
    if (n > most || r->taken > most - n) { /* chunked: its length was not told */
        r->problem = 413;
        return false;
    }
    r->taken += n;
    if (!r->problem && !has_room(r))
        r->problem = 503;
    if (r->problem) /* read to its end, so that the refusal is heard */
        return true;
    if (!r->form)
        buf_put(&r->body, data, n);
    else if (MHD_post_process(r->form, data, n) != MHD_YES && !r->problem)
        r->problem = 400;
    return true;
}

unsigned web_request_end(struct web_request *r)
{
    if (r->form) {
        bool good = MHD_destroy_post_processor(r->form) == MHD_YES;
        r->form = NULL;
        if (!good && !r->problem)
            r->problem = 400;
    }
    for (size_t i = 0; i < r->fields; i++)
        r->field[i].value = r->value[i].n ? buf_as_span(&r->value[i]) : span_of("", 0);
    return r->problem;
}

/* ---- what handlers ask ---- */

struct span web_method(const struct web_request *r)
{
    return span_str(r->method);
}

const char *web_path(const struct web_request *r)
{
    return r->target.path;
}

const struct ip *web_client(const struct web_request *r)
{
    return &r->client;
}

uint16_t web_client_port(const struct web_request *r)
{
    return r->port;
}

bool web_is_secure(const struct web_request *r)
{
    return r->secure;
}

struct span web_query(const struct web_request *r, const char *name)
{
    for (size_t i = 0; i < r->target.parameters; i++)
        if (strcmp(r->target.parameter[i].name, name) == 0)
            return r->target.parameter[i].value;
    return (struct span){0};
}

void web_queries(const struct web_request *r,
                 int (*each)(void *ctx, const char *name, struct span value), void *ctx)
{
    for (size_t i = 0; i < r->target.parameters; i++)
        if (each(ctx, r->target.parameter[i].name, r->target.parameter[i].value) != 0)
            return;
}

struct span web_header(const struct web_request *r, const char *name)
{
    const char *value = NULL;
    size_t n = 0;
    if (MHD_lookup_connection_value_n(r->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &n) !=
        MHD_YES)
        return (struct span){0};
    return value ? span_of(value, n) : span_of("", 0);
}

struct span web_cookie(const struct web_request *r, const char *name)
{
    return web_text_cookie(web_header(r, "Cookie"), name);
}

struct span web_body(const struct web_request *r)
{
    return buf_as_span(&r->body);
}

const struct web_field *web_fields(const struct web_request *r, size_t *n)
{
    *n = r->fields;
    return r->field;
}

struct span web_form(const struct web_request *r, const char *name)
{
    for (size_t i = 0; i < r->fields; i++)
        if (!r->field[i].file && strcmp(r->field[i].name, name) == 0)
            return r->field[i].value;
    return (struct span){0};
}

void web_keep(struct web_request *r, void *own)
{
    r->own = own;
}

void *web_kept(const struct web_request *r)
{
    return r->own;
}

bool web_takes_gzip(const struct web_request *r)
{
    return web_text_takes_gzip(web_header(r, "Accept-Encoding"));
}
