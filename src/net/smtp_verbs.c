#include "net/smtp_internal.h"

#include <stdio.h>

#include "wire/text.h"

/* What a command line is for the function that answers it. */
struct said {
    const struct smtp_command *cmd;
    struct authority_match match;
    bool within; /* RCPT, VRFY, EXPN: match gives authority */
};

static enum session_next go_on(struct session *s, const char *reply)
{
    smtp_reply(s, reply);
    return SESSION_GO_ON;
}

enum session_next smtp_too_many(struct session *s)
{
    smtp_reply(s, "421 4.7.0 too many errors\r\n");
    return SESSION_CLOSE;
}

/* A command that is none. */
static enum session_next bad(struct session *s, const char *reply)
{
    if (++smtp_state(s)->bad > SMTP_BAD_MAX)
        return smtp_too_many(s);
    return go_on(s, reply);
}

/* A command that by itself leads nowhere. */
static enum session_next junk(struct session *s, const char *reply)
{
    if (++smtp_state(s)->junk > SMTP_JUNK_MAX)
        return smtp_too_many(s);
    return go_on(s, reply);
}

void smtp_transaction_reset(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    struct authority_match match;
    if (st->rejected && !st->rcpts && smtp_authority(s, &match))
        smtp_record(s, &match, "550", false, NULL);
    st->has_from = st->binary = st->chunking = st->no_memory = false;
    st->rcpts = st->rejected = st->kept = 0;
    st->envelope.n = 0;
    st->size = 0;
    st->data = (struct smtp_data){0};
    smtp_mail_drop(s);
}

/* Nothing more can be kept for now. */
static enum session_next full(struct session *s, const char *reply)
{
    net_count(s->env, smtp_deferred, 1);
    return junk(s, reply);
}

#define NO_SPACE  "452 4.3.1 no space\r\n"
#define NO_MEMORY "452 4.3.1 no memory\r\n"

/* ---- greeting ---- */

static void take_name(struct session *s, struct span name, bool esmtp)
{
    struct smtp_state *st = smtp_state(s);
    smtp_transaction_reset(s); /* may record, with the name as it was */
    st->esmtp = esmtp;
    st->helo_len = (uint8_t)(name.n < SMTP_HELO_MAX ? name.n : SMTP_HELO_MAX);
    memcpy(st->helo, name.p, st->helo_len);
}

static enum session_next helo(struct session *s, struct said *said)
{
    struct span name = said->cmd->argument;
    bool esmtp = said->cmd->verb == SMTP_EHLO;
    if (!name.n)
        return bad(s, "501 5.5.4 a host name is wanted\r\n");
    if (++smtp_state(s)->junk > SMTP_JUNK_MAX)
        return smtp_too_many(s);
    const struct smtp_server *server = s->env->smtp;
    const struct buf *list = s->peer.tls ? &server->ehlo_tls : &server->ehlo;
    char host[SMTP_HOST_MAX], text[SMTP_HOST_MAX + SMTP_EHLO_MAX];
    int n =
        snprintf(text, sizeof text, "250%c%.*s\r\n%.*s", esmtp ? '-' : ' ', (int)smtp_host(s, host),
                 host, esmtp ? (int)list->n : 0, (const char *)list->p);
    smtp_reply_span(s, span_of(text, (size_t)n));
    take_name(s, name, esmtp);
    return SESSION_GO_ON;
}

static enum session_next starttls(struct session *s, struct said *said)
{
    if (s->peer.tls)
        return bad(s, "503 5.5.1 TLS is in use\r\n");
    if (said->cmd->argument.n)
        return bad(s, "501 5.5.4 no parameters are taken\r\n");
    smtp_reply(s, "220 2.0.0 go ahead\r\n");
    return SESSION_STARTTLS;
}

/* ---- envelope ---- */

/* The next word of MAIL's or RCPT's parameters: "SIZE" and "1000". */
static bool next_param(struct span *rest, struct span *key, struct span *value)
{
    *rest = text_trim_start(*rest);
    if (!rest->n)
        return false;
    size_t n = 0;
    while (n < rest->n && !text_is_space(rest->p[n]))
        n++;
    struct span word = span_of(rest->p, n);
    size_t equals = text_find(word, '=');
    *key = span_of(word.p, equals);
    *value = equals < n ? text_behind(word, equals + 1) : span_of(NULL, 0);
    *rest = text_behind(*rest, n);
    return true;
}

