/* GET /reward: what is offered, for what, to whom, and how a claim is judged. Nothing about leads.
 */
#include <stdio.h>

#include "app/public/tips_impl.h"
#include "base/digest.h"
#include "state/money.h"
#include "state/rewards.h"

#define TERMS_MAX (128u << 10) /* bytes of terms that are shown; longer ones are named alone */

struct reward_page {
    struct face_view *v;
    unsigned offers;
    unsigned met; /* conditions of one offer, as a mask */
    struct reward_milestone last[REWARD_CONDITIONS];
};

/* ---- one offer ---- */

/* "250,000 USD", whole units where there are no others. */
static void put_amount(struct face_view *v, const struct reward_offer *o)
{
    char text[MONEY_TEXT_MAX];
    unsigned n = money_format(o->amount, o->currency, text);
    const char *point = memchr(text, '.', n);
    uint64_t whole = 0;
    for (unsigned i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
        whole = whole * 10 + (uint64_t)(text[i] - '0');
    buf_str(v->out, "<bdi>");
    html_count(v->out, whole);
    if (point && strspn(point + 1, "0") != strlen(point + 1))
        html_str(v->out, point);
    buf_byte(v->out, ' ');
    html_text(v->out, o->currency);
    buf_str(v->out, "</bdi>");
}

static int find_milestone(void *ctx, const struct reward_milestone *m)
{
    struct reward_page *p = ctx;
    if (!m->withdrawn && m->what < REWARD_CONDITIONS) {
        p->met |= 1u << m->what;
        p->last[m->what].when = m->when;
    }
    return 0;
}

/* What has to happen, and what has. */
static void put_conditions(struct reward_page *p, const struct reward_offer *o)
{
    struct face_view *v = p->v;
    char key[64];
    p->met = 0;
    rewards_milestones(v->face->c.pursuit, o->entry, find_milestone, p, NULL);
    if (!o->conditions)
        return;
    face_paragraph(v, "tips.reward.conditions");
    buf_str(v->out, "<ol>\n");
    for (unsigned i = 0; i < REWARD_CONDITIONS; i++) {
        if (!(o->conditions & 1u << i))
            continue;
        snprintf(key, sizeof key, "tips.reward.condition.%s", reward_condition_name(i));
        buf_str(v->out, "<li>");
        words_put(v->out, v->words, key, NULL);
        buf_str(v->out, " (");
        if (p->met & 1u << i) {
            words_put(v->out, v->words, "tips.reward.met", NULL);
            buf_byte(v->out, ' ');
            face_day(v, p->last[i].when);
        } else {
            words_put(v->out, v->words, "tips.reward.unmet", NULL);
        }
        buf_str(v->out, ")</li>\n");
    }
    buf_str(v->out, "</ol>\n");
}

/* Its terms as they were kept, where they are text; else their name and digest, to ask for. */
static void put_terms(struct face_view *v, const struct reward_offer *o)
{
    struct buf text = {0};
    char hex[SHA256_HEX_MAX] = "";
    if (o->sha256.n != SHA256_LEN)
        return;
    hex_encode(o->sha256.p, SHA256_LEN, hex);
    bool shown = casedir_blob(&v->face->c, o->sha256.p, &text, NULL) == 0 && text.n &&
                 text.n <= TERMS_MAX && span_is_utf8(buf_as_span(&text));
    if (shown) {
        buf_str(v->out, "<details class=\"terms\">\n<summary>");
        words_put(v->out, v->words, "tips.reward.terms", NULL);
        buf_str(v->out, "</summary>\n<div class=\"words\" dir=\"auto\">");
        html_text(v->out, buf_as_span(&text));
        buf_str(v->out, "</div>\n");
    }
    buf_str(v->out, "<p class=\"hint\">");
    words_put(v->out, v->words, "tips.reward.terms.file", NULL);
    buf_byte(v->out, ' ');
    face_outside(v, o->document);
    buf_printf(v->out, " <code class=\"digest\" dir=\"ltr\">%s</code></p>\n%s", hex,
               shown ? "</details>\n" : "");
    buf_free(&text);
}

static int put_offer(void *ctx, const struct reward_offer *o)
{
    struct reward_page *p = ctx;
    struct face_view *v = p->v;
    bool over = o->until <= v->face->now;
    if (o->withdrawn)
        return 0;
    p->offers++;
    buf_printf(v->out,
               "<section class=\"offer\" aria-labelledby=\"offer-%llu\">\n<h2 id=\"offer-%llu\">",
               (unsigned long long)o->entry, (unsigned long long)o->entry);
    face_outside(v, o->name);
    buf_str(v->out, "</h2>\n<p class=\"amount\">");
    put_amount(v, o);
    buf_str(v->out, "</p>\n<p>");
    words_put(v->out, v->words, over ? "tips.reward.over" : "tips.reward.since", NULL);
    buf_byte(v->out, ' ');
    face_day(v, over ? o->until : o->from);
    if (!over && o->until != ACT_FOREVER) {
        buf_str(v->out, "; ");
        words_put(v->out, v->words, "tips.reward.until", NULL);
        buf_byte(v->out, ' ');
        face_day(v, o->until);
    }
    buf_str(v->out, "</p>\n");
    put_conditions(p, o);
    put_terms(v, o);
    buf_str(v->out, "</section>\n");
    return 0;
}

/* ---- what holds for all ---- */

/* What people check before anything is paid, in the order of the checklist. */
static void put_checks(struct face_view *v)
{
    char key[64];
    buf_str(v->out, "<ul>\n");
    for (unsigned i = 0; i < REWARD_CHECKS; i++) {
        snprintf(key, sizeof key, "tips.reward.check.%s", reward_check_name(i));
        buf_str(v->out, "<li>");
        words_put(v->out, v->words, key, NULL);
        buf_str(v->out, "</li>\n");
    }
    buf_str(v->out, "</ul>\n");
}

void face_reward(struct face_view *v)
{
    static const char *const judged[] = {"tips.reward.judge.receipt", "tips.reward.judge.new",
                                         "tips.reward.judge.two", "tips.reward.judge.share",
                                         "tips.reward.judge.paid"};
    struct reward_page p = {.v = v};
    char href[TIPS_HREF_MAX];
    face_begin(v, "tips.reward.title");
    face_heading(v, "tips.reward.title", NULL);
    face_paragraph(v, "tips.reward.about");
    if (v->face->c.pursuit)
        rewards_offers(v->face->c.pursuit, put_offer, &p, NULL);
    if (!p.offers)
        tips_put_paragraph(v, "note", "tips.reward.none", NULL);
    face_section(v, "tips.reward.who.title", "who");
    face_paragraph(v, "tips.reward.who");
    put_checks(v);
    face_section(v, "tips.reward.judge.title", "judged");
    buf_str(v->out, "<ol>\n");
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        buf_str(v->out, "<li>");
        words_put(v->out, v->words, judged[i], NULL);
        buf_str(v->out, "</li>\n");
    }
    buf_str(v->out, "</ol>\n");
    face_section(v, "tips.reward.how.title", "claim");
    tips_put_paragraph(v, "", "tips.reward.how", tips_href(v, "/tips", href));
    face_end(v);
}
