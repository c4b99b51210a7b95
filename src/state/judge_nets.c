/* Networks by longest prefix: one sorted array, a search for each length that there is. */
#include "base/mem.h"
#include "state/judge_impl.h"

static int cmp(const void *x, const void *y)
{
    const struct judge_net *a = x, *b = y;
    bool v4 = ip_is_v4(&a->network.ip);
    if (v4 != ip_is_v4(&b->network.ip))
        return v4 ? -1 : 1;
    if (a->network.bits != b->network.bits)
        return a->network.bits > b->network.bits ? -1 : 1;
    int c = memcmp(&a->network.ip, &b->network.ip, sizeof a->network.ip);
    return c ? c : (a->what > b->what) - (a->what < b->what);
}

static bool same(const struct judge_net *a, const struct judge_net *b)
{
    return a->network.bits == b->network.bits &&
           memcmp(&a->network.ip, &b->network.ip, sizeof a->network.ip) == 0;
}

void judge_nets_make(struct judge_nets *t, struct judge_net *v, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(v, n, sizeof *v, cmp);
    for (size_t i = 0; i < n; i++) {
        if (kept && same(&v[kept - 1], &v[i]))
            kept--;
        v[kept++] = v[i];
    }
    *t = (struct judge_nets){.v = v, .n = kept};
    for (size_t i = 0; i < kept; i++) {
        bool v6 = !ip_is_v4(&v[i].network.ip);
        unsigned last = t->n_lengths - 1;
        if (!t->n_lengths || t->lengths[last].v6 != v6 ||
            t->lengths[last].bits != v[i].network.bits) {
            last = t->n_lengths++;
            t->lengths[last].v6 = v6;
            t->lengths[last].bits = v[i].network.bits;
            t->lengths[last].from = i;
        }
        t->lengths[last].to = i + 1;
    }
}

void judge_nets_free(struct judge_nets *t)
{
    free(t->v);
    *t = (struct judge_nets){0};
}

static int64_t find_in(const struct judge_nets *t, size_t low, size_t high, const struct ip *prefix)
{
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = memcmp(&t->v[mid].network.ip, prefix, sizeof *prefix);
        if (c == 0)
            return t->v[mid].what;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

int64_t judge_nets_find(const struct judge_nets *t, const struct ip *ip)
{
    bool v6 = !ip_is_v4(ip);
    for (unsigned i = 0; i < t->n_lengths; i++) {
        if (t->lengths[i].v6 != v6)
            continue;
        struct net prefix = net_of(ip, t->lengths[i].bits);
        int64_t what = find_in(t, t->lengths[i].from, t->lengths[i].to, &prefix.ip);
        if (what >= 0)
            return what;
    }
    return -1;
}
