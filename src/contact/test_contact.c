/* Mailboxes, tables, ranges and the map of networks, the last two against models. */
#include "base/tap.h"
#include "contact/contact_rows.h"
#include "contact/netmap.h"
#include "contact/range.h"

/* ---- mailboxes ---- */

static void test_mailboxes(void)
{
    static const struct {
        const char *text;
        enum mailbox_fault fault;
        const char *out;
    } cases[] = {
        {"abuse@isp.example", MAILBOX_GOOD, "abuse@isp.example"},
        {" Abuse@ISP.Example\t", MAILBOX_GOOD, "abuse@isp.example"},
        {"<abuse@isp.example>", MAILBOX_GOOD, "abuse@isp.example"},
        {"mailto:abuse@isp.example", MAILBOX_GOOD, "abuse@isp.example"},
        {"a.b+c@x-y.isp.example", MAILBOX_GOOD, "a.b+c@x-y.isp.example"},
        {"abuse@xn--bcher-kva.example", MAILBOX_GOOD, "abuse@xn--bcher-kva.example"},
        {"", MAILBOX_EMPTY, ""},
        {"  ", MAILBOX_EMPTY, ""},
        {"abuse", MAILBOX_MALFORMED, ""},
        {"abuse@", MAILBOX_MALFORMED, ""},
        {"@isp.example", MAILBOX_MALFORMED, ""},
        {"a@b@c.example", MAILBOX_MALFORMED, ""},
        {"a b@isp.example", MAILBOX_MALFORMED, ""},
        {"a@isp.example, b@isp.example", MAILBOX_MALFORMED, ""},
        {"a..b@isp.example", MAILBOX_MALFORMED, ""},
        {".a@isp.example", MAILBOX_MALFORMED, ""},
        {"a@-isp.example", MAILBOX_MALFORMED, ""},
        {"a@isp..example", MAILBOX_MALFORMED, ""},
        {"a@isp.example.", MAILBOX_MALFORMED, ""},
        {"a@192.0.2.1", MAILBOX_MALFORMED, ""},
        {"a@[192.0.2.1]", MAILBOX_MALFORMED, ""},
        {"\"a b\"@isp.example", MAILBOX_MALFORMED, ""},
        {"a\r\nBcc: b@isp.example", MAILBOX_MALFORMED, ""},
        {"b\xc3\xbc@isp.example", MAILBOX_MALFORMED, ""},
        {"unread@ripe.net", MAILBOX_PLACEHOLDER, "unread@ripe.net"},
        {"NoReply@isp.example", MAILBOX_PLACEHOLDER, "noreply@isp.example"},
        {"nobody@isp.example", MAILBOX_PLACEHOLDER, "nobody@isp.example"},
        {"redacted-for-privacy@isp.example", MAILBOX_PLACEHOLDER, NULL},
        {"abuse@example", MAILBOX_PLACEHOLDER, "abuse@example"},
        {"abuse@example.com", MAILBOX_PLACEHOLDER, "abuse@example.com"},
        {"abuse@mail.example.org", MAILBOX_PLACEHOLDER, NULL},
        {"abuse@localhost", MAILBOX_PLACEHOLDER, "abuse@localhost"},
        {"abuse@box.local", MAILBOX_PLACEHOLDER, "abuse@box.local"},
        {"abuse@host", MAILBOX_PLACEHOLDER, "abuse@host"},
        {"abuse@ripe.net", MAILBOX_REGISTRY, "abuse@ripe.net"},
        {"helpdesk@apnic.net", MAILBOX_REGISTRY, "helpdesk@apnic.net"},
        {"abuse@notripe.net", MAILBOX_GOOD, "abuse@notripe.net"},
    };
    char out[MAILBOX_MAX + 1], text[600];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum mailbox_fault fault = mailbox_read(span_str(cases[i].text), out);
        char name[32];
        snprintf(name, sizeof name, "mailbox %zu", i);
        tap_check(fault == cases[i].fault && (!cases[i].out || strcmp(out, cases[i].out) == 0),
                  cases[i].text, __FILE__, __LINE__, name);
    }
    memset(text, 'a', sizeof text);
    memcpy(text + 64, "@", 1);
    memcpy(text + 250, ".net", 4);
    for (size_t i = 100; i < 250; i += 50)
        text[i] = '.';
    is_int(mailbox_read(span_of(text, 254), out), MAILBOX_GOOD);
    is_int(mailbox_read(span_of(text, 255), out), MAILBOX_MALFORMED);
    text[64] = 'a';
    text[65] = '@';
    is_int(mailbox_read(span_of(text, 254), out), MAILBOX_MALFORMED); /* 65 before the @ */
}

