/* Whom to tell: the order of trust, and that the same log gives the same answers whether the view
 * was read from its snapshot, in part, or anew. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "event/act_cleanup.h"
#include "state/contacts.h"

#define TABLES 16
#define ACTS   64

/* A log of acts, and the blobs they name. */
static struct {
    struct buf blob[TABLES];
    uint8_t digest[TABLES][SHA256_LEN];
    unsigned n_blobs;
    struct {
        uint8_t kind;
        struct buf payload;
    } act[ACTS];
    unsigned n;
    unsigned reads;
} world;

static int get_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    world.reads++;
    for (unsigned i = 0; i < world.n_blobs; i++)
        if (memcmp(world.digest[i], sha256, SHA256_LEN) == 0) {
            buf_span(out, buf_as_span(&world.blob[i]));
            return 0;
        }
    return err_set(err, -ENOENT, "no such blob");
}

static void import(const char *source, const char *format, const char *text, int64_t made)
{
    unsigned at = world.n_blobs++;
    buf_str(&world.blob[at], text);
    sha256(world.blob[at].p, world.blob[at].n, world.digest[at]);
    struct act_contacts_imported a = {.source = span_str(source),
                                      .file = span_str("file"),
                                      .format = span_str(format),
                                      .file_sha256 = span_of(world.digest[at], SHA256_LEN),
                                      .sha256 = span_of(world.digest[at], SHA256_LEN),
                                      .rows = 1,
                                      .made = made};
    world.act[world.n].kind = KIND_CONTACTS_IMPORTED;
    act_contacts_imported(&world.act[world.n++].payload, &a);
}

static void answer(const char *network, const char *mail)
{
    uint8_t digest[SHA256_LEN] = {1};
    struct act_rdap_answered a = {.network = span_str(network),
                                  .contact = span_str(mail),
                                  .handle = span_str("H"),
                                  .server = span_str("https://rdap.example/"),
                                  .sha256 = span_of(digest, SHA256_LEN)};
    world.act[world.n].kind = KIND_RDAP_ANSWERED;
    act_rdap_answered(&world.act[world.n++].payload, &a);
}

static void catch_up(struct contacts *c, unsigned until)
{
    for (uint64_t i = contacts_position(c); i < until; i++)
        contacts_act(c, world.act[i].kind, i, (int64_t)(i + 1) * 1000,
                     buf_as_span(&world.act[i].payload));
    contacts_advance(c, until);
}

