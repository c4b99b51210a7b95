/* ebb case asset export: what is in force now, in forms that resolvers and firewalls take. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/case/case_name.h"
#include "base/domain.h"
#include "base/file.h"
#include "base/mem.h"

#define FLUSH_BYTES  (1u << 20)
#define NFT_LINE     64      /* elements a line */
#define IPSET_ROOM   1048576 /* elements of a set, unless there are more */
#define RPZ_ORIGIN   64      /* bytes that are kept free for the zone's own name */
#define RPZ_NAME_MAX (DOMAIN_WIRE_MAX - RPZ_ORIGIN)

/* An address or network, with the ports that are meant where not all are. */
struct block {
    struct net net;
    uint16_t port; /* 0: all */
    bool udp;
};

enum passed { PASSED_NO_NAME, PASSED_LONG, PASSED_PORT, PASSED_NAME, PASSED_KINDS };

struct exporting {
    const struct format *format;
    struct casedir c;
    int64_t now;
    FILE *to;
    struct buf text;
    struct block *blocks;
    size_t n_blocks, cap;
    uint64_t names;
    uint64_t passed[PASSED_KINDS];
    struct err *err;
};

/* Names stream; addresses, which are put under an order one by one, are collected for sorting. */
struct format {
    const char *name;
    const char *comment; /* what begins one */
    void (*head)(struct exporting *x);
    void (*domain)(struct exporting *x, const struct act_asset *a); /* NULL: takes no names */
    void (*addresses)(struct exporting *x);                         /* with those collected */
    bool ports;                                                     /* tells ports apart */
};

static int flush(struct exporting *x, size_t least)
{
    if (x->text.n < least)
        return 0;
    size_t n = fwrite(x->text.p, 1, x->text.n, x->to);
    if (n != x->text.n)
        return err_errno(x->err, "output");
    x->text.n = 0;
    return 0;
}

/* ---- addresses ---- */

static void add_block(struct exporting *x, const struct block *b)
{
    x->blocks = mem_room(x->blocks, x->n_blocks, &x->cap, sizeof *x->blocks);
    x->blocks[x->n_blocks++] = *b;
}

static void collect(struct exporting *x, const struct act_asset *a)
{
    struct block b = {.port = a->port};
    struct ip ip;
    bool udp = !span_is(a->transport, "tcp"), tcp = !span_is(a->transport, "udp");
    if (a->kind == ASSET_ADDRESS && ip_parse(a->name, &ip))
        b.net = net_of(&ip, ip_is_v4(&ip) ? 32 : 128);
    else if (a->kind != ASSET_NETWORK || !net_parse(a->name, &b.net))
        b.net.set = false;
    if (!b.net.set || b.net.bits == 0) {
        x->passed[PASSED_NO_NAME]++;
    } else if (!b.port) {
        add_block(x, &b);
    } else if (!x->format->ports) {
        x->passed[PASSED_PORT]++; /* the whole address is more than was meant */
    } else {
        for (b.udp = false; tcp; tcp = false)
            add_block(x, &b);
        for (b.udp = true; udp; udp = false)
            add_block(x, &b);
    }
}

/* By version, transport and port, so that a set's elements are neighbours, then by network. */
static int cmp_block(const void *x, const void *y)
{
    const struct block *a = x, *b = y;
    int v6 = !ip_is_v4(&a->net.ip) - !ip_is_v4(&b->net.ip);
    int port = (a->port > b->port) - (a->port < b->port);
    int ip = memcmp(&a->net.ip, &b->net.ip, sizeof a->net.ip);
    int bits = (a->net.bits > b->net.bits) - (a->net.bits < b->net.bits);
    if (v6 || !a->port != !b->port)
        return v6 ? v6 : port;
    if (a->udp != b->udp || port)
        return a->udp != b->udp ? a->udp - b->udp : port;
    return ip ? ip : bits;
}

/* Sorted, none twice or within another. */
static void order_blocks(struct exporting *x)
{
    size_t n = 0;
    if (x->n_blocks)
        qsort(x->blocks, x->n_blocks, sizeof *x->blocks, cmp_block);
    for (size_t i = 0; i < x->n_blocks; i++) {
        const struct block *last = n ? &x->blocks[n - 1] : NULL, *b = &x->blocks[i];
        if (last && last->port == b->port && last->udp == b->udp && net_has(&last->net, &b->net.ip))
            continue;
        x->blocks[n++] = *b;
    }
    x->n_blocks = n;
}

