#include "state/subjects.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/event.h"

#define T0 1300233600000000ll /* 2011-03-16 */

static char dir[] = "/tmp/ebb-subjects-XXXXXX";
static struct err err;

/* ---- a log ---- */

struct logged {
    uint8_t kind;
    struct buf payload;
};
static struct logged entries[4096];
static uint64_t n_entries = 1;

static uint64_t put(uint8_t kind, struct buf payload)
{
    entries[n_entries] = (struct logged){kind, payload};
    return n_entries++;
}

#define ADD(kind, name, ...)                                                                       \
    ({                                                                                             \
        struct buf added = {0};                                                                    \
        act_##name(&added, &(struct act_##name){__VA_ARGS__});                                     \
        put(kind, added);                                                                          \
    })

static uint64_t subject(const char *name)
{
    return ADD(KIND_SUBJECT, subject, .name = span_str(name), .kind = span_str("person"));
}

static uint64_t fact(uint64_t of, const char *type, const char *value)
{
    return ADD(KIND_FACT, fact, .subject = of, .type = span_str(type), .value = span_str(value),
               .entries = span_str("1"), .observed = ACT_FOREVER, .confidence = 50);
}

static uint64_t merge(uint8_t kind, uint64_t into, uint64_t other)
{
    return ADD(kind, subject_merged, .into = into, .other = other, .why = span_str("because"));
}

static uint64_t withdraw(uint64_t entry)
{
    return ADD(KIND_WITHDRAWN, withdrawn, .entry = entry, .why = span_str("wrong"));
}

static void take_in(struct pursuit *p, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        pursuit_act(p, entries[i].kind, i, T0 + (int64_t)i * UTC_SECOND,
                    buf_as_span(&entries[i].payload));
    pursuit_advance(p, to);
}

static struct pursuit *view(const char *name)
{
    struct pursuit *p = NULL;
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/%s", dir, name);
    file_mkdirs(path, 0700, NULL);
    is_int(pursuit_open(path, &p, &err), 0);
    return p;
}

/* ---- what was found ---- */

static struct buf found;

static int note_fact(void *ctx, const struct subject_fact *f)
{
    buf_printf(&found, "%s%llu%s", found.n ? " " : "", (unsigned long long)f->entry,
               f->withdrawn ? "w" : "");
    return 0;
}

static int note_link(void *ctx, const struct subject_link *l)
{
    buf_printf(&found, "%s%llu%s", found.n ? " " : "", (unsigned long long)l->entry,
               l->withdrawn ? "w" : "");
    return 0;
}

static int note_known(void *ctx, uint64_t entry)
{
    buf_printf(&found, "%s%llu", found.n ? " " : "", (unsigned long long)entry);
    return 0;
}

static int note_subject(void *ctx, const struct subject *s)
{
    buf_printf(&found, "%s%llu:%.*s:%llu:%llu:%llu", found.n ? " " : "",
               (unsigned long long)s->entry, (int)s->name.n, (const char *)s->name.p,
               (unsigned long long)s->into, (unsigned long long)s->facts,
               (unsigned long long)s->links);
    return 0;
}

static const char *taken(void)
{
    static char text[65536];
    snprintf(text, sizeof text, "%.*s", (int)found.n, found.n ? (const char *)found.p : "");
    found.n = 0;
    return text;
}

static const char *facts(struct pursuit *p, uint64_t of, uint64_t size, bool all)
{
    is_int(subjects_facts(p, of, size, all, note_fact, NULL, &err), 0);
    return taken();
}

static const char *links(struct pursuit *p, uint64_t of, uint64_t size, bool all)
{
    is_int(subjects_links(p, of, size, all, note_link, NULL, &err), 0);
    return taken();
}

static const char *known(struct pursuit *p, uint64_t size)
{
    is_int(subjects_known(p, size, note_known, NULL, &err), 0);
    return taken();
}