/* NULL, or the reply to a parameter that is not taken (RFC 1870, 6152, 3030, 6531, 4954). */
static const char *mail_params(const struct session *s, struct span rest, bool *binary)
{
    struct span key, value;
    uint64_t size;
    while (next_param(&rest, &key, &value)) {
        if (text_is(key, "size")) {
            if (!text_number(value, &size))
                return "501 5.5.4 SIZE wants a number\r\n";
            if (size > (uint64_t)s->env->config->limits.mail_mib << 20)
                return "552 5.3.4 message is too big\r\n";
        } else if (text_is(key, "body")) {
            *binary = text_is(value, "binarymime");
            if (!*binary && !text_is(value, "8bitmime") && !text_is(value, "7bit"))
                return "501 5.5.4 BODY is not known\r\n";
        } else if (!text_is(key, "smtputf8") && !text_is(key, "auth")) {
            return "555 5.5.4 parameter is not known\r\n";
        }
    }
    return NULL;
}

static enum session_next mail(struct session *s, struct said *said)
{
    struct smtp_state *st = smtp_state(s);
    bool binary = false;
    if (st->has_from)
        return junk(s, "503 5.5.1 a sender was given\r\n");
    if (!said->cmd->path)
        return bad(s, "501 5.5.4 MAIL FROM:<address> is wanted\r\n");
    const char *refused = mail_params(s, said->cmd->params, &binary);
    if (refused)
        return junk(s, refused);
    if (++st->transactions > s->env->config->limits.requests) {
        smtp_reply(s, "421 4.7.0 enough for one connection\r\n");
        return SESSION_CLOSE;
    }
    if (s->env->storage_full(s->env))
        return full(s, NO_SPACE);
    smtp_transaction_reset(s);
    if (!smtp_envelope_add(s, said->cmd->argument))
        return full(s, NO_MEMORY);
    st->has_from = true;
    st->binary = binary;
    return go_on(s, "250 2.1.0 ok\r\n");
}

static struct span domain_of(struct span mailbox)
{
    const uint8_t *at = mailbox.n ? memrchr(mailbox.p, '@', mailbox.n) : NULL;
    return at ? text_behind(mailbox, (size_t)(at + 1 - mailbox.p)) : span_of(NULL, 0);
}

bool smtp_names_mailbox(enum smtp_verb verb)
{
    return verb == SMTP_RCPT || verb == SMTP_VRFY || verb == SMTP_EXPN;
}

/* Whether the case answers for this: by the domain behind the name, which says most about whose
 * mail it is, else by the destination. */
static bool look_up(const struct session *s, const struct smtp_command *cmd,
                    struct authority_match *out)
{
    struct span mailbox = cmd->verb == SMTP_RCPT ? cmd->mailbox : cmd->argument;
    if (cmd->verb != SMTP_RCPT && mailbox.n && mailbox.p[mailbox.n - 1] == '>')
        mailbox.n--;
    return smtp_domain_authority(s, domain_of(mailbox), out) || session_destination(s, out);
}

/* From here on authority rests on this recipient, where its domain gives it. */
static void rest_on(struct session *s, const struct said *said)
{
    struct smtp_state *st = smtp_state(s);
    struct span domain = domain_of(said->cmd->mailbox);
    struct authority_match match;
    st->policy = net_policy(s->env->config, said->match.asset.policy);
    if (st->rcpts + st->rejected > 0 || domain.n >= sizeof st->domain)
        return;
    st->domain_len = 0;
    if (!smtp_domain_authority(s, domain, &match))
        return;
    st->domain_len = (uint8_t)domain.n;
    memcpy(st->domain, domain.p, domain.n);
}

