/* Saved campaigns from hostile bytes: loaded or refused; what was loaded is used, and saves to what
 * loads again to the same. */
#include "state/campaigns.h"
#include "state/test_campaigns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIVE_MAX 64 /* a full-size index for each input would only be slow */
#define MAILS    12

static void use(struct campaigns *c)
{
    static struct made_mail made;
    uint64_t rng = 1;
    for (unsigned i = 0; i < MAILS; i++) {
        struct made_source s = {.seed = i % 3, .own = i % 4 * 20, .domain_mails = 1, .random = 10};
        enum campaign_why why;
        struct campaigns_proposal p;
        made_mail(&s, &rng, &made);
        struct campaigns_mail m = {.index = 1000000 + i, .time = i, .bytes = 1, .mail = &made.mail};
        uint64_t id = campaigns_add(c, &m, &why, &p);
        if (!campaigns_find(c, id))
            abort();
        if (p.into != p.from)
            campaigns_merge(c, p.into, p.from);
        struct campaign_evidence e;
        campaigns_explain(c, campaigns_at(c, i % campaigns_live(c)), &made.mail, &e);
    }
    if (campaigns_live(c) > 1) {
        uint64_t a = campaigns_at(c, 0)->id, b = campaigns_at(c, 1)->id;
        if (campaigns_merge(c, a, b) == 0 && campaigns_split(c, a, b) != 0 &&
            campaigns_root(c, b) == b)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct campaigns *c = campaigns_new(NULL), *again = campaigns_new(NULL);
    struct buf first = {0}, second = {0};
    campaigns_set_live_max(c, LIVE_MAX);
    campaigns_set_live_max(again, LIVE_MAX);
    if (campaigns_load(c, span_of(data, size)) == 0) {
        campaigns_save(c, &first);
        if (!span_eq(buf_as_span(&first), span_of(data, size)))
            abort(); /* there is one form only */
        use(c);
        first.n = 0;
        campaigns_save(c, &first);
        if (campaigns_load(again, buf_as_span(&first)) != 0)
            abort();
        campaigns_save(again, &second);
        if (!span_eq(buf_as_span(&first), buf_as_span(&second)))
            abort();
    }
    buf_free(&first);
    buf_free(&second);
    campaigns_free(c);
    campaigns_free(again);
    return 0;
}