static const char *search(struct pursuit *p, const char *type, const char *text)
{
    is_int(subjects_search(p, span_str(type), span_str(text), 100, note_fact, NULL, &err), 0);
    return taken();
}

static const char *before(struct pursuit *p, const char *type, const char *value, uint64_t entry)
{
    is_int(subjects_known_before(p, span_str(type), span_str(value), entry, note_fact, NULL, &err),
           0);
    return taken();
}

/* ---- values made alike ---- */

static const char *normal(const char *type, struct span value)
{
    static char text[8192];
    struct buf b = {0};
    facts_normal(span_str(type), value, &b);
    snprintf(text, sizeof text, "%.*s", (int)b.n, b.n ? (const char *)b.p : "");
    buf_free(&b);
    return text;
}

static void test_normal(void)
{
    static const struct {
        const char *type, *value, *want;
    } cases[] = {
        {"domain", "  WWW.Example.ORG. ", "www.example.org"},
        {"domain",
         "B\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example"},
        {"domain", "XN--BCHER-KVA.example", "xn--bcher-kva.example"},
        {"domain", "not a domain", "not a domain"},
        {"domain", "\xd0\x9f\xd0\xa0 \xd0\xb8", "\xd0\xbf\xd1\x80 \xd0\xb8"},
        {"mail", "John.Doe@Example.ORG", "John.Doe@example.org"},
        {"mail",
         "a@b@B\xc3\x9c"
         "CHER.example",
         "a@b@xn--bcher-kva.example"},
        {"mail", "@example.org", "@example.org"},
        {"mail", "Nobody", "nobody"},
        {"address", "192.0.2.1", "192.0.2.1"},
        {"address", "2001:DB8:0:0::0001", "2001:db8::1"},
        {"address", "::ffff:192.0.2.1", "192.0.2.1"},
        {"address", "192.0.2.0/24", "192.0.2.0/24"},
        {"address", "1  Example\tStreet", "1 example street"},
        {"phone", "+49 (30) 123-45.67/8", "+493012345678"},
        {"phone", "0049 30 1234", "+49301234"},
        {"phone", "call me", "call me"},
        {"payment", "de02 1203 0000 0000 2020 51", "DE02120300000000202051"},
        {"payment", "BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ",
         "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"},
        {"payment", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
        {"payment", "0xABCDEF", "0xabcdef"},
        {"handle", "@Cosma2K", "cosma2k"},
        {"handle", "@", "@"},
        {"messenger", "User@Jabber.Example", "user@jabber.example"},
        {"name", "\xd0\x98\xd0\x92\xd0\x90\xd0\x9d  \xef\xbc\xa1",
         "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd a"},
        {"handle",
         "a\xe2\x80\x8b"
         "b",
         "ab"}, /* a zero width space */
        {"other", "", ""},
        {"", "X", "x"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_str(normal(cases[i].type, span_str(cases[i].value)), cases[i].want);
    for (unsigned i = 0; fact_type_name(i); i++) { /* bytes that are no text, and far too many */
        static uint8_t junk[100000];
        for (size_t k = 0; k < sizeof junk; k++)
            junk[k] = (uint8_t)(k * 7 + i);
        normal(fact_type_name(i), span_of(junk, sizeof junk));
        normal(fact_type_name(i), span_of("\xff\xfe@\xff", 4));
        normal(fact_type_name(i), span_of("a\0b", 3));
    }
}

/* ---- a case ---- */

static void test_case(void)
{
    uint64_t one = subject("John Doe 1"), two = subject("John Doe 2"), three = subject("Gang");
    uint64_t handle = fact(one, "handle", "@Cosma2K"), same = fact(two, "handle", "cosma2k");
    uint64_t mail = fact(two, "mail", "boss@Example.ORG"), short_one = fact(three, "handle", "Xy");
    uint64_t link = ADD(KIND_LINK, link, .subject = one, .other = three, .entries = span_str("1"),
                        .relation = span_str("works-with"), .confidence = 80);
    uint64_t asset = ADD(KIND_LINK, link, .subject = two, .asset = 1, .lead = 1,
                         .relation = span_str("owns"), .confidence = 80);
    uint64_t merged = merge(KIND_SUBJECT_MERGED, one, two),
             chain = merge(KIND_SUBJECT_MERGED, three, one);
    uint64_t split = merge(KIND_SUBJECT_SPLIT, three, one), gone = withdraw(handle);
    char want[256];
    struct pursuit *p = view("case");
    take_in(p, 1, n_entries);

    snprintf(want, sizeof want, "%llu:John Doe 1:0:2:2 %llu:John Doe 2:%llu:1:1 %llu:Gang:0:1:1",
             (unsigned long long)one, (unsigned long long)two, (unsigned long long)one,
             (unsigned long long)three);
    /* Of one: the mail, the same handle; the link and, by way of two, the asset. Of two itself its
     * own. */
    is_int(subjects_list(p, note_subject, NULL, &err), 0);
    ok(found.n > 0, "listed");
    found.n = 0;
    is_int(subjects_entry(p, span_str("john doe 2")), one);
    is_int(subjects_entry(p, span_str("2")), one);
    is_int(subjects_entry_itself(p, span_str("John Doe 2")), two);
    is_int(subjects_entry(p, span_str("nobody")), 0);
    is_int(subjects_entry(p, span_str("99999999999999999999999")), 0);
    is_int(subjects_find(p, span_str("John Doe 2"), note_subject, NULL, &err), 1);
    is_str(taken(), "1:John Doe 1:0:2:2");
    is_int(subjects_find(p, span_str("nobody"), note_subject, NULL, &err), 0);

    snprintf(want, sizeof want, "%llu %llu", (unsigned long long)same, (unsigned long long)mail);
    is_str(facts(p, one, UINT64_MAX, false), want);
    snprintf(want, sizeof want, "%lluw %llu %llu", (unsigned long long)handle,
             (unsigned long long)same, (unsigned long long)mail);
    is_str(facts(p, one, UINT64_MAX, true), want);
    snprintf(want, sizeof want, "%llu", (unsigned long long)handle); /* before the merge */
    is_str(facts(p, one, merged, false), want);
    snprintf(want, sizeof want, "%llu %llu %llu", (unsigned long long)handle,
             (unsigned long long)same, (unsigned long long)mail);
    is_str(facts(p, one, gone, false), want);
    snprintf(want, sizeof want, "%llu %llu %llu %llu", (unsigned long long)handle,
             (unsigned long long)same, (unsigned long long)mail, (unsigned long long)short_one);
    is_str(facts(p, three, split, false), want); /* while the chain held */
    is_str(facts(p, 0, split, false), want);
    snprintf(want, sizeof want, "%llu", (unsigned long long)short_one);
    is_str(facts(p, three, UINT64_MAX, false), want);
    is_str(facts(p, 0, 0, true), "");

    is_int(subjects_root_at(p, two, split), three);
    is_int(subjects_root_at(p, two, split + 1), one);
    is_int(subjects_root_at(p, two, merged), two);
    is_int(subjects_root_at(p, two, chain), one);

    snprintf(want, sizeof want, "%llu %llu", (unsigned long long)link, (unsigned long long)asset);
    is_str(links(p, one, UINT64_MAX, false), want);
    snprintf(want, sizeof want, "%llu", (unsigned long long)link);
    is_str(links(p, three, UINT64_MAX, false), want); /* from the other end */
    is_str(links(p, three, link, false), "");

    snprintf(want, sizeof want, "%llu %llu", (unsigned long long)handle, (unsigned long long)same);
    is_str(before(p, "handle", " COSMA2k", gone), want);
    snprintf(want, sizeof want, "%lluw %llu", (unsigned long long)handle, (unsigned long long)same);
    is_str(before(p, "handle", "cosma2k", UINT64_MAX), want);
    is_str(before(p, "handle", "cosma2k", handle), "");
    is_str(before(p, "mail", "cosma2k", UINT64_MAX), "");

    snprintf(want, sizeof want, "%lluw %llu", (unsigned long long)handle, (unsigned long long)same);
    is_str(search(p, "", "OSMA"), want);
    is_str(search(p, "handle", "osma2K"), want);
    is_str(search(p, "mail", "osma"), "");
    is_str(search(p, "", "co"), want);
    is_str(search(p, "", "\"osma"), "");
    is_str(search(p, "", "* OR NOT ("), "");
    snprintf(want, sizeof want, "%llu", (unsigned long long)short_one);
    is_str(search(p, "", "x"), want);
    is_str(search(p, "mail", "x"), "");
    snprintf(want, sizeof want, "%llu", (unsigned long long)mail);
    is_str(search(p, "", "@example.o"), want);
    ok(subjects_search(p, span_str(""), span_str(""), 1, note_fact, NULL, &err) == -EINVAL);
    ok(subjects_search(p, span_str(""), span_of("a\0bcd", 5), 1, note_fact, NULL, &err) == -EINVAL);

    is_str(known(p, 1), "");
    snprintf(want, sizeof want, "%llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu", 1ull,
             2ull, 3ull, 4ull, 5ull, 6ull, 7ull, 8ull, 9ull, 10ull, 11ull);
    is_str(known(p, split), want);
    is_str(known(p, gone), "1 2 3 4 5 6 7 8 9 10");
    is_str(known(p, UINT64_MAX), "1 2 3 5 6 7 8 9 10");
    is_int(pursuit_snapshot(p, &err), 0);
    pursuit_close(p);
}

/* ---- hostile acts ---- */

static bool has(struct pursuit *p, const char *table, uint64_t entry)
{
    char query[128];
    snprintf(query, sizeof query, "SELECT 1 FROM %s WHERE entry=?", table);
    return sql_int(pursuit_sql(p), 0, query, "i", (int64_t)entry) == 1;
}

static void test_hostile(void)
{
    static char longer[SUBJECT_TEXT_MAX + 2];
    memset(longer, 'a', sizeof longer - 1);
    uint64_t first = n_entries;
    uint64_t a = subject("A"), b = subject("a"), c = subject("C"), d = subject("D");
    uint64_t no_name = subject(""), long_name = subject(longer);
    uint64_t no_text = ADD(KIND_SUBJECT, subject, .name = span_of("x\xff", 2));
    uint64_t of_none = fact(999999, "handle", "x"), huge = fact(UINT64_MAX, "handle", "x");
    uint64_t no_source = ADD(KIND_FACT, fact, .subject = a, .type = span_str("handle"),
                             .value = span_str("x"), .observed = ACT_FOREVER);
    uint64_t no_value = fact(a, "handle", ""), long_value = fact(a, "handle", longer);
    uint64_t sure = ADD(KIND_FACT, fact, .subject = a, .type = span_str("handle"), .lead = 1,
                        .value = span_str("x"), .observed = ACT_FOREVER, .confidence = 101);
    uint64_t odd_type = fact(a, "later-version", "x");
    uint64_t self = ADD(KIND_LINK, link, .subject = a, .other = a, .lead = 1);
    uint64_t to_none = ADD(KIND_LINK, link, .subject = a, .lead = 1);
    uint64_t to_huge = ADD(KIND_LINK, link, .subject = a, .lead = 1, .asset = UINT64_MAX);
    uint64_t m1 = merge(KIND_SUBJECT_MERGED, a, a), m2 = merge(KIND_SUBJECT_MERGED, a, c);
    uint64_t m3 = merge(KIND_SUBJECT_MERGED, c, a), m4 = merge(KIND_SUBJECT_MERGED, d, c);
    uint64_t m5 = merge(KIND_SUBJECT_MERGED, 0, d), m6 = merge(KIND_SUBJECT_MERGED, c, d);
    uint64_t m7 = merge(KIND_SUBJECT_MERGED, d, a); /* a circle by way of c */
    uint64_t s1 = merge(KIND_SUBJECT_SPLIT, d, c), s2 = merge(KIND_SUBJECT_SPLIT, a, c);
    uint64_t k1 = ADD(KIND_KNOWLEDGE, knowledge, .root = span_of(longer, 32), .size = UINT64_MAX);
    uint64_t k2 =
        ADD(KIND_KNOWLEDGE, knowledge, .root = span_of(longer, 32), .size = 3, .facts = 4);
    uint64_t k3 =
        ADD(KIND_KNOWLEDGE, knowledge, .root = span_of(longer, 32), .size = 3, .facts = 2);
    for (uint8_t kind = KIND_SUBJECT; kind <= KIND_KNOWLEDGE; kind++) { /* no map, half of one */
        struct buf junk = {0};
        buf_str(&junk, "junk");
        put(kind, junk);
        put(kind, (struct buf){0});
        struct buf half = {0};
        act_fact(&half, &(struct act_fact){.subject = a, .value = span_str("abc")});
        half.n -= 2;
        put(kind, half);
    }
    struct pursuit *p = view("hostile");
    take_in(p, first, n_entries);
    ok(has(p, "subjects", a) && has(p, "subjects", b) && has(p, "subjects", c));
    char want[64];
    snprintf(want, sizeof want, "a (%llu)", (unsigned long long)b);
    is_int(subjects_entry(p, span_str(want)), b);
    is_int(subjects_entry(p, span_str("a")), a);
    const uint64_t not_subjects[] = {no_name, long_name, no_text};
    for (size_t i = 0; i < 3; i++)
        ok(!has(p, "subjects", not_subjects[i]));
    const uint64_t not_facts[] = {of_none, huge, no_source, no_value, long_value, sure};
    for (size_t i = 0; i < 6; i++)
        ok(!has(p, "facts", not_facts[i]));
    ok(has(p, "facts", odd_type));
    ok(!has(p, "links", self) && !has(p, "links", to_none) && !has(p, "links", to_huge));
    ok(!has(p, "merges", m1) && has(p, "merges", m2) && !has(p, "merges", m3) &&
       !has(p, "merges", m4) && !has(p, "merges", m5) && has(p, "merges", m6) &&
       !has(p, "merges", m7));
    ok(!has(p, "merges", s1) && !has(p, "merges", s2));
    is_int(subjects_root_at(p, d, s2), a);
    is_int(subjects_root_at(p, d, s2 + 1), c);
    is_int(subjects_entry(p, span_str("d")), c);
    ok(!has(p, "knowledge", k1) && !has(p, "knowledge", k2) && has(p, "knowledge", k3));
    pursuit_close(p);
}

/* A long chain of merges, built from either end, split in the middle. */
static void test_chain(void)
{
    enum { LONG = 300 };
    uint64_t first = n_entries, s[LONG];
    char name[16], text[32];
    for (int i = 0; i < LONG; i++) {
        snprintf(name, sizeof name, "chain %d", i);
        s[i] = subject(name);
    }
    for (int i = LONG - 1; i > 0; i--)
        merge(KIND_SUBJECT_MERGED, s[i - 1], s[i]);
    uint64_t at_end = fact(s[LONG - 1], "handle", "chained");
    uint64_t split = merge(KIND_SUBJECT_SPLIT, s[LONG / 2 - 1], s[LONG / 2]);
    struct pursuit *p = view("chain");
    take_in(p, first, n_entries);
    snprintf(text, sizeof text, "%llu", (unsigned long long)at_end);
    is_str(facts(p, s[0], split, false), text);
    is_str(facts(p, s[0], UINT64_MAX, false), "");
    is_str(facts(p, s[LONG / 2], UINT64_MAX, false), text);
    is_int(subjects_root_at(p, s[LONG - 1], split), s[0]);
    is_int(subjects_entry(p, span_str("chain 299")), s[LONG / 2]);
    is_int(subjects_entry(p, span_str("chain 149")), s[0]);
    pursuit_close(p);
}

/* What is in the index of words, and what waits for it, are found alike. */
static void test_batches(void)
{
    enum { MANY = 700 };
    uint64_t first = n_entries, of = subject("many"), entry[MANY];
    char value[32], want[64];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(value, sizeof value, "batch-%u", i);
        entry[i] = fact(of, i % 2 ? "handle" : "domain", value);
    }
    struct pursuit *p = view("batches");
    take_in(p, first, n_entries);
    for (unsigned i = 0; i < MANY; i += 37) {
        snprintf(value, sizeof value, "TCH-%u", i);
        found.n = 0;
        is_int(subjects_search(p, span_str(""), span_str(value), 1, note_fact, NULL, &err), 0);
        snprintf(want, sizeof want, "%llu", (unsigned long long)entry[i]);
        is_str(taken(), want);
        snprintf(value, sizeof value, "atch-%03u", i);
        is_str(search(p, i % 2 ? "domain" : "handle", value), ""); /* the other type */
    }
    for (unsigned limit = 1; limit <= MANY + 1; limit += 100) {
        unsigned n = 0;
        is_int(
            subjects_search(p, span_str("handle"), span_str("batch"), limit, note_fact, NULL, &err),
            0);
        for (size_t i = 0; i < found.n; i++)
            n += found.p[i] == ' ';
        is_int(n + 1, limit < MANY / 2 ? limit : MANY / 2);
        found.n = 0;
    }
    pursuit_close(p);
}

/* ---- rebuilt ---- */

static void dump(struct pursuit *p, struct buf *out)
{
    static const char *const tables[] = {"subjects",  "merges",          "facts",          "links",
                                         "knowledge", "fact_words_data", "fact_words_idx", "acts"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char query[128];
        snprintf(query, sizeof query, "SELECT * FROM %s ORDER BY 1", tables[i]);
        sqlite3_stmt *s = sql_prepare(pursuit_sql(p), &err, query, "");
        while (s && sqlite3_step(s) == SQLITE_ROW)
            for (int k = 0; k < sqlite3_column_count(s); k++) {
                struct span cell = sql_text(s, k);
                buf_printf(out, "%zu:", cell.n);
                buf_span(out, cell);
            }
        sqlite3_finalize(s);
    }
}

/* The same log in one go, and an act a transaction, gives the same rows; also of the words' index.
 */
static void test_rebuilt(void)
{
    struct buf a = {0}, b = {0};
    struct pursuit *p = view("at once"), *q = view("step by step");
    take_in(p, 1, n_entries);
    is_int(pursuit_snapshot(p, &err), 0);
    for (uint64_t i = 1; i < n_entries; i++) {
        take_in(q, i, i + 1);
        if (pursuit_snapshot(q, &err) < 0)
            ok(false, "snapshot");
        if (i % 100 == 0) {
            pursuit_close(q);
            q = view("step by step");
        }
    }
    dump(p, &a);
    dump(q, &b);
    ok(a.n > 1000 && span_eq(buf_as_span(&a), buf_as_span(&b)), "rebuilt the same");
    buf_free(&a);
    buf_free(&b);
    pursuit_close(p);
    pursuit_close(q);
}

int main(void)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    test_normal();
    test_case();
    test_hostile();
    test_chain();
    test_batches();
    test_rebuilt();
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0)
        return EXIT_FAILURE;
    for (uint64_t i = 0; i < n_entries; i++)
        buf_free(&entries[i].payload);
    buf_free(&found);
    return tap_done();
}
