#include "net/irc.h"

#include "wire/text.h"

enum { GUESS_LINES = 8 };

struct message {
    struct span command;
    struct span param[IRC_PARAMS_MAX];
    unsigned n;
};

/* --- reading --- */

static struct span word_next(struct span *rest)
{
    while (rest->n && *rest->p == ' ')
        *rest = text_behind(*rest, 1);
    size_t n = text_find(*rest, ' ');
    struct span word = span_of(rest->p, n);
    *rest = text_behind(*rest, n);
    return word;
}

/* RFC 2812, 2.3.1, with the tags of IRCv3 in front. */
static void message_parse(struct span line, struct message *m)
{
    m->n = 0;
    m->command = word_next(&line);
    if (m->command.n && *m->command.p == '@')
        m->command = word_next(&line);
    if (m->command.n && *m->command.p == ':')
        m->command = word_next(&line);
    while (m->n < IRC_PARAMS_MAX) {
        struct span word = word_next(&line);
        if (!word.n)
            return;
        if (*word.p == ':') {
            m->param[m->n++] = span_of(word.p + 1, word.n - 1 + line.n);
            return;
        }
        m->param[m->n++] = word;
    }
}

static struct span param(const struct message *m, unsigned i)
{
    return i < m->n ? m->param[i] : (struct span){0};
}

/* Printable ASCII without the space. */
static bool is_graphic(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return s.n > 0;
}

/* Wider than RFC 2812: bots put brackets, bars and dots into their names, and may start with a
 * digit. */
static bool is_nick(struct span s)
{
    if (!is_graphic(s) || strchr("#&+:$~%", *s.p))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (strchr(",*?!@", s.p[i]))
            return false;
    return true;
}

static bool is_channel(struct span s)
{
    return s.n >= 2 && s.n <= IRC_CHANNEL_MAX && is_graphic(s) && strchr("#&+!", *s.p) &&
           text_find(s, ',') == s.n;
}

bool irc_server_name(struct span s)
{
    if (s.n == 0 || s.n > IRC_SERVER_MAX || *s.p == ':')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = text_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':'))
            return false;
    }
    return true;
}

/* --- replies --- */

struct call {
    struct irc *irc;
    const struct irc_names *names;
    const struct message *m;
    struct buf *out;
};

static void put_nick(const struct call *c)
{
    if (c->irc->nick_len)
        buf_put(c->out, c->irc->nick, c->irc->nick_len);
    else
        buf_byte(c->out, '*');
}

/* ":nick!user@host ": the client itself. The user name is ours: the client's stays with it. */
static void put_self(const struct call *c)
{
    buf_byte(c->out, ':');
    put_nick(c);
    buf_str(c->out, "!user@");
    buf_span(c->out, c->names->host);
    buf_byte(c->out, ' ');
}

static void put_server(const struct call *c)
{
    buf_byte(c->out, ':');
    buf_span(c->out, c->names->server);
    buf_byte(c->out, ' ');
}

static void end_line(const struct call *c)
{
    buf_put(c->out, "\r\n", 2);
}

/* ":server 001 nick " and text. */
static void numeric(const struct call *c, const char *number, const char *text)
{
    put_server(c);
    buf_str(c->out, number);
    buf_byte(c->out, ' ');
    put_nick(c);
    buf_byte(c->out, ' ');
    buf_str(c->out, text);
}

static void reply(const struct call *c, const char *number, const char *text)
{
    numeric(c, number, text);
    end_line(c);
}

static void reply_about(const struct call *c, const char *number, struct span what,
                        const char *text)
{
    numeric(c, number, "");
    buf_span(c->out, what);
    buf_byte(c->out, ' ');
    buf_str(c->out, text);
    end_line(c);
}

static bool is_self(const struct call *c, struct span nick)
{
    return span_ieq(nick, span_of(c->irc->nick, c->irc->nick_len));
}

static void motd(const struct call *c)
{
    reply(c, "375", ":- Message of the day -");
    reply(c, "372", ":- ");
    reply(c, "376", ":End of /MOTD command.");
}

static void welcome(const struct call *c)
{
    struct irc *irc = c->irc;
    if (irc->welcomed || !irc->nick_len || !irc->user || irc->negotiating)
        return;
    irc->welcomed = true;
    numeric(c, "001", ":Welcome to the Internet Relay Network ");
    put_nick(c);
    buf_str(c->out, "!user@");
    buf_span(c->out, c->names->host);
    end_line(c);
    numeric(c, "002", ":Your host is ");
    buf_span(c->out, c->names->server);
    buf_str(c->out, ", running version 1.0");
    end_line(c);
    reply(c, "003", ":This server was created at its start");
    numeric(c, "004", "");
    buf_span(c->out, c->names->server);
    buf_str(c->out, " 1.0 i nt");
    end_line(c);
    numeric(c, "005", "");
    buf_printf(c->out, "CHANTYPES=#&+! NICKLEN=%d CHANNELLEN=%d PREFIX=(o)@ CASEMAPPING=ascii",
               IRC_NICK_MAX, IRC_CHANNEL_MAX);
    buf_str(c->out, " :are supported by this server");
    end_line(c);
    motd(c);
}

