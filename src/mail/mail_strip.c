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
    } v[MAIL_STRIP_MAX];
    unsigned n;
    bool first[256]; /* some name begins so */
};

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
        l->v[l->n++].name = name;
        if (*name)
            l->first[(uint8_t)*name] = true;
        else
            memset(l->first, 1, sizeof l->first);
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
    if (!name.n || !l->first[text_lower(*name.p)])
        return false;
    for (unsigned i = 0; i < l->n; i++)
        if ((l->v[i].prefix ? name.n >= l->v[i].n : name.n == l->v[i].n) &&
            text_starts(name, l->v[i].name))
            return true;
    return false;
}