static void put_net(struct buf *out, const struct net *net)
{
    char text[NET_TEXT_MAX];
    bool one = net->bits == (ip_is_v4(&net->ip) ? 32 : 128);
    size_t n = one ? ip_format(&net->ip, text) : net_format(net, text);
    buf_put(out, text, n);
}

/* Those of one set. */
static bool is_of(const struct block *b, bool v6, bool ports)
{
    return !ip_is_v4(&b->net.ip) == v6 && !b->port == !ports;
}

/* ---- RPZ: a zone of a resolver's policy (draft-vixie-dnsop-dns-rpz). Owners are relative, so that
 * it can be loaded under any name ---- */

static void rpz_head(struct exporting *x)
{
    buf_printf(&x->text,
               "; What is asked for here does not exist (NXDOMAIN); the resolver's configuration "
               "can say otherwise.\n"
               "$TTL 300\n"
               "@ SOA localhost. hostmaster.localhost. %u 3600 600 604800 300\n"
               "@ NS localhost.\n",
               (uint32_t)(x->now / UTC_SECOND));
}

static void rpz_domain(struct exporting *x, const struct act_asset *a)
{
    uint8_t wire[DOMAIN_WIRE_MAX], name[DOMAIN_TEXT_MAX];
    size_t n = domain_wire(a->name, wire), text = domain_text(a->name, name);
    if (n + 2 > RPZ_NAME_MAX) { /* "*." */
        x->passed[PASSED_LONG]++;
        return;
    }
    if (a->kind == ASSET_DOMAIN) {
        buf_put(&x->text, name, text);
        buf_str(&x->text, " CNAME .\n");
    }
    buf_str(&x->text, "*.");
    buf_put(&x->text, name, text);
    buf_str(&x->text, " CNAME .\n");
}

/* The first of the longest runs of zeros, two at least (RFC 5952): its length. */
static unsigned zero_run(const uint16_t word[8], unsigned *first)
{
    unsigned best = 1;
    for (unsigned i = 0, n = 0; i < 8; i++) {
        n = word[i] ? 0 : n + 1;
        if (n > best) {
            best = n;
            *first = i + 1 - n;
        }
    }
    return best > 1 ? best : 0;
}

/* "32.1.2.0.192.rpz-ip", "128.1.zz.db8.2001.rpz-ip": the bits, then the parts backwards, the run of
 * zeros as "zz". */
static void put_rpz_ip(struct buf *out, const struct net *net)
{
    const uint8_t *b = net->ip.b;
    uint16_t word[8];
    unsigned first = 0;
    buf_printf(out, "%u", net->bits);
    if (ip_is_v4(&net->ip)) {
        buf_printf(out, ".%u.%u.%u.%u.rpz-ip CNAME .\n", b[15], b[14], b[13], b[12]);
        return;
    }
    for (unsigned i = 0; i < 8; i++)
        word[i] = be16_get(b + 2 * i);
    unsigned run = zero_run(word, &first);
    for (unsigned i = 8; i-- > 0;) {
        if (run && i == first + run - 1) {
            buf_str(out, ".zz");
            i = first;
        } else {
            buf_printf(out, ".%x", word[i]);
        }
    }
    buf_str(out, ".rpz-ip CNAME .\n");
}

static void rpz_addresses(struct exporting *x)
{
    for (size_t i = 0; i < x->n_blocks; i++)
        put_rpz_ip(&x->text, &x->blocks[i].net);
}

/* ---- nftables: sets of a table `inet ebb`, replaced as a whole ---- */

static const struct {
    const char *name, *nft_type, *ipset_type, *ipset_family;
    bool v6, ports;
} sets[] = {
    {"c2_v4", "ipv4_addr; flags interval; auto-merge", "hash:net", "inet", false, false},
    {"c2_v4_ports", "ipv4_addr . inet_proto . inet_service; flags interval", "hash:net,port",
     "inet", false, true},
    {"c2_v6", "ipv6_addr; flags interval; auto-merge", "hash:net", "inet6", true, false},
    {"c2_v6_ports", "ipv6_addr . inet_proto . inet_service; flags interval", "hash:net,port",
     "inet6", true, true},
};
#define SETS (sizeof sets / sizeof *sets)

