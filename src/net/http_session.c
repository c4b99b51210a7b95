/* A connection that speaks HTTP. A request that lies whole in what has come in is read where it is;
 * a longer body is gathered, with a copy of its head. Where requests end, and so the events and the
 * answers, never hangs on how the stream was cut into pieces. */
#include <stdlib.h>

#include "net/http_server.h"
#include "net/raw_server.h"
#include "net/session.h"
#include "net/tls.h"
#include "wire/text.h"

#define HTTP_QUIET_MS   400         /* a client that says nothing for so long has said it all */
#define HTTP_PACE       4096        /* bytes of a body in each head_ms, at least */
#define HTTP_OUT_HOLD   (64u << 10) /* answers after which the connection has its turn */
#define HTTP_WAIT_MAX   8192        /* bytes of head and body that are waited for in place */
#define HTTP_BUFFER_MIN 4096

/* Shapes by which one side's request ends elsewhere than the other's (RFC 9112, 11.2): answered,
 * and what follows is not looked at. */
#define SMUGGLING                                                                                  \
    (HTTP_LENGTH_CONFLICT | HTTP_BAD_LENGTH | HTTP_ODD_CODING | HTTP_BAD_CHUNK | HTTP_TWO_HOSTS |  \
     HTTP_SPACES | HTTP_FOLDED | HTTP_BAD_HEADER | HTTP_CONTROL | HTTP_TOO_MANY_HEADERS)

enum mode {
    HEAD,
    WAIT,   /* for the rest of a short body, which stays with its head where it came in */
    LENGTH, /* the body is gathered: by Content-Length */
    CHUNKS, /* chunked */
    OPEN,   /* until the client is quiet: nothing says how long it is */
    RAW,    /* this is no HTTP; its first bytes are waited for */
    OVER,
};

struct http_state {
    enum mode mode;
    bool plausible; /* HEAD: the first line is there and could be a request's */
    bool continued; /* 100 was sent */
    bool cut;       /* the body is not whole */
    uint32_t requests;
    uint32_t anomalies; /* of the body */
    size_t scanned;     /* HEAD: as http_head_end wants it */
    size_t seen;        /* HEAD: bytes that were there when the quiet began */
    size_t need;        /* WAIT: bytes of head and body */
    uint64_t left;      /* LENGTH */
    uint64_t body_size, paced;
    int64_t deadline; /* what wake_at is set to when no quiet is waited for; 0: none */
    struct buf head, body;
    struct http_chunks chunks;
};

enum step { STEP_NEXT, STEP_MORE, STEP_CLOSE };

struct body {
    struct span kept;
    uint64_t size;
    uint32_t anomalies;
    bool cut;
};

/* ---- time ---- */

static void deadline_set(struct session *s)
{
    struct http_state *h = s->state;
    h->deadline = s->wake_at = s->env->tick + s->env->config->limits.head_ms;
}

/* A body that comes in at its pace gets more time. `got`: bytes of it so far. */
static void deadline_pace(struct session *s, uint64_t got)
{
    struct http_state *h = s->state;
    if (got < h->paced)
        return;
    h->paced = got + HTTP_PACE;
    deadline_set(s);
}

static void quiet_wait(struct session *s)
{
    struct http_state *h = s->state;
    int64_t quiet = s->env->tick + HTTP_QUIET_MS;
    s->wake_at = quiet < h->deadline ? quiet : h->deadline;
}

/* ---- memory ---- */

/* Room for n more bytes, accounted for; at most `most` bytes are ever asked for. */
static bool room_take(struct session *s, struct buf *b, size_t n, size_t most)
{
    if (b->cap - b->n >= n)
        return true;
    size_t cap = b->cap ? b->cap : HTTP_BUFFER_MIN;
    while (cap - b->n < n)
        cap *= 2;
    if (cap > most && b->n + n <= most)
        cap = most;
    if (!net_memory_take(s->env, cap - b->cap))
        return false;
    b->p = realloc(b->p, cap);
    if (!b->p)
        abort();
    b->cap = cap;
    return true;
}

static void room_give(struct session *s, struct buf *b)
{
    net_memory_give(s->env, b->cap);
    buf_free(b);
}

static size_t body_limit(const struct session *s)
{
    return (size_t)s->env->config->limits.http_body_mib << 20;
}

/* ---- a request is there ---- */

/* Whether the case has authority over what is asked for: the name asked for, the name in TLS, or
 * the address that was connected to. */
