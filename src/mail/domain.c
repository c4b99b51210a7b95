#include "mail/domain.h"

#include <libpsl.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/domain.h"
#include "base/mem.h"

#define REMEMBERED_BITS 13 /* hosts: 128 KiB of them */

/* A host's answer. Its text is not kept: a host is known by its length and 64 bits of hash, with a
 * secret of this process, so that nobody makes two that meet. */
struct remembered {
    uint64_t hash;
    uint8_t host_n, registered_n; /* host_n 0: free */
};

struct domains {
    const psl_ctx_t *builtin;
    psl_ctx_t *loaded; /* where the library has no list within */
    struct remembered memory[1u << REMEMBERED_BITS];
};

struct domains *domains_open(void)
{
    struct domains *d = mem_zeroed(1, sizeof *d);
    d->builtin = psl_builtin();
    if (!d->builtin)
        d->builtin = d->loaded = psl_latest(NULL);
    return d;
}

void domains_close(struct domains *d)
{
    if (!d)
        return;
    psl_free(d->loaded);
    free(d);
}

/* An address has no registered part; neither has what is no host name. */
static bool is_name(struct span host)
{
    size_t digits = 0;
    if (host.n == 0 || host.n > DOMAIN_TEXT_MAX || memchr(host.p, ':', host.n) ||
        memchr(host.p, 0, host.n))
        return false;
    while (digits < host.n && host.p[host.n - 1 - digits] >= '0' &&
           host.p[host.n - 1 - digits] <= '9')
        digits++;
    return digits == 0 || (digits < host.n && host.p[host.n - 1 - digits] != '.');
}

static size_t registered_length(const struct domains *d, struct span host)
{
    char name[DOMAIN_TEXT_MAX + 1];
    if (!d->builtin)
        return host.n;
    memcpy(name, host.p, host.n);
    name[host.n] = 0;
    const char *found = psl_registrable_domain(d->builtin, name);
    return found ? strlen(found) : host.n;
}

struct span domains_registered(struct domains *d, struct span host)
{
    if (!is_name(host))
        return host;
    uint64_t hash = XXH3_64bits_withSeed(host.p, host.n, (uint64_t)(uintptr_t)d);
    struct remembered *m = &d->memory[hash >> (64 - REMEMBERED_BITS)];
    if (m->hash != hash || m->host_n != host.n)
        *m = (struct remembered){hash, (uint8_t)host.n, (uint8_t)registered_length(d, host)};
    return span_of(host.p + host.n - m->registered_n, m->registered_n);
}
