#include "state/campaigns.h"
#include "base/tap.h"
#include "state/campaigns_impl.h"
#include "state/test_campaigns.h"

/* Campaigns of mixed size: 3 mails to thousands, by Zipf's law. */
static size_t make_sources(struct made_source *s, unsigned n, uint64_t seed, size_t most)
{
    size_t mails = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t rng = seed * 1000 + i;
        s[i] = (struct made_source){.seed = made_mix(seed * 65536 + i),
                                    .own = 40 + made_next(&rng) % 160,
                                    .shared = made_next(&rng) % 3 ? 10 + made_next(&rng) % 20 : 0,
                                    .fragment = made_next(&rng) % 10,
                                    .random = made_next(&rng) % 60,
                                    .lost = made_next(&rng) % 8,
                                    .domain_mails = 1 + made_next(&rng) % 50,
                                    .hand = made_next(&rng) % 8,
                                    .subject_varies = made_next(&rng) % 2,
                                    .picture = made_next(&rng) % 4 == 0};
        size_t k = most / (i + 1);
        mails += k < 3 ? 3 : k;
    }
    return mails;
}

/* A source for each mail, shuffled. */
static uint64_t *make_order(unsigned n, size_t most, size_t mails, uint64_t seed)
{
    uint64_t *order = mem_zeroed(mails, sizeof *order), rng = seed;
    size_t at = 0;
    for (unsigned i = 0; i < n; i++)
        for (size_t k = 0; k < (most / (i + 1) < 3 ? 3 : most / (i + 1)); k++)
            order[at++] = i;
    for (size_t i = mails; i > 1; i--) {
        size_t k = made_next(&rng) % i;
        uint64_t t = order[i - 1];
        order[i - 1] = order[k];
        order[k] = t;
    }
    return order;
}

struct run {
    struct campaigns *c;
    struct made_source source[MADE_SOURCES_MAX];
    struct made_mail made;
    uint64_t rng, index;
    unsigned proposals;
    enum campaign_why why;
};

static void run_init(struct run *r, uint64_t seed, uint32_t live_max)
{
    memset(r, 0, sizeof *r);
    r->c = campaigns_new(NULL);
    r->rng = seed;
    if (live_max)
        campaigns_set_live_max(r->c, live_max);
}

static uint64_t run_add(struct run *r, const struct mail *mail)
{
    struct campaigns_proposal p;
    struct campaigns_mail m = {.index = ++r->index,
                               .time = (int64_t)r->index * 1000,
                               .bytes = 1000,
                               .family = span_str("rustock"),
                               .mail = mail};
    uint64_t id = campaigns_add(r->c, &m, &r->why, &p);
    r->proposals += p.into != p.from;
    if (p.into != p.from)
        campaigns_merge(r->c, p.into, p.from);
    return id;
}

static uint64_t run_step(struct run *r, unsigned source)
{
    made_mail(&r->source[source], &r->rng, &r->made);
    return run_add(r, &r->made.mail);
}

static void test_labels(void)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct run *r = mem_zeroed(1, sizeof *r);
        run_init(r, seed, 0);
        size_t most = 3000, mails = make_sources(r->source, 200, seed, most);
        uint64_t *order = make_order(200, most, mails, seed), *cluster = mem_zeroed(mails, 8);
        for (size_t i = 0; i < mails; i++)
            cluster[i] = run_step(r, (unsigned)order[i]);
        for (size_t i = 0; i < mails; i++)
            cluster[i] = campaigns_root(r->c, cluster[i]);
        struct score s;
        score_of(order, cluster, mails, &s);
        score_print(&s);
        ok(s.f1 >= 0.95, "B-cubed F1 of 200 campaigns");
        ok(s.over_merge < 0.005, "hardly a mail is in another's campaign");
        ok(s.late == 0, "recognised in under 10 mails");
        printf("# %u proposals of merges\n", r->proposals);
        free(order);
        free(cluster);
        campaigns_free(r->c);
        free(r);
    }
}

static void same_bytes(const struct campaigns *a, const struct campaigns *b, const char *what)
{
    struct buf x = {0}, y = {0};
    campaigns_save(a, &x);
    campaigns_save(b, &y);
    tap_check(span_eq(buf_as_span(&x), buf_as_span(&y)), "bytes", __FILE__, __LINE__, what);
    buf_free(&x);
    buf_free(&y);
}

