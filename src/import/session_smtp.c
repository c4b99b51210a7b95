/* SMTP: an event for each mail, with the command lines that led to it, and one for a dialogue that
 * led to none. The server's side only decides what cannot be told from the client's: whether DATA
 * and STARTTLS were accepted. */
#include "import/session.h"

#define PATH_MAX_KEPT 1024 /* bytes of an address */

static void envelope_clear(struct session_smtp *m)
{
    m->envelope.n = 0;
    m->rcpts = 0;
    m->has_from = false;
}

static void envelope_add(const struct session_call *c, struct span address)
{
    struct buf *e = &c->s->smtp.envelope;
    uint8_t length[2];
    if (address.n > PATH_MAX_KEPT)
        address.n = PATH_MAX_KEPT;
    be16_put(length, (uint16_t)address.n);
    session_take(c->out, e);
    buf_put(e, length, 2);
    buf_span(e, address);
}

/* The envelope as spans: from, then recipients into rcpt[EVENT_RCPT_MAX]. */
static struct span envelope_read(const struct session_smtp *m, struct span *rcpt)
{
    struct span from = {NULL, 0};
    uint16_t n;
    if (!m->envelope.n)
        return from;
    struct cur c = cur_of(buf_as_span(&m->envelope));
    if (m->has_from && cur_u16(&c, &n))
        cur_take(&c, n, &from);
    for (unsigned i = 0; i < m->rcpts; i++) {
        if (!cur_u16(&c, &n) || !cur_take(&c, n, &rcpt[i]))
            rcpt[i] = span_of(NULL, 0);
    }
    return from;
}

/* Makes the event of a mail (or, without one, of a dialogue) and starts anew behind it. */
static void emit(const struct session_call *c, bool mail)
{
    struct session_smtp *m = &c->s->smtp;
    c->s->events = true;
    if (!session_skip(c->out)) {
        struct span rcpt[EVENT_RCPT_MAX];
        uint8_t sha[SHA256_LEN];
        struct packet_at at = m->has_from ? m->at : c->s->at;
        struct event ev = session_event(c->ends, c->s->client, KIND_SMTP, "smtp", &at);
        ev.smtp.has = true;
        ev.smtp.helo = buf_as_span(&m->helo);
        ev.smtp.dialogue = buf_as_span(&m->dialogue);
        ev.smtp.mail_from = envelope_read(m, rcpt);
        ev.smtp.rcpt_to = (struct span_list){rcpt, m->rcpts};
        if (mail) {
            ev.smtp.size = m->size;
            if (m->mail.n)
                ev.smtp.subject = smtp_mail_header(buf_as_span(&m->mail), "Subject");
            if (session_blob(c->out, buf_as_span(&m->mail), sha, &at))
                ev.smtp.blob = span_of(sha, sizeof sha);
        }
        session_emit(c->out, &ev);
    }
    m->dialogue.n = 0;
    envelope_clear(m);
    session_give(c->out, &m->mail);
    m->size = 0;
    m->data = (struct smtp_data){0};
    m->skip_mail = m->bdat_last = false;
    m->mode = SMTP_MODE_COMMAND;
}

static void note_line(const struct session_call *c, struct span line)
{
    struct buf *d = &c->s->smtp.dialogue;
    size_t room = d->n < SESSION_DIALOGUE_MAX ? SESSION_DIALOGUE_MAX - d->n : 0;
    session_take(c->out, d);
    buf_put(d, line.p, line.n < room ? line.n : room);
}

static void take_mail_from(const struct session_call *c, const struct smtp_command *cmd,
                           const struct packet_at *at)
{
    envelope_clear(&c->s->smtp);
    envelope_add(c, cmd->argument);
    c->s->smtp.has_from = true;
    c->s->smtp.at = *at;
}

static void take_rcpt(const struct session_call *c, const struct smtp_command *cmd)
{
    struct session_smtp *m = &c->s->smtp;
    if (m->rcpts == EVENT_RCPT_MAX)
        return; /* the dialogue still has it */
    envelope_add(c, cmd->argument);
    m->rcpts++;
}