static struct contacts *open_view(const char *dir)
{
    struct contacts *c;
    struct err err;
    if (contacts_open(dir, &c, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        exit(1);
    }
    contacts_blobs(c, get_blob, NULL);
    return c;
}

/* "mail source network entry" */
static const char *told(struct contacts *c, const char *address, uint32_t asn, const char *country)
{
    static char text[400];
    char cc[2] = {country[0], country[0] ? country[1] : 0}, network[NET_TEXT_MAX] = "-";
    struct contact k;
    struct ip ip;
    ip_parse(span_str(address), &ip);
    bool found = contacts_find(c, &ip, asn, cc, &k);
    if (k.network.set)
        net_format(&k.network, network);
    snprintf(text, sizeof text, "%.*s %.*s %s %d", (int)k.mail.n,
             k.mail.n ? (const char *)k.mail.p : "", (int)k.source.n, (const char *)k.source.p,
             network, found ? (int)k.entry : -1);
    return text;
}

static const struct {
    const char *address;
    uint32_t asn;
    const char *country, *want;
} questions[] = {
    {"192.0.2.1", 0, "", "op@x.example operator 192.0.2.0/24 0"},
    {"192.0.2.129", 0, "", "op2@x.example operator 192.0.2.128/25 0"},
    {"9.9.9.9", 64500, "", "as@x.example operator - 0"},
    {"9.9.9.9", 0, "SE", "se@x.example operator - 0"},
    {"198.51.100.1", 0, "", "ripe@x.example ripe 198.51.100.0/24 1"},
    {"198.51.100.200", 0, "", "longer@x.example apnic 198.51.100.192/26 2"},
    {"198.51.100.1", 64500, "SE", "as@x.example operator - 0"},
    {"203.0.113.1", 0, "", "rdap@x.example rdap 203.0.113.0/24 7"},
    {"203.0.113.1", 64510, "FR", "rdap@x.example rdap 203.0.113.0/24 7"},
    {"9.9.9.9", 64510, "FR", "asrip@x.example ripe - 1"},
    {"9.9.9.9", 0, "FR", "cert@x.example cert - 3"},
    {"100.64.0.1", 0, "", "cert@x.example cert - 3"},
    {"100.64.0.1", 0, "DE", " none - -1"},
    {"9.9.9.9", 1, "DE", " none - -1"},
    {"203.0.114.1", 0, "", " none - -1"},
    {"2001:db8::1", 0, "", "six@x.example ripe 2001:db8::/32 1"},
    {"172.16.0.1", 0, "", "apnic@x.example apnic 172.16.0.0/16 2"},
    {"172.17.0.1", 0, "", "ripe17@x.example ripe 172.17.0.0/16 1"},
};
#define QUESTIONS (sizeof questions / sizeof questions[0])

static void make_world(void)
{
    import(
        "operator", "csv",
        "match,contact,handle,name\n192.0.2.0/24,op@x.example,,\n192.0.2.128/25,op2@x.example,,\n"
        "AS64500,as@x.example,,\nSE,se@x.example,,\n",
        ACT_FOREVER);
    import("ripe", "rpsl",
           "match,contact,handle,name\n192.0.2.0/25,hidden@x.example,,\n"
           "172.16.0.0/16,ripe16@x.example,,\n172.17.0.0/16,ripe17@x.example,,\n"
           "198.51.100.0/24,ripe@x.example,H,N\n2001:db8::/32,six@x.example,,\n"
           "AS64510,asrip@x.example,,\n",
           77);
    import("apnic", "rpsl",
           "match,contact,handle,name\n172.16.0.0/16,apnic@x.example,,\n"
           "172.17.0.0/16,apnic17@x.example,,\n198.51.100.192/26,longer@x.example,,\n",
           78);
    import("cert", "csv", "country,contact\nFR,cert@x.example\n", ACT_FOREVER);
    import("ripe", "delegated",
           "network,country,registry\n100.64.0.0/16,FR,ripe\n172.17.0.0/16,FR,ripe\n", 5);
    import("apnic", "delegated", "network,country,registry\n172.16.0.0/16,JP,apnic\n", 5);
    answer("203.0.113.0/24", "old@x.example");
    answer("203.0.113.0/24", "rdap@x.example");
    answer("203.0.114.0/24", "");
    answer("192.0.2.0/24", "hidden@x.example");
}

static bool all_as_wanted(struct contacts *c)
{
    bool good = true;
    for (size_t i = 0; i < QUESTIONS; i++) {
        const char *got = told(c, questions[i].address, questions[i].asn, questions[i].country);
        if (strcmp(got, questions[i].want) != 0) {
            printf("# %s AS%u %s: got %s, want %s\n", questions[i].address, questions[i].asn,
                   questions[i].country, got, questions[i].want);
            good = false;
        }
    }
    return good;
}

static void read_both(const char *dir, struct buf out[2])
{
    char path[FILE_PATH_MAX];
    struct err err;
    static const char *const names[] = {"contacts", "contacts.index"};
    for (int i = 0; i < 2; i++) {
        out[i].n = 0;
        if (file_path(path, &err, "%s/%s", dir, names[i]) == 0)
            file_read(path, 1 << 24, &out[i], &err);
    }
}

static void test_trust(const char *dir)
{
    struct contacts *c = open_view(dir);
    int64_t when;
    char country[2];
    struct err err;
    struct ip ip = ip_from_v4(0xcb007201); /* 203.0.114.1 */
    ok(strcmp(told(c, "192.0.2.1", 1, "FR"), " none - -1") == 0, "an empty view knows nobody");
    catch_up(c, world.n);
    ok(all_as_wanted(c), "the order of trust");
    ok(contacts_asked(c, &ip, &when) && when == 9000, "asked, and nobody was named");
    ip = ip_from_v4(0x09090909);
    ok(!contacts_asked(c, &ip, &when), "not asked");
    ip = ip_from_v4(0xac100001);
    ok(span_is(contacts_registry(c, &ip, country), "apnic") && memcmp(country, "JP", 2) == 0,
       "the registry and the country");
    ok(contacts_snapshot(c, &err) == 0, "saved");
    contacts_close(c);
    world.reads = 0;
    c = open_view(dir);
    is_int(contacts_position(c), world.n);
    ok(all_as_wanted(c) && world.reads == 0, "read from the snapshot, without a table");
    contacts_close(c);
}

/* Whatever was saved when, the end is the same, to the byte. */
static void test_same(const char *dir, const char *other)
{
    struct buf first[2] = {{0}}, second[2] = {{0}};
    struct err err;
    read_both(dir, first);
    for (unsigned i = 0; i <= world.n; i++) {
        struct contacts *c = open_view(other);
        catch_up(c, i);
        if (i % 2)
            told(c, "192.0.2.1", 0, "");
        contacts_snapshot(c, &err);
        contacts_close(c);
    }
    read_both(other, second);
    ok(first[1].n && span_eq(buf_as_span(&first[0]), buf_as_span(&second[0])) &&
           span_eq(buf_as_span(&first[1]), buf_as_span(&second[1])),
       "the same log gives the same bytes, however it was read");
    for (int i = 0; i < 2; i++) {
        buf_free(&first[i]);
        buf_free(&second[i]);
    }
}

static void test_damage(const char *dir)
{
    static const char *const names[] = {"contacts", "contacts.index"};
    struct buf whole = {0};
    struct err err;
    char path[FILE_PATH_MAX];
    bool good = true;
    for (int file = 0; file < 2; file++) {
        file_path(path, &err, "%s/%s", dir, names[file]);
        whole.n = 0;
        file_read(path, 1 << 24, &whole, &err);
        for (size_t i = 0; i < whole.n; i += 1 + whole.n / 97) {
            whole.p[i] ^= 0x40;
            file_replace(path, buf_as_span(&whole), 0600, &err);
            whole.p[i] ^= 0x40;
            struct contacts *c = open_view(dir);
            catch_up(c, world.n);
            good &= all_as_wanted(c);
            contacts_close(c);
        }
        for (size_t n = 0; n < whole.n; n += 1 + whole.n / 31) {
            file_replace(path, span_of(whole.p, n), 0600, &err);
            struct contacts *c = open_view(dir);
            catch_up(c, world.n);
            good &= all_as_wanted(c);
            contacts_close(c);
        }
        file_replace(path, buf_as_span(&whole), 0600, &err);
    }
    ok(good, "damaged files are made anew from the log");
    buf_free(&whole);
}

/* A table that is gone (redacted) takes nothing else with it, and is not taken for empty for good.
 */
static void test_gone(const char *dir)
{
    struct err err;
    struct contacts *c = open_view(dir);
    import("operator", "csv", "match,contact\n192.0.2.0/24,newer@x.example\n", ACT_FOREVER);
    world.digest[world.n_blobs - 1][0] ^= 1;
    catch_up(c, world.n);
    ok(strcmp(told(c, "192.0.2.1", 0, ""), "hidden@x.example ripe 192.0.2.0/25 1") == 0,
       "without its table a source says nothing");
    contacts_snapshot(c, &err);
    contacts_close(c);
    world.digest[world.n_blobs - 1][0] ^= 1;
    c = open_view(dir);
    ok(strcmp(told(c, "192.0.2.1", 0, ""), "newer@x.example operator 192.0.2.0/24 10") == 0,
       "the table is back, and replaces the older one");
    ok(strcmp(told(c, "192.0.2.129", 0, ""), "newer@x.example operator 192.0.2.0/24 10") == 0,
       "whole");
    contacts_close(c);
}

int main(void)
{
    char dir[] = "/tmp/ebb-contacts-XXXXXX", other[] = "/tmp/ebb-contacts-XXXXXX";
    char path[FILE_PATH_MAX];
    if (!mkdtemp(dir) || !mkdtemp(other))
        return 1;
    log_set_level(LOG_ERROR); /* of damaged files there are many */
    make_world();
    test_trust(dir);
    test_same(dir, other);
    test_damage(dir);
    test_gone(dir);
    for (int i = 0; i < 4; i++) {
        file_path(path, NULL, "%s/contacts%s", i & 1 ? dir : other, i & 2 ? ".index" : "");
        unlink(path);
    }
    rmdir(dir);
    rmdir(other);
    for (unsigned i = 0; i < world.n_blobs; i++)
        buf_free(&world.blob[i]);
    for (unsigned i = 0; i < world.n; i++)
        buf_free(&world.act[i].payload);
    return tap_done();
}