static bool authority_over(const struct session *s, const struct http_request *r,
                           struct authority_match *out)
{
    const struct net_env *env = s->env;
    const struct tls_info *tls = s->peer.tls;
    struct span host = http_authority(r);
    if (host.n && authority_host(env->authority, host, env->now, out))
        return true;
    if (tls && tls->sni.n && authority_host(env->authority, tls->sni, env->now, out))
        return true;
    return session_destination(s, out);
}

static struct span anomaly_words(const struct session *s, uint32_t bits, bool cut)
{
    if (!bits && !cut)
        return span_of(NULL, 0);
    struct buf *words = http_server_scratch(s->env->http);
    http_anomaly_words(bits, words);
    if (cut)
        buf_str(words, words->n ? " cut-body" : "cut-body");
    return buf_as_span(words);
}

/* "100+200 empty" */
static struct span answer_text(const struct session *s, struct span text)
{
    const struct http_state *h = s->state;
    if (!h->continued)
        return text;
    uint8_t *p = arena_alloc(s->env->arena, text.n + 4);
    memcpy(p, "100+", 4);
    memcpy(p + 4, text.p, text.n);
    return span_of(p, text.n + 4);
}

/* Whether all texts of the event can be told to be ASCII from few looks. */
static bool is_plain(const struct session *s, const struct http_request *r, const struct event *ev)
{
    const struct tls_info *tls = s->peer.tls;
    if (tls && !(span_is_plain(tls->sni) && span_is_plain(tls->alpn)))
        return false;
    return span_is_plain(ev->family) && span_is_plain(r->head);
}

static void record(struct session *s, const struct authority_match *match,
                   const struct http_request *r, const struct body *b, struct span answer,
                   bool visitor)
{
    const struct span none = {NULL, 0};
    struct event ev;
    net_event(s->env, &s->peer, match, KIND_HTTP, &ev);
    ev.protocol = span_of("http", 4);
    ev.answer = answer_text(s, answer);
    if (visitor)
        ev.role = span_of("visitor", 7);
    ev.http.has = true;
    ev.http.method = r->method;
    ev.http.target = r->target;
    ev.http.version = r->version;
    ev.http.host = r->host;
    ev.http.user_agent = r->user_agent;
    ev.http.referer = r->referer;
    ev.http.headers = r->headers;
    ev.http.anomalies = anomaly_words(s, r->anomalies | b->anomalies, b->cut);
    ev.http.body_size = b->size;
    ev.http.body = b->kept;
    if (ev.http.body.n > HTTP_BODY_KEEP)
        ev.http.body.n = HTTP_BODY_KEEP;
    ev.plain = is_plain(s, r, &ev);
    net_record(s->env, &ev, b->kept.n > HTTP_BODY_KEEP ? b->kept : none, NULL);
}

static void request_over(struct session *s)
{
    struct http_state *h = s->state;
    h->mode = HEAD;
    h->plausible = h->continued = h->cut = false;
    h->scanned = h->seen = 0;
    h->anomalies = 0;
    h->body_size = h->paced = 0;
    h->requests++;
    s->wake_at = h->deadline = 0; /* between requests the connection's own limit holds */
}

/* HTTP/2 by prior knowledge (RFC 9113, 3.4). */
static bool is_http2(const struct http_request *r)
{
    return span_is(r->method, "PRI") && span_is(r->version, "2.0");
}

static bool stays_open(const struct session *s, const struct http_request *r, const struct body *b)
{
    const struct http_state *h = s->state;
    return r->keep_alive && r->version.n && !((r->anomalies | b->anomalies) & SMUGGLING) &&
           !b->cut && h->mode != OPEN && !span_is(r->method, "CONNECT") &&
           h->requests + 1 < s->env->config->limits.requests;
}

/* Records and answers a request with its body. */
static enum step request_take(struct session *s, const struct authority_match *match,
                              const struct http_request *r, const struct body *b)
{
    struct http_reply reply;
    http_server_decide(s->env->http, match, r, &reply);
    if (is_http2(r)) { /* nothing that we would say would be understood */
        reply = (struct http_reply){.text = span_of("closed", 6)};
    }
    net_count(s->env, http_requests, 1);
    record(s, match, r, b, reply.text, reply.visitor);
    if (!reply.form && !reply.page)
        return STEP_CLOSE;
    bool keep = stays_open(s, r, b);
    http_server_put(s->env, &s->peer, match, r, &reply, keep, s->out);
    request_over(s);
    return keep ? STEP_NEXT : STEP_CLOSE;
}

static enum step request_refuse(struct session *s)
{
    net_count(s->env, http_requests, 1);
    net_count(s->env, http_refused, 1);
    return STEP_CLOSE;
}

