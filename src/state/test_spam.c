/* The spam view fed with mails from a small store. EBB_RULES says where topics and brands are. */
#include "state/spam.h"

#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/act.h"
#include "state/spam_impl.h"

#define LIVE_MAX    8    /* campaigns in memory, so that most are retired */
#define PHASE       40   /* entries of one template */
#define ENTRIES     1600 /* of the made-up log */
#define MERGE       790  /* where the acts stand on it */
#define TEMPLATE(t) ((t)*PHASE + (t == 0 ? 2 : 0)) /* entry of its first mail */

static char top[] = "/tmp/ebb-spam-XXXXXX";
static struct mail_reader *reader;

/* ---- a store of blobs ---- */

static struct stored {
    uint8_t sha256[SHA256_LEN];
    struct buf bytes;
} store[ENTRIES];

static int get_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    (void)ctx;
    for (unsigned i = 0; i < ENTRIES; i++)
        if (store[i].bytes.n && memcmp(store[i].sha256, sha256, SHA256_LEN) == 0) {
            buf_span(out, buf_as_span(&store[i].bytes));
            return 0;
        }
    return err_set(err, -ENOENT, "gone");
}

static int get_reader(void *ctx, struct mail_reader **out, struct err *err)
{
    (void)ctx;
    *out = reader;
    return reader ? 0 : err_set(err, -EINVAL, "no rules");
}

static const struct spam_source source = {.blob = get_blob, .reader = get_reader};

