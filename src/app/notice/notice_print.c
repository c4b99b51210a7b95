/* Notices on paper: a letter, and an advertisement for a newspaper. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/notice/notice.h"
#include "print/advertisement.h"
#include "print/page.h"
#include "report/notice_layout.h"
#include "report/notice_message.h"

struct language {
    char text[NOTICE_LANGUAGE_MAX + 1];
};

static struct language language_of(struct span tag)
{
    struct language l;
    snprintf(l.text, sizeof l.text, "%.*s", (int)tag.n, tag.n ? (const char *)tag.p : "");
    return l;
}

/* ---- a letter ---- */

static int put_paragraph(void *ctx, struct span words, bool line)
{
    struct page *page = ctx;
    if (line)
        page_text(page, &(struct page_style){.indent = 8, .after = 0.6}, words);
    else
        page_text(page, &(struct page_style){.before = 1.5, .after = 1.5}, words);
    return 0;
}

int notice_letter(struct notice_case *n, struct span text, struct span language,
                  const struct notice_party *party, const struct notice_contact *contact,
                  struct buf *out, struct err *err)
{
    const struct config_cleanup *config = &n->c.config->cleanup;
    struct language tag = language_of(language);
    struct page_format format = page_a4;
    struct span subject, body;
    char title[NOTICE_NAME_MAX + 1];
    notice_text_split(text, &subject, &body);
    snprintf(title, sizeof title, "%.*s", (int)(subject.n < NOTICE_NAME_MAX ? subject.n : 0),
             subject.n ? (const char *)subject.p : "");
    format.title = title;
    format.language = tag.text;
    format.date = n->now;
    struct page *page = page_open(&format);
    page_text(page, &(struct page_style){.bold = true}, span_str(config->from.org));
    page_text(page, &(struct page_style){.size = 9, .after = 10},
              span_str(config->from.page[0] ? config->from.page : config->from.web));
    page_text(page, NULL, party->act.name);
    if (contact)
        page_text(page, NULL, contact->act.address);
    page_text(page, &(struct page_style){.align = PAGE_RIGHT, .before = 6, .after = 6},
              notice_date(&n->arena, n->now - n->now % UTC_DAY, language));
    if (subject.n)
        page_text(page, &(struct page_style){.size = 12, .bold = true, .after = 3}, subject);
    notice_paragraphs(body, put_paragraph, page);
    return page_close(page, out, err);
}

/* ---- an advertisement ---- */

/* "quarter-page" on the command line is "quarter page" on the log and at the printer's. */
static int size_of(const char *size, struct advertisement_size *out, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s", size);
    for (char *p = name; *p; p++)
        *p = *p == '-' ? ' ' : *p;
    return advertisement_size_of(span_str(name), out, err);
}

static void lay_out(const struct notice_layout *l, struct advertisement *a)
{
    static const enum advertisement_kind kinds[] = {
        [NOTICE_PART_WORDS] = ADVERTISEMENT_WORDS,
        [NOTICE_PART_NAMES] = ADVERTISEMENT_NAMES,
        [NOTICE_PART_BOX] = ADVERTISEMENT_BOX,
    };
    _Static_assert(NOTICE_PARTS_MAX <= ADVERTISEMENT_PARTS_MAX, "parts");
    a->heading = l->heading;
    a->court = l->court;
    a->parties = l->parties;
    a->docket = l->docket;
    a->title = l->title;
    a->signature = l->signature;
    for (unsigned i = 0; i < l->n; i++)
        a->parts[a->n++] =
            (struct advertisement_part){kinds[l->part[i].kind], l->part[i].head, l->part[i].words};
}

int notice_typeset(struct notice_case *n, struct span text, struct span language, const char *size,
                   struct buf *out, struct err *err)
{
    struct language tag = language_of(language);
    struct advertisement a = {.language = tag.text, .date = n->now};
    struct advertisement_size box;
    struct notice_layout layout;
    int rc = size_of(size, &box, err);
    if (rc == 0)
        rc = notice_layout(text, &n->arena, &layout, err);
    if (rc < 0)
        return rc;
    lay_out(&layout, &a);
    return advertisement_put(&a, &box, out, NULL, err);
}
