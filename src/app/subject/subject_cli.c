#include "app/subject/subject_cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "view/display.h"

#define CONFIDENCE_DEFAULT 50
#define CONFIDENCE_MAX     100

/* ---- options ---- */

int subject_cli_check(const char *what, struct span text, size_t max)
{
    struct buf shown = {0};
    if (text.n > max)
        return cli_fail(EXIT_USAGE, "%s: more than %zu bytes", what, max);
    if (!span_is_utf8(text))
        return cli_fail(EXIT_USAGE, "%s: not UTF-8", what);
    display_put(&shown, text);
    bool good = span_eq(buf_as_span(&shown), text);
    buf_free(&shown);
    return good ? 0
                : cli_fail(EXIT_USAGE, "%s: control characters, or ones that hide or reorder text",
                           what);
}

int subject_cli_text(const struct cli *cli, const char *option, size_t max, struct span *out)
{
    char what[64];
    *out = case_text(cli, option);
    snprintf(what, sizeof what, "--%s", option);
    return subject_cli_check(what, *out, max);
}

/* ---- sources ---- */

static bool number_in(struct span s, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)(s.p[i] - '0') > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    *out = v;
    return s.n != 0;
}

static int put_range(struct span word, uint64_t size, struct buf *out, struct err *err)
{
    const uint8_t *dash = memchr(word.p, '-', word.n);
    size_t n = dash ? (size_t)(dash - word.p) : word.n;
    uint64_t first, last;
    if (!number_in(span_of(word.p, n), &first) ||
        !number_in(dash ? span_of(dash + 1, word.n - n - 1) : word, &last) || last < first)
        return err_set(err, -EINVAL, "--entries: wants log entries as in \"12 80-84\" (%.*s)",
                       (int)word.n, (const char *)word.p);
    if (last >= size)
        return err_set(err, -ERANGE, "--entries: the log has no entry %llu yet",
                       (unsigned long long)last);
    buf_printf(out, "%s%llu", out->n ? " " : "", (unsigned long long)first);
    if (dash)
        buf_printf(out, "-%llu", (unsigned long long)last);
    return 0;
}

int subject_entries_parse(struct span text, uint64_t size, struct buf *out, struct err *err)
{
    int rc = 0;
    for (size_t i = 0, from = 0; rc == 0 && i <= text.n; i++) {
        if (i < text.n && text.p[i] != ' ' && text.p[i] != ',')
            continue;
        if (i > from)
            rc = put_range(span_of(text.p + from, i - from), size, out, err);
        from = i + 1;
    }
    if (rc == 0 && out->n > SUBJECT_TEXT_MAX)
        rc = err_set(err, -E2BIG, "--entries: more than %d bytes", SUBJECT_TEXT_MAX);
    return rc;
}

int subject_source_options(const struct cli *cli, struct subject_source *out)
{
    *out = (struct subject_source){0};
    struct span document;
    int rc = subject_cli_text(cli, "entries", SUBJECT_TEXT_MAX, &out->entries);
    if (rc == 0)
        rc = subject_cli_text(cli, "note", SUBJECT_TEXT_MAX, &out->note);
    if (rc == 0)
        rc = subject_cli_text(cli, "document", FILE_PATH_MAX, &document);
    if (rc == 0)
        rc = cli_number(cli, "lead", 0, &out->lead);
    if (rc == 0)
        rc = cli_number(cli, "confidence", CONFIDENCE_DEFAULT, &out->confidence);
    if (rc == 0 && (out->confidence < 1 || out->confidence > CONFIDENCE_MAX))
        rc = cli_fail(EXIT_USAGE, "--confidence: 1 to %d", CONFIDENCE_MAX);
    return rc;
}

static int read_document(struct casedir *c, const char *path, struct subject_source *s,
                         struct err *err)
{
    const char *slash = strrchr(path, '/');
    int rc = file_read(path, (size_t)c->config->blob_max_mib << 20, &s->file, err);
    if (rc == 0 && !s->file.n)
        rc = err_set(err, -ENODATA, "--document: an empty file (%s)", path);
    if (rc < 0)
        return rc;
    s->document = span_str(slash ? slash + 1 : path);
    sha256(s->file.p, s->file.n, s->sha256);
    return 0;
}

static int check_lead(struct casedir *c, uint64_t lead, struct err *err)
{
    if (lead > INT64_MAX || !sql_int(pursuit_sql(c->pursuit), 0,
                                     "SELECT 1 FROM leads WHERE entry=?", "i", (int64_t)lead))
        return err_set(err, -ENOENT, "--lead: there is no such lead (%llu)",
                       (unsigned long long)lead);
    return 0;
}

