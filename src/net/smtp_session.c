#include "net/smtp_internal.h"

#include <stdio.h>

#include "net/raw_server.h"

/* ---- memory ---- */

bool smtp_room(struct session *s, struct buf *b, size_t n)
{
    if (b->cap - b->n >= n)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->n < n)
        cap *= 2; /* as buf does */
    if (!net_memory_take(s->env, cap - b->cap))
        return false;
    buf_reserve(b, cap - b->n);
    return true;
}

void smtp_drop(struct session *s, struct buf *b)
{
    net_memory_give(s->env, b->cap);
    buf_free(b);
}

/* A buffer that the server keeps, or a new one. */
bool smtp_mail_begin(struct session *s)
{
    struct smtp_server *server = s->env->smtp;
    struct buf *mail = &smtp_state(s)->mail;
    if (mail->cap)
        return true;
    if (server->spares && net_memory_take(s->env, server->spare[server->spares - 1].cap)) {
        *mail = server->spare[--server->spares];
        return true;
    }
    return smtp_room(s, mail, 4096);
}

void smtp_mail_drop(struct session *s)
{
    struct smtp_server *server = s->env->smtp;
    struct buf *mail = &smtp_state(s)->mail;
    if (mail->cap && mail->cap <= SMTP_SPARE_MAX && server->spares < SMTP_SPARES) {
        net_memory_give(s->env, mail->cap);
        mail->n = 0;
        server->spare[server->spares++] = *mail;
        *mail = (struct buf){0};
        return;
    }
    smtp_drop(s, mail);
}

/* ---- replies ---- */

/* "mx.<zone>" from an asset's name in wire form; 0 when it is too long or no plain text. */
static size_t mx_name(struct span wire, char out[SMTP_HOST_MAX])
{
    size_t n = 2;
    memcpy(out, "mx", 2);
    for (size_t i = 0; i < wire.n && wire.p[i]; i += 1 + wire.p[i]) {
        size_t label = wire.p[i];
        if (i + 1 + label > wire.n || n + 1 + label >= SMTP_HOST_MAX)
            return 0;
        out[n++] = '.';
        for (size_t j = 1; j <= label; j++) {
            if (wire.p[i + j] <= ' ' || wire.p[i + j] >= 0x7f)
                return 0;
            out[n++] = (char)wire.p[i + j];
        }
    }
    return n;
}

size_t smtp_host(const struct session *s, char out[SMTP_HOST_MAX])
{
    struct authority_match match;
    struct span banner = span_str(smtp_state(s)->policy->smtp.banner);
    size_t n = 0;
    if (banner.n && banner.n < SMTP_HOST_MAX) {
        memcpy(out, banner.p, banner.n);
        return banner.n;
    }
    if (s->peer.tls && s->peer.tls->sni.n &&
        authority_host(s->env->authority, s->peer.tls->sni, s->env->now, &match))
        n = mx_name(match.asset.name, out);
    if (n)
        return n;
    char text[IP_TEXT_MAX];
    ip_format(&s->peer.dst, text);
    bool v4 = ip_is_v4(&s->peer.dst);
    return (size_t)snprintf(out, SMTP_HOST_MAX, v4 ? "[%s]" : "[IPv6:%s]", text);
}

static struct span greeting(const struct session *s, char out[SMTP_HOST_MAX + 16])
{
    char host[SMTP_HOST_MAX];
    int n = (int)smtp_host(s, host);
    return span_of(out, (size_t)snprintf(out, SMTP_HOST_MAX + 16, "220 %.*s ESMTP\r\n", n, host));
}

static void keep_first(struct session *s, struct buf *b, struct span bytes)
{
    size_t keep = s->env->config->limits.raw_bytes, room = b->n < keep ? keep - b->n : 0;
    size_t n = bytes.n < room ? bytes.n : room;
    if (n && smtp_room(s, b, n))
        buf_put(b, bytes.p, n);
}

/* While nothing was SMTP, what we say is kept too, the greeting as its first. */
static void keep_reply(struct session *s, struct span text)
{
    struct smtp_state *st = smtp_state(s);
    char line[SMTP_HOST_MAX + 16];
    if (!st->raw_server.cap)
        keep_first(s, &st->raw_server, greeting(s, line));
    keep_first(s, &st->raw_server, text);
}

