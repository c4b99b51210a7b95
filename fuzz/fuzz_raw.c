/* Raw connections and datagrams. However a connection is cut, it is answered the same; it leaves
 * one event; and an IRC client hears nothing but our own words, its nickname, the channels it
 * named, and a PING's token. The first byte chooses the destination, and with it the policy. */
#include "must.h"
#include "net/irc.h"
#include "net/raw_server.h"
#include "net/test_env.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const destinations[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.1"};
enum { IRC = 2, STRANGER = 3, OUT_MAX = (64 << 10) + IRC_REPLY_MAX };

static struct test_env *world(void)
{
    static struct test_env *t;
    static char banner_name[] = "banner", irc_name[] = "irc", banner[] = "220 x\r\n",
                server[] = "irc.example";
    if (t)
        return t;
    t = malloc(sizeof *t);
    test_env_init(t);
    t->policies[1] = t->policies[2] = t->policies[0];
    t->policies[1].name = banner_name;
    t->policies[1].raw = (struct policy_raw_part){POLICY_RAW_BANNER, banner};
    t->policies[2].name = irc_name;
    t->policies[2].raw = (struct policy_raw_part){POLICY_RAW_IRC, server};
    t->config.policies_count = 3;
    test_env_asset(t, destinations[0], "", "");
    test_env_asset(t, destinations[1], "banner", "");
    test_env_asset(t, destinations[2], "irc", "");
    test_env_ready(t);
    return t;
}

static struct span word_of(struct span *rest)
{
    size_t n = text_find(*rest, ' ');
    struct span word = span_of(rest->p, n);
    *rest = text_behind(*rest, n < rest->n ? n + 1 : n);
    return word;
}

static bool one_of(struct span s, const char *const *words)
{
    for (; *words; words++)
        if (span_is(s, *words))
            return true;
    return false;
}

/* What stands behind " :": ours to the letter, or one word. */
static void check_trailing(struct span s)
{
    static const char *const ours[] = {"*** Welcome",
                                       "This server was created at its start",
                                       "are supported by this server",
                                       "- Message of the day -",
                                       "- ",
                                       "End of /MOTD command.",
                                       "End of /NAMES list.",
                                       "End of /WHO list.",
                                       "End of /WHOIS list.",
                                       "End of /LIST",
                                       "No nickname given",
                                       "Erroneous nickname",
                                       "No such channel",
                                       "No such nick/channel",
                                       "You have not registered",
                                       "You have joined too many channels",
                                       "No topic is set",
                                       "End of channel ban list",
                                       "Closing link",
                                       NULL};
    static const char *const starts[] = {"welcome to the internet relay network ", "your host is ",
                                         "0 "};
    if (one_of(s, ours))
        return;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (!text_starts(s, starts[i]))
            continue;
        struct span rest = text_behind(s, strlen(starts[i]));
        if (i == 1) {
            must(span_is(rest, "irc.example, running version 1.0"));
            return;
        }
        must(text_find(rest, ' ') == rest.n);
        return;
    }
    must(text_find(s, ' ') == s.n && s.n <= IRC_TOKEN_MAX);
}

static void check_line(struct span line)
{
    static const char *const commands[] = {
        "NOTICE", "CAP", "PONG", "001", "002", "003", "004", "005", "221", "302", "303",
        "311",    "315", "318",  "323", "324", "331", "352", "353", "366", "368", "372",
        "375",    "376", "401",  "403", "405", "431", "432", "451", NULL};
    static const char *const own[] = {"JOIN", "PART", "NICK", "MODE", NULL};
    struct span rest = line;
    for (size_t i = 0; i < line.n; i++)
        must(line.p[i] >= ' ' && line.p[i] < 0x7f);
    must(line.n <= 510);
    if (span_is(line, "ERROR :Closing link"))
        return;
    struct span prefix = word_of(&rest), command = word_of(&rest);
    bool server = span_is(prefix, ":irc.example");
    must(prefix.n && *prefix.p == ':' && one_of(command, server ? commands : own));
    if (span_is(command, "NOTICE"))
        must(span_is(rest, "AUTH :*** Welcome"));
    for (unsigned words = 0; rest.n; words++) {
        must(words < 16);
        if (*rest.p == ':') {
            check_trailing(text_behind(rest, 1));
            break;
        }
        must(word_of(&rest).n <= IRC_CHANNEL_MAX + 1u || span_is(command, "005"));
    }
}

static void check_irc(struct span out)
{
    while (out.n) {
        size_t n = text_find(out, '\n');
        must(n < out.n && n && out.p[n - 1] == '\r');
        check_line(span_of(out.p, n - 1));
        out = text_behind(out, n + 1);
    }
}

/* In pieces of `step`; what was answered is in t->out, the event in t->recorded[0]. */
static bool talk(struct test_env *t, const char *dst, struct span in, size_t step)
{
    struct test_session ts;
    test_env_forget(t);
    t->out.n = 0;
    test_session_begin(&ts, t, &raw_session, test_peer("198.51.100.9", 999, dst, 6667, true));
    while (in.n && !ts.over) {
        size_t n = step < in.n ? step : in.n;
        test_session_data(&ts, span_of(in.p, n));
        must(ts.in.n <= raw_session.in_max);
        in = text_behind(in, n);
    }
    bool over = ts.over;
    test_session_end(&ts, SESSION_PEER_CLOSED);
    must(t->counters.memory_bytes == 0);
    return over;
}

static void check_event(const struct test_env *t, struct span in)
{
    const struct event *ev = &t->recorded[0].ev;
    must(t->n == 1 && ev->kind == KIND_RAW && ev->raw.has);
    must(ev->raw.client_size <= in.n && ev->raw.server_size == t->out.n);
    must(ev->raw.client.n <= t->config.limits.raw_bytes &&
         ev->raw.server.n <= t->config.limits.raw_bytes);
    must(ev->raw.client.n == 0 || memcmp(ev->raw.client.p, in.p, ev->raw.client.n) == 0);
    must(ev->raw.server.n == 0 || memcmp(ev->raw.server.p, t->out.p, ev->raw.server.n) == 0);
    must(ev->protocol.n && ev->answer.n);
}

static void check_connection(struct test_env *t, unsigned where, struct span in)
{
    static struct buf out, event;
    bool over = talk(t, destinations[where], in, in.n + 1);
    if (where == STRANGER) {
        must(t->n == 0 && t->out.n == 0 && over);
        return;
    }
    check_event(t, in);
    must(t->out.n <= OUT_MAX);
    if (where == IRC)
        check_irc(buf_as_span(&t->out));
    out.n = event.n = 0;
    buf_span(&out, buf_as_span(&t->out));
    buf_span(&event, buf_as_span(&t->recorded[0].payload));
    for (size_t step = 1; step < 6 && in.n < 4096; step += 2) {
        talk(t, destinations[where], in, step);
        check_event(t, in);
        must(span_eq(buf_as_span(&out), buf_as_span(&t->out)));
        must(over || span_eq(buf_as_span(&event), buf_as_span(&t->recorded[0].payload)));
    }
}

static void check_datagram(struct test_env *t, unsigned where, struct span in)
{
    struct net_peer peer = test_peer("198.51.100.9", 999, destinations[where], 53, false);
    test_env_forget(t);
    t->out.n = 0;
    raw_server_datagram(&t->env, &peer, in);
    must(t->n == (where != STRANGER) && t->out.n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_env *t = world();
    if (!size)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    check_connection(t, data[0] % 4, in);
    check_datagram(t, data[0] % 4, in);
    must(raw_guess(in)[0]);
    return 0;
}