/* A second run is saved and loaded every now and then; both have little room, so that they retire.
 */
static void test_deterministic(void)
{
    struct run *a = mem_zeroed(1, sizeof *a), *b = mem_zeroed(1, sizeof *b);
    run_init(a, 7, 64);
    run_init(b, 7, 64);
    size_t most = 400, mails = make_sources(a->source, 120, 7, most), differ = 0;
    make_sources(b->source, 120, 7, most);
    uint64_t *order = make_order(120, most, mails, 7);
    for (size_t i = 0; i < mails; i++) {
        differ += run_step(a, (unsigned)order[i]) != run_step(b, (unsigned)order[i]);
        if (i % 97 == 0) {
            struct buf saved = {0};
            campaigns_save(b->c, &saved);
            campaigns_free(b->c);
            b->c = campaigns_new(NULL);
            differ += campaigns_load(b->c, buf_as_span(&saved)) != 0;
            buf_free(&saved);
        }
    }
    is_int(differ, 0);
    is_int(campaigns_live(a->c), 64);
    same_bytes(a->c, b->c, "the same bytes, saved and loaded in between or not");
    free(order);
    campaigns_free(a->c);
    campaigns_free(b->c);
    free(a);
    free(b);
}

static struct made_source plain(uint64_t seed)
{
    return (struct made_source){
        .seed = seed, .own = 100, .domain_mails = 10, .hand = (unsigned)seed};
}

static void test_placing(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    run_init(r, 1, 0);
    for (unsigned i = 0; i < 8; i++)
        r->source[i] = plain(i + 1);
    uint64_t first = run_step(r, 0);
    is_int(r->why, CAMPAIGN_FOUNDED);
    is_int(first, 1);
    is_int(run_step(r, 0), 1);
    is_int(r->why, CAMPAIGN_EXACT);
    r->source[0].random = 30;
    is_int(run_step(r, 0), 1);
    is_int(r->why, CAMPAIGN_LIKE);
    is_int(run_step(r, 1), 4);
    is_int(r->why, CAMPAIGN_FOUNDED);
    /* half of the text is random, the domain and the hand agree */
    r->source[1].random = 300;
    unsigned evidence = 0;
    for (unsigned i = 0; i < 20; i++) {
        run_step(r, 1);
        evidence += r->why == CAMPAIGN_EVIDENCE;
    }
    ok(evidence > 0, "a diluted text is placed with the help of its domain");
    /* without any text */
    r->source[2].own = 0;
    uint64_t bare = run_step(r, 2);
    is_int(run_step(r, 2), (long long)bare);
    is_int(r->why, CAMPAIGN_EXACT); /* the same subject by the same hand */
    r->source[2].subject_varies = true;
    is_int(run_step(r, 2), (long long)bare);
    is_int(r->why, CAMPAIGN_EVIDENCE);
    r->source[3] = r->source[2];
    r->source[3].hand = 99;
    r->source[3].subject_varies = true;
    ok(run_step(r, 3) != bare, "a domain alone joins nothing");
    const struct campaign *c = campaigns_find(r->c, first);
    is_int(c->mails, 3);
    is_int(c->topic[TOPIC_PHARMACY], 3);
    is_int(c->first_seen, 1000);
    is_int(c->last_seen, 3000);
    is_str(c->family[0].name, "rustock");
    is_str(c->subject, "A subject");
    is_int(c->domain[0].mails, 3);
    struct campaign_evidence e;
    campaigns_explain(r->c, c, &r->made.mail, &e);
    ok(!e.exact && e.likeness == 0 && e.score < e.threshold, "explained: it is not that one");
    campaigns_free(r->c);
    free(r);
}