/* --- commands --- */

static void names(const struct call *c, struct span channel)
{
    numeric(c, "353", "= ");
    buf_span(c->out, channel);
    buf_str(c->out, " :@");
    put_nick(c);
    end_line(c);
    reply_about(c, "366", channel, ":End of /NAMES list.");
}

/* Of what the client asks for we have nothing. */
static void do_cap(const struct call *c)
{
    struct irc *irc = c->irc;
    struct span sub = param(c->m, 0);
    bool ls = text_is(sub, "ls"), list = text_is(sub, "list"), req = text_is(sub, "req");
    irc->spoken |= ls || list || req;
    if ((ls || req) && !irc->welcomed)
        irc->negotiating = true;
    if (text_is(sub, "end"))
        irc->negotiating = false;
    if (ls || list || req) {
        put_server(c);
        buf_str(c->out, "CAP ");
        put_nick(c);
        buf_str(c->out, ls ? " LS :" : list ? " LIST :" : " NAK :");
        end_line(c);
    }
    welcome(c);
}

static void do_nick(const struct call *c)
{
    struct irc *irc = c->irc;
    struct span nick = param(c->m, 0);
    irc->spoken |= nick.n > 0;
    if (!nick.n) {
        reply(c, "431", ":No nickname given");
    } else if (!is_nick(nick)) {
        reply(c, "432", "* :Erroneous nickname");
    } else {
        nick.n = nick.n < IRC_NICK_MAX ? nick.n : IRC_NICK_MAX;
        if (irc->welcomed) {
            put_self(c);
            buf_str(c->out, "NICK :");
            buf_span(c->out, nick);
            end_line(c);
        }
        memcpy(irc->nick, nick.p, nick.n);
        irc->nick_len = (uint8_t)nick.n;
        welcome(c);
    }
}

/* FTP and POP3 have a USER as well; IRC's has four parameters. Bots may leave some out: with a
 * nickname given before, that is enough to log in. */
static void do_user(const struct call *c)
{
    c->irc->spoken |= c->m->n >= 4;
    if (c->m->n >= 4 || (c->m->n && c->irc->spoken))
        c->irc->user = true;
    welcome(c);
}

static void do_ping(const struct call *c)
{
    struct span token = param(c->m, 0);
    put_server(c);
    buf_str(c->out, "PONG ");
    buf_span(c->out, c->names->server);
    if (token.n <= IRC_TOKEN_MAX && is_graphic(token)) {
        buf_str(c->out, " :");
        buf_span(c->out, token);
    }
    end_line(c);
}

static void join(const struct call *c, struct span channel)
{
    if (!is_channel(channel)) {
        reply(c, "403", "* :No such channel");
    } else if (c->irc->joins >= IRC_JOINS_MAX) {
        reply_about(c, "405", channel, ":You have joined too many channels");
    } else {
        c->irc->joins++;
        put_self(c);
        buf_str(c->out, "JOIN ");
        buf_span(c->out, channel);
        end_line(c);
        names(c, channel);
    }
}

static void part(const struct call *c, struct span channel)
{
    if (!is_channel(channel))
        return;
    put_self(c);
    buf_str(c->out, "PART ");
    buf_span(c->out, channel);
    end_line(c);
}

/* Each of a list of channels, as long as a line's replies keep within IRC_REPLY_MAX. */
static void each_channel(const struct call *c, void (*each)(const struct call *, struct span))
{
    struct span list = param(c->m, 0);
    size_t start = c->out->n;
    while (list.n && c->out->n - start < IRC_REPLY_MAX / 2) {
        size_t n = text_find(list, ',');
        if (n)
            each(c, span_of(list.p, n));
        list = text_behind(list, n < list.n ? n + 1 : n);
    }
}

static void do_join(const struct call *c)
{
    c->irc->spoken = true;
    if (!span_is(param(c->m, 0), "0")) /* "0" is to leave all */
        each_channel(c, join);
}

static void do_part(const struct call *c)
{
    each_channel(c, part);
}

static void do_names(const struct call *c)
{
    struct span channel = param(c->m, 0);
    if (is_channel(channel))
        names(c, channel);
    else
        reply(c, "366", "* :End of /NAMES list.");
}

static void do_topic(const struct call *c)
{
    if (c->m->n == 1 && is_channel(c->m->param[0]))
        reply_about(c, "331", c->m->param[0], ":No topic is set");
}

static void do_mode(const struct call *c)
{
    struct span what = param(c->m, 0), modes = param(c->m, 1);
    if (is_self(c, what) && !modes.n) {
        reply(c, "221", "+i");
    } else if (is_self(c, what)) { /* whatever was asked for */
        put_self(c);
        buf_str(c->out, "MODE ");
        put_nick(c);
        buf_str(c->out, " :+i");
        end_line(c);
    } else if (is_channel(what) && !modes.n) {
        reply_about(c, "324", what, "+nt");
    } else if (is_channel(what) && c->m->n == 2 && (span_is(modes, "b") || span_is(modes, "+b"))) {
        reply_about(c, "368", what, ":End of channel ban list");
    }
}

