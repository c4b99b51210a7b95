/* A table as a sensor gets it from the recorder: refused, or every look-up in it stays inside. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "must.h"
#include "net/authority.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(struct span s)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < s.n; i++)
        sum ^= s.p[i];
    must(sum != 1 || s.n);
}

static void check_match(const struct authority_match *m, struct span name, int64_t now)
{
    must(m->asset.from <= now && now < m->asset.until);
    must(m->zone <= name.n && m->asset.name.n == name.n - m->zone);
    touch(m->asset.name);
    touch(m->asset.family);
    touch(m->asset.policy);
    touch(m->order.id);
    touch(m->order.court);
    touch(m->order.docket);
    touch(m->order.jurisdiction);
    touch(m->order.scope);
    touch(m->order.contact);
}

static void ask_name(const struct authority *a, struct span name, int64_t now)
{
    struct authority_match m;
    if (authority_name(a, name, now, &m))
        check_match(&m, name, now);
}

static void ask(const struct authority *a, struct span in, int64_t now)
{
    static const char *const hosts[] = {
        "www.example.org", "example.org:80", "*.example.org",
        "a-name-that-does-not-fit-into-a-record.of-the-table.example.net"};
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.77", "2001:db8::1"};
    struct authority_match m;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        uint8_t wire[255];
        size_t n = authority_wire_name(span_str(hosts[i]), wire);
        if (authority_host(a, span_str(hosts[i]), now, &m) && n)
            check_match(&m, span_of(wire, n), now);
        ask_name(a, span_of(wire, n), now);
    }
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct ip ip;
        ip_parse(span_str(addresses[i]), &ip);
        for (uint16_t port = 24; port < 27; port++)
            if (authority_address(a, &ip, port, port % 2 ? AUTHORITY_TCP : AUTHORITY_UDP, now, &m))
                check_match(&m, span_of(NULL, 0), now);
    }
    (void)authority_any_name(a, now);
    /* What looks like names in the table itself. */
    for (size_t at = in.n > 1024 ? in.n - 1024 : 0; at < in.n; at++)
        for (size_t n = 1; n <= 16 && at + n <= in.n; n++)
            if (in.p[at + n - 1] == 0)
                ask_name(a, span_of(in.p + at, n), now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct authority *a;
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        abort();
    if (authority_map(fd, &a, NULL) == 0) {
        ask(a, span_of(data, size), 0);
        ask(a, span_of(data, size), 1300266000000000);
        for (uint32_t i = 0; i < 4; i++)
            touch(authority_policy(a, i));
        authority_unmap(a);
    }
    close(fd);
    return 0;
}