/* A tarpit's replies come late. Without memory for them they come at once. */
static bool hold(struct session *s, struct span text)
{
    struct smtp_state *st = smtp_state(s);
    uint32_t delay = st->policy->smtp.delay_ms;
    if (smtp_answer(s) != POLICY_SMTP_TARPIT || !delay || !smtp_room(s, &st->held, text.n))
        return false;
    buf_span(&st->held, text);
    s->wake_at = s->env->tick + (delay < SMTP_DELAY_MAX ? delay : SMTP_DELAY_MAX);
    s->paused = true;
    return true;
}

void smtp_reply_span(struct session *s, struct span text)
{
    struct smtp_state *st = smtp_state(s);
    smtp_turn_close(st, (const char *)text.p);
    st->last_reply = smtp_code((const char *)text.p);
    if (!st->valid && st->sent)
        keep_reply(s, text);
    st->sent += text.n;
    if (hold(s, text))
        return;
    buf_span(s->out, text);
    st->reply_tick = s->env->tick;
}

void smtp_reply(struct session *s, const char *text)
{
    smtp_reply_span(s, span_str(text));
}

/* ---- mail ---- */

static size_t mail_max(const struct session *s)
{
    return (size_t)s->env->config->limits.mail_mib << 20;
}

/* How long the mail may get by n more bytes: what is above the limit, or has no memory, is counted
 * and not kept. Once there was no memory the mail ends there: no hole is left in it. */
static size_t mail_room(struct session *s, size_t n)
{
    struct smtp_state *st = smtp_state(s);
    size_t max = mail_max(s), room = st->mail.n < max ? max - st->mail.n : 0;
    if (!st->no_memory && !smtp_room(s, &st->mail, n < room ? n : room))
        st->no_memory = true;
    return st->no_memory && st->mail.cap < max ? st->mail.cap : max;
}

static const char *verdict(const struct session *s)
{
    const struct smtp_state *st = smtp_state(s);
    if (st->size > mail_max(s))
        return "552 5.3.4 message is too big\r\n";
    if (st->no_memory)
        return "452 4.3.1 no memory\r\n";
    if (smtp_answer(s) == POLICY_SMTP_ACCEPT_450)
        return "450 4.2.0 try again later\r\n";
    return "250 2.0.0 ok\r\n";
}

static enum session_next deferred(struct session *s, const char *reply)
{
    net_count(s->env, smtp_deferred, 1);
    smtp_reply(s, reply);
    return SESSION_GO_ON;
}

/* Records the mail and says so, once it is stored. */
static enum session_next mail_record(struct session *s, const struct authority_match *match)
{
    struct smtp_state *st = smtp_state(s);
    const char *reply = verdict(s);
    char answer[4] = {reply[0], reply[1], reply[2], 0};
    uint64_t ticket = 0;
    bool taken = *reply == '2', no_memory = st->no_memory;
    if (st->size > st->mail.n)
        st->notes |= SMTP_NOTE_CUT;
    bool recorded = smtp_record(s, match, answer, true, taken ? &ticket : NULL);
    smtp_transaction_reset(s);
    if (no_memory || (taken && !recorded))
        return deferred(s, taken ? "451 4.3.0 try again later\r\n" : reply);
    if (ticket)
        s->ticket = ticket; /* smtp_stored() answers */
    else
        smtp_reply(s, reply);
    return SESSION_GO_ON;
}

enum session_next smtp_mail_done(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    struct authority_match match;
    st->mode = SMTP_MODE_COMMAND;
    st->junk = 0;
    net_count(s->env, smtp_mails, 1);
    if (smtp_authority(s, &match)) {
        if (!s->env->storage_full(s->env))
            return mail_record(s, &match);
        smtp_forget(st);
        smtp_transaction_reset(s);
        return deferred(s, "452 4.3.1 no space\r\n");
    }
    smtp_forget(st); /* the order ran out meanwhile */
    smtp_transaction_reset(s);
    net_count(s->env, smtp_refused, 1);
    smtp_reply(s, "550 5.7.1 not here\r\n");
    return SESSION_GO_ON;
}

/* ---- input ---- */

/* All that is there now came before the reply that the client had to wait for. */
static void early(struct smtp_state *st, const struct cur *in)
{
    const uint8_t *from = st->counted_to && st->counted_to > in->p ? st->counted_to : in->p;
    st->early += (uint64_t)(in->end - from);
    st->counted_to = in->end;
}

/* Behind a command, or a mail, whose reply the client has to read. */
static void must_wait(struct session *s, const struct cur *in)
{
    if (s->paused)
        smtp_state(s)->held_sync = true;
    else
        early(smtp_state(s), in);
}

