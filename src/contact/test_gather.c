/* Registries' dumps and statistics: who answers for what, in whatever order objects come, and what
 * hostile files do not do. */
#include "base/tap.h"
#include "contact/gather.h"
#include "contact/rpsl.h"

struct result {
    struct buf table;
    struct gather_totals totals;
    struct gather_counts counts; /* of the last file */
    unsigned rejects;
};

static void see_reject(void *ctx, uint64_t number, const char *why)
{
    struct result *r = ctx;
    r->rejects++;
    if (!number || !why || !*why)
        abort();
}

static int feed(struct gather *g, const char *text, struct gather_counts *counts)
{
    int rc = 0;
    gather_file(g);
    for (struct cur c = cur_of(span_str(text)); rc == 0 && cur_left(&c);)
        rc = gather_line(g, cur_line(&c));
    return rc ? rc : gather_file_end(g, counts);
}

static void gather_all(struct result *r, enum gather_format format, const char *const *files)
{
    *r = (struct result){0};
    struct gather_sink sink = {r, see_reject};
    struct gather *g = gather_new(format, "ripe", &sink);
    for (; *files; files++)
        if (feed(g, *files, &r->counts) < 0)
            abort();
    if (gather_finish(g, &r->table, &r->totals) < 0)
        abort();
    buf_byte(&r->table, 0);
    gather_free(g);
}

#define HEAD "match,contact,handle,name\n"

static void is_table(enum gather_format format, const char *const *files, const char *want,
                     const char *name)
{
    struct result r;
    gather_all(&r, format, files);
    const char *got = (const char *)r.table.p;
    if (!tap_check(strncmp(got, HEAD, sizeof HEAD - 1) == 0 &&
                       strcmp(got + sizeof HEAD - 1, want) == 0,
                   "table", __FILE__, __LINE__, name))
        printf("# got %s\n", got);
    buf_free(&r.table);
}

/* ---- RPSL ---- */

static const char net_by_org[] = "inetnum: 192.0.2.0 - 192.0.2.255\nnetname: N\norg: ORG-1\n\n";
static const char org[] = "organisation: ORG-1\norg-name: One\norg: ORG-1\nabuse-c: R-1\n\n";
static const char role[] = "role: Abuse\nnic-hdl: r-1\nabuse-mailbox: A@one.example\n\n";

static void test_resolving(void)
{
    static const char want[] = "192.0.2.0/24,a@one.example,R-1,One\n";
    is_table(GATHER_RPSL, (const char *[]){net_by_org, org, role, NULL}, want, "in order");
    is_table(GATHER_RPSL, (const char *[]){role, org, net_by_org, NULL}, want,
             "the other way round");
    is_table(GATHER_RPSL, (const char *[]){org, net_by_org, NULL}, "", "a role that is nowhere");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 192.0.2.0 - 192.0.2.255\nabuse-c: R-2\norg: ORG-1\n"
                              "mnt-irt: I\nabuse-mailbox: own@x.example\n\n"
                              "role: x\nnic-hdl: R-2\nabuse-mailbox: two@x.example\n\n"
                              "irt: I\nabuse-mailbox: irt@x.example\n",
                              org, role, NULL},
             "192.0.2.0/24,two@x.example,R-2,One\n", "its own abuse-c comes first");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 192.0.2.0 - 192.0.2.255\nabuse-c: GONE\n"
                              "abuse-mailbox: own@x.example\norg: ORG-1\n",
                              org, role, NULL},
             "192.0.2.0/24,own@x.example,,One\n", "then its own mailbox");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 192.0.2.0 - 192.0.2.255\norg: ORG-2\nmnt-irt: I\nmnt-irt: "
                              "J\n\norganisation: ORG-2\nabuse-c: GONE\n\n"
                              "irt: J\nabuse-mailbox: irt@x.example\n",
                              NULL},
             "192.0.2.0/24,irt@x.example,J,\n", "then the irt's");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 192.0.2.0 - 192.0.2.255\nadmin-c: R-1\ntech-c: R-1\n"
                              "e-mail: x@y.example\n\nperson: p\nnic-hdl: R-1\ne-mail: "
                              "p@y.example\n",
                              role, NULL},
             "", "admin-c, tech-c and e-mail are nobody");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 200.1/16\nowner: Dono\nabuse-c: PQR\n\n"
                              "nic-hdl: PQR\nperson: P\ne-mail: abuso@y.example\n",
                              NULL},
             "200.1.0.0/16,abuso@y.example,PQR,Dono\n",
             "the e-mail of whom an abuse-c names (LACNIC)");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 192.0.2.0 - 192.0.2.255\nmnt-irt: I\n\nirt: I\n"
                              "abuse-mailbox: irt@x.example\nremarks: irt@x.example is invalid\n",
                              NULL},
             "", "what is remarked to be invalid is nobody (APNIC)");
}