static struct spam *open_view(const char *name)
{
    char dir[FILE_PATH_MAX];
    struct spam *s = NULL;
    struct err err = {0};
    file_path(dir, &err, "%s/%s", top, name);
    file_mkdirs(dir, 0700, &err);
    int rc = spam_open_small(dir, &source, LIVE_MAX, &s, &err);
    if (rc < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return s;
}

static struct buf file_of(const char *view, const char *name)
{
    char path[FILE_PATH_MAX];
    struct buf out = {0};
    struct err err;
    file_path(path, &err, "%s/%s/%s", top, view, name);
    file_read(path, 64u << 20, &out, &err);
    return out;
}

/* ---- the log ---- */

/* Words that say nothing, made of a seed. */
static void put_words(struct buf *b, uint32_t seed, unsigned n)
{
    static const char *const part[] = {"ba", "ce", "di", "fo", "gu", "la", "me", "ni",
                                       "po", "ru", "sa", "te", "vi", "xo", "zu", "ka"};
    for (unsigned i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t r = seed >> 8;
        for (unsigned k = 0; k < 4; k++, r >>= 4)
            buf_str(b, part[r & 15]);
        buf_byte(b, i % 8 == 7 ? '\n' : ' ');
    }
}

static bool is_single(uint64_t i)
{
    return i % 5 == 4;
}

static bool is_gone(uint64_t i)
{
    return i % 53 == 52;
}

/* No mail at all: an act, or another kind of event. */
static bool is_other(uint64_t i)
{
    return i < 2 || i == MERGE || i == MERGE + 1 || i % 47 == 46;
}

static void make_mail(uint64_t i, struct buf *b)
{
    uint32_t template = (uint32_t)(i / PHASE), seed = is_single(i) ? 7000 + (uint32_t)i : template;
    buf_printf(b, "From: a@example.com\r\nTo: b@example.net\r\nSubject: Offer of %u\r\n",
               is_single(i) ? 0 : template);
    buf_printf(b, "Message-ID: <%llu.x@example.com>\r\n\r\n", (unsigned long long)i);
    if (!is_single(i))
        buf_str(b, template % 2 ? "You want a Rolex watch. " : "Buy Viagra today. ");
    put_words(b, seed * 977 + 1, 60);
    buf_printf(b, "\r\nOrder %llu\r\n", (unsigned long long)(i * 31 % 1000));
}

static void make_store(void)
{
    for (uint64_t i = 0; i < ENTRIES; i++) {
        struct buf bytes = {0};
        make_mail(i, &bytes);
        sha256(bytes.p, bytes.n, store[i].sha256);
        if (is_gone(i))
            buf_free(&bytes);
        else
            store[i].bytes = bytes;
    }
}

static void act_on(struct spam *s, uint64_t i)
{
    struct buf payload = {0};
    struct act_campaigns merge = {.by = span_str("test"), .why = span_str("it is one")};
    uint8_t kind = KIND_CAMPAIGN_MERGED;
    if (i < 2) {
        kind = KIND_SENSOR;
        act_sensor(&payload, i ? "mx-2" : "mx-1");
    } else {
        merge.into = TEMPLATE(19);
        merge.from = i == MERGE ? TEMPLATE(18) : MERGE - 1; /* the last is a single mail */
        act_campaigns(&payload, &merge);
    }
    spam_act(s, kind, i, buf_as_span(&payload));
    buf_free(&payload);
}

static struct event event_of(uint64_t i)
{
    struct event ev = {.kind = i % 47 == 46 ? KIND_DNS : KIND_SMTP,
                       .time = 15000 * UTC_DAY + (int64_t)i * UTC_SECOND,
                       .sensor = i % 2,
                       .src_ip = ip_from_v4(0xcb007100 + (uint32_t)(i % 100)),
                       .asn = 64500 + i % 3,
                       .country = span_str(i % 3 ? "DE" : "")};
    ev.smtp.has = ev.kind == KIND_SMTP;
    ev.smtp.size = 1000 + i;
    ev.smtp.blob = span_of(store[i].sha256, SHA256_LEN);
    if (i % 4 == 0) {
        ev.family = span_str("rustock");
        ev.family_source = span_str("rule");
    }
    return ev;
}

static int feed(struct spam *s, uint64_t from, uint64_t to)
{
    struct err err;
    struct campaigns_proposal p;
    int rc = 0;
    for (uint64_t i = from; rc == 0 && i < to; i++) {
        struct event ev = event_of(i);
        if (i < 2 || i == MERGE || i == MERGE + 1)
            act_on(s, i);
        else
            rc = spam_event(s, i, &ev, NULL, &err);
        spam_advance(s, i + 1);
        while (spam_proposal(s, &p))
            printf("# proposed at %llu: %s\n", (unsigned long long)i, p.why);
    }
    return rc;
}

/* ---- facts ---- */

struct seen {
    const struct spam *s;
    uint64_t n, gone;
    uint64_t first[ENTRIES / PHASE]; /* the template's campaign */
    uint64_t mails[ENTRIES / PHASE];
    bool right, placed, branded;
};

static int see(void *ctx, const struct fact *f)
{
    struct seen *seen = ctx;
    const struct spam *s = seen->s;
    struct event ev = event_of(f->index);
    uint64_t i = f->index, t = i / PHASE;
    seen->n++;
    seen->right &= !is_other(i) && f->time == ev.time && f->bytes == 1000 + i &&
                   f->asn == 64500 + i % 3 && f->source == fact_source(&ev.src_ip) &&
                   memcmp(f->country, i % 3 ? "DE" : "\0", 2) == 0 &&
                   span_is(spam_name(s, f->sensor), i % 2 ? "mx-2" : "mx-1") &&
                   span_is(spam_name(s, f->family), i % 4 ? "" : "rustock");
    if (is_gone(i)) {
        seen->gone++;
        seen->placed &= f->campaign == FACT_NO_CAMPAIGN;
        return 0;
    }
    if (is_single(i)) {
        seen->placed &= f->campaign == i && f->why == CAMPAIGN_FOUNDED;
        seen->branded &= f->brand[0] == 0;
        return 0;
    }
    if (!seen->mails[t])
        seen->first[t] = f->index;
    seen->mails[t]++;
    seen->placed &= f->campaign == seen->first[t];
    seen->branded &= span_is(spam_name(s, f->brand[0]), t % 2 ? "rolex" : "viagra");
    return 0;
}

static struct seen look(struct spam *s)
{
    struct seen seen = {.s = s, .right = true, .placed = true, .branded = true};
    struct err err;
    is_int(spam_facts(s, see, &seen, &err), 0);
    return seen;
}

static uint64_t count(bool (*is)(uint64_t), bool among_mails)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < ENTRIES; i++)
        n += is(i) && (!among_mails || !is_other(i));
    return n;
}

static void test_facts(struct spam *s)
{
    struct seen seen = look(s);
    is_int(seen.n, ENTRIES - count(is_other, false));
    is_int(spam_mails(s), seen.n);
    is_int(seen.gone, count(is_gone, true));
    is_int(s->lost, seen.gone);
    ok(seen.right, "time, size, source, sensor and family");
    ok(seen.placed,
       "each mail with its template, single ones for themselves, the gone ones nowhere");
    ok(seen.branded, "brands by their names");
    is_int(spam_named(s, span_str("mega-d")), 0);
    ok(spam_named(s, span_str("viagra")) != 0);
    is_int(spam_name(s, 0).n, 0);
}

/* ---- campaigns ---- */

