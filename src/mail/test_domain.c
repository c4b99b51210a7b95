/* Registered domains: the list's rules, and the memory of what was asked before. */
#include "base/tap.h"
#include "mail/domain.h"

static void registered_is(struct domains *d, const char *host, const char *want)
{
    for (unsigned round = 0; round < 2; round++) { /* computed, then remembered */
        struct span got = domains_registered(d, span_str(host));
        tap_check(span_is(got, want), host, __FILE__, __LINE__, host);
        if (!span_is(got, want))
            printf("#   got \"%.*s\", want \"%s\"\n", (int)got.n, got.p, want);
    }
}

/* More names than are remembered: each is still right, and part of what was asked. */
static void test_many(struct domains *d)
{
    unsigned wrong = 0;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 20000; i++) {
            char host[64], want[64];
            snprintf(want, sizeof want, i & 1 ? "name%u.co.uk" : "name%u.com", i);
            snprintf(host, sizeof host, i % 3 ? "www.%s" : "%s", want);
            struct span s = span_str(host), got = domains_registered(d, s);
            wrong += !span_is(got, want) || got.p + got.n != s.p + s.n;
        }
    }
    is_int(wrong, 0);
}

int main(void)
{
    struct domains *d = domains_open();
    char longest[300];
    registered_is(d, "shop.example.co.uk", "example.co.uk");
    registered_is(d, "example.com", "example.com");
    registered_is(d, "a.b.c.d.example.com", "example.com");
    registered_is(d, "com", "com");
    registered_is(d, "co.uk", "co.uk");
    registered_is(d, "localhost", "localhost");
    registered_is(d, "", "");
    registered_is(d, "www.example.nosuchtld", "example.nosuchtld");
    registered_is(d, "a.b.kawasaki.jp", "a.b.kawasaki.jp");     /* *.kawasaki.jp */
    registered_is(d, "x.city.kawasaki.jp", "city.kawasaki.jp"); /* !city.kawasaki.jp */
    registered_is(d, "www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn");
    registered_is(d, "192.0.2.1", "192.0.2.1");
    registered_is(d, "2001:db8::1", "2001:db8::1");
    registered_is(d, "host.example.com2", "example.com2");
    memset(longest, 'a', sizeof longest);
    struct span odd = span_of(longest, sizeof longest);
    ok(span_eq(domains_registered(d, odd), odd), "longer than a name may be: as it is");
    odd = span_of("a\0b.example.com", 15);
    ok(span_eq(domains_registered(d, odd), odd), "with a NUL: as it is");
    test_many(d);
    domains_close(d);
    domains_close(NULL);
    return tap_done();
}
