#include "import/session.h"

enum { GUESS_LINES = 16, PORT_DNS = 53, PORT_WELL_KNOWN = 1024, SOCKS_METHODS_MAX = 32 };

static bool starts(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.n >= n && span_ieq(span_of(s.p, n), span_of(word, n));
}

/* --- what bytes look like --- */

static bool is_tls(struct span s, uint8_t handshake)
{
    return s.n >= 6 && s.p[0] == 0x16 && s.p[1] == 3 && s.p[2] <= 4 && s.p[5] == handshake;
}

/* A record of any type (RFC 8446, 5.1), for connections whose hello was not seen. */
static bool is_tls_record(struct span s)
{
    return s.n >= 5 && s.p[0] >= 0x14 && s.p[0] <= 0x17 && s.p[1] == 3 && s.p[2] <= 4 &&
           be16_get(s.p + 3) > 0 && be16_get(s.p + 3) <= (1 << 14) + 2048;
}

static bool is_socks(struct span s)
{
    if (s.n >= 3 && s.p[0] == 5) /* RFC 1928, 3: version, count, methods */
        return s.p[1] >= 1 && s.p[1] <= SOCKS_METHODS_MAX && s.n >= 2u + s.p[1] &&
               (s.n == 2u + s.p[1] || s.p[2u + s.p[1]] == 5 || s.p[2u + s.p[1]] == 1);
    return s.n >= 9 && s.p[0] == 4 && (s.p[1] == 1 || s.p[1] == 2) &&
           memchr(s.p + 8, 0, s.n - 8) != NULL;
}

static unsigned words_in(struct span line)
{
    unsigned n = 0;
    for (size_t i = 0; i < line.n; i++)
        n += line.p[i] != ' ' && (i == 0 || line.p[i - 1] == ' ');
    return n;
}

/* RFC 2812: ":server 001 nick ..." or ":nick!user@host PRIVMSG ...". */
static bool is_irc_server_line(struct span line)
{
    static const char *const words[] = {"PRIVMSG ", "NOTICE ", "JOIN ", "MODE ", "TOPIC ",
                                        "KICK ",    "QUIT ",   "PART ", "NICK "};
    if (starts(line, "NOTICE AUTH ") || starts(line, "PING :"))
        return true;
    const uint8_t *space = line.n > 1 && line.p[0] == ':' ? memchr(line.p, ' ', line.n) : NULL;
    if (!space || space == line.p + 1)
        return false;
    struct span rest = span_of(space + 1, line.n - (size_t)(space + 1 - line.p));
    if (rest.n >= 4 && rest.p[3] == ' ' && rest.p[0] >= '0' && rest.p[0] <= '9' &&
        rest.p[1] >= '0' && rest.p[1] <= '9' && rest.p[2] >= '0' && rest.p[2] <= '9')
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (starts(rest, words[i]))
            return true;
    return false;
}

/* USER and PASS are FTP's and POP3's as well; IRC's USER has four arguments. */
static bool is_irc_client_line(struct span line)
{
    return (starts(line, "NICK ") && words_in(line) <= 3) || starts(line, "JOIN #") ||
           starts(line, "JOIN &") || (starts(line, "PRIVMSG ") && words_in(line) >= 3) ||
           (starts(line, "USER ") && words_in(line) >= 5) || starts(line, "PONG :") ||
           starts(line, "CAP LS");
}

static bool any_line(struct span s, bool (*is)(struct span))
{
    for (unsigned i = 0; s.n && i < GUESS_LINES; i++) {
        const uint8_t *lf = memchr(s.p, '\n', s.n);
        size_t n = lf ? (size_t)(lf - s.p) : s.n;
        size_t text = n && s.p[n - 1] == '\r' ? n - 1 : n;
        if (is(span_of(s.p, text)))
            return true;
        n += lf != NULL;
        s = span_of(s.p + n, s.n - n);
    }
    return false;
}

/* Protocol of a raw event, from the first bytes of both sides. */
static const char *guess(const struct session *s)
{
    struct span client = buf_as_span(&s->side[s->client].keep);
    struct span server = buf_as_span(&s->side[!s->client].keep);
    if (is_tls(client, 1) || is_tls(server, 2) ||
        (s->torn && (is_tls_record(client) || is_tls_record(server))))
        return "tls";
    if (any_line(client, is_irc_client_line) || any_line(server, is_irc_server_line))
        return "irc";
    if (is_socks(client))
        return "socks";
    if (starts(server, "HTTP/1.") || starts(server, "HTTP/2") || starts(client, "PRI * HTTP/2") ||
        session_http_strict(client) || (s->kind == SESSION_HTTP && s->torn))
        return "http";
    if (smtp_looks_like_client(client) || (client.n == 0 && smtp_looks_like_server(server)))
        return "smtp";
    return "raw";
}