/* A request that was broken off; nobody is there to be answered. */
static void request_broken(struct session *s, const struct http_request *r, const struct body *b)
{
    struct authority_match match;
    if (!authority_over(s, r, &match)) {
        request_refuse(s);
        return;
    }
    net_count(s->env, http_requests, 1);
    record(s, &match, r, b, span_of("closed", 6), false);
}

/* ---- bodies ---- */

static struct body gathered(const struct http_state *h)
{
    return (struct body){.kept = buf_as_span(&h->body),
                         .size = h->body_size,
                         .anomalies = h->anomalies,
                         .cut = h->cut};
}

static void gathered_give(struct session *s)
{
    struct http_state *h = s->state;
    room_give(s, &h->head);
    room_give(s, &h->body);
}

static enum step gathered_take(struct session *s)
{
    struct http_state *h = s->state;
    struct http_request r;
    struct authority_match match;
    enum step step = STEP_CLOSE;
    struct body b = gathered(h);
    if (http_parse(buf_as_span(&h->head), &r) == 1)
        step = authority_over(s, &r, &match) ? request_take(s, &match, &r, &b) : request_refuse(s);
    gathered_give(s);
    return step;
}

/* False when the body is longer than what is kept, or memory is at its limit: what was gathered is
 * all that there will be. */
static bool gather(struct session *s, struct span piece)
{
    struct http_state *h = s->state;
    size_t limit = body_limit(s), left = limit - h->body.n;
    h->body_size += piece.n;
    if (piece.n > left) {
        h->cut = true;
        piece.n = left;
    }
    if (piece.n && !room_take(s, &h->body, piece.n, limit)) {
        h->cut = true;
        return false;
    }
    buf_span(&h->body, piece);
    return !h->cut;
}

static enum step read_length(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    size_t n = cur_left(in) < h->left ? cur_left(in) : (size_t)h->left;
    struct span piece;
    cur_take(in, n, &piece);
    h->left -= n;
    if (!gather(s, piece) || !h->left)
        return gathered_take(s);
    deadline_pace(s, h->body_size);
    return STEP_MORE;
}

static enum step read_chunks(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    struct span piece;
    int r;
    do {
        r = http_chunks_next(&h->chunks, in, &piece);
        if (r < 0)
            h->anomalies |= HTTP_BAD_CHUNK;
        if (!gather(s, piece) || r != 0)
            return gathered_take(s);
    } while (cur_left(in));
    deadline_pace(s, h->body_size);
    return STEP_MORE;
}

static enum step read_open(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    struct span piece;
    cur_take(in, cur_left(in), &piece);
    if (!gather(s, piece))
        return gathered_take(s);
    deadline_pace(s, h->body_size);
    quiet_wait(s);
    return STEP_MORE;
}

/* The client says that it sends a body, but not where it ends; or it sends no requests any more. */
static bool is_open(const struct http_request *r)
{
    if (is_http2(r))
        return true;
    if (r->chunked || r->content_length)
        return false;
    if (r->anomalies & (HTTP_ODD_CODING | HTTP_BAD_LENGTH))
        return true;
    return !r->keep_alive && (span_is(r->method, "POST") || span_is(r->method, "PUT")) &&
           !http_find(r, "Content-Length");
}

/* Asks for the body where the client waits to be asked, unless the policy is to be silent. */
static void say_continue(struct session *s, const struct authority_match *match,
                         const struct http_request *r)
{
    struct http_state *h = s->state;
    struct http_reply reply;
    if (!r->expect_continue || h->continued || !span_is(r->version, "1.1"))
        return;
    http_server_decide(s->env->http, match, r, &reply);
    if (!reply.form && !reply.page)
        return;
    buf_str(s->out, "HTTP/1.1 100 Continue\r\n\r\n");
    h->continued = true;
}

static enum step gather_begin(struct session *s, const struct authority_match *match,
                              const struct http_request *r, struct cur *in)
{
    struct http_state *h = s->state;
    struct body lost = {.cut = true};
    if (!room_take(s, &h->head, r->head.n, r->head.n))
        return request_take(s, match, r, &lost);
    buf_span(&h->head, r->head);
    h->left = r->content_length;
    h->chunks = (struct http_chunks){0};
    h->mode = r->chunked ? CHUNKS : is_open(r) ? OPEN : LENGTH;
    deadline_pace(s, 0);
    if (h->mode == OPEN)
        quiet_wait(s);
    return cur_left(in) ? STEP_NEXT : STEP_MORE;
}