static void take_helo(const struct session_call *c, const struct smtp_command *cmd)
{
    struct session_smtp *m = &c->s->smtp;
    session_take(c->out, &m->helo);
    m->helo.n = 0;
    buf_span(&m->helo, cmd->argument);
    envelope_clear(m);
}

static void take_bdat(const struct session_call *c, const struct smtp_command *cmd)
{
    struct session_smtp *m = &c->s->smtp;
    m->bdat_left = cmd->bdat_size;
    m->bdat_last = cmd->bdat_last;
    m->mode = SMTP_MODE_BDAT;
    session_take(c->out, &m->mail);
    if (!m->bdat_left) {
        m->mode = SMTP_MODE_COMMAND;
        if (m->bdat_last)
            emit(c, true);
    }
}

static void take_command(const struct session_call *c, const struct smtp_command *cmd,
                         const struct packet_at *at)
{
    struct session_smtp *m = &c->s->smtp;
    note_line(c, cmd->line);
    m->skip_line = cmd->anomalies & SMTP_LONG_LINE;
    switch (cmd->verb) {
    case SMTP_HELO:
    case SMTP_EHLO:
        take_helo(c, cmd);
        break;
    case SMTP_MAIL:
        take_mail_from(c, cmd, at);
        break;
    case SMTP_RCPT:
        take_rcpt(c, cmd);
        break;
    case SMTP_RSET:
        envelope_clear(m);
        session_give(c->out, &m->mail); /* of BDAT */
        m->size = 0;
        break;
    case SMTP_DATA:
    case SMTP_STARTTLS:
        m->mode = cmd->verb == SMTP_DATA ? SMTP_MODE_REPLY : SMTP_MODE_TLS;
        m->reply = 0;
        break;
    case SMTP_BDAT:
        take_bdat(c, cmd);
        break;
    default:
        break;
    }
}

/* Client bytes behind DATA. Without a word from the server they are the mail, unless they read like
 * the next command. */
static bool data_was_refused(const struct session_smtp *m, struct span bytes)
{
    struct smtp_command cmd;
    if (m->reply >= 400)
        return true;
    if (m->reply >= 300 && m->reply < 400)
        return false;
    return smtp_command_parse(bytes, &cmd) == 1 &&
           (cmd.verb == SMTP_RSET || cmd.verb == SMTP_QUIT ||
            (cmd.verb == SMTP_MAIL && !(cmd.anomalies & SMTP_ODD_PATH)));
}

static bool tls_begins(const struct session_smtp *m, struct span bytes)
{
    return (m->reply >= 200 && m->reply < 300) || (bytes.p[0] == 0x16 && m->reply < 400);
}

static void read_mail(const struct session_call *c, struct cur *cur)
{
    struct session_smtp *m = &c->s->smtp;
    session_take(c->out, &m->mail);
    size_t max = m->skip_mail ? 0 : SESSION_MAIL_MAX;
    if (smtp_data_next(&m->data, cur, max, &m->mail, &m->size) == 1)
        emit(c, true);
}

static void read_bdat(const struct session_call *c, struct cur *cur)
{
    struct session_smtp *m = &c->s->smtp;
    size_t n = cur_left(cur) < m->bdat_left ? cur_left(cur) : m->bdat_left;
    size_t room = !m->skip_mail && m->mail.n < SESSION_MAIL_MAX ? SESSION_MAIL_MAX - m->mail.n : 0;
    buf_put(&m->mail, cur->p, n < room ? n : room);
    m->size += n;
    m->bdat_left -= n;
    cur->p += n;
    if (m->bdat_left)
        return;
    m->mode = SMTP_MODE_COMMAND;
    if (m->bdat_last)
        emit(c, true);
}

/* 1 a line was read, 0 more is needed. */
static int read_command(const struct session_call *c, struct cur *cur, const struct packet_at *at)
{
    struct session_smtp *m = &c->s->smtp;
    struct smtp_command cmd;
    if (m->skip_line) {
        m->skip_line = !smtp_line_skip(cur);
        return 1;
    }
    if (smtp_command_parse(span_of(cur->p, cur_left(cur)), &cmd) != 1)
        return 0;
    cur->p += cmd.line.n;
    take_command(c, &cmd, at);
    return 1;
}