/* A picture that is a little different each time, in mails whose text means nothing. */
static void test_picture(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    run_init(r, 1, 0);
    r->source[0] = (struct made_source){
        .seed = 1, .random = 200, .hand = 1, .picture = true, .subject_varies = true};
    uint64_t first = 0;
    unsigned same = 0;
    for (unsigned i = 0; i < 20; i++) {
        made_mail(&r->source[0], &r->rng, &r->made);
        r->made.file[0].hash[0] = 1000 + i;
        r->made.file[0].width = 400 + i % 4;
        r->made.file[0].height = 300 - i % 5;
        uint64_t id = run_add(r, &r->made.mail);
        first = first ? first : id;
        same += id == first;
    }
    is_int(same, 20);
    r->made.file[0].hash[0] = 1;
    r->made.file[0].width = 200;
    ok(run_add(r, &r->made.mail) != first || r->why == CAMPAIGN_EXACT, "another picture");
    r->source[0].hand = 2;
    made_mail(&r->source[0], &r->rng, &r->made);
    r->made.file[0].hash[0] = 5;
    r->made.file[0].width = 400;
    r->made.file[0].height = 300;
    ok(run_add(r, &r->made.mail) != first, "the same look from another hand");
    campaigns_free(r->c);
    free(r);
}

/* Sentences of which each mail has one of three wordings. */
static void test_spun(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    uint64_t shingle[150], rng = 1;
    run_init(r, 1, 0);
    r->source[0] = plain(1);
    for (unsigned i = 0; i < 300; i++) {
        made_mail(&r->source[0], &rng, &r->made);
        for (unsigned k = 0; k < 150; k++)
            shingle[k] = k * 10 + (k % 5 ? made_next(&rng) % 3 : 0);
        made_sketch(shingle, 150, &r->made.mail.sketch);
        r->made.mail.exact = made_next(&rng) | 1;
        r->made.mail.urls = 0;
        run_add(r, &r->made.mail);
    }
    uint64_t most = 0;
    for (uint32_t i = 0; i < campaigns_live(r->c); i++) {
        uint64_t n = campaigns_at(r->c, i)->mails;
        most = n > most ? n : most;
    }
    printf("# spun: %u campaigns, the largest of %llu mails\n", campaigns_live(r->c),
           (unsigned long long)most);
    ok(most > 200, "a spun text is mostly one campaign");
    campaigns_free(r->c);
    free(r);
}

/* Everybody's domain, and text of which a part is everybody's: no campaign grows together. */
static void test_common(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    run_init(r, 1, 0);
    for (unsigned i = 0; i < 100; i++) {
        r->source[i] = plain(i + 1);
        r->source[i].own = 60;
        r->source[i].shared = 30; /* a third: likeness 0.2 */
        r->source[i].hand = 1;
    }
    for (unsigned k = 0; k < 10; k++)
        for (unsigned i = 0; i < 100; i++)
            run_step(r, i);
    is_int(campaigns_live(r->c), 100);
    is_int(r->proposals, 0);
    campaigns_free(r->c);
    free(r);
}

static unsigned told;
static void on_retired(void *ctx, const struct campaign *c)
{
    told++;
    *(uint64_t *)ctx = c->mails;
}

static void test_retired(void)
{
    uint64_t mails = 0;
    struct run *r = mem_zeroed(1, sizeof *r);
    struct campaigns_hooks hooks = {&mails, on_retired};
    run_init(r, 1, 0);
    campaigns_free(r->c);
    r->c = campaigns_new(&hooks);
    campaigns_set_live_max(r->c, 8);
    for (unsigned i = 0; i < 40; i++)
        r->source[i] = plain(i + 1);
    for (unsigned i = 0; i < 6; i++) {
        run_step(r, i);
        run_step(r, i);
    }
    for (unsigned i = 6; i < 30; i++)
        run_step(r, i);
    is_int(campaigns_live(r->c), 8);
    is_int(told, 22);
    is_int(mails, 1);
    ok(campaigns_find(r->c, 1) && campaigns_find(r->c, 11), "single mails go first");
    for (unsigned i = 30; i < 33; i++) {
        run_step(r, i);
        run_step(r, i);
    }
    ok(!campaigns_find(r->c, 1), "then the one that was quiet longest");
    is_int(mails, 2);
    campaigns_free(r->c);
    free(r);
}

