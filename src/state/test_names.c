#include "state/names.h"

#include "base/tap.h"

static void test_numbers(void)
{
    struct names s = {0};
    is_int(names_number(&s, span_str("")), 0);
    is_int(names_number(&s, span_str("rustock")), 1);
    is_int(names_number(&s, span_str("mega-d")), 2);
    is_int(names_number(&s, span_str("rustock")), 1);
    is_int(names_number(&s, span_str("rustock")), 1);
    is_int(names_number(&s, span_str("Rustock")), 3); /* as it is written */
    is_int(names_find(&s, span_str("mega-d")), 2);
    is_int(names_find(&s, span_str("mega")), 0);
    is_int(names_find(&s, span_str("")), 0);
    ok(span_is(names_text(&s, 3), "Rustock"));
    is_int(names_text(&s, 0).n, 0);
    is_int(names_text(&s, 4).n, 0);
    is_int(names_number(&s, span_of("a\0b", 3)), 4);
    is_int(names_text(&s, 4).n, 3);
    names_free(&s);
    is_int(names_number(&s, span_str("mega-d")), 1); /* and can be used again */
    names_free(&s);
}

static void test_saving(void)
{
    struct names s = {0}, back = {0};
    struct buf out = {0}, again = {0};
    names_save(&s, &out);
    struct cur c = cur_of(buf_as_span(&out));
    ok(names_load(&back, &c) && back.n == 0, "none");
    for (unsigned i = 0; i < 300; i++) {
        char text[16];
        snprintf(text, sizeof text, "name %u", i);
        names_number(&s, span_str(text));
    }
    out.n = 0;
    names_save(&s, &out);
    buf_str(&out, "more");
    c = cur_of(buf_as_span(&out));
    ok(names_load(&back, &c), "loads");
    is_int(cur_left(&c), 4); /* what is behind it is not its own */
    is_int(back.n, 300);
    is_int(names_find(&back, span_str("name 299")), 300);
    names_save(&back, &again);
    out.n -= 4;
    ok(span_eq(buf_as_span(&out), buf_as_span(&again)), "the same bytes");
    unsigned loaded = 0;
    for (size_t n = 0; n < out.n; n++) {
        struct names cut = {0};
        c = cur_of(span_of(out.p, n));
        loaded += names_load(&cut, &c);
        names_free(&cut);
    }
    is_int(loaded, 0); /* none that is cut off */
    names_free(&s);
    names_free(&back);
    buf_free(&out);
    buf_free(&again);
}

static bool loads(struct span bytes)
{
    struct names s = {0};
    struct cur c = cur_of(bytes);
    bool good = names_load(&s, &c);
    names_free(&s);
    return good;
}

static void test_malformed(void)
{
    ok(loads(span_of("\0\0\0\2\0\0\0\1a\0\0\0\1b", 14)), "as it should be");
    ok(!loads(span_of("\0\0\0\2\0\0\0\1a\0\0\0\1a", 14)), "the same twice");
    ok(!loads(span_of("\0\0\0\1\0\0\0\0", 8)), "an empty one");
    ok(!loads(span_of("\0\0\0\1\xff\xff\xff\xff", 8)), "longer than all there is");
    ok(!loads(span_of("\0\1\0\0", 4)), "more than there can be");
    ok(!loads(span_of("\xff\xff\xff\xff", 4)), "many more");
}

static void test_limit(void)
{
    struct names s = {0};
    for (unsigned i = 0; i < NAMES_MAX; i++) {
        uint32_t number = i + 1;
        s.v = realloc(s.v, (i + 1) * sizeof *s.v); /* one by one names_number would take long */
        s.v[i] = (struct buf){0};
        buf_put(&s.v[i], &number, sizeof number);
        s.n = s.cap = i + 1;
    }
    is_int(names_number(&s, span_str("one more")), 0);
    is_int(names_find(&s, span_str("one more")), 0);
    uint32_t last = NAMES_MAX;
    is_int(names_number(&s, span_of(&last, sizeof last)), NAMES_MAX);
    names_free(&s);
}

int main(void)
{
    test_numbers();
    test_saving();
    test_malformed();
    test_limit();
    return tap_done();
}
