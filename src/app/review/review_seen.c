#include "app/review/review_seen.h"

#include "base/ip.h"
#include "event/event.h"

/* What is looked for, made ready once. */
struct wanted {
    struct span normal;
    struct ip ip;
    bool address, domain, mail;
};

/* A host as it was asked for: with a port or a final dot. */
static bool is_host(struct span host, struct span domain)
{
    if (host.n && host.p[host.n - 1] == '.')
        host.n--;
    if (host.n > domain.n && host.p[domain.n] == ':')
        host.n = domain.n;
    return span_ieq(host, domain);
}

/* "<user@example.org>" or bare. */
static bool is_mail(struct span path, struct span mail)
{
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        path = span_of(path.p + 1, path.n - 2);
    return span_ieq(path, mail);
}

static bool has(const struct event *ev, const struct wanted *w)
{
    if (w->address)
        return memcmp(&ev->src_ip, &w->ip, sizeof w->ip) == 0;
    if (w->domain)
        return (ev->dns.has && is_host(ev->dns.qname, w->normal)) ||
               (ev->http.has && is_host(ev->http.host, w->normal)) ||
               (ev->tls.has && is_host(ev->tls.sni, w->normal));
    if (!ev->smtp.has)
        return false;
    bool found = is_mail(ev->smtp.mail_from, w->normal);
    for (size_t i = 0; !found && i < ev->smtp.rcpt_to.n; i++)
        found = is_mail(ev->smtp.rcpt_to.v[i], w->normal);
    return found;
}

int seen_before(struct journal *j, struct span type, struct span normal, uint64_t before,
                uint64_t most, int (*each)(void *ctx, const struct seen *s), void *ctx,
                uint64_t *unread, struct err *err)
{
    struct wanted w = {.normal = normal,
                       .address = span_is(type, "address") && ip_parse(normal, &w.ip),
                       .domain = span_is(type, "domain"),
                       .mail = span_is(type, "mail")};
    struct journal_cursor *cursor;
    struct arena arena;
    struct entry e;
    struct event ev;
    bool found = false;
    *unread = 0;
    if (!w.address && !w.domain && !w.mail)
        return 0;
    *unread = before > most ? before - most : 0;
    int rc = journal_cursor_open(j, *unread, &cursor, err);
    if (rc < 0)
        return rc;
    arena_init(&arena);
    while (!found && (rc = journal_cursor_next(cursor, &e, err)) == 1 && e.index < before) {
        rc = 0;
        if (e.redacted || !event_kind_is_event(e.header.kind))
            continue;
        arena_reset(&arena);
        if (event_decode(e.payload, &arena, &ev) < 0 || !has(&ev, &w))
            continue;
        found = true;
        rc = each(ctx, &(struct seen){e.index, e.header.time, e.header.kind, normal});
    }
    journal_cursor_close(cursor);
    arena_free(&arena);
    return rc < 0 ? rc : found ? rc : 0;
}