static void nft_head(struct exporting *x)
{
    buf_str(&x->text, "# Load it with nft -f, again and again. Rules that use it, in a table and "
                      "chain inet ebb of yours:\n"
                      "#   ip daddr @c2_v4 counter drop\n"
                      "#   ip6 daddr @c2_v6 counter drop\n"
                      "#   ip daddr . meta l4proto . th dport @c2_v4_ports counter drop\n"
                      "#   ip6 daddr . meta l4proto . th dport @c2_v6_ports counter drop\n"
                      "add table inet ebb\n");
    for (size_t i = 0; i < SETS; i++)
        buf_printf(&x->text, "add set inet ebb %s { type %s; }\nflush set inet ebb %s\n",
                   sets[i].name, sets[i].nft_type, sets[i].name);
}

static void nft_addresses(struct exporting *x)
{
    for (size_t s = 0; s < SETS; s++) {
        unsigned line = 0;
        for (size_t i = 0; i < x->n_blocks; i++) {
            const struct block *b = &x->blocks[i];
            if (!is_of(b, sets[s].v6, sets[s].ports))
                continue;
            if (line == 0)
                buf_printf(&x->text, "add element inet ebb %s { ", sets[s].name);
            else
                buf_str(&x->text, ", ");
            put_net(&x->text, &b->net);
            if (b->port)
                buf_printf(&x->text, " . %s . %u", b->udp ? "udp" : "tcp", b->port);
            if (++line == NFT_LINE) {
                buf_str(&x->text, " }\n");
                line = 0;
            }
        }
        if (line)
            buf_str(&x->text, " }\n");
    }
}

/* ---- ipset: for `ipset restore`. Filled beside the old sets and swapped with them ---- */

static void ipset_head(struct exporting *x)
{
    buf_str(&x->text, "# Load it with ipset restore -exist, again and again.\n");
}

static void ipset_addresses(struct exporting *x)
{
    uint64_t room = IPSET_ROOM;
    while (room < x->n_blocks)
        room *= 2;
    for (size_t s = 0; s < SETS; s++) {
        const char *name = sets[s].name;
        for (unsigned k = 0; k < 2; k++)
            buf_printf(&x->text, "create ebb_%s%s %s family %s maxelem %llu\n", name,
                       k ? "_new" : "", sets[s].ipset_type, sets[s].ipset_family,
                       (unsigned long long)room);
        buf_printf(&x->text, "flush ebb_%s_new\n", name);
        for (size_t i = 0; i < x->n_blocks; i++) {
            const struct block *b = &x->blocks[i];
            if (!is_of(b, sets[s].v6, sets[s].ports))
                continue;
            buf_printf(&x->text, "add ebb_%s_new ", name);
            put_net(&x->text, &b->net);
            if (b->port)
                buf_printf(&x->text, ",%s:%u", b->udp ? "udp" : "tcp", b->port);
            buf_byte(&x->text, '\n');
        }
        buf_printf(&x->text, "swap ebb_%s_new ebb_%s\ndestroy ebb_%s_new\n", name, name, name);
    }
}

/* ---- text ---- */

static void text_domain(struct exporting *x, const struct act_asset *a)
{
    buf_str(&x->text, a->kind == ASSET_WILDCARD ? "*." : "");
    buf_span(&x->text, a->name);
    buf_byte(&x->text, '\n');
}

static void text_addresses(struct exporting *x)
{
    for (size_t i = 0; i < x->n_blocks; i++) {
        const struct block *b = &x->blocks[i];
        bool bracket = b->port && !ip_is_v4(&b->net.ip);
        buf_str(&x->text, bracket ? "[" : "");
        put_net(&x->text, &b->net);
        buf_str(&x->text, bracket ? "]" : "");
        if (b->port)
            buf_printf(&x->text, ":%u/%s", b->port, b->udp ? "udp" : "tcp");
        buf_byte(&x->text, '\n');
    }
}

static void no_head(struct exporting *x)
{
}

static const struct format formats[] = {
    {"rpz", ";", rpz_head, rpz_domain, rpz_addresses, false},
    {"nftables", "#", nft_head, NULL, nft_addresses, true},
    {"ipset", "#", ipset_head, NULL, ipset_addresses, true},
    {"text", "#", no_head, text_domain, text_addresses, true},
};

/* ---- the export ---- */

static void put_name(struct exporting *x, const struct act_asset *a)
{
    uint8_t wire[DOMAIN_WIRE_MAX];
    if (!x->format->domain) {
        x->passed[PASSED_NAME]++;
    } else if (!domain_wire(a->name, wire)) {
        x->passed[PASSED_NO_NAME]++;
    } else {
        x->names++;
        x->format->domain(x, a);
    }
}