/* Retired ones are there with all their mails; what was merged counts where it was merged into. */
static void test_list(struct spam *s)
{
    struct seen seen = look(s);
    struct campaign *list;
    size_t n, singles = 0, right = 0;
    struct err err;
    ok(campaigns_live(s->campaigns) == LIVE_MAX, "there is no room for more");
    is_int(spam_list(s, &list, &n, &err), 0);
    for (size_t i = 0; i < n; i++) {
        uint64_t t = list[i].id / PHASE, want = seen.mails[t];
        if (is_single(list[i].id)) {
            singles++;
            continue;
        }
        if (t == 19)
            want += seen.mails[18] + 1;
        right += list[i].id == seen.first[t] && list[i].mails == want &&
                 list[i].last_seen < 15000 * UTC_DAY + (int64_t)(t + 1) * PHASE * UTC_SECOND &&
                 (t == 19 ||
                  (list[i].brand[0].mails == want && list[i].brand[1].mails == 0 &&
                   span_is(spam_name(s, list[i].brand[0].brand), t % 2 ? "rolex" : "viagra")));
        if (i)
            ok(list[i - 1].mails >= list[i].mails, "most mails first");
    }
    is_int(right, ENTRIES / PHASE - 1); /* 18 is in 19 */
    ok(singles <= LIVE_MAX, "retired single mails are not listed");
    is_int(list[0].id, TEMPLATE(19));
    is_int(list[0].mails, seen.mails[18] + seen.mails[19] + 1);
    is_int(list[0].first_seen, 15000 * UTC_DAY + (int64_t)TEMPLATE(18) * UTC_SECOND);
    uint64_t more = seen.mails[18] > seen.mails[19] ? seen.mails[18] : seen.mails[19];
    is_int(list[0].brand[0].mails, more);
    is_int(list[0].brand[0].mails + list[0].brand[1].mails, seen.mails[18] + seen.mails[19]);
    free(list);
}

static void test_find(struct spam *s)
{
    struct campaign c, other;
    struct seen seen = look(s);
    struct err err;
    is_int(spam_find(s, TEMPLATE(3), &c, &err), 1); /* retired */
    is_int(c.id, TEMPLATE(3));
    is_int(c.mails, seen.mails[3]);
    is_str(c.subject, "Offer of 3");
    is_int(spam_find(s, TEMPLATE(19), &c, &err), 1);
    is_int(spam_find(s, TEMPLATE(18), &other, &err), 1); /* merged into it */
    ok(memcmp(&c, &other, sizeof c) == 0, "it is the one that it counts for");
    is_int(spam_find(s, TEMPLATE(3) + 1, &c, &err), 0); /* a mail that founded nothing */
    is_int(spam_find(s, UINT64_MAX, &c, &err), 0);
}

/* ---- going on ---- */

static void same_file(const char *a, const char *b, const char *name)
{
    struct buf x = file_of(a, name), y = file_of(b, name);
    tap_check(x.n > 0 && span_eq(buf_as_span(&x), buf_as_span(&y)), name, __FILE__, __LINE__, name);
    buf_free(&x);
    buf_free(&y);
}

static void same_view(const char *a, const char *b)
{
    same_file(a, b, "spam");
    same_file(a, b, "spam.facts");
    same_file(a, b, "spam.retired");
}

/* Snapshot, reopened, gone on with, time and again: as if it had never stopped. */
static void test_restarts(void)
{
    struct spam *s = open_view("restarted");
    struct err err;
    unsigned wrong = 0;
    for (uint64_t i = 0; i < ENTRIES; i += 160) {
        wrong += feed(s, i, i + 160) != 0 || spam_snapshot(s, &err) != 0;
        wrong += spam_pending_bytes(s) != 0;
        spam_close(s);
        s = open_view("restarted");
        wrong += spam_position(s) != i + 160;
    }
    is_int(wrong, 0);
    spam_close(s);
    same_view("straight", "restarted");
}

/* Taken in and written to the tails, and then the snapshot was not: what is behind it does not
 * count, and comes again. One time the power went while the tails were written, too. */
static void test_crash(void)
{
    struct spam *s = open_view("crashed");
    struct err err;
    is_int(feed(s, 0, 1000), 0);
    is_int(spam_snapshot(s, &err), 0);
    is_int(feed(s, 1000, 1200), 0);
    is_int(tail_write(s->facts, &err), 0);
    spam_close(s);
    s = open_view("crashed");
    is_int(spam_position(s), 1000);
    is_int(feed(s, 1000, 1300), 0);
    is_int(tail_write(s->facts, &err), 0);
    is_int(tail_write(s->retired, &err), 0);
    spam_close(s);
    s = open_view("crashed");
    is_int(spam_position(s), 1000);
    uint64_t before = spam_mails(s);
    is_int(look(s).n, before);
    is_int(feed(s, 1000, ENTRIES), 0);
    is_int(spam_snapshot(s, &err), 0);
    spam_close(s);
    same_view("straight", "crashed");
}