/* ---- ranges ---- */

static struct ip ip_of(const char *text)
{
    struct ip ip = {{0}};
    if (!ip_parse(span_str(text), &ip))
        abort();
    return ip;
}

static bool reads(const char *text, const char *first, const char *last)
{
    struct ip a, b, x = ip_of(first), y = ip_of(last);
    return !range_read(span_str(text), &a, &b) && memcmp(&a, &x, 16) == 0 &&
           memcmp(&b, &y, 16) == 0;
}

static void test_ranges(void)
{
    struct ip a, b;
    ok(reads("192.0.2.0 - 192.0.2.255", "192.0.2.0", "192.0.2.255"));
    ok(reads("192.0.2.7-192.0.2.7", "192.0.2.7", "192.0.2.7"));
    ok(reads("192.0.2.0/25", "192.0.2.0", "192.0.2.127"));
    ok(reads("200.1/16", "200.1.0.0", "200.1.255.255"), "LACNIC leaves zeros out");
    ok(reads("200.1.2/23", "200.1.2.0", "200.1.3.255"));
    ok(reads("200/8", "200.0.0.0", "200.255.255.255"));
    ok(reads("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"));
    ok(reads("2001:db8:: - 2001:db8::ff", "2001:db8::", "2001:db8::ff"));
    static const char *const none[] = {"",
                                       "-",
                                       "192.0.2.0",
                                       "192.0.2.1/24",
                                       "192.0.2.9 - 192.0.2.1",
                                       "192.0.2.0 - ::1",
                                       "192.0.2.0 - x",
                                       "1/",
                                       "/8",
                                       "200.1.2.3.4/8",
                                       "0.0.0.0/33",
                                       "a.b/16",
                                       "192.0.2.0 - 192.0.2.1 - 192.0.2.2"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        tap_check(range_read(span_str(none[i]), &a, &b) != NULL, "no range", __FILE__, __LINE__,
                  none[i]);
}

static uint64_t next_random(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 33;
}

/* The prefixes of a range cover it, and nothing else, and are as few as can be. */
static void test_splitting(void)
{
    uint64_t seed = 7;
    bool good = true;
    for (int round = 0; round < 2000; round++) {
        struct contact_rows rows = {0};
        struct contact_row row = {.mail = span_str("a@b.example")};
        uint32_t low = (uint32_t)(next_random(&seed) << (next_random(&seed) % 8)),
                 size = (uint32_t)next_random(&seed) >> (8 + next_random(&seed) % 24);
        uint32_t high = low > UINT32_MAX - size ? UINT32_MAX : low + size;
        struct ip first = ip_from_v4(low), last = ip_from_v4(high);
        int n = contact_rows_add_range(&rows, &first, &last, &row);
        uint64_t at = low;
        good &= n >= 0 && (size_t)n == rows.n && n <= 62;
        for (size_t i = 0; i < rows.n; i++) {
            good &= ip_v4(&rows.v[i].ip) == (uint32_t)at;
            at += (uint64_t)1 << (32 - rows.v[i].bits);
            if (i) { /* two neighbours that could be one are not two */
                uint32_t mask = (uint32_t)1 << (32 - rows.v[i].bits);
                good &= rows.v[i].bits != rows.v[i - 1].bits || (ip_v4(&rows.v[i - 1].ip) & mask);
            }
        }
        good &= at == (uint64_t)high + 1;
        contact_rows_free(&rows);
    }
    ok(good, "ranges are cut into the fewest prefixes");
    struct contact_rows rows = {0};
    struct contact_row row = {.mail = span_str("a@b.example")};
    struct ip all[4] = {ip_of("0.0.0.0"), ip_of("255.255.255.255"), ip_of("::"),
                        ip_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")};
    is_int(contact_rows_add_range(&rows, &all[0], &all[1], &row), 0);
    ok(contact_rows_add_range(&rows, &all[2], &all[3], &row) == 0 && rows.n == 0,
       "all addresses are no network");
    contact_rows_free(&rows);
}

/* ---- the map ---- */

#define NETS 400

struct model {
    struct net net[NETS];
    uint32_t value[NETS];
    uint8_t rank[NETS];
    unsigned n;
};

static uint32_t model_find(const struct model *m, const struct ip *ip, struct net *network)
{
    int best = -1;
    for (unsigned i = 0; i < m->n; i++) {
        if (!net_has(&m->net[i], ip))
            continue;
        if (best < 0 || m->net[i].bits > m->net[best].bits ||
            (m->net[i].bits == m->net[best].bits &&
             (m->rank[i] > m->rank[best] ||
              (m->rank[i] == m->rank[best] && m->value[i] < m->value[best]))))
            best = (int)i;
    }
    if (best < 0)
        return NETMAP_NONE;
    *network = m->net[best];
    return m->value[best];
}

/* Few bits vary, so that networks lie in each other, side by side, and twice. */
static struct net random_net(uint64_t *seed, bool v6)
{
    struct ip ip = v6 ? ip_of("2001:db8::") : ip_from_v4(0);
    unsigned at = v6 ? 4 : 12, bits = (unsigned)(next_random(seed) % (v6 ? 129 : 33));
    for (unsigned i = 0; i < 4; i++)
        ip.b[at + i] = (uint8_t)(next_random(seed) % 8 == 0   ? next_random(seed)
                                 : next_random(seed) % 2 == 0 ? 0xff
                                                              : 0);
    return net_of(&ip, (uint8_t)bits);
}

static bool agrees(const struct netmap *map, const struct model *m, const struct ip *ip)
{
    struct net got = {0}, want = {0};
    uint32_t value = netmap_find(map, ip, &got);
    return value == model_find(m, ip, &want) &&
           (value == NETMAP_NONE ||
            (got.bits == want.bits && memcmp(&got.ip, &want.ip, sizeof got.ip) == 0));
}

static bool try_map(uint64_t *seed, unsigned n)
{
    struct model m = {.n = n};
    struct netmap_builder *b = netmap_build();
    struct netmap map;
    bool good = true;
    for (unsigned i = 0; i < n; i++) {
        m.net[i] = random_net(seed, next_random(seed) % 2);
        m.value[i] = (uint32_t)(next_random(seed) % 9);
        m.rank[i] = (uint8_t)(next_random(seed) % 3);
        netmap_add(b, &m.net[i], m.value[i], m.rank[i]);
    }
    netmap_finish(b, &map);
    good &= netmap_ok(&map, 9);
    for (unsigned i = 0; i < n; i++) { /* borders, where mistakes are */
        struct ip ends[2] = {m.net[i].ip, range_end(&m.net[i])};
        for (unsigned k = 0; k < 2; k++)
            for (int step = -1; step <= 1; step++) {
                struct ip ip = ends[k];
                for (int at = 15; step && at >= 0; at--) {
                    ip.b[at] = (uint8_t)(ip.b[at] + step);
                    if (ip.b[at] != (step > 0 ? 0 : 0xff))
                        break;
                }
                good &= agrees(&map, &m, &ip);
            }
    }
    for (unsigned i = 0; i < 200; i++) {
        struct net net = random_net(seed, i % 2);
        good &= agrees(&map, &m, &net.ip);
    }
    netmap_build_free(b);
    return good;
}

static void test_map(void)
{
    uint64_t seed = 3;
    bool good = true;
    for (unsigned round = 0; round < 300; round++)
        good &= try_map(&seed, (unsigned)(next_random(&seed) % NETS));
    ok(good, "the longest network that has the address, as a look at all of them says");
    struct netmap_builder *b = netmap_build();
    struct netmap map;
    for (uint32_t i = 0; i < 20000; i++) { /* enough for the index by /16 */
        struct ip ip = ip_from_v4((uint32_t)next_random(&seed) << 8);
        struct net net = net_of(&ip, 24);
        netmap_add(b, &net, i, 0);
    }
    netmap_finish(b, &map);
    ok(map.v4.top && netmap_ok(&map, 20000), "a large map has an index");
    good = true;
    for (uint32_t i = 0; i < 100000; i++) {
        struct ip ip = ip_from_v4((uint32_t)(next_random(&seed) * 2 + i % 2));
        struct net network;
        uint32_t with = netmap_find(&map, &ip, &network);
        const uint32_t *top = map.v4.top;
        map.v4.top = NULL;
        good &= with == netmap_find(&map, &ip, &network);
        map.v4.top = top;
    }
    ok(good, "which finds the same");
    netmap_build_free(b);
}

/* ---- tables ---- */

struct seen {
    unsigned rows, rejects;
    struct buf text;
};

static int see_row(void *ctx, const struct contact_row *row)
{
    struct seen *s = ctx;
    s->rows++;
    contact_table_put(&s->text, row, !row->mail.n);
    return 0;
}

static void see_reject(void *ctx, uint64_t line, const char *why)
{
    ((struct seen *)ctx)->rejects++;
}

static struct seen read_table(const char *text, bool strict)
{
    struct seen s = {0};
    static struct contact_table t;
    t = (struct contact_table){.row = see_row, .reject = see_reject, .ctx = &s, .strict = strict};
    ok(contact_table_text(&t, span_str(text)) == 0 && t.rows == s.rows && t.rejected == s.rejects);
    buf_byte(&s.text, 0);
    return s;
}

static void test_tables(void)
{
    struct seen s =
        read_table("\xef\xbb\xbf# x\n\nmatch,contact,name\r\n192.0.2.1,A@B.example,\"a, "
                   "\"\"b\"\"\"\r\nAS64500,a@b.example\nde,a@b.example,x,y,z\n",
                   false);
    is_str(
        (char *)s.text.p,
        "192.0.2.1/32,a@b.example,,\"a, \"\"b\"\"\"\nAS64500,a@b.example,,\nDE,a@b.example,,x\n");
    buf_free(&s.text);
    s = read_table("name,junk\nx,y\n", false);
    is_int(s.rejects, 2);
    buf_free(&s.text);
    s = read_table("network,country,registry\n192.0.2.0/24,FR,ripe\n2001:db8::/32,,apnic\n", false);
    is_str((char *)s.text.p, "192.0.2.0/24,FR,ripe\n2001:db8::/32,,apnic\n");
    buf_free(&s.text);
    s = read_table(
        "AS0,a@b.example\nAS4294967296,a@b.example\nASx,a@b.example\n,a@b.example\n"
        "DEU,a@b.example\n::/0,a@b.example\n2000::/12,a@b.example\n1.0.0.0/7,a@b.example\n"
        "192.0.2.0/24\n192.0.2.0/24,\n192.0.2.0/24,\"a@b.example\n192.0.2.0/24,\"a\"b,c\n",
        false);
    is_int(s.rows, 0);
    is_int(s.rejects, 12);
    buf_free(&s.text);
    s = read_table("192.0.2.0/24,nobody@isp.example\n", true);
    is_int(s.rows, 0);
    buf_free(&s.text);
    s = read_table("192.0.2.0/24,nobody@isp.example\n", false);
    is_int(s.rows, 1); /* the operator knows */
    buf_free(&s.text);
}

static void add(struct contact_rows *r, const char *net, const char *mail)
{
    struct contact_row row = {.match = CONTACT_NETWORK, .mail = span_str(mail)};
    if (!net_parse(span_str(net), &row.network) || contact_rows_add(r, &row) < 0)
        abort();
}

static void test_rows(void)
{
    struct contact_rows r = {0};
    struct buf out = {0};
    add(&r, "10.1.0.0/24", "same@x.example");
    add(&r, "10.0.0.0/8", "same@x.example");
    add(&r, "10.1.0.0/16", "other@x.example");
    add(&r, "10.1.0.0/20", "other@x.example");
    add(&r, "2001:db8::/32", "six@x.example");
    add(&r, "10.0.0.0/8", "late@x.example");
    add(&r, "9.0.0.0/8", "same@x.example");
    is_int(contact_rows_write(&r, false, &out), 5);
    buf_byte(&out, 0);
    is_str((char *)out.p, "match,contact,handle,name\n9.0.0.0/8,same@x.example,,\n"
                          "10.0.0.0/8,same@x.example,,\n10.1.0.0/16,other@x.example,,\n"
                          "10.1.0.0/24,same@x.example,,\n2001:db8::/32,six@x.example,,\n");
    buf_free(&out);
    contact_rows_free(&r);
}

int main(void)
{
    test_mailboxes();
    test_ranges();
    test_splitting();
    test_map();
    test_tables();
    test_rows();
    return tap_done();
}