/* 1 only a client says this first, -1 only a server, 0 cannot be told. */
static int speaks_as(struct span b)
{
    if (session_http_strict(b) || smtp_looks_like_client(b) || is_tls(b, 1) ||
        any_line(b, is_irc_client_line))
        return 1;
    if (starts(b, "HTTP/1.") || smtp_looks_like_server(b) || is_tls(b, 2) ||
        any_line(b, is_irc_server_line))
        return -1;
    return 0;
}

/* --- who is the client --- */

static void guess_client(const struct session_call *c, unsigned dir, struct span bytes)
{
    struct session *s = c->s;
    uint16_t from = c->ends->port[dir], to = c->ends->port[!dir];
    int role = c->ends->transport == PACKET_TCP ? speaks_as(bytes) : 0;
    bool server = role < 0 || (role == 0 && from < PORT_WELL_KNOWN && to >= PORT_WELL_KNOWN);
    s->client = server ? !dir : dir;
    s->client_known = role != 0;
}

/* What was taken for the client speaks like a server, or the other way round, when that side says
 * its first words. */
static void correct_client(const struct session_call *c, unsigned dir, struct span bytes)
{
    struct session *s = c->s;
    int role = s->side[dir].size == 0 ? speaks_as(bytes) : 0;
    if (!role)
        return;
    s->client_known = true;
    unsigned client = role > 0 ? dir : !dir;
    if (client == s->client)
        return;
    if (s->kind == SESSION_OPEN && s->in.n)
        session_stray(c, s->client, buf_as_span(&s->in), &s->in_at);
    s->in.n = 0;
    s->client = client;
    s->kind = SESSION_OPEN;
}

/* --- bytes that no parser takes --- */

void session_stray(const struct session_call *c, unsigned dir, struct span bytes,
                   const struct packet_at *at)
{
    struct session_side *side = &c->s->side[dir];
    if (!bytes.n)
        return;
    if (!side->stray)
        side->first = *at;
    side->stray += bytes.n;
    size_t room = side->holed || side->keep.n >= RAW_BYTES_KEEP ? 0 : RAW_BYTES_KEEP - side->keep.n;
    if (!room)
        return;
    session_take(c->out, &side->keep);
    buf_put(&side->keep, bytes.p, bytes.n < room ? bytes.n : room);
}

struct cur session_unread(const struct session_call *c, struct span bytes, const uint8_t **fresh)
{
    struct buf *in = &c->s->in;
    size_t old = in->n;
    if (old) {
        buf_put(in, bytes.p, bytes.n);
        bytes = buf_as_span(in);
    }
    *fresh = bytes.p + old;
    return cur_of(bytes);
}

void session_wait(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    struct session *s = c->s;
    s->in_at = *at;
    if (s->in.n && bytes.n && bytes.p >= s->in.p && bytes.p <= s->in.p + s->in.n) {
        if (bytes.p != s->in.p)
            memmove(s->in.p, bytes.p, bytes.n);
    } else if (bytes.n) {
        session_take(c->out, &s->in);
        s->in.n = 0;
        buf_put(&s->in, bytes.p, bytes.n);
    }
    s->in.n = bytes.n;
}

void session_turn_raw(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    session_stray(c, c->s->client, bytes, at);
    c->s->in.n = 0;
    c->s->kind = SESSION_RAW;
}

/* --- which protocol it is --- */

static void turn_to(struct session *s, enum session_kind kind)
{
    s->kind = kind;
    if (kind == SESSION_HTTP)
        memset(&s->http, 0, sizeof s->http);
    else if (kind == SESSION_SMTP)
        memset(&s->smtp, 0, sizeof s->smtp);
}

static bool is_mail_port(uint16_t port)
{
    return port == 25 || port == 587 || port == 2525;
}