/* A chunked body that is there to its end: taken without being gathered. Any other: STEP_MORE. */
static enum step read_whole_chunks(struct session *s, const struct authority_match *match,
                                   const struct http_request *r, struct cur *in)
{
    struct http_chunks chunks = {0};
    struct cur c = *in;
    struct span piece;
    uint8_t *body = arena_alloc(s->env->arena, cur_left(in));
    size_t n = 0;
    int got;
    do {
        got = http_chunks_next(&chunks, &c, &piece);
        if (piece.n)
            memcpy(body + n, piece.p, piece.n);
        n += piece.n;
    } while (got == 0 && cur_left(&c));
    if (got != 1 || n > body_limit(s))
        return STEP_MORE;
    struct body b = {.kept = span_of(body, n), .size = n};
    *in = c;
    return request_take(s, match, r, &b);
}

/* `in` stands behind the head. */
static enum step read_body(struct session *s, const struct authority_match *match,
                           const struct http_request *r, struct cur *in)
{
    struct http_state *h = s->state;
    struct body b = {.size = r->content_length};
    bool open = is_open(r);
    if (!open && !r->chunked && r->content_length == 0)
        return request_take(s, match, r, &b);
    say_continue(s, match, r);
    if (r->chunked && !open) {
        enum step step = read_whole_chunks(s, match, r, in);
        return step == STEP_MORE ? gather_begin(s, match, r, in) : step;
    }
    if (open)
        return gather_begin(s, match, r, in);
    if (cur_take(in, r->content_length, &b.kept))
        return request_take(s, match, r, &b);
    if (r->content_length > HTTP_WAIT_MAX || r->head.n > HTTP_WAIT_MAX)
        return gather_begin(s, match, r, in);
    h->mode = WAIT;
    h->need = r->head.n + (size_t)r->content_length;
    in->p = r->head.p;
    deadline_pace(s, 0);
    return STEP_MORE;
}

static enum step read_wait(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    if (cur_left(in) < h->need) {
        deadline_pace(s, cur_left(in));
        return STEP_MORE;
    }
    h->mode = HEAD;
    h->scanned = 0;
    return STEP_NEXT;
}

/* ---- heads ---- */

static void empty_lines_drop(struct cur *in)
{
    while (cur_left(in) && (*in->p == '\r' || *in->p == '\n'))
        in->p++;
}

/* A head over HTTP_HEAD_MAX: what there is of it is recorded. */
static enum step head_too_long(struct session *s, struct span data)
{
    struct http_state *h = s->state;
    struct http_request r;
    struct body none = {0};
    if (data.n < HTTP_HEAD_MAX || !http_looks_like_request(data) ||
        http_parse_end(span_of(data.p, HTTP_HEAD_MAX - 1), &r) != 1) {
        h->mode = RAW;
        return STEP_NEXT;
    }
    request_broken(s, &r, &none);
    return STEP_CLOSE;
}

/* Where the first line ends, behind empty lines; 0 when it has no end yet. */
static size_t first_line_end(struct span data)
{
    struct cur c = cur_of(data);
    empty_lines_drop(&c);
    const uint8_t *lf = cur_left(&c) ? memchr(c.p, '\n', cur_left(&c)) : NULL;
    return lf ? (size_t)(lf + 1 - data.p) : 0;
}

/* A lone line without version may be a whole request (HTTP/0.9) or the first line of a head: a
 * client of that time waits for its answer now. 1 it was quiet long enough, 0 wait, -1 no such
 * line. */
static int lone_line(struct session *s, struct span data, struct http_request *r)
{
    struct http_state *h = s->state;
    if (first_line_end(data) != data.n || http_parse_end(data, r) != 1 || r->anomalies & HTTP_CUT)
        return -1;
    if (h->seen == data.n)
        return 1;
    h->seen = data.n;
    s->paused = true;
    quiet_wait(s);
    return 0;
}

/* The head goes on. */
static enum step head_wait(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    struct span data = span_of(in->p, cur_left(in));
    struct http_request r;
    struct authority_match match;
    struct body none = {0};
    size_t end;
    if (!s->wake_at)
        deadline_set(s);
    h->plausible = first_line_end(data) > 0;
    if (lone_line(s, data, &r) == 1) {
        in->p = in->end;
        return authority_over(s, &r, &match) ? request_take(s, &match, &r, &none)
                                             : request_refuse(s);
    }
    http_head_end(data, &h->scanned, &end);
    return STEP_MORE;
}