int subject_source_check(const struct cli *cli, struct casedir *c, struct subject_source *s,
                         struct err *err)
{
    const char *path = cli_get(cli, "document");
    if (!s->entries.n && !path && !cli_has(cli, "lead"))
        return err_set(err, -ENODATA, "%s: wants a source: --entries, --document or --lead",
                       cli->command);
    int rc = subject_entries_parse(s->entries, journal_committed(c->journal), &s->list, err);
    if (rc == 0 && s->entries.n && !s->list.n)
        rc = err_set(err, -EINVAL, "--entries: names none");
    if (rc == 0 && cli_has(cli, "lead"))
        rc = check_lead(c, s->lead, err);
    if (rc == 0 && path)
        rc = read_document(c, path, s, err);
    s->entries = buf_as_span(&s->list);
    return rc;
}

void subject_source_free(struct subject_source *s)
{
    buf_free(&s->list);
    buf_free(&s->file);
}

/* ---- subjects by name ---- */

int subject_cli_find(struct casedir *c, const char *name, bool itself, uint64_t *out,
                     struct err *err)
{
    struct span s = span_str(name);
    *out = itself ? subjects_entry_itself(c->pursuit, s) : subjects_entry(c->pursuit, s);
    return *out ? 0
                : err_set(err, -ENOENT, "no such subject: see `ebb case subject list` (%s)", name);
}

int subject_cli_at(const struct cli *cli, struct casedir *c, uint64_t *out)
{
    uint64_t size = journal_committed(c->journal);
    int rc = cli_number(cli, "at", size, out);
    if (rc == 0 && *out > size)
        rc = cli_fail(EXIT_USAGE, "--at: the log has %llu entries (%llu)", (unsigned long long)size,
                      (unsigned long long)*out);
    return rc;
}

/* ---- subjects as they were ---- */

static struct span kept(struct arena *a, struct span s)
{
    return span_of(arena_copy(a, s.n ? (const void *)s.p : "", s.n), s.n);
}

static struct subject_as_was **slot_of(struct subject_as_was **slots, size_t cap, uint64_t entry)
{
    size_t i = (size_t)(entry * 0x9e3779b97f4a7c15u >> 32) & (cap - 1);
    while (slots[i] && slots[i]->entry != entry)
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

static void make_room(struct subject_names *names)
{
    struct subject_as_was **more;
    if (names->n * 2 < names->cap)
        return;
    more = mem_zeroed(names->cap * 2, sizeof *more);
    for (size_t i = 0; i < names->cap; i++)
        if (names->slot[i])
            *slot_of(more, names->cap * 2, names->slot[i]->entry) = names->slot[i];
    free(names->slot);
    names->slot = more;
    names->cap *= 2;
}

static int keep_name(void *ctx, const struct subject_plain *s)
{
    struct subject_names *names = ctx;
    struct subject_as_was *kept_one;
    make_room(names);
    struct subject_as_was **slot = slot_of(names->slot, names->cap, s->entry);
    if (*slot)
        return 0;
    *slot = kept_one = arena_alloc(&names->arena, sizeof *kept_one);
    *kept_one = (struct subject_as_was){.entry = s->entry,
                                        .root = s->root,
                                        .name = kept(&names->arena, s->name),
                                        .kind = kept(&names->arena, s->kind),
                                        .note = kept(&names->arena, s->note),
                                        .recorded = s->recorded};
    names->n++;
    return 0;
}

void subject_names_open(struct casedir *c, uint64_t size, struct subject_names *out)
{
    *out = (struct subject_names){.c = c, .size = size, .cap = 64};
    out->slot = mem_zeroed(out->cap, sizeof *out->slot);
    arena_init(&out->arena);
}

int subject_names_load(struct casedir *c, uint64_t size, struct subject_names *out, struct err *err)
{
    subject_names_open(c, size, out);
    return subjects_plain(c->pursuit, size, keep_name, out, err);
}

const struct subject_as_was *subject_names_of(struct subject_names *names, uint64_t entry)
{
    struct subject_as_was *there = *slot_of(names->slot, names->cap, entry);
    if (!there && subjects_one(names->c->pursuit, entry, names->size, keep_name, names, NULL) == 0)
        there = *slot_of(names->slot, names->cap, entry);
    return there;
}

void subject_names_free(struct subject_names *names)
{
    free(names->slot);
    arena_free(&names->arena);
}