static void test_merge(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    run_init(r, 1, 0);
    for (unsigned i = 0; i < 4; i++)
        r->source[i] = plain(i + 1);
    uint64_t id[4];
    for (unsigned i = 0; i < 4; i++)
        id[i] = run_step(r, i);
    is_int(campaigns_merge(r->c, id[0], id[1]), 0);
    is_int(campaigns_merge(r->c, id[0], id[1]), 1);
    is_int(campaigns_merge(r->c, id[0], 999), -1);
    is_int(campaigns_merge(r->c, id[0], id[0]), -1);
    is_int(run_step(r, 1), (long long)id[1]); /* a merge changes no placing */
    is_int(campaigns_find(r->c, id[0])->mails, 1);
    is_int(campaigns_find(r->c, id[1])->mails, 2);
    is_int(campaigns_merge(r->c, id[2], id[1]), 0);
    is_int(campaigns_root(r->c, id[1]), (long long)id[2]);
    is_int(run_step(r, 1), (long long)id[1]);
    is_int(campaigns_split(r->c, id[2], id[0]), 0);
    is_int(campaigns_root(r->c, id[1]), (long long)id[0]);
    is_int(campaigns_merge(r->c, id[2], id[0]), -1);
    is_int(campaigns_split(r->c, id[3], id[0]), -1);
    is_int(campaigns_root(r->c, 12345), 12345);
    is_int(run_step(r, 2), (long long)id[2]);
    struct buf saved = {0};
    struct campaigns *again = campaigns_new(NULL);
    campaigns_save(r->c, &saved);
    is_int(campaigns_load(again, buf_as_span(&saved)), 0);
    is_int(campaigns_root(again, id[1]), (long long)id[0]);
    same_bytes(r->c, again, "merges are saved");
    campaigns_free(again);
    buf_free(&saved);
    campaigns_free(r->c);
    free(r);
}

/* Two campaigns that grow alike: first mails far apart, later ones between them. */
static void test_proposal(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    run_init(r, 1, 0);
    r->source[0] = plain(1);
    r->source[0].random = 280;
    for (unsigned i = 0; i < 200; i++)
        run_step(r, 0);
    uint64_t root = campaigns_root(r->c, campaigns_at(r->c, 0)->id);
    const struct campaign *c = campaigns_find(r->c, root);
    printf("# %u campaigns, %u proposals; the largest has %llu of 200\n", campaigns_live(r->c),
           r->proposals, (unsigned long long)c->mails);
    ok(c->mails > 150, "a template with much random text is mostly one campaign");
    campaigns_free(r->c);
    free(r);
}

/* Damaged bytes are refused, or at least do no harm. */
static void test_load(void)
{
    struct run *r = mem_zeroed(1, sizeof *r);
    run_init(r, 1, 16);
    for (unsigned i = 0; i < 12; i++)
        r->source[i] = plain(i + 1);
    for (unsigned i = 0; i < 60; i++)
        run_step(r, i % 12);
    campaigns_merge(r->c, 1, 2);
    struct buf saved = {0};
    campaigns_save(r->c, &saved);
    unsigned taken = 0;
    for (size_t n = 0; n < saved.n; n += 1 + n / 50) {
        struct campaigns *c = campaigns_new(NULL);
        campaigns_set_live_max(c, 16);
        taken += campaigns_load(c, span_of(saved.p, n)) == 0;
        campaigns_free(c);
    }
    is_int(taken, 0);
    uint64_t rng = 1;
    for (unsigned i = 0; i < 300; i++) {
        struct campaigns *c = campaigns_new(NULL);
        campaigns_set_live_max(c, 16);
        size_t at = made_next(&rng) % saved.n;
        uint8_t was = saved.p[at];
        saved.p[at] ^= (uint8_t)(1 + made_next(&rng) % 255);
        if (campaigns_load(c, buf_as_span(&saved)) == 0) {
            struct campaigns *had = r->c;
            r->c = c;
            for (unsigned k = 0; k < 30; k++)
                run_step(r, k % 12);
            r->c = had;
        }
        saved.p[at] = was;
        campaigns_free(c);
    }
    buf_free(&saved);
    campaigns_free(r->c);
    free(r);
}

int main(void)
{
    test_placing();
    test_picture();
    test_spun();
    test_common();
    test_retired();
    test_merge();
    test_proposal();
    test_deterministic();
    test_load();
    test_labels();
    return tap_done();
}