static enum session_next rcpt(struct session *s, struct said *said)
{
    struct smtp_state *st = smtp_state(s);
    struct span key, value, params = said->cmd->params;
    if (!st->has_from || st->chunking)
        return junk(s, "503 5.5.1 MAIL comes first\r\n");
    if (!said->cmd->path || !said->cmd->mailbox.n)
        return bad(s, "501 5.1.3 RCPT TO:<address> is wanted\r\n");
    if (next_param(&params, &key, &value))
        return junk(s, "555 5.5.4 parameter is not known\r\n");
    if (!said->within) {
        st->refused = true;
        net_count(s->env, smtp_refused, 1);
        return junk(s, "550 5.7.1 not here\r\n");
    }
    if (st->rcpts >= s->env->config->limits.mail_recipients)
        return junk(s, "452 4.5.3 too many recipients\r\n");
    if (!smtp_envelope_add(s, said->cmd->argument))
        return full(s, NO_MEMORY);
    rest_on(s, said);
    if (smtp_answer(s) == POLICY_SMTP_REJECT) {
        st->rejected++;
        return junk(s, "550 5.1.1 no such mailbox\r\n");
    }
    st->rcpts++;
    return go_on(s, "250 2.1.5 ok\r\n");
}

static enum session_next rset(struct session *s, struct said *said)
{
    enum session_next next = junk(s, "250 2.0.0 ok\r\n");
    smtp_transaction_reset(s); /* may record: the reply belongs to it */
    return next;
}

/* ---- content ---- */

/* NULL when content may come. */
static const char *content_refused(const struct smtp_state *st)
{
    if (!st->has_from)
        return "503 5.5.1 MAIL comes first\r\n";
    return st->rcpts ? NULL : "554 5.5.1 no valid recipients\r\n";
}

static enum session_next data(struct session *s, struct said *said)
{
    struct smtp_state *st = smtp_state(s);
    const char *refused = content_refused(st);
    if (!refused && (st->chunking || st->binary))
        refused = "503 5.5.1 BDAT is wanted\r\n"; /* RFC 3030, 2 and 3 */
    if (refused)
        return junk(s, refused);
    if (!smtp_mail_begin(s))
        return full(s, NO_MEMORY);
    st->mode = SMTP_MODE_DATA;
    return go_on(s, "354 end with <CRLF>.<CRLF>\r\n");
}

/* RFC 3030, 2: the bytes come whatever we say, and the reply is behind them. */
static enum session_next bdat(struct session *s, struct said *said)
{
    struct smtp_state *st = smtp_state(s);
    const struct smtp_command *cmd = said->cmd;
    if (cmd->anomalies & SMTP_BAD_SIZE)
        return bad(s, "501 5.5.4 BDAT wants a number\r\n");
    st->bdat_left = st->bdat_size = cmd->bdat_size;
    st->bdat_last = cmd->bdat_last;
    st->bdat_refused = content_refused(st);
    if (!st->bdat_refused && !smtp_mail_begin(s)) {
        net_count(s->env, smtp_deferred, 1);
        st->bdat_refused = NO_MEMORY;
    }
    if (!st->bdat_refused)
        st->chunking = true;
    st->mode = SMTP_MODE_BDAT;
    return st->bdat_left ? SESSION_GO_ON : smtp_chunk_done(s);
}

enum session_next smtp_chunk_done(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    char text[64];
    st->mode = SMTP_MODE_COMMAND;
    if (st->bdat_refused)
        return junk(s, st->bdat_refused);
    if (st->bdat_last)
        return smtp_mail_done(s);
    if (!st->bdat_size && ++st->junk > SMTP_JUNK_MAX)
        return smtp_too_many(s);
    snprintf(text, sizeof text, "250 2.0.0 %llu octets\r\n", (unsigned long long)st->bdat_size);
    return go_on(s, text);
}

/* ---- credentials ---- */

static enum session_next auth_done(struct session *s)
{
    struct smtp_state *st = smtp_state(s);
    st->mode = SMTP_MODE_COMMAND;
    st->auth_behind = true;
    if (smtp_answer(s) == POLICY_SMTP_REJECT)
        return junk(s, "535 5.7.8 credentials are invalid\r\n");
    st->authenticated = true;
    return junk(s, "235 2.7.0 ok\r\n");
}

static enum session_next auth_ask(struct session *s, unsigned left, const char *reply)
{
    struct smtp_state *st = smtp_state(s);
    st->auth_left = left;
    st->mode = SMTP_MODE_AUTH;
    return go_on(s, reply);
}

/* Base64 of "Username:" and "Password:". */
#define ASK_USER "334 VXNlcm5hbWU6\r\n"
#define ASK_PASS "334 UGFzc3dvcmQ6\r\n"

