#include "net/smtp_internal.h"

#include <stdio.h>

#include "net/seal.h"
#include "wire/text.h"

/* ---- what was said ---- */

static void note_turn(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    int64_t ms = s->env->tick - st->reply_tick; /* 0 for what came while we had not answered yet */
    struct smtp_turn turn = {ms < 0 ? 0 : ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms, 0};
    buf_put(&st->turns, &turn, sizeof turn);
    st->turn_open = true;
}

void smtp_turn_close(struct smtp_state *st, const char *reply)
{
    if (!st->turn_open)
        return;
    struct smtp_turn *last = (struct smtp_turn *)(void *)(st->turns.p + st->turns.n) - 1;
    last->reply = smtp_code(reply);
    st->turn_open = false;
}

/* Bytes of a line that still fit into the dialogue; what does not is counted. */
static void note_bytes(struct session *s, struct span bytes)
{
    struct smtp_state *st = smtp_state(s);
    size_t room = SMTP_DIALOGUE_MAX - st->dialogue.n, n = bytes.n < room ? bytes.n : room;
    if (!smtp_room(s, &st->dialogue, n))
        n = 0;
    if (n < bytes.n) {
        st->notes |= SMTP_NOTE_LONG_DIALOGUE;
        st->dialogue_lost += bytes.n - n;
    }
    buf_put(&st->dialogue, bytes.p, n);
}

/* True when the line has a place: then its bytes are to follow. */
static bool note_begin(struct session *s, struct span line)
{
    struct smtp_state *st = smtp_state(s);
    if (st->dialogue.n < SMTP_DIALOGUE_MAX && !st->dialogue_lost &&
        st->turns.n < SMTP_TURNS_MAX * sizeof(struct smtp_turn) &&
        smtp_room(s, &st->turns, sizeof(struct smtp_turn))) {
        note_turn(s);
        return true;
    }
    st->notes |= SMTP_NOTE_LONG_DIALOGUE;
    st->dialogue_lost += line.n;
    st->turns_lost++;
    return false;
}

/* A line, of which `hidden` is replaced by its length and a word. */
static void note_line(struct session *s, struct span line, struct span hidden, const char *word)
{
    if (!note_begin(s, line))
        return;
    if (!hidden.n) {
        note_bytes(s, line);
        return;
    }
    char text[40];
    int n = snprintf(text, sizeof text, "[%zu %s]", hidden.n, word);
    note_bytes(s, span_of(line.p, (size_t)(hidden.p - line.p)));
    note_bytes(s, span_of(text, (size_t)n));
    const uint8_t *behind = hidden.p + hidden.n;
    note_bytes(s, span_of(behind, (size_t)(line.p + line.n - behind)));
}

static struct span without_ending(struct span line)
{
    if (line.n && line.p[line.n - 1] == '\n')
        line.n--;
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* Seals a secret; the word says what became of it. */
static const char *seal(struct session *s, struct span secret)
{
    struct smtp_state *st = smtp_state(s);
    const struct net_config *config = s->env->config;
    st->valid = true; /* what holds a secret is never written down as raw bytes */
    return config->seal && smtp_room(s, &st->sealed, secret.n + SEAL_EXTRA) &&
                   seal_push(config->seal_key, secret, s->env->arena, &st->sealed)
               ? "sealed"
               : "dropped";
}

void smtp_note_secret(struct session *s, const struct smtp_command *cmd)
{
    struct span secret = without_ending(cmd->line);
    smtp_state(s)->anomalies |= cmd->anomalies & ~(uint32_t)SMTP_SPACES;
    note_line(s, cmd->line, secret, secret.n ? seal(s, secret) : "");
}

static bool holds_auth(struct span word)
{
    for (size_t i = 0; i + 4 <= word.n; i++)
        if (text_starts(text_behind(word, i), "auth"))
            return true;
    return false;
}

/* What of AUTH's argument is secret: all but the name of a mechanism that we know as one. */
static struct span auth_secret(struct span argument)
{
    static const char *const mechanisms[] = {
        "plain",   "login",       "cram-md5",    "digest-md5",    "ntlm",     "gssapi",
        "xoauth2", "oauthbearer", "scram-sha-1", "scram-sha-256", "external", "anonymous",
    };
    size_t n = 0;
    while (n < argument.n && !text_is_space(argument.p[n]))
        n++;
    for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++)
        if (text_is(span_of(argument.p, n), mechanisms[i]))
            return text_trim_start(text_behind(argument, n));
    return argument;
}