/* A reader takes in what the log has beyond the snapshot, and writes nothing. */
static void test_reader(void)
{
    struct spam *s = open_view("reader"), *r;
    struct err err;
    is_int(feed(s, 0, 500), 0);
    is_int(spam_snapshot(s, &err), 0);
    struct buf before = file_of("reader", "spam.facts"), after;
    r = open_view("reader");
    is_int(feed(r, 500, 700), 0);
    is_int(look(r).n, spam_mails(r));
    ok(spam_pending_bytes(r) > 0);
    is_int(feed(s, 500, ENTRIES), 0); /* the writer goes on meanwhile */
    is_int(spam_snapshot(s, &err), 0);
    is_int(look(r).n, spam_mails(r));
    spam_close(r);
    after = file_of("reader", "spam.facts");
    ok(after.n > before.n && memcmp(before.p, after.p, before.n) == 0);
    buf_free(&before);
    buf_free(&after);
    spam_close(s);
    same_view("straight", "reader");
}

/* ---- damage ---- */

static void write_file(const char *view, const char *name, struct span bytes)
{
    char path[FILE_PATH_MAX];
    struct err err;
    file_path(path, &err, "%s/%s/%s", top, view, name);
    file_replace(path, bytes, 0600, &err);
}

/* A view with one of its files changed starts empty, and comes out the same when it is fed again.
 */
static void is_made_anew(const char *name, struct span bytes)
{
    static const char *const files[] = {"spam", "spam.facts", "spam.retired"};
    struct err err;
    for (unsigned i = 0; i < 3; i++) {
        struct buf whole = file_of("straight", files[i]);
        write_file("damaged", files[i], strcmp(files[i], name) == 0 ? bytes : buf_as_span(&whole));
        buf_free(&whole);
    }
    struct spam *s = open_view("damaged");
    is_int(spam_position(s), 0);
    is_int(spam_mails(s), 0);
    is_int(campaigns_live(s->campaigns), 0);
    is_int(look(s).n, 0);
    is_int(feed(s, 0, 200), 0);
    is_int(spam_snapshot(s, &err), 0);
    spam_close(s);
    s = open_view("damaged");
    is_int(spam_position(s), 200);
    is_int(look(s).n, spam_mails(s));
    spam_close(s);
}

static void test_damage(void)
{
    struct spam *s = open_view("damaged");
    spam_close(s);
    struct buf whole = file_of("straight", "spam");
    is_made_anew("spam", span_of(whole.p, whole.n - 1));
    is_made_anew("spam", span_of(whole.p, 40));
    is_made_anew("spam", span_of("", 0));
    whole.p[whole.n / 2] ^= 4;
    is_made_anew("spam", buf_as_span(&whole));
    buf_free(&whole);
    whole = file_of("straight", "spam.facts");
    is_made_anew("spam.facts", span_of(whole.p, whole.n - 1));
    whole.p[whole.n - 1] ^= 1;
    is_made_anew("spam.facts", buf_as_span(&whole));
    buf_free(&whole);
    is_made_anew("spam.retired", span_of("", 0));
}

/* ---- acts, and what cannot be read ---- */

static void put_campaigns(struct spam *s, uint8_t kind, uint64_t into, uint64_t from)
{
    struct buf payload = {0};
    const struct act_campaigns a = {into, from, span_str("test"), span_str("")};
    act_campaigns(&payload, &a);
    spam_act(s, kind, 1, buf_as_span(&payload));
    buf_free(&payload);
}