/* Any credentials are good, so that the dialogue goes on; what they are is only kept sealed. */
static enum session_next auth(struct session *s, struct said *said)
{
    struct smtp_state *st = smtp_state(s);
    struct span rest = said->cmd->argument, mechanism, none;
    st->auth_behind = true;
    if (st->has_from || st->authenticated)
        return junk(s, "503 5.5.1 not now\r\n");
    if (!next_param(&rest, &mechanism, &none))
        return bad(s, "501 5.5.4 a mechanism is wanted\r\n");
    bool initial = text_trim_start(rest).n > 0;
    if (text_is(mechanism, "login"))
        return auth_ask(s, initial ? 1 : 2, initial ? ASK_PASS : ASK_USER);
    if (!text_is(mechanism, "plain"))
        return junk(s, "504 5.5.4 mechanism is not known\r\n");
    return initial ? auth_done(s) : auth_ask(s, 1, "334 \r\n");
}

enum session_next smtp_auth_line(struct session *s, const struct smtp_command *cmd)
{
    struct smtp_state *st = smtp_state(s);
    struct span line = cmd->line;
    smtp_note_secret(s, cmd);
    if (cmd->anomalies & SMTP_LONG_LINE) {
        st->mode = SMTP_MODE_SKIP;
        return bad(s, "500 5.5.6 line is too long\r\n");
    }
    if (line.n <= 3 && line.p[0] == '*') { /* RFC 4954, 4 */
        st->mode = SMTP_MODE_COMMAND;
        return junk(s, "501 5.7.0 cancelled\r\n");
    }
    if (--st->auth_left == 0)
        return auth_done(s);
    return auth_ask(s, st->auth_left, ASK_PASS);
}

/* ---- the rest ---- */

static enum session_next noop(struct session *s, struct said *said)
{
    return junk(s, "250 2.0.0 ok\r\n");
}

static enum session_next help(struct session *s, struct said *said)
{
    return junk(s, "214 2.0.0 RFC 5321\r\n");
}

static enum session_next vrfy(struct session *s, struct said *said)
{
    if (!said->cmd->argument.n)
        return bad(s, "501 5.5.4 a mailbox is wanted\r\n");
    return junk(s, "252 2.5.0 send some mail\r\n");
}

static enum session_next not_done(struct session *s, struct said *said)
{
    return junk(s, "502 5.5.1 not implemented\r\n");
}

static enum session_next quit(struct session *s, struct said *said)
{
    smtp_reply(s, "221 2.0.0 bye\r\n");
    return SESSION_CLOSE;
}

static enum session_next unknown(struct session *s, struct said *said)
{
    return bad(s, "500 5.5.2 command is not known\r\n");
}

static enum session_next (*const answers[])(struct session *s, struct said *said) = {
    [SMTP_UNKNOWN] = unknown,   [SMTP_HELO] = helo, [SMTP_EHLO] = helo,     [SMTP_MAIL] = mail,
    [SMTP_RCPT] = rcpt,         [SMTP_DATA] = data, [SMTP_BDAT] = bdat,     [SMTP_RSET] = rset,
    [SMTP_QUIT] = quit,         [SMTP_NOOP] = noop, [SMTP_VRFY] = vrfy,     [SMTP_AUTH] = auth,
    [SMTP_STARTTLS] = starttls, [SMTP_HELP] = help, [SMTP_EXPN] = not_done, [SMTP_ETRN] = not_done,
    [SMTP_TURN] = not_done,
};

bool smtp_must_wait(const struct smtp_state *st, enum smtp_verb verb)
{
    if (verb == SMTP_BDAT)
        return false;
    return !st->esmtp || !(verb == SMTP_MAIL || verb == SMTP_RCPT || verb == SMTP_RSET);
}

enum session_next smtp_command(struct session *s, const struct smtp_command *cmd)
{
    struct smtp_state *st = smtp_state(s);
    struct said said = {.cmd = cmd};
    if (smtp_names_mailbox(cmd->verb))
        said.within = look_up(s, cmd, &said.match);
    st->valid |= cmd->verb != SMTP_UNKNOWN;
    if (cmd->verb != SMTP_UNKNOWN)
        st->auth_behind = false;
    smtp_note_command(s, cmd, smtp_names_mailbox(cmd->verb) && !said.within);
    if (cmd->anomalies & SMTP_LONG_LINE) {
        st->mode = SMTP_MODE_SKIP;
        return bad(s, "500 5.5.6 line is too long\r\n");
    }
    return answers[cmd->verb](s, &said);
}
