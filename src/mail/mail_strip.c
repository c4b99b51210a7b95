/* The headers that the receiving side adds, by name. */
#include <stdlib.h>

#include "base/mem.h"
#include "mail/mail_impl.h"
#include "wire/text.h"

struct strip_list {
    struct {
        char *name; /* small letters, without the * */
        size_t n;
        bool prefix;
        uint64_t head, mask; /* of head_of(): what its names have */
    } v[MAIL_STRIP_MAX];
    unsigned n;
    bool first[256], third[256]; /* some name has it there */
};

/* The first bytes, with letters of one case; 0 behind the end. */
static uint64_t head_of(const void *p, size_t n)
{
    uint64_t head = 0;
    memcpy(&head, p, n < sizeof head ? n : sizeof head);
    return head | 0x2020202020202020ull;
}

struct strip_list *strip_list_new(const char *const *patterns)
{
    struct strip_list *l = mem_zeroed(1, sizeof *l);
    for (; patterns && *patterns && l->n < MAIL_STRIP_MAX; patterns++) {
        size_t n = strlen(*patterns);
        char *name = mem_zeroed(n + 1, 1);
        for (size_t i = 0; i < n; i++)
            name[i] = (char)text_lower((uint8_t)(*patterns)[i]);
        l->v[l->n].prefix = n && name[n - 1] == '*';
        if (l->v[l->n].prefix)
            name[n - 1] = 0;
        l->v[l->n].n = strlen(name);
        memset(&l->v[l->n].mask, 0xff, l->v[l->n].n < 8 ? l->v[l->n].n : 8);
        l->v[l->n].head = head_of(name, l->v[l->n].n) & l->v[l->n].mask;
        l->v[l->n++].name = name;
        if (*name)
            l->first[(uint8_t)*name] = true;
        else
            memset(l->first, 1, sizeof l->first);
        if (strlen(name) > 2)
            l->third[(uint8_t)name[2]] = true;
        else
            memset(l->third, 1, sizeof l->third);
    }
    return l;
}

void strip_list_free(struct strip_list *l)
{
    for (unsigned i = 0; l && i < l->n; i++)
        free(l->v[i].name);
    free(l);
}

bool strip_list_has(const struct strip_list *l, struct span name)
{
    if (!name.n || !l->first[text_lower(*name.p)] ||
        (name.n > 2 && !l->third[text_lower(name.p[2])]))
        return false;
    uint64_t head = name.n >= 8 ? head_of(name.p, 8) : head_of(name.p, name.n);
    for (unsigned i = 0; i < l->n; i++)
        if ((head & l->v[i].mask) == l->v[i].head &&
            (l->v[i].prefix ? name.n >= l->v[i].n : name.n == l->v[i].n) &&
            text_starts(name, l->v[i].name))
            return true;
    return false;
}