static void test_writing(void)
{
    is_table(
        GATHER_RPSL,
        (const char *[]){"% comment\n#another\nINETNUM:\t192.0.2.0\n+ - 192.0.2.5 # six\n%inside\n"
                         "ABUSE-C:\n\tR-1\r\nthis is no attribute\n: nor this\n\r\n",
                         role, NULL},
        "192.0.2.0/30,a@one.example,R-1,\n192.0.2.4/31,a@one.example,R-1,\n",
        "lines that go on, comments, capitals, CR");
    is_table(GATHER_RPSL,
             (const char *[]){"aut-num: AS64500\nas-name: X\norg: ORG-1\n\naut-num: ASx\norg: "
                              "ORG-1\n\ninet6num: 2001:db8::/32\norg: ORG-1\n",
                              org, role, NULL},
             "2001:db8::/32,a@one.example,R-1,One\nAS64500,a@one.example,R-1,One\n",
             "ASes and IPv6");
    is_table(GATHER_RPSL,
             (const char *[]){"inetnum: 0.0.0.0 - 255.255.255.255\norg: ORG-1\n\ninet6num: "
                              "::/0\norg: ORG-1\n\ninetnum: 62.0.0.0 - 62.255.255.255\nnetname: "
                              "NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK\norg: ORG-1\n",
                              org, role, NULL},
             "", "what is everybody's is nobody's");
}

static void test_hostile(void)
{
    struct result r;
    struct buf text = {0};
    gather_all(&r, GATHER_RPSL,
               (const char *[]){"inetnum: 192.0.2.9 - 192.0.2.1\nabuse-c: R-1\n\ninetnum: x\n\n"
                                "inetnum:\n\norganisation:\nabuse-c: R-1\n\nrole: x\n"
                                "abuse-mailbox: a@b.example\n",
                                NULL});
    is_int(r.rejects, 5);
    is_int(r.counts.rejected, 5);
    buf_free(&r.table);
    /* organisations that name each other, and themselves */
    is_table(
        GATHER_RPSL,
        (const char *[]){net_by_org,
                         "organisation: ORG-1\norg: ORG-2\nabuse-c: ORG-2\n\n"
                         "organisation: ORG-2\norg: ORG-1\nabuse-c: ORG-1\n\nrole: r\nnic-hdl: "
                         "ORG-1\nabuse-c: ORG-1\n",
                         NULL},
        "", "loops end");
    buf_str(&text, "inetnum: 192.0.2.0 - 192.0.2.255\nabuse-c: ");
    for (int i = 0; i < 100000; i++)
        buf_byte(&text, 'x');
    for (int i = 0; i < 10000; i++)
        buf_str(&text, "\n+ y");
    for (int i = 0; i < 1000; i++)
        buf_str(&text, "\nmnt-irt: I");
    buf_str(&text, "\n\nirt: I\nabuse-mailbox: irt@x.example\n");
    buf_byte(&text, 0);
    is_table(GATHER_RPSL, (const char *[]){(char *)text.p, NULL}, "192.0.2.0/24,irt@x.example,I,\n",
             "long values are cut");
    buf_free(&text);
    gather_all(&r, GATHER_RPSL, (const char *[]){net_by_org, NULL});
    is_int(r.totals.dangling, 1);
    buf_free(&r.table);
    gather_all(&r, GATHER_RPSL,
               (const char *[]){net_by_org, org,
                                "role: r\nnic-hdl: R-1\nabuse-mailbox: unread@ripe.net\n"
                                "abuse-mailbox: no address\n",
                                NULL});
    is_int(r.totals.silent, 1);
    is_int(r.totals.fake, 1);
    is_int(r.totals.malformed, 1);
    buf_free(&r.table);
}

/* ---- ARIN, statistics ---- */