static int take_asset(void *ctx, const struct casebook_asset *a)
{
    struct exporting *x = ctx;
    if (a->list || (a->state != CASEBOOK_OPEN && a->state != CASEBOOK_EXPIRING))
        return 0;
    if (a->act.kind == ASSET_DOMAIN || a->act.kind == ASSET_WILDCARD)
        put_name(x, &a->act);
    else if (a->act.kind == ASSET_PORT)
        x->passed[PASSED_PORT]++;
    else
        collect(x, &a->act);
    return flush(x, FLUSH_BYTES);
}

/* The case's name and the log's are the operator's own words; a line break would end the comment.
 */
static void put_words(struct buf *out, const char *text)
{
    for (; *text; text++)
        buf_byte(out, (uint8_t)*text < 0x20 ? ' ' : (uint8_t)*text);
}

static void put_head(struct exporting *x)
{
    char time[UTC_TEXT_MAX];
    utc_format(x->now, time);
    buf_printf(&x->text, "%s C2 assets of case ", x->format->comment);
    put_words(&x->text, x->c.config->name);
    buf_printf(&x->text, ", in force at %.19sZ; log ", time);
    put_words(&x->text, journal_origin(x->c.journal));
    buf_printf(&x->text,
               " at %llu.\n%s They are seized: a host that is kept from them is infected still, "
               "and the sinkhole does not see it.\n",
               (unsigned long long)casebook_position(x->c.casebook), x->format->comment);
    x->format->head(x);
}

static void say_passed(const struct exporting *x)
{
    static const char *const why[PASSED_KINDS] = {
        [PASSED_NO_NAME] = "no name or network that can be written down",
        [PASSED_LONG] = "names too long for a policy zone",
        [PASSED_PORT] = "ports that this format cannot tell",
        [PASSED_NAME] = "names, which this format has no place for",
    };
    for (int i = 0; i < PASSED_KINDS; i++)
        if (x->passed[i])
            fprintf(stderr, "ebb: case asset export: passed over: %llu %s\n",
                    (unsigned long long)x->passed[i], why[i]);
}

static int export(struct exporting *x, const struct casebook_asset_query *q)
{
    struct casebook_clock clock = {x->now, 0};
    put_head(x);
    int rc = casebook_assets(x->c.casebook, q, &clock, take_asset, x, x->err);
    if (rc == 0) {
        order_blocks(x);
        x->format->addresses(x);
        rc = flush(x, 1);
    }
    if (rc == 0 && fflush(x->to) != 0)
        rc = err_errno(x->err, "output");
    return rc;
}

/* The file is replaced as a whole: who loads it must not see half of it. */
static int export_to(struct exporting *x, const struct casebook_asset_query *q, const char *path)
{
    char beside[FILE_PATH_MAX];
    if (!path) {
        x->to = stdout;
        return export(x, q);
    }
    int rc = file_path(beside, x->err, "%s.new", path);
    if (rc < 0)
        return rc;
    x->to = fopen(beside, "we");
    if (!x->to)
        return err_errno(x->err, "%s", beside);
    rc = export(x, q);
    if (rc == 0 && fsync(fileno(x->to)) < 0)
        rc = err_errno(x->err, "%s", beside);
    if (fclose(x->to) != 0 && rc == 0)
        rc = err_errno(x->err, "%s", beside);
    if (rc == 0 && rename(beside, path) < 0)
        rc = err_errno(x->err, "%s", path);
    if (rc < 0)
        unlink(beside);
    return rc;
}

static const struct format *format_of(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

int cmd_case_asset_export(const struct cli *cli)
{
    struct err err;
    struct exporting x = {.now = utc_now(), .err = &err};
    struct casebook_asset_query q = {.family = case_text(cli, "family"), .names = true};
    struct case_order order;
    const char *format = cli_get(cli, "format") ? cli_get(cli, "format") : "rpz";
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "case asset export: takes no argument (%s)", cli->args[0]);
    x.format = format_of(format);
    if (!x.format)
        return cli_fail(EXIT_USAGE, "--format: rpz, nftables, ipset or text (%s)", format);
    int rc = case_open(cli, &x.c, &err);
    if (rc == 0 && cli_has(cli, "order")) {
        rc = case_find_order(&x.c, cli_get(cli, "order"), x.now, &order, &err);
        q.order = order.entry;
    }
    if (rc == 0)
        rc = export_to(&x, &q, cli_get(cli, "output"));
    if (rc == 0 && !cli->quiet)
        say_passed(&x);
    casedir_close(&x.c, NULL);
    buf_free(&x.text);
    free(x.blocks);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
