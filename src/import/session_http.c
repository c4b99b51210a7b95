/* HTTP: the requests of a connection. A request that lies whole in one piece of the stream is read
 * where it is; otherwise its head and its body are gathered. */
#include "import/session.h"

static bool starts(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && memcmp(s.p, word, n) == 0;
}

bool session_http_strict(struct span b)
{
    if (!b.n || !http_looks_like_request(b))
        return false;
    const uint8_t *lf = memchr(b.p, '\n', b.n);
    size_t n = lf ? (size_t)(lf - b.p) : b.n;
    return lf && memmem(b.p, n, " HTTP/", 6) != NULL;
}

bool session_http_ends(struct span b, struct http_request *r)
{
    const uint8_t *lf = b.n ? memchr(b.p, '\n', b.n) : NULL;
    bool lone_line = lf && lf + 1 == b.p + b.n; /* HTTP/0.9 */
    return (lone_line || session_http_strict(b)) && http_parse_end(b, r) == 1;
}

static bool wants_upgrade(const struct http_request *r)
{
    return http_find(r, "Upgrade") != NULL;
}

static struct span anomaly_words(const struct session_call *c, uint32_t bits)
{
    struct buf *words = &c->out->words;
    words->n = 0;
    http_anomaly_words(bits, words);
    if (c->s->http.cut)
        buf_str(words, words->n ? " cut-body" : "cut-body");
    return buf_as_span(words);
}

static void emit(const struct session_call *c, const struct http_request *r, struct span body,
                 uint64_t body_size, const struct packet_at *at)
{
    struct session_http *h = &c->s->http;
    c->s->events = true;
    if (span_is(r->method, "CONNECT"))
        h->tunnel = HTTP_TUNNEL_CONNECT;
    else if (wants_upgrade(r))
        h->tunnel = HTTP_TUNNEL_UPGRADE;
    if (session_skip(c->out))
        return;
    uint8_t sha[SHA256_LEN];
    struct event ev = session_event(c->ends, c->s->client, KIND_HTTP, "http", at);
    ev.http.has = true;
    ev.http.method = r->method;
    ev.http.target = r->target;
    ev.http.version = r->version;
    ev.http.host = r->host;
    ev.http.user_agent = r->user_agent;
    ev.http.referer = r->referer;
    ev.http.headers = r->headers;
    ev.http.anomalies = anomaly_words(c, r->anomalies | h->anomalies);
    ev.http.body_size = body_size;
    ev.http.body = span_of(body.p, body.n < HTTP_BODY_KEEP ? body.n : HTTP_BODY_KEEP);
    /* a check-in's few bytes are whole in the entry: a file for each would cost more than all else */
    if (body.n > HTTP_BODY_KEEP && session_blob(c->out, body, sha, at))
        ev.http.blob = span_of(sha, sizeof sha);
    session_emit(c->out, &ev);
}

static void next_request(struct session_http *h)
{
    h->mode = HTTP_MODE_HEAD;
    h->scanned = 0;
    h->left = h->body_size = 0;
    h->anomalies = 0;
    h->cut = false;
}

/* The request whose body was gathered. */
static void emit_gathered(const struct session_call *c)
{
    struct session_http *h = &c->s->http;
    struct http_request r;
    if (http_parse_end(buf_as_span(&h->head), &r) == 1)
        emit(c, &r, buf_as_span(&h->body), h->body_size, &h->at);
    session_give(c->out, &h->head);
    session_give(c->out, &h->body);
    next_request(h);
}

static void gather(const struct session_call *c, struct span piece)
{
    struct session_http *h = &c->s->http;
    h->body_size += piece.n;
    size_t room = h->body.n < SESSION_BODY_MAX ? SESSION_BODY_MAX - h->body.n : 0;
    if (piece.n > room)
        h->cut = true;
    session_take(c->out, &h->body);
    buf_put(&h->body, piece.p, piece.n < room ? piece.n : room);
}

/* A head was read; *cur stands behind it. */
static void begin_body(const struct session_call *c, const struct http_request *r, struct cur *cur,
                       const struct packet_at *at)
{
    struct session_http *h = &c->s->http;
    if (!r->chunked && cur_left(cur) >= r->content_length) {
        struct span body;
        cur_take(cur, r->content_length, &body);
        emit(c, r, body, body.n, at);
        next_request(h);
        return;
    }
    session_take(c->out, &h->head);
    h->head.n = 0;
    buf_span(&h->head, r->head);
    h->at = *at;
    h->left = r->content_length;
    h->chunks = (struct http_chunks){0};
    h->mode = r->chunked ? HTTP_MODE_CHUNKS : HTTP_MODE_LENGTH;
}