void smtp_note_command(struct session *s, const struct smtp_command *cmd, bool outside)
{
    struct smtp_state *st = smtp_state(s);
    struct span text = without_ending(cmd->line), hidden = {NULL, 0};
    const char *word = "sealed";
    if (cmd->verb == SMTP_AUTH) {
        hidden = auth_secret(cmd->argument);
    } else if (cmd->verb == SMTP_UNKNOWN && (st->auth_behind || holds_auth(text))) {
        hidden = text;
    } else if (outside && cmd->argument.n) {
        hidden = span_of(cmd->argument.p, (size_t)(text.p + text.n - cmd->argument.p));
        word = "refused";
    }
    if (hidden.n && *word == 's')
        word = seal(s, hidden);
    st->anomalies |= cmd->anomalies;
    note_line(s, cmd->line, hidden, word);
}

void smtp_note_rest(struct session *s, struct span rest)
{
    struct smtp_command cmd;
    if (!rest.n || rest.n >= SMTP_LINE_MAX)
        return;
    uint8_t *line = arena_alloc(s->env->arena, rest.n + 1);
    memcpy(line, rest.p, rest.n);
    line[rest.n] = '\n';
    if (smtp_command_parse(span_of(line, rest.n + 1), &cmd) != 1)
        return;
    cmd.line.n--;
    cmd.anomalies &= ~(uint32_t)SMTP_BARE_LF; /* that was ours */
    struct authority_match match;
    smtp_state(s)->valid |= cmd.verb != SMTP_UNKNOWN;
    if (smtp_state(s)->mode == SMTP_MODE_AUTH)
        smtp_note_secret(s, &cmd);
    else /* a name that is not whole is not looked up */
        smtp_note_command(s, &cmd, smtp_names_mailbox(cmd.verb) && !session_destination(s, &match));
}

/* ---- envelope ---- */

/* Each path behind its length; the sender is the first. */
bool smtp_envelope_add(struct session *s, struct span path)
{
    struct smtp_state *st = smtp_state(s);
    uint8_t length[2];
    if (path.n > SMTP_PATH_KEPT)
        path.n = SMTP_PATH_KEPT;
    if (st->kept > EVENT_RCPT_MAX)
        return true; /* the dialogue still has it */
    if (!smtp_room(s, &st->envelope, 2 + path.n))
        return false;
    be16_put(length, (uint16_t)path.n);
    buf_put(&st->envelope, length, 2);
    buf_span(&st->envelope, path);
    st->kept++;
    return true;
}

static void envelope_read(struct session *s, struct event *ev)
{
    struct smtp_state *st = smtp_state(s);
    struct cur c = cur_of(buf_as_span(&st->envelope));
    struct span *rcpt = arena_alloc(s->env->arena, (st->kept + 1) * sizeof *rcpt);
    uint16_t n;
    size_t count = 0;
    if (cur_u16(&c, &n))
        cur_take(&c, n, &ev->smtp.mail_from);
    while (count < EVENT_RCPT_MAX && cur_u16(&c, &n) && cur_take(&c, n, &rcpt[count]))
        count++;
    ev->smtp.rcpt_to = (struct span_list){rcpt, count};
}

/* ---- authority ---- */

/* "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3) */
static bool literal(struct span text, struct ip *out)
{
    if (text.n < 2 || text.p[0] != '[' || text.p[text.n - 1] != ']')
        return false;
    text = span_of(text.p + 1, text.n - 2);
    if (text_starts(text, "ipv6:"))
        text = text_behind(text, 5);
    return ip_parse(text, out);
}

bool smtp_domain_authority(const struct session *s, struct span domain, struct authority_match *out)
{
    const struct net_env *env = s->env;
    struct ip ip;
    if (literal(domain, &ip))
        return authority_address(env->authority, &ip, s->peer.dst_port, AUTHORITY_TCP, env->now,
                                 out);
    return domain.n && authority_host(env->authority, domain, env->now, out);
}