/* The kind of a connection by the client's first bytes; OPEN when it takes more of them. */
static enum session_kind detect(const struct session_call *c, struct span b)
{
    struct http_request r;
    struct session *s = c->s;
    uint16_t port = c->ends->port[!s->client];
    struct span server = buf_as_span(&s->side[!s->client].keep);
    if (port == PORT_DNS) {
        int dns = session_dns_detect(b);
        if (dns >= 0)
            return dns ? SESSION_DNS : SESSION_OPEN;
    }
    bool banner = smtp_looks_like_server(server);
    if (smtp_looks_like_client(b))
        return !starts(b, "PROXY") || banner || is_mail_port(port) ? SESSION_SMTP : SESSION_RAW;
    if (banner || is_mail_port(port)) {
        struct smtp_command cmd;
        int line = smtp_command_parse(b, &cmd);
        if (line == 1 && cmd.verb != SMTP_UNKNOWN)
            return SESSION_SMTP;
        if (line == 0 && banner && b.n < 8)
            return SESSION_OPEN;
    }
    if (session_http_strict(b))
        return SESSION_HTTP;
    int http = http_parse(b, &r);
    return http > 0 ? SESSION_HTTP : http == 0 ? SESSION_OPEN : SESSION_RAW;
}

static void client_data(const struct session_call *c, struct span bytes,
                        const struct packet_at *at);

static void open_data(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    struct session *s = c->s;
    struct span all = bytes;
    struct packet_at where = *at;
    if (s->torn && s->in.n && !http_looks_like_request(buf_as_span(&s->in)) &&
        (session_http_strict(bytes) || smtp_looks_like_client(bytes))) {
        session_stray(c, s->client, buf_as_span(&s->in), &s->in_at); /* the end of something */
        s->in.n = 0;
    }
    /* waiting for the end of an HTTP head: nothing to look at before a line ends */
    bool again =
        s->in.n < 64 || memchr(bytes.p, '\n', bytes.n) || s->in.n + bytes.n >= HTTP_HEAD_MAX;
    if (s->in.n) {
        where = s->in_at;
        buf_put(&s->in, bytes.p, bytes.n);
        all = buf_as_span(&s->in);
    }
    enum session_kind kind = again ? detect(c, all) : SESSION_OPEN;
    if (kind == SESSION_OPEN) {
        session_wait(c, all, &where);
    } else if (kind == SESSION_RAW) {
        session_turn_raw(c, all, &where);
    } else if (!s->in.n) {
        turn_to(s, kind);
        client_data(c, bytes, at);
    } else { /* the parser gets the waiting bytes and the new ones, told apart by their times */
        turn_to(s, kind);
        s->in.n -= bytes.n;
        client_data(c, bytes, at);
    }
}

/* In the midst of a connection whose start is missing a request or mail may still begin. */
static bool resumes(const struct session_call *c, struct span bytes)
{
    if (c->ends->transport != PACKET_TCP || !c->s->torn)
        return false;
    bool http = session_http_strict(bytes);
    if (http || smtp_looks_like_client(bytes))
        turn_to(c->s, http ? SESSION_HTTP : SESSION_SMTP);
    return c->s->kind != SESSION_RAW;
}

static void client_data(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    switch (c->s->kind) {
    case SESSION_OPEN:
        open_data(c, bytes, at);
        break;
    case SESSION_HTTP:
        session_http_data(c, bytes, at);
        break;
    case SESSION_SMTP:
        session_smtp_data(c, bytes, at);
        break;
    case SESSION_DNS:
        session_dns_data(c, bytes, at);
        break;
    case SESSION_RAW:
        if (resumes(c, bytes))
            client_data(c, bytes, at);
        else
            session_stray(c, c->s->client, bytes, at);
        break;
    }
}

static void server_data(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    session_stray(c, !c->s->client, bytes, at);
    if (c->s->kind == SESSION_HTTP)
        session_http_server(c, bytes);
    else if (c->s->kind == SESSION_SMTP)
        session_smtp_server(c, bytes);
}

/* --- the outside --- */

void session_data(const struct session_call *c, unsigned dir, struct span bytes,
                  const struct packet_at *at)
{
    struct session *s = c->s;
    if (!s->begun) {
        s->begun = true;
        s->at = *at;
        if (!s->client_known)
            guess_client(c, dir, bytes);
    } else if (!s->client_known && (s->kind == SESSION_OPEN || s->kind == SESSION_RAW)) {
        correct_client(c, dir, bytes);
    }
    s->side[dir].size += bytes.n;
    if (dir == s->client)
        client_data(c, bytes, at);
    else
        server_data(c, bytes, at);
}