static void test_acts(void)
{
    struct spam *s = open_view("acts");
    struct campaign c;
    struct err err;
    is_int(feed(s, 0, 2 * PHASE), 0);
    uint64_t a = TEMPLATE(0), b = TEMPLATE(1);
    is_int(spam_find(s, b, &c, &err), 1);
    is_int(c.id, b);
    uint64_t of_b = c.mails;
    put_campaigns(s, KIND_CAMPAIGN_MERGED, a, b);
    is_int(spam_find(s, b, &c, &err), 1);
    is_int(c.id, a);
    put_campaigns(s, KIND_CAMPAIGN_SPLIT, a, b);
    is_int(spam_find(s, b, &c, &err), 1);
    is_int(c.id, b);
    is_int(c.mails, of_b);
    put_campaigns(s, KIND_CAMPAIGN_MERGED, a, 12345678); /* nobody knows it */
    spam_act(s, KIND_CAMPAIGN_MERGED, 1, span_str("not of that shape"));
    spam_act(s, KIND_SENSOR, 1, span_str("nor that"));
    spam_act(s, KIND_DIALECT_NAMED, 1, span_str(""));
    spam_act(s, KIND_ORDER, 1, span_str("nor anything"));
    is_int(campaigns_root(s->campaigns, 12345678), 12345678);
    spam_close(s);
}

static void test_dialects(void)
{
    struct spam *s = open_view("dialects");
    struct arena arena;
    struct event ev = event_of(5);
    struct mail mail;
    struct dialect_verdict v;
    struct err err;
    arena_init(&arena);
    is_int(feed(s, 0, 5), 0);
    is_int(spam_read(s, buf_as_span(&store[5].bytes), &ev, &arena, &mail, &err), 0);
    spam_judge(s, &mail, &v);
    is_str(v.family, ""); /* too little was learned */
    struct act_dialect a = {.sign = span_str("headers"),
                            .text = mail.headers.text,
                            .name = span_str("the hand"),
                            .family = span_str("mega-d")};
    struct buf payload = {0};
    act_dialect(&payload, &a);
    spam_act(s, KIND_DIALECT_NAMED, 5, buf_as_span(&payload));
    buf_free(&payload);
    spam_judge(s, &mail, &v);
    is_str(v.family, "mega-d");
    const struct dialect *x = dialects_find(spam_dialects(s), DIALECT_HEADERS, mail.headers.text);
    ok(x && strcmp(x->name, "the hand") == 0 && x->mails == 3);
    if (x)
        is_int(x->lesson[0].mails, 1); /* entry 4: the family was known from a rule */
    /* what was told from signs teaches nothing */
    ev.family = span_str("mega-d");
    ev.family_source = span_str(SPAM_FAMILY_LEARNED);
    is_int(spam_event(s, 5, &ev, &mail, &err), 0);
    x = dialects_find(spam_dialects(s), DIALECT_HEADERS, mail.headers.text);
    ok(x && x->mails == 4 && strcmp(x->lesson[0].family, "rustock") == 0 &&
       x->lesson[1].family[0] == 0);
    arena_free(&arena);
    spam_close(s);
}

/* A mail over a limit has no blob; another one's sensor was never named. */
static void test_odd_mails(void)
{
    struct spam *s = open_view("odd");
    struct event ev = event_of(5);
    struct err err;
    ev.smtp.blob = span_of(NULL, 0);
    ev.smtp.size = 1ull << 40;
    ev.sensor = 77;
    ok(spam_is_mail(&ev));
    is_int(spam_event(s, 5, &ev, NULL, &err), 0);
    is_int(spam_mails(s), 1);
    ev.smtp.size = 0; /* a session without a mail */
    ok(!spam_is_mail(&ev));
    is_int(spam_event(s, 6, &ev, NULL, &err), 0);
    is_int(spam_mails(s), 1);
    spam_close(s);
    struct mail_reader *kept = reader;
    reader = NULL;
    s = open_view("odd");
    ev = event_of(5);
    ok(spam_event(s, 5, &ev, NULL, &err) < 0, "no rules: nothing can be read");
    is_int(spam_mails(s), 0); /* it is not half taken in */
    spam_close(s);
    reader = kept;
}

int main(void)
{
    const char *rules = getenv("EBB_RULES");
    const struct mail_options options = {.rules = rules};
    struct err err;
    if (!rules || mail_reader_open(&options, &reader, &err) < 0 || !mkdtemp(top)) {
        ok(0, "EBB_RULES: a folder with rules is needed");
        return tap_done();
    }
    make_store();
    struct spam *s = open_view("straight");
    is_int(feed(s, 0, ENTRIES), 0);
    test_facts(s);
    test_list(s);
    test_find(s);
    is_int(spam_snapshot(s, &err), 0);
    test_list(s);
    spam_close(s);
    test_restarts();
    test_crash();
    test_reader();
    test_damage();
    test_acts();
    test_dialects();
    test_odd_mails();
    mail_reader_close(reader);
    for (unsigned i = 0; i < ENTRIES; i++)
        buf_free(&store[i].bytes);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", top);
    is_int(system(command), 0);
    return tap_done();
}