bool smtp_authority(const struct session *s, struct authority_match *out)
{
    const struct smtp_state *st = smtp_state(s);
    return (st->domain_len && smtp_domain_authority(s, span_of(st->domain, st->domain_len), out)) ||
           session_destination(s, out) ||
           (s->peer.tls && s->peer.tls->sni.n &&
            authority_host(s->env->authority, s->peer.tls->sni, s->env->now, out));
}

/* ---- event ---- */

static uint8_t *put_number(uint8_t *p, uint32_t v)
{
    uint8_t digits[10];
    size_t n = 0;
    do
        digits[n++] = (uint8_t)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = digits[--n];
    return p;
}

/* "12,0,3" and "250 250 354". */
static void put_turns(struct session *s, struct event *ev)
{
    const struct buf *b = &smtp_state(s)->turns;
    const struct smtp_turn *turns = (const struct smtp_turn *)(const void *)b->p;
    size_t n = b->n / sizeof *turns;
    uint8_t *timing = arena_alloc(s->env->arena, n * 11 + 1), *at = timing;
    uint8_t *replies = arena_alloc(s->env->arena, n * 6 + 1), *to = replies;
    for (size_t i = 0; i < n; i++) {
        if (i) {
            *at++ = ',';
            *to++ = ' ';
        }
        at = put_number(at, turns[i].ms);
        to = put_number(to, turns[i].reply);
    }
    ev->smtp.timing = span_of(timing, (size_t)(at - timing));
    ev->smtp.replies = span_of(replies, (size_t)(to - replies));
}

static struct span anomaly_words(struct session *s)
{
    static const char *const words[] = {"cut", "aborted", "long-dialogue"};
    const struct smtp_state *st = smtp_state(s);
    uint32_t lines = st->anomalies | st->data.anomalies;
    if (!lines && !st->notes)
        return span_of(NULL, 0);
    struct buf text = {0};
    smtp_anomaly_words(lines, &text);
    if (lines && st->notes)
        buf_byte(&text, ' ');
    text_bit_words(st->notes, words, sizeof words / sizeof *words, &text);
    struct span out = span_of(arena_copy(s->env->arena, text.p, text.n), text.n);
    buf_free(&text);
    return out;
}

/* The dialogue, marked where lines are missing. */
static struct span dialogue_text(struct session *s)
{
    const struct smtp_state *st = smtp_state(s);
    if (!st->dialogue_lost)
        return buf_as_span(&st->dialogue);
    char *text = arena_alloc(s->env->arena, st->dialogue.n + 80);
    if (st->dialogue.n)
        memcpy(text, st->dialogue.p, st->dialogue.n);
    int n = snprintf(text + st->dialogue.n, 80, "[%llu bytes more, %u lines]",
                     (unsigned long long)st->dialogue_lost, st->turns_lost);
    return span_of(text, st->dialogue.n + (size_t)n);
}

void smtp_forget(struct smtp_state *st)
{
    st->dialogue.n = st->turns.n = st->sealed.n = 0;
    st->dialogue_lost = st->early = 0;
    st->turns_lost = 0;
    st->turn_open = false;
    st->anomalies = st->notes = st->data.anomalies = 0;
}

bool smtp_record(struct session *s, const struct authority_match *match, const char *answer,
                 bool with_mail, uint64_t *ticket)
{
    struct smtp_state *st = smtp_state(s);
    struct span mail = buf_as_span(&st->mail);
    struct event ev;
    smtp_turn_close(st, answer);
    net_event(s->env, &s->peer, match, KIND_SMTP, &ev);
    ev.protocol = span_of("smtp", 4);
    ev.answer = span_str(answer);
    ev.smtp.has = true;
    ev.smtp.helo = span_of(st->helo, st->helo_len);
    envelope_read(s, &ev);
    put_turns(s, &ev);
    ev.smtp.dialogue = dialogue_text(s);
    ev.smtp.anomalies = anomaly_words(s);
    ev.smtp.auth = buf_as_span(&st->sealed);
    ev.smtp.early = st->early;
    ev.smtp.size = st->size;
    if (mail.n)
        ev.smtp.subject = smtp_mail_header(mail, "Subject");
    bool recorded = net_record(s->env, &ev, with_mail ? mail : span_of(NULL, 0), ticket);
    st->recorded = true;
    smtp_forget(st);
    return recorded;
}