static void drop_empty_lines(struct cur *cur)
{
    while (cur_left(cur) && (*cur->p == '\r' || *cur->p == '\n'))
        cur->p++;
}

/* Reads a head at cur. 1 done, 0 need more, -1 no HTTP. */
static int read_head(const struct session_call *c, struct cur *cur, const struct packet_at *at)
{
    struct session_http *h = &c->s->http;
    struct http_request r;
    if (c->s->events && h->scanned == 0)
        drop_empty_lines(cur); /* behind a body, from clients that count it wrong */
    struct span data = span_of(cur->p, cur_left(cur));
    size_t end;
    if (data.n == 0)
        return 0;
    if (h->scanned && http_head_end(data, &h->scanned, &end) == 0)
        return 0;
    int got = http_parse(data, &r);
    if (got == 0) {
        http_head_end(data, &h->scanned, &end);
        return 0;
    }
    if (got < 0)
        return -1;
    h->scanned = 0;
    cur->p += r.head.n;
    if (span_is(r.method, "PRI") && span_is(r.version, "2.0"))
        return cur->p = data.p, -1; /* HTTP/2: frames follow */
    begin_body(c, &r, cur, at);
    return 1;
}

static void read_length(const struct session_call *c, struct cur *cur)
{
    struct session_http *h = &c->s->http;
    struct span piece = span_of(cur->p, cur_left(cur) < h->left ? cur_left(cur) : h->left);
    cur->p += piece.n;
    gather(c, piece);
    h->left -= piece.n;
    if (!h->left)
        emit_gathered(c);
}

static void read_chunks(const struct session_call *c, struct cur *cur)
{
    struct session_http *h = &c->s->http;
    while (h->mode == HTTP_MODE_CHUNKS) {
        struct span piece = {NULL, 0};
        const uint8_t *before = cur->p;
        int r = http_chunks_next(&h->chunks, cur, &piece);
        gather(c, piece);
        if (r < 0)
            h->anomalies |= HTTP_BAD_CHUNK;
        if (r != 0)
            emit_gathered(c);
        if (r < 0)
            h->mode = HTTP_MODE_RESYNC;
        if (r == 0 && (!cur_left(cur) || cur->p == before))
            return;
    }
}

/* Behind lost bytes or a broken body: a request may start here or at the start of a line. 0 when
 * the last line may be the start of one. */
static int resync(const struct session_call *c, struct cur *cur, const struct packet_at *at)
{
    const uint8_t *from = cur->p;
    bool open = false;
    while (cur_left(cur) && !open && !session_http_strict(span_of(cur->p, cur_left(cur)))) {
        const uint8_t *lf = memchr(cur->p, '\n', cur_left(cur));
        open = !lf && cur_left(cur) < HTTP_HEAD_MAX &&
               http_looks_like_request(span_of(cur->p, cur_left(cur)));
        if (!open)
            cur->p = lf ? lf + 1 : cur->end;
    }
    session_stray(c, c->s->client, span_of(from, (size_t)(cur->p - from)), at);
    if (cur_left(cur) && !open)
        next_request(&c->s->http);
    return !open;
}

static void skip_lost_body(struct session_http *h, struct cur *cur)
{
    size_t n = cur_left(cur) < h->left ? cur_left(cur) : h->left;
    cur->p += n;
    h->left -= n;
    if (!h->left)
        next_request(h);
}

/* One step forward in cur; what read_head returns. */
static int step(const struct session_call *c, struct cur *cur, const struct packet_at *at)
{
    struct session_http *h = &c->s->http;
    switch (h->mode) {
    case HTTP_MODE_HEAD:
        return read_head(c, cur, at);
    case HTTP_MODE_LENGTH:
        read_length(c, cur);
        return 1;
    case HTTP_MODE_CHUNKS:
        read_chunks(c, cur);
        return 1;
    case HTTP_MODE_SKIP:
        skip_lost_body(h, cur);
        return 1;
    default:
        return resync(c, cur, at);
    }
}