static void do_who(const struct call *c)
{
    struct span what = param(c->m, 0);
    bool channel = is_channel(what);
    if (channel || is_self(c, what)) {
        numeric(c, "352", "");
        buf_span(c->out, channel ? what : span_of("*", 1));
        buf_str(c->out, " user ");
        buf_span(c->out, c->names->host);
        buf_byte(c->out, ' ');
        buf_span(c->out, c->names->server);
        buf_byte(c->out, ' ');
        put_nick(c);
        buf_str(c->out, channel ? " H@ :0 " : " H :0 ");
        put_nick(c);
        end_line(c);
    }
    reply_about(c, "315", channel ? what : span_of("*", 1), ":End of /WHO list.");
}

static void do_whois(const struct call *c)
{
    struct span nick = param(c->m, c->m->n > 1);
    if (!is_self(c, nick)) {
        reply(c, "401", "* :No such nick/channel");
        return;
    }
    numeric(c, "311", "");
    put_nick(c);
    buf_str(c->out, " user ");
    buf_span(c->out, c->names->host);
    buf_str(c->out, " * :");
    put_nick(c);
    end_line(c);
    numeric(c, "318", "");
    put_nick(c);
    buf_str(c->out, " :End of /WHOIS list.");
    end_line(c);
}

/* Bots ask for their own address so. */
static void do_userhost(const struct call *c)
{
    bool self = false;
    for (unsigned i = 0; i < c->m->n; i++)
        self |= is_self(c, c->m->param[i]);
    numeric(c, "302", ":");
    if (self) {
        put_nick(c);
        buf_str(c->out, "=+user@");
        buf_span(c->out, c->names->host);
    }
    end_line(c);
}

static void do_ison(const struct call *c)
{
    reply(c, "303", ":");
}

static void do_list(const struct call *c)
{
    reply(c, "323", ":End of /LIST");
}

/* To whom ever: nobody is there. */
static void do_nothing(const struct call *c)
{
    (void)c;
}

static const struct {
    const char *word; /* small letters */
    void (*run)(const struct call *c);
    bool login; /* only behind it */
    bool sure;  /* no other protocol's client begins a line so */
} commands[] = {
    {"cap", do_cap, false, false},         {"nick", do_nick, false, false},
    {"user", do_user, false, false},       {"ping", do_ping, false, false},
    {"pass", do_nothing, false, false},    {"join", do_join, true, false},
    {"part", do_part, true, true},         {"privmsg", do_nothing, true, true},
    {"notice", do_nothing, true, true},    {"names", do_names, true, false},
    {"topic", do_topic, true, false},      {"mode", do_mode, true, false},
    {"who", do_who, true, false},          {"whois", do_whois, true, false},
    {"userhost", do_userhost, true, true}, {"ison", do_ison, true, true},
    {"list", do_list, true, false},        {"motd", motd, true, true},
};

void irc_greet(const struct irc_names *names, struct buf *out)
{
    buf_byte(out, ':');
    buf_span(out, names->server);
    buf_str(out, " NOTICE AUTH :*** Welcome\r\n");
}

bool irc_line(struct irc *irc, const struct irc_names *names, struct span line, struct buf *out)
{
    struct message m;
    struct call c = {irc, names, &m, out};
    message_parse(line, &m);
    if (text_is(m.command, "quit")) {
        buf_str(out, "ERROR :Closing link\r\n");
        return false;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!text_is(m.command, commands[i].word))
            continue;
        irc->spoken |= commands[i].sure && m.n;
        if (!commands[i].login || irc->welcomed)
            commands[i].run(&c);
        else if (irc->nick_len)
            reply(&c, "451", ":You have not registered");
        break;
    }
    return true;
}

/* --- what it looks like --- */

/* 1 and -1 are certain of a whole line; 0 is to look at the next one. */
static int line_says(struct span line, bool whole)
{
    struct message m;
    message_parse(line, &m);
    struct span first = param(&m, 0);
    if (text_is(m.command, "nick") || text_is(m.command, "privmsg"))
        return first.n > 0;
    if (text_is(m.command, "join"))
        return first.n && *first.p && strchr("#&+!", *first.p) ? 1 : whole ? -1 : 0;
    if (text_is(m.command, "user"))
        return m.n >= 4 ? 1 : whole ? -1 : 0;
    if (text_is(m.command, "cap"))
        return text_is(first, "ls") || text_is(first, "req") || text_is(first, "end");
    if (text_is(m.command, "pong"))
        return first.n > 0;
    if (text_is(m.command, "pass"))
        return 0;
    return whole && m.command.n ? -1 : 0;
}

int irc_looks_like_client(struct span s)
{
    for (unsigned i = 0; s.n && i < GUESS_LINES; i++) {
        size_t n = text_find(s, '\n');
        bool whole = n < s.n;
        size_t text = whole && n && s.p[n - 1] == '\r' ? n - 1 : n;
        int says = line_says(span_of(s.p, text), whole);
        if (says || !whole)
            return says;
        s = text_behind(s, n + 1);
    }
    return 0;
}
