/* Each act of getting hosts clean comes back as it was written, in deterministic CBOR. */
#include "event/act_cleanup.h"

#include "base/cbor.h"
#include "base/tap.h"

static const uint8_t digest[SHA256_LEN] = {1, 2, 3};

#define T(text) span_str(text)
#define D       span_of(digest, SHA256_LEN)

/* Keys ascend: shorter first, then bytewise. */
static bool is_ordered(struct span payload)
{
    struct cur c = cur_of(payload);
    struct cbor_item map, it;
    struct span last = {0};
    if (cbor_get(&c, &map) != 1 || map.type != CBOR_MAP)
        return false;
    for (uint64_t i = 0; i < map.n; i++) {
        if (cbor_get(&c, &it) != 1 || it.type != CBOR_TEXT)
            return false;
        if (i && (it.s.n < last.n || (it.s.n == last.n && span_cmp(it.s, last) <= 0)))
            return false;
        last = it.s;
        if (cbor_get(&c, &it) != 1)
            return false;
    }
    return cur_left(&c) == 0;
}

#define CHECK(name, ...)                                                                           \
    do {                                                                                           \
        struct act_##name in = {__VA_ARGS__}, out;                                                 \
        struct buf once = {0}, again = {0};                                                        \
        act_##name(&once, &in);                                                                    \
        ok(is_ordered(buf_as_span(&once)), #name ": keys in order");                               \
        ok(act_##name##_read(buf_as_span(&once), &out) == 0, #name ": is read");                   \
        act_##name(&again, &out);                                                                  \
        ok(span_eq(buf_as_span(&once), buf_as_span(&again)), #name ": and comes back");            \
        ok(act_##name##_read(span_of(NULL, 0), &out) < 0, #name ": a redacted one is none");       \
        ok(act_##name##_read(span_of(once.p, once.n - 1), &out) < 0, #name ": nor is a cut one");  \
        buf_free(&once);                                                                           \
        buf_free(&again);                                                                          \
    } while (0)

int main(void)
{
    CHECK(roles_judged, 7, T("rules"), D, 3, 2, 1);
    CHECK(role_overruled, T("192.0.2.0/24"), T("scanner"), T("operator"), T("asked"));
    CHECK(contacts_imported, T("ripe"), T("f"), T("rpsl"), D, D, 5, 6, 7);
    CHECK(rdap_answered, T("192.0.2.0/24"), T("abuse@isp.example"), T("H1"), T("https://x/"), D);
    CHECK(trial_begun, T("first"), T("seed"), 20, 100, 20, D, 1, 2);
    CHECK(report_queued, T("abuse@isp.example"), T("xarf"), T("en"), T("mail"), T("id@x"),
          T("first"), D, 1, 2, 3, 4, 5, 6, 1, 2);
    CHECK(report_tried, 9, 1, T("sent"), T("250 ok"), T("operator"), T("why"));
    CHECK(report_returned, 9, T("bounce"), T("abuse@isp.example"), T("5.1.1"), T("unknown"), D);
    CHECK(contact_state, T("abuse@isp.example"), T("dead"), T("operator"), T("left"));
    CHECK(partner, T("isp"), T("AS64500"), D, T("operator"), T("why"), ACT_FOREVER);
    return tap_done();
}
