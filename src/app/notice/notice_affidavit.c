#include "app/notice/notice_affidavit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The words of 28 U.S.C. 1746(2), for a declaration within the United States. */
const char affidavit_declaration[] =
    "I declare under penalty of perjury that the foregoing is true and correct. (28 U.S.C. 1746)";

const char *affidavit_section_name(enum affidavit_section section)
{
    static const char *const names[AFFIDAVIT_SECTIONS] = {"authority", "parties", "notices",
                                                          "print",     "court",   "not_done"};
    return names[section];
}

const char *affidavit_section_title(enum affidavit_section section)
{
    static const char *const titles[AFFIDAVIT_SECTIONS] = {
        "Authority",         "Parties and how they can be reached",
        "Notices",           "Publication",
        "Dates and answers", "What was not done"};
    return titles[section];
}

/* ---- saying ---- */

static struct span keep(struct affidavit *a, struct span s)
{
    return s.n ? span_of(arena_copy(&a->arena, s.p, s.n), s.n) : span_of("", 0);
}

static void add_fact(struct affidavit *a, const struct affidavit_fact *f)
{
    a->facts = mem_room(a->facts, a->n_facts, &a->cap_facts, sizeof *a->facts);
    a->facts[a->n_facts] = *f;
    a->facts[a->n_facts++].value = keep(a, f->value);
}

void affidavit_say(struct affidavit *a, const char *words)
{
    buf_str(&a->text, words);
}

void affidavit_note(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                    struct span value)
{
    add_fact(a, &(struct affidavit_fact){entry, kind, member, value, false});
}

void affidavit_tell(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                    struct span value)
{
    buf_span(&a->text, value);
    affidavit_note(a, entry, kind, member, value);
}

void affidavit_tell_time(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                         int64_t time)
{
    char text[UTC_TEXT_MAX];
    struct span whole = span_of(text, utc_format(time, text));
    if (time % UTC_DAY)
        buf_printf(&a->text, "%.10s %.8s UTC", text, text + 11);
    else
        buf_printf(&a->text, "%.10s", text);
    affidavit_note(a, entry, kind, member, whole);
}

void affidavit_tell_day(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                        int64_t day)
{
    char text[UTC_TEXT_MAX];
    struct affidavit_fact f = {entry, kind, member, span_of(text, utc_format_date(day, text)),
                               true};
    buf_span(&a->text, f.value);
    add_fact(a, &f);
}

void affidavit_tell_hex(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                        struct span digest)
{
    char hex[SHA256_HEX_MAX] = "";
    if (digest.n == SHA256_LEN)
        hex_encode(digest.p, digest.n, hex);
    affidavit_tell(a, entry, kind, member, span_str(hex));
}

static struct span number(char out[24], uint64_t v)
{
    return span_of(out, (size_t)snprintf(out, 24, "%llu", (unsigned long long)v));
}

void affidavit_tell_entry(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                          uint64_t of)
{
    char text[24];
    affidavit_tell(a, entry, kind, member, number(text, of));
}

void affidavit_note_entry(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                          uint64_t of)
{
    char text[24];
    affidavit_note(a, entry, kind, member, number(text, of));
}

void affidavit_cite(struct affidavit *a, uint64_t entry, const char *kind)
{
    add_fact(a, &(struct affidavit_fact){.entry = entry, .kind = kind});
}

void affidavit_end(struct affidavit *a, enum affidavit_section section, bool below)
{
    size_t first =
        a->n_lines ? a->lines[a->n_lines - 1].first_fact + a->lines[a->n_lines - 1].facts : 0;
    a->lines = mem_room(a->lines, a->n_lines, &a->cap_lines, sizeof *a->lines);
    a->lines[a->n_lines++] = (struct affidavit_line){.section = section,
                                                     .below = below,
                                                     .text = keep(a, buf_as_span(&a->text)),
                                                     .first_fact = first,
                                                     .facts = a->n_facts - first};
    a->text.n = 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

size_t affidavit_entries(const struct affidavit *a, const struct affidavit_line *line,
                         uint64_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < line->facts; i++)
        out[i] = a->facts[line->first_fact + i].entry;
    qsort(out, line->facts, sizeof *out, by_number);
    for (size_t i = 0; i < line->facts; i++)
        if (!n || out[i] != out[n - 1])
            out[n++] = out[i];
    return n;
}

/* ---- all ---- */

bool affidavit_concerns(const struct affidavit *a, struct notice_case *n,
                        const struct notice_party *only, uint64_t party)
{
    const struct notice_party *p = notice_party_at(&n->book, party);
    return p && p->act.order == a->order.entry && (!only || p == only);
}

int affidavit_make(struct notice_case *n, const struct notice_order *order,
                   const struct notice_party *party, struct span declarant, struct affidavit *a,
                   struct err *err)
{
    arena_init(&a->arena);
    a->order = *order;
    a->case_name = span_str(n->c.config->name);
    a->origin = span_str(journal_origin(n->c.journal));
    a->declarant = declarant;
    a->size = journal_committed(n->c.journal);
    journal_root(n->c.journal, a->root);
    a->made = n->now;
    affidavit_order(a);
    for (size_t i = 0; i < n->book.n_parties; i++)
        if (affidavit_concerns(a, n, party, n->book.parties[i].at.entry))
            affidavit_party(a, n, &n->book.parties[i]);
    affidavit_notices(a, n, party);
    affidavit_runs(a, n, party);
    for (size_t i = 0; i < n->book.n_hearings; i++)
        if (n->book.hearings[i].act.order == order->entry)
            affidavit_hearing(a, n, &n->book.hearings[i]);
    for (size_t i = 0; i < n->book.n_answers; i++)
        if (affidavit_concerns(a, n, party, n->book.answers[i].act.party))
            affidavit_answer(a, n, &n->book.answers[i]);
    affidavit_not_done(a, n, party);
    return 0;
}

void affidavit_free(struct affidavit *a)
{
    free(a->lines);
    free(a->facts);
    free(a->services);
    buf_free(&a->text);
    arena_free(&a->arena);
}