static enum session_next read_mail(struct session *s, struct cur *in)
{
    struct smtp_state *st = smtp_state(s);
    size_t max = mail_room(s, cur_left(in) + 1); /* a CR may be owed from the call before */
    if (smtp_data_next(&st->data, in, max, &st->mail, &st->size) != 1)
        return SESSION_GO_ON;
    enum session_next next = smtp_mail_done(s);
    if (!st->esmtp) /* RFC 2920, 3.1 lets the others send the next group along */
        must_wait(s, in);
    return next;
}

static enum session_next read_chunk(struct session *s, struct cur *in)
{
    struct smtp_state *st = smtp_state(s);
    size_t n = cur_left(in) < st->bdat_left ? cur_left(in) : (size_t)st->bdat_left;
    if (!st->bdat_refused) {
        size_t max = mail_room(s, n), room = st->mail.n < max ? max - st->mail.n : 0;
        buf_put(&st->mail, in->p, n < room ? n : room);
        st->size += n;
    }
    in->p += n;
    st->bdat_left -= n;
    return st->bdat_left ? SESSION_GO_ON : smtp_chunk_done(s);
}

static enum session_next read_line(struct session *s, struct cur *in)
{
    struct smtp_state *st = smtp_state(s);
    struct smtp_command cmd;
    if (smtp_command_parse(span_of(in->p, cur_left(in)), &cmd) != 1)
        return SESSION_GO_ON;
    in->p += cmd.line.n;
    bool response = st->mode == SMTP_MODE_AUTH;
    enum session_next next = response ? smtp_auth_line(s, &cmd) : smtp_command(s, &cmd);
    if (response || smtp_must_wait(st, cmd.verb))
        must_wait(s, in);
    if (next == SESSION_STARTTLS)
        in->p = in->end; /* RFC 3207, 4.2: nothing said in the clear counts behind it */
    return next;
}

static enum session_next step(struct session *s, struct cur *in)
{
    struct smtp_state *st = smtp_state(s);
    switch (st->mode) {
    case SMTP_MODE_DATA:
        return read_mail(s, in);
    case SMTP_MODE_BDAT:
        return read_chunk(s, in);
    case SMTP_MODE_SKIP:
        if (smtp_line_skip(in))
            st->mode = SMTP_MODE_COMMAND;
        return SESSION_GO_ON;
    default:
        return read_line(s, in);
    }
}

/* The end of a conversation waits for a tarpit's last reply. */
static enum session_next or_later(struct session *s, enum session_next next)
{
    smtp_state(s)->over |= next == SESSION_CLOSE;
    if (next == SESSION_GO_ON || !s->paused)
        return next;
    smtp_state(s)->held_next = next;
    return SESSION_GO_ON;
}

/* Counts what was consumed, and keeps it as long as nothing was SMTP. */
static void consumed(struct session *s, struct span bytes)
{
    struct smtp_state *st = smtp_state(s);
    st->received += bytes.n;
    if (!st->valid) {
        keep_first(s, &st->raw_client, bytes);
    } else if (st->raw_client.cap || st->raw_server.cap) {
        smtp_drop(s, &st->raw_client);
        smtp_drop(s, &st->raw_server);
    }
}

static enum session_next smtp_data_in(struct session *s, struct cur *in)
{
    struct smtp_state *st = smtp_state(s);
    enum session_next next = SESSION_GO_ON;
    bool early_now = st->early_next && st->reply_tick == s->env->tick;
    st->early_next &= early_now && !cur_left(in);
    if (!cur_left(in))
        return next;
    const uint8_t *start = in->p;
    size_t counted = st->early_counted < cur_left(in) ? st->early_counted : cur_left(in);
    st->counted_to = start + counted;
    if (early_now)
        early(st, in);
    while (next == SESSION_GO_ON && cur_left(in) && !s->ticket && !s->paused) {
        const uint8_t *before = in->p;
        next = step(s, in);
        if (in->p == before)
            break; /* an unfinished line */
    }
    consumed(s, span_of(start, (size_t)(in->p - start)));
    st->early_counted = st->counted_to > in->p ? (size_t)(st->counted_to - in->p) : 0;
    return or_later(s, next);
}

/* ---- a connection's life ---- */