static void test_arin(void)
{
    is_table(
        GATHER_ARIN,
        (const char *[]){"NetHandle: NET-1\nOrgID: ONE\nNetName: N\nNetRange: 192.0.2.0 - "
                         "192.0.2.255\n\nASHandle: AS64500\nOrgID: ONE\nASNumber: 64500 - "
                         "64501\n\nASHandle: AS1\nOrgID: ONE\nASNumber: 1 - 4000000000\n\n"
                         "NetHandle: NET-2\nOrgID: APNIC\nNetRange: 1.0.0.0 - 1.255.255.255\n\n"
                         "OrgID: ONE\nOrgName: One\nOrgAbuseHandle: P-ARIN\n\nOrgID: APNIC\n"
                         "OrgAbuseHandle: P-ARIN\n\nPOCHandle: P-ARIN\nMailbox: p@one.example\n",
                         NULL},
        "192.0.2.0/24,p@one.example,P-ARIN,One\nAS64500,p@one.example,P-ARIN,One\n"
        "AS64501,p@one.example,P-ARIN,One\n",
        "ARIN's text");
}

static void test_delegated(void)
{
    struct result r;
    gather_all(&r, GATHER_DELEGATED,
               (const char *[]){"2|ripencc|20260101|3|19830705|20260102|+0100\n"
                                "ripencc|*|ipv4|*|3|summary\n"
                                "ripencc|fr|ipv4|192.0.2.0|384|20100101|allocated|x\n"
                                "ripencc|FR|ipv4|192.0.3.128|128|20100101|allocated|y\n"
                                "apnic|JP|ipv6|2001:db8::|32|20100101|assigned|\n"
                                "ripencc|ZZ|ipv4|198.51.100.0|256|20100101|assigned\n"
                                "ripencc||ipv4|10.0.0.0|256||available|\n"
                                "ripencc|FR|ipv6|2001:db8::1|32|20100101|assigned|\n"
                                "ripencc|FR|ipv4|255.255.255.255|2|20100101|assigned|\n"
                                "ripencc|FR|ipv4|1.0.0.0|0|20100101|assigned|\n"
                                "nic|FR|ipv4|1.0.0.0|256|20100101|assigned|\n"
                                "ripencc|FR|ipx|1.0.0.0|256|20100101|assigned|\n|||||||||||||\n",
                                NULL});
    is_str((char *)r.table.p, "network,country,registry\n192.0.2.0/23,FR,ripe\n"
                              "198.51.100.0/24,,ripe\n2001:db8::/32,JP,apnic\n");
    is_int(r.counts.rows, 4);
    is_int(r.rejects, 6);
    ok(r.counts.made == 1767312000ll * 1000000, "made on its last day");
    buf_free(&r.table);
}

static void test_recognising(void)
{
    static const struct {
        const char *head, *source;
        int format; /* -1: nothing */
    } cases[] = {
        {"match,contact,name\n", "operator", GATHER_CSV},
        {"# x\n\n192.0.2.0/24,abuse@isp.example\n", "operator", GATHER_CSV},
        {"fe80::/16,abuse@isp.example\n", "operator", GATHER_CSV},
        {"country,contact,name\n", "cert", GATHER_CSV},
        {"2|apnic|20260101|1|2|20260101|+1000\n", "apnic", GATHER_DELEGATED},
        {"2.3|nro|20260101|1|2|20260101|+1000\n", "nro", GATHER_DELEGATED},
        {"lacnic|BR|ipv4|200.0.0.0|256|20260101|allocated\n", "lacnic", GATHER_DELEGATED},
        {"% x\n\nas-block: AS1 - AS2\nsource: AFRINIC\n", "afrinic", GATHER_RPSL},
        {"inetnum: 1.0.0.0 - 1.0.0.255\nsource: APNIC\n", "apnic", GATHER_RPSL},
        {"inetnum: 1.0.0.0 - 1.0.0.255\n", "", GATHER_RPSL},
        {"NetHandle: NET-1\n", "arin", GATHER_ARIN},
        {"POCHandle: X\n", "arin", GATHER_ARIN},
        {"hello: world\n", "", -1},
        {"<?xml version=\"1.0\"?>\n", "", -1},
        {"", "", -1},
        {"\n\n#\n", "", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct gather_kind kind;
        bool known = gather_recognise(span_str(cases[i].head), &kind);
        tap_check(known == (cases[i].format >= 0) &&
                      (!known || ((int)kind.format == cases[i].format &&
                                  strcmp(kind.source, cases[i].source) == 0)),
                  "recognised", __FILE__, __LINE__, cases[i].source);
    }
    struct gather_kind kind;
    static const char binary[] = "192.0.2.0/24,abuse@isp.example\n\0\0";
    ok(!gather_recognise(span_of(binary, sizeof binary), &kind), "no table has zero bytes");
}

int main(void)
{
    test_resolving();
    test_writing();
    test_hostile();
    test_arin();
    test_delegated();
    test_recognising();
    return tap_done();
}