void session_datagram(const struct session_call *c, unsigned dir, struct span bytes, size_t sent,
                      const struct packet_at *at)
{
    struct session *s = c->s;
    if (!s->begun) {
        s->begun = true;
        s->at = *at;
        s->kind = SESSION_RAW;
        guess_client(c, dir, bytes);
    }
    s->side[dir].size += sent;
    session_stray(c, dir, bytes, at);
    if (bytes.n < sent) {
        s->side[dir].stray += sent - bytes.n;
        s->side[dir].holed = true;
    }
}

/* A gap before anything could be told of the connection. */
static void open_gap(const struct session_call *c, uint32_t lost, const struct packet_at *at)
{
    struct session *s = c->s;
    if (!s->in.n)
        return; /* what comes next is looked at as if it were the first */
    if (session_http_strict(buf_as_span(&s->in))) {
        turn_to(s, SESSION_HTTP);
        session_http_gap(c, lost, at);
    } else {
        session_turn_raw(c, buf_as_span(&s->in), &s->in_at);
    }
}

void session_gap(const struct session_call *c, unsigned dir, uint32_t lost,
                 const struct packet_at *at)
{
    struct session *s = c->s;
    struct session_side *side = &s->side[dir];
    side->size += lost;
    side->holed |= side->keep.n > 0;
    if (dir != s->client)
        return;
    s->torn = true;
    switch (s->kind) {
    case SESSION_OPEN:
        open_gap(c, lost, at);
        break;
    case SESSION_HTTP:
        session_http_gap(c, lost, at);
        break;
    case SESSION_SMTP:
        session_smtp_gap(c, lost, at);
        break;
    case SESSION_DNS: /* the next segment may start a message again */
        session_stray(c, s->client, buf_as_span(&s->in), &s->in_at);
        s->in.n = 0;
        break;
    case SESSION_RAW:
        break;
    }
}

static void emit_raw(const struct session_call *c)
{
    struct session *s = c->s;
    struct session_side *client = &s->side[s->client], *server = &s->side[!s->client];
    if (session_skip(c->out))
        return;
    struct packet_at at = s->events && client->stray ? client->first : s->at;
    struct event ev = session_event(c->ends, s->client, KIND_RAW, guess(s), &at);
    ev.raw.has = true;
    ev.raw.client = buf_as_span(&client->keep);
    ev.raw.server = buf_as_span(&server->keep);
    ev.raw.client_size = s->events ? client->stray : client->size;
    ev.raw.server_size = server->size;
    session_emit(c->out, &ev);
}

/* Only answers of a DNS server are no finding. */
static bool only_dns_answers(const struct session_call *c)
{
    const struct session *s = c->s;
    struct span b = buf_as_span(&s->side[!s->client].keep);
    return c->ends->port[!s->client] == PORT_DNS && s->side[s->client].size == 0 && b.n >= 14 &&
           b.p[4] & 0x80 && be16_get(b.p) >= 12;
}

static void finish(const struct session_call *c)
{
    struct session *s = c->s;
    if (s->kind == SESSION_OPEN && s->in.n) {
        struct http_request r;
        if (session_http_ends(buf_as_span(&s->in), &r))
            turn_to(s, SESSION_HTTP);
        else
            session_turn_raw(c, buf_as_span(&s->in), &s->in_at);
    }
    if (s->kind == SESSION_HTTP)
        session_http_end(c);
    else if (s->kind == SESSION_SMTP)
        session_smtp_end(c);
    else if (s->kind == SESSION_DNS)
        session_stray(c, s->client, buf_as_span(&s->in), &s->in_at);
    const struct session_side *client = &s->side[s->client], *server = &s->side[!s->client];
    bool data = client->keep.n || client->stray || (!s->events && (server->size || client->size));
    if (data && !only_dns_answers(c))
        emit_raw(c);
}

void session_end(const struct session_call *c, const struct packet_at *at)
{
    struct session *s = c->s;
    if (s->begun)
        finish(c);
    session_give(c->out, &s->side[0].keep);
    session_give(c->out, &s->side[1].keep);
    session_give(c->out, &s->in);
    *s = (struct session){0};
}

size_t session_held(const struct session *s)
{
    size_t n = s->in.cap + s->side[0].keep.cap + s->side[1].keep.cap;
    if (s->kind == SESSION_HTTP)
        n += s->http.head.cap + s->http.body.cap;
    else if (s->kind == SESSION_SMTP)
        n += s->smtp.mail.cap + s->smtp.dialogue.cap + s->smtp.helo.cap + s->smtp.envelope.cap;
    return n;
}