static enum step read_head(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    if (h->requests && !h->scanned)
        empty_lines_drop(in); /* behind a body, from clients that count it wrong */
    struct span data = span_of(in->p, cur_left(in));
    struct http_request r;
    struct authority_match match;
    size_t end;
    if (!data.n)
        return STEP_MORE;
    if (h->plausible && http_head_end(data, &h->scanned, &end) == 0 && data.n != h->seen)
        return STEP_MORE;
    int got = http_parse(data, &r);
    if (got == 0)
        return head_wait(s, in);
    if (got < 0)
        return head_too_long(s, data);
    in->p += r.head.n;
    if (!authority_over(s, &r, &match))
        return request_refuse(s);
    return read_body(s, &match, &r, in);
}

static void raw_record(struct session *s, struct span data)
{
    struct authority_match match;
    bool ours = raw_server_authority(s->env, &s->peer, &match);
    raw_server_record(s->env, &s->peer, ours ? &match : NULL, data, data.n, span_of(NULL, 0), 0);
}

/* As many bytes as are kept of a raw connection, or all when it ends: not just those that happened
 * to come in first. */
static enum step read_raw(struct session *s, struct cur *in)
{
    if (!s->wake_at)
        deadline_set(s);
    if (cur_left(in) < s->env->config->limits.raw_bytes)
        return STEP_MORE;
    raw_record(s, span_of(in->p, cur_left(in)));
    return STEP_CLOSE;
}

/* ---- the session ---- */

static enum session_next http_begin(struct session *s)
{
    deadline_set(s);
    return SESSION_GO_ON;
}

static enum step read_some(struct session *s, struct cur *in)
{
    const struct http_state *h = s->state;
    switch (h->mode) {
    case HEAD:
        return read_head(s, in);
    case WAIT:
        return read_wait(s, in);
    case LENGTH:
        return read_length(s, in);
    case CHUNKS:
        return read_chunks(s, in);
    case OPEN:
        return read_open(s, in);
    case RAW:
        return read_raw(s, in);
    case OVER:
        break;
    }
    return STEP_CLOSE;
}

static enum session_next http_data(struct session *s, struct cur *in)
{
    struct http_state *h = s->state;
    const uint8_t *begin = in->p;
    enum step step;
    do
        step = read_some(s, in);
    while (step == STEP_NEXT && (in->p == begin || s->out->n <= HTTP_OUT_HOLD));
    if (step != STEP_CLOSE)
        return SESSION_GO_ON;
    h->mode = OVER;
    return SESSION_CLOSE;
}

static enum session_next http_wake(struct session *s)
{
    struct http_state *h = s->state;
    bool paused = s->paused;
    s->paused = false;
    if (!h->deadline)
        return SESSION_GO_ON;
    if (s->env->tick < h->deadline && (paused || h->mode != OPEN)) {
        s->wake_at = h->deadline;
        return SESSION_GO_ON; /* data() comes next where it was paused */
    }
    if (h->mode == OPEN) {
        gathered_take(s);
        h->mode = OVER;
    } else {
        net_count(s->env, timeouts, 1);
    }
    return SESSION_CLOSE; /* end() records what was begun */
}

/* A head or a short body that breaks off. */
static void end_head(struct session *s, struct span data)
{
    struct http_request r;
    if (http_parse_end(data, &r) != 1) {
        raw_record(s, data);
        return;
    }
    struct span rest = text_behind(data, r.head.n);
    struct body b = {.kept = rest,
                     .size = rest.n,
                     .cut = !(r.anomalies & HTTP_CUT) && rest.n < r.content_length};
    request_broken(s, &r, &b);
}

static void http_end(struct session *s, enum session_end why, struct cur *rest)
{
    struct http_state *h = s->state;
    struct http_request r;
    struct span data = span_of(rest->p, cur_left(rest));
    if (h->mode == HEAD || h->mode == WAIT) {
        if (h->requests && h->mode == HEAD)
            empty_lines_drop(rest);
        data = span_of(rest->p, cur_left(rest));
        if (data.n)
            end_head(s, data);
    } else if (h->mode == RAW) {
        raw_record(s, data);
    } else if (h->mode != OVER) {
        h->cut |= h->mode != OPEN;
        struct body b = gathered(h);
        if (http_parse(buf_as_span(&h->head), &r) == 1)
            request_broken(s, &r, &b);
    }
    gathered_give(s);
}

const struct session_type http_session = {
    .name = "http",
    .state_size = sizeof(struct http_state),
    .begin = http_begin,
    .data = http_data,
    .wake = http_wake,
    .end = http_end,
    .in_max = HTTP_HEAD_MAX,
};