/* Client data behind CONNECT or Upgrade: 1 the connection is something else now. */
static bool tunnelled(struct session_http *h, struct span bytes)
{
    if (h->tunnel == HTTP_NO_TUNNEL || h->mode != HTTP_MODE_HEAD)
        return false;
    if (h->tunnel != HTTP_TUNNEL_OPEN && session_http_strict(bytes)) {
        h->tunnel = HTTP_NO_TUNNEL; /* the server's answer was not seen, but this is HTTP */
        return false;
    }
    return true;
}

void session_http_data(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    struct session *s = c->s;
    const uint8_t *fresh;
    struct cur cur = session_unread(c, bytes, &fresh);
    while (cur_left(&cur) && !c->out->stop) {
        const struct packet_at where = cur.p < fresh ? s->in_at : *at;
        struct span rest = span_of(cur.p, cur_left(&cur));
        int r = tunnelled(&s->http, rest) ? -1 : step(c, &cur, &where);
        if (r == 0) {
            session_wait(c, span_of(cur.p, cur_left(&cur)), &where);
            return;
        }
        if (r < 0) {
            session_turn_raw(c, span_of(cur.p, cur_left(&cur)), &where);
            return;
        }
    }
    s->in.n = 0;
}

/* The answer to CONNECT or Upgrade says whether the connection changes. */
void session_http_server(const struct session_call *c, struct span b)
{
    struct session_http *h = &c->s->http;
    if (h->tunnel == HTTP_NO_TUNNEL || h->tunnel == HTTP_TUNNEL_OPEN || b.n < 12 ||
        !starts(b, "HTTP/1."))
        return;
    bool agreed = h->tunnel == HTTP_TUNNEL_CONNECT ? b.p[9] == '2' : memcmp(b.p + 9, "101", 3) == 0;
    bool interim = b.p[9] == '1' && !agreed;
    if (!interim)
        h->tunnel = agreed ? HTTP_TUNNEL_OPEN : HTTP_NO_TUNNEL;
    if (agreed) /* what is kept of the server's side begins with the tunnel */
        c->s->side[!c->s->client].keep.n = 0;
}

/* What waits is a head that never ends: taken as far as it goes, or left to the raw event. */
static void end_head(const struct session_call *c)
{
    struct session *s = c->s;
    struct http_request r;
    if (s->http.tunnel == HTTP_NO_TUNNEL && session_http_ends(buf_as_span(&s->in), &r))
        emit(c, &r, span_of(NULL, 0), 0, &s->in_at);
    else
        session_stray(c, s->client, buf_as_span(&s->in), &s->in_at);
    s->in.n = 0;
    next_request(&s->http);
}

void session_http_gap(const struct session_call *c, uint32_t lost, const struct packet_at *at)
{
    struct session_http *h = &c->s->http;
    uint64_t left = h->left;
    switch (h->mode) {
    case HTTP_MODE_HEAD:
        end_head(c);
        h->mode = HTTP_MODE_RESYNC;
        return;
    case HTTP_MODE_LENGTH:
        h->cut = true;
        emit_gathered(c);
        break;
    case HTTP_MODE_CHUNKS:
        h->cut = true;
        emit_gathered(c);
        h->mode = HTTP_MODE_RESYNC;
        return;
    case HTTP_MODE_SKIP:
        break;
    default:
        session_stray(c, c->s->client, buf_as_span(&c->s->in), &c->s->in_at);
        c->s->in.n = 0;
        return;
    }
    /* the length says where the next request starts, also behind the hole */
    next_request(h);
    h->mode = left >= lost ? HTTP_MODE_SKIP : HTTP_MODE_RESYNC;
    h->left = left >= lost ? left - lost : 0;
    if (h->mode == HTTP_MODE_SKIP && !h->left)
        next_request(h);
}

void session_http_end(const struct session_call *c)
{
    struct session_http *h = &c->s->http;
    if (h->mode == HTTP_MODE_HEAD || h->mode == HTTP_MODE_RESYNC) {
        end_head(c);
    } else if (h->mode == HTTP_MODE_LENGTH || h->mode == HTTP_MODE_CHUNKS) {
        h->cut = true;
        emit_gathered(c);
    }
    session_give(c->out, &h->head);
    session_give(c->out, &h->body);
}