static enum session_next smtp_begin(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    struct authority_match match;
    char line[SMTP_HOST_MAX + 16];
    bool within = session_destination(s, &match);
    if (!within && !authority_any_name(s->env->authority, s->env->now)) {
        net_count(s->env, smtp_refused, 1);
        return SESSION_CLOSE;
    }
    st->policy = net_policy(s->env->config, within ? match.asset.policy : span_of(NULL, 0));
    net_count(s->env, smtp_sessions, 1);
    smtp_reply_span(s, greeting(s, line));
    if (s->paused)
        st->held_sync = true;
    else
        st->early_next = !s->quiet_since_begin;
    return SESSION_GO_ON;
}

static enum session_next smtp_wake(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    s->paused = false;
    s->wake_at = 0;
    if (!st->held.n)
        return SESSION_GO_ON;
    buf_span(s->out, buf_as_span(&st->held));
    st->held.n = 0;
    st->reply_tick = s->env->tick;
    st->early_next = st->held_sync;
    st->held_sync = false;
    enum session_next next = st->held_next;
    st->held_next = SESSION_GO_ON;
    return next;
}

static enum session_next smtp_stored(struct session *s, bool good)
{
    s->ticket = 0;
    if (!good)
        return deferred(s, "451 4.3.0 try again later\r\n");
    smtp_reply(s, "250 2.0.0 ok\r\n");
    return SESSION_GO_ON;
}

/* RFC 3207, 4.2: as if the client had just connected, but for its place in the dialogue. */
static enum session_next smtp_begin_tls(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    smtp_transaction_reset(s);
    st->mode = SMTP_MODE_COMMAND;
    st->esmtp = st->authenticated = st->auth_behind = st->early_next = false;
    st->helo_len = 0;
    st->early_counted = 0;
    st->reply_tick = s->env->tick;
    return SESSION_GO_ON;
}

/* Bytes that were no SMTP at all are what a raw listener would have taken. */
static void record_raw(struct session *s, struct span rest, const struct authority_match *match)
{
    struct smtp_state *st = smtp_state(s);
    char line[SMTP_HOST_MAX + 16];
    struct span server = st->raw_server.n ? buf_as_span(&st->raw_server) : greeting(s, line);
    size_t keep = s->env->config->limits.raw_bytes;
    keep_first(s, &st->raw_client, rest);
    server.n = server.n < keep ? server.n : keep;
    raw_server_record(s->env, &s->peer, match, buf_as_span(&st->raw_client), st->received + rest.n,
                      server, st->sent);
}

/* What no mail's event has yet. */
static bool something_new(const struct smtp_state *st)
{
    return !st->recorded || st->has_from || st->sealed.n;
}

static void record_rest(struct session *s, struct cur *rest)
{
    struct smtp_state *st = smtp_state(s);
    struct span bytes = span_of(rest->p, st->over ? 0 : cur_left(rest));
    struct authority_match match;
    char answer[4] = "";
    if (bytes.n && (st->mode == SMTP_MODE_COMMAND || st->mode == SMTP_MODE_AUTH))
        smtp_note_rest(s, bytes);
    if (!something_new(st))
        return;
    if (!smtp_authority(s, &match)) {
        net_count(s->env, smtp_refused, !st->refused);
        return;
    }
    if (!st->valid && st->received + bytes.n) {
        record_raw(s, bytes, &match);
        return;
    }
    if (st->mode == SMTP_MODE_DATA || st->mode == SMTP_MODE_BDAT || st->chunking)
        st->notes |= SMTP_NOTE_ABORTED;
    snprintf(answer, sizeof answer, "%u", st->last_reply % 1000u);
    smtp_record(s, &match, answer, false, NULL);
}

static void smtp_end(struct session *s, enum session_end why, struct cur *rest)
{
    struct smtp_state *st = smtp_state(s);
    if (!st->policy)
        return; /* closed before a word was said */
    record_rest(s, rest);
    smtp_mail_drop(s);
    struct buf *all[] = {&st->raw_client, &st->raw_server, &st->envelope, &st->sealed,
                         &st->dialogue,   &st->turns,      &st->held};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        smtp_drop(s, all[i]);
}

const struct session_type smtp_session = {
    .name = "smtp",
    .state_size = sizeof(struct smtp_state),
    .begin = smtp_begin,
    .data = smtp_data_in,
    .wake = smtp_wake,
    .stored = smtp_stored,
    .begin_tls = smtp_begin_tls,
    .end = smtp_end,
    .in_max = SMTP_IN_MAX,
};