/* One step; 0 more is needed. */
static int step(const struct session_call *c, struct cur *cur, const struct packet_at *at)
{
    struct session_smtp *m = &c->s->smtp;
    struct span rest = span_of(cur->p, cur_left(cur));
    switch (m->mode) {
    case SMTP_MODE_REPLY:
        m->mode = data_was_refused(m, rest) ? SMTP_MODE_COMMAND : SMTP_MODE_DATA;
        return 1;
    case SMTP_MODE_TLS:
        m->mode = tls_begins(m, rest) ? SMTP_MODE_OPAQUE : SMTP_MODE_COMMAND;
        return 1;
    case SMTP_MODE_DATA:
        read_mail(c, cur);
        return 1;
    case SMTP_MODE_BDAT:
        read_bdat(c, cur);
        return 1;
    case SMTP_MODE_OPAQUE:
        cur->p = cur->end;
        return 1;
    default:
        return read_command(c, cur, at);
    }
}

void session_smtp_data(const struct session_call *c, struct span bytes, const struct packet_at *at)
{
    struct session *s = c->s;
    const uint8_t *fresh;
    struct cur cur = session_unread(c, bytes, &fresh);
    while (cur_left(&cur) && !c->out->stop) {
        const struct packet_at where = cur.p < fresh ? s->in_at : *at;
        if (step(c, &cur, &where) == 0) {
            session_wait(c, span_of(cur.p, cur_left(&cur)), &where);
            return;
        }
    }
    s->in.n = 0;
}

/* The code of the last whole-looking line: "354 go ahead", not "250-SIZE". */
void session_smtp_server(const struct session_call *c, struct span b)
{
    while (b.n) {
        const uint8_t *lf = memchr(b.p, '\n', b.n);
        size_t n = lf ? (size_t)(lf + 1 - b.p) : b.n;
        bool digits = n >= 3 && b.p[0] >= '2' && b.p[0] <= '5' && b.p[1] >= '0' && b.p[1] <= '9' &&
                      b.p[2] >= '0' && b.p[2] <= '9';
        if (digits && (n == 3 || b.p[3] != '-'))
            c->s->smtp.reply = (b.p[0] - '0') * 100 + (b.p[1] - '0') * 10 + (b.p[2] - '0');
        b = span_of(b.p + n, b.n - n);
    }
}

void session_smtp_gap(const struct session_call *c, uint32_t lost, const struct packet_at *at)
{
    struct session_smtp *m = &c->s->smtp;
    if (c->s->in.n)
        note_line(c, buf_as_span(&c->s->in));
    c->s->in.n = 0;
    switch (m->mode) {
    case SMTP_MODE_BDAT:
        m->skip_mail = true;
        m->size += lost < m->bdat_left ? lost : m->bdat_left;
        if (lost < m->bdat_left) {
            m->bdat_left -= lost;
            break;
        }
        m->mode = SMTP_MODE_COMMAND;
        m->skip_line = true;
        if (m->bdat_last)
            emit(c, true);
        break;
    case SMTP_MODE_DATA:
    case SMTP_MODE_REPLY:
        m->mode = SMTP_MODE_DATA; /* up to the hole the mail is as it was sent */
        m->skip_mail = true;
        m->data.state = 0;
        m->size += lost;
        break;
    case SMTP_MODE_OPAQUE:
        break;
    default:
        if (m->reply == 354 && m->has_from) { /* DATA itself was lost */
            m->mode = SMTP_MODE_DATA;
            m->skip_mail = true;
        } else {
            m->skip_line = true;
        }
    }
}

void session_smtp_end(const struct session_call *c)
{
    struct session_smtp *m = &c->s->smtp;
    if (c->s->in.n && m->mode == SMTP_MODE_COMMAND)
        note_line(c, buf_as_span(&c->s->in));
    c->s->in.n = 0;
    if (m->mail.n || m->size)
        emit(c, true);
    else if (!c->s->events || m->has_from)
        emit(c, false);
    session_give(c->out, &m->mail);
    session_give(c->out, &m->dialogue);
    session_give(c->out, &m->helo);
    session_give(c->out, &m->envelope);
}
