/* ebb campaigns [--members], campaigns explain, merge, split */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/spam/spam_case.h"
#include "base/mem.h"
#include "event/act.h"

/* ---- the list ---- */

static const struct table_column list_columns[] = {
    {"campaign", "campaign", TABLE_ID},
    {"mails", "mails", TABLE_COUNT},
    {"bytes", NULL, TABLE_COUNT},
    {"first_seen", "first seen", TABLE_WORDS},
    {"last_seen", "last seen", TABLE_WORDS},
    {"topic", "topic", TABLE_WORDS},
    {"subject", "subject", TABLE_WORDS},
    {"brands", "brands", TABLE_WORDS},
    {"families", "families", TABLE_WORDS},
    {"domains", "domains", TABLE_WORDS},
    {"image_only", NULL, TABLE_COUNT},
    {"hidden_text", NULL, TABLE_COUNT},
    {"disguised", NULL, TABLE_COUNT},
    {"medoid", NULL, TABLE_ID},
    {"exemplars", NULL, TABLE_WORDS},
    {0},
};

static void put_exemplars(struct table *t, const struct campaign *c)
{
    char text[CAMPAIGN_EXEMPLARS_MAX][24];
    struct span v[CAMPAIGN_EXEMPLARS_MAX];
    for (unsigned i = 0; i < c->exemplars; i++)
        v[i] = span_of(text[i], (size_t)snprintf(text[i], sizeof text[i], "%llu",
                                                 (unsigned long long)c->exemplar[i]));
    table_list(t, v, c->exemplars);
}

static void put_campaign(struct table *t, const struct spam *s, const struct campaign *c)
{
    table_uint(t, c->id);
    table_uint(t, c->mails);
    table_uint(t, c->bytes);
    spam_case_put_time(t, c->first_seen);
    spam_case_put_time(t, c->last_seen);
    table_str(t, topic_name(spam_case_topic(c)));
    table_str(t, c->subject);
    spam_case_put_brands(t, s, c);
    spam_case_put_families(t, c);
    spam_case_put_domains(t, c);
    table_uint(t, c->image_only);
    table_uint(t, c->hidden_text);
    table_uint(t, c->disguised);
    table_uint(t, c->medoid);
    put_exemplars(t, c);
    table_row_end(t);
}

struct listing {
    struct casedir c;
    struct table *table;
    struct volume_filter filter;
    uint64_t least, limit; /* mails; rows */
};

static bool names_it(const struct spam *s, const struct campaign *c, struct span brand)
{
    for (unsigned i = 0; i < CAMPAIGN_BRANDS_MAX && c->brand[i].mails; i++)
        if (span_ieq(spam_name(s, c->brand[i].brand), brand))
            return true;
    return !brand.n;
}

static bool is_from(const struct campaign *c, struct span family)
{
    for (unsigned i = 0; i < CAMPAIGN_FAMILIES_MAX && c->family[i].mails; i++)
        if (span_is(family, c->family[i].name))
            return true;
    return !family.n;
}

static bool is_wanted(const struct listing *l, const struct campaign *c)
{
    const struct volume_filter *f = &l->filter;
    return c->mails >= l->least && c->last_seen >= f->since && c->first_seen < f->until &&
           (!f->topic || spam_case_topic(c) == f->topic) && names_it(l->c.spam, c, f->brand) &&
           is_from(c, f->family) && (f->campaign == VOLUME_ANY_CAMPAIGN || c->id == f->campaign);
}

static int print_list(const struct cli *cli, struct listing *l, struct err *err)
{
    struct campaign *list;
    size_t n;
    uint64_t rows = 0;
    int rc = spam_list(l->c.spam, &list, &n, err);
    if (rc < 0)
        return rc;
    l->table = table_open(cli_shape(cli), list_columns, stdout);
    for (size_t i = 0; i < n && (!l->limit || rows < l->limit); i++) {
        if (is_wanted(l, &list[i])) {
            put_campaign(l->table, l->c.spam, &list[i]);
            rows++;
        }
    }
    free(list);
    return 0;
}

/* ---- members ---- */

static const struct table_column member_columns[] = {
    {"campaign", "campaign", TABLE_ID}, {"index", "index", TABLE_ID}, {"blob", "blob", TABLE_WORDS},
    {"time", "time", TABLE_WORDS},      {"why", "why", TABLE_WORDS},  {0},
};

/* Facts and log go the same way: the log is read once, from the first mail on. */
struct members {
    struct listing *l;
    struct journal_cursor *cursor;
    struct entry entry;
    struct arena arena;
    uint64_t rows;
    uint64_t *wanted; /* campaigns, ascending; NULL: all */
    size_t n_wanted;
    struct err *err;
};

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The campaigns that the filter and --min-mails let through. */
static int choose(struct members *m, struct err *err)
{
    const struct volume_filter *f = &m->l->filter;
    struct campaign *list;
    size_t n;
    if (m->l->least < 2 && !f->topic && !f->brand.n && !f->family.n)
        return 0;
    int rc = spam_list(m->l->c.spam, &list, &n, err);
    if (rc < 0)
        return rc;
    m->wanted = mem_zeroed(n, sizeof *m->wanted);
    for (size_t i = 0; i < n; i++)
        if (is_wanted(m->l, &list[i]))
            m->wanted[m->n_wanted++] = list[i].id;
    free(list);
    qsort(m->wanted, m->n_wanted, sizeof *m->wanted, by_id);
    return 0;
}

/* 1 with the blob of the entry in *blob; 0 it has none any more. */
static int find_blob(struct members *m, uint64_t index, struct span *blob)
{
    struct event ev;
    int rc = 0;
    while ((rc = journal_cursor_next(m->cursor, &m->entry, m->err)) == 1 && m->entry.index < index)
        ;
    if (rc < 0)
        return rc;
    arena_reset(&m->arena);
    if (rc == 0 || m->entry.index != index || m->entry.redacted ||
        event_decode(m->entry.payload, &m->arena, &ev) < 0)
        return 0;
    *blob = ev.smtp.blob;
    return blob->n == SHA256_LEN;
}

static int print_member(void *ctx, const struct fact *f)
{
    struct members *m = ctx;
    struct table *t = m->l->table;
    const struct volume_filter *filter = &m->l->filter;
    struct span blob = {NULL, 0};
    if (f->campaign == FACT_NO_CAMPAIGN || f->time < filter->since || f->time >= filter->until)
        return 0;
    uint64_t id = campaigns_root(spam_campaigns(m->l->c.spam), f->campaign);
    if ((filter->campaign != VOLUME_ANY_CAMPAIGN && id != filter->campaign) ||
        (m->wanted && !bsearch(&id, m->wanted, m->n_wanted, sizeof id, by_id)))
        return 0;
    int rc = m->cursor ? 0 : journal_cursor_open(m->l->c.journal, f->index, &m->cursor, m->err);
    if (rc == 0)
        rc = find_blob(m, f->index, &blob);
    if (rc < 0)
        return rc;
    table_uint(t, id);
    table_uint(t, f->index);
    if (rc == 1)
        table_hex(t, blob.p, blob.n);
    else
        table_empty(t);
    spam_case_put_time(t, f->time);
    table_str(t, campaign_why_name((enum campaign_why)f->why));
    table_row_end(t);
    return ++m->rows == m->l->limit;
}

static int print_members(const struct cli *cli, struct listing *l, struct err *err)
{
    struct members m = {.l = l, .err = err};
    l->table = table_open(cli_shape(cli), member_columns, stdout);
    int rc = choose(&m, err);
    if (rc == 0)
        rc = spam_facts(l->c.spam, print_member, &m, err);
    if (m.cursor)
        journal_cursor_close(m.cursor);
    arena_free(&m.arena);
    free(m.wanted);
    return rc < 0 ? rc : 0;
}

int cmd_campaigns(const struct cli *cli)
{
    struct listing l = {0};
    struct err err;
    bool members = cli_has(cli, "members");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "campaigns: takes no argument (%s)", cli->args[0]);
    int rc = spam_case_filter(cli, &l.filter);
    if (rc == 0)
        rc = cli_number(cli, "min-mails", members ? 1 : 2, &l.least);
    if (rc == 0)
        rc = cli_number(cli, "limit", 0, &l.limit);
    if (rc)
        return rc;
    rc = spam_case_open(cli, &l.c, &err);
    if (rc == 0 && l.filter.campaign != VOLUME_ANY_CAMPAIGN)
        l.filter.campaign = campaigns_root(spam_campaigns(l.c.spam), l.filter.campaign);
    if (rc == 0)
        rc = members ? print_members(cli, &l, &err) : print_list(cli, &l, &err);
    return spam_case_end(&l.c, l.table, rc, &err);
}

/* ---- explain ---- */

static void put_bool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

static void explain_family(struct json *j, const struct casedir *c, const struct event *ev,
                           const struct mail *mail)
{
    struct dialect_verdict v;
    spam_judge(c->spam, mail, &v);
    json_key(j, "recorded_family");
    json_object(j);
    json_key(j, "family");
    json_span(j, ev->family);
    json_key(j, "source");
    json_span(j, ev->family_source);
    json_key(j, "confidence");
    json_uint(j, ev->confidence);
    json_object_end(j);
    json_key(j, "signs");
    json_object(j);
    json_key(j, "family");
    json_str(j, v.family);
    json_key(j, "confidence");
    json_uint(j, v.confidence);
    json_key(j, "threshold");
    json_uint(j, DIALECT_THRESHOLD);
    json_key(j, "evidence");
    json_array(j);
    for (unsigned i = 0; i < v.n; i++) {
        json_object(j);
        json_key(j, "sign");
        json_str(j, dialect_sign_name(v.evidence[i].sign));
        json_key(j, "number");
        json_uint(j, v.evidence[i].number);
        json_key(j, "lessons");
        json_uint(j, v.evidence[i].lessons);
        json_key(j, "confidence");
        json_uint(j, v.evidence[i].confidence);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

static void put_words(struct json *j, const char *key, void (*words)(uint32_t, struct buf *),
                      uint32_t bits)
{
    struct buf text = {0};
    words(bits, &text);
    json_key(j, key);
    json_span(j, buf_as_span(&text));
    buf_free(&text);
}

/* The rules that spoke for the topic, as they stand in the file. */
static void put_topic_rules(struct json *j, const struct topics *topics, const struct mail *mail)
{
    json_key(j, "topic_rules");
    json_array(j);
    for (unsigned i = 0; topics && i < mail->topics.rules; i++)
        json_span(j, topics_rule(topics, mail->topics.rule[i]));
    json_array_end(j);
}

static void explain_content(struct json *j, const struct topics *topics, const struct mail *mail)
{
    json_key(j, "topic");
    json_str(j, topic_name(mail->topics.topic));
    put_topic_rules(j, topics, mail);
    put_words(j, "flags", mail_flag_words, mail->flags);
    put_words(j, "anomalies", mime_anomaly_words, mail->mime.anomalies);
    json_key(j, "headers");
    json_span(j, mail->headers.text);
    json_key(j, "message_id");
    json_span(j, mail->message_id.text);
    json_key(j, "dialect");
    json_span(j, mail->dialect.text);
    json_key(j, "words");
    json_uint(j, mail->words.n);
    json_key(j, "domains");
    json_array(j);
    for (unsigned i = 0; i < mail->urls; i++)
        json_span(j, mail->url[i].domain);
    json_array_end(j);
}

static void explain_place(struct json *j, const struct casedir *c, uint64_t id,
                          const struct mail *mail)
{
    const struct campaign *campaign = campaigns_find(spam_campaigns(c->spam), id);
    struct campaign_evidence e;
    json_key(j, "live");
    json_bool(j, campaign != NULL);
    if (!campaign)
        return; /* retired: what it was compared with is gone */
    campaigns_explain(spam_campaigns(c->spam), campaign, mail, &e);
    json_key(j, "medoid");
    json_uint(j, campaign->medoid);
    put_bool(j, "same_text", e.exact);
    json_key(j, "likeness");
    json_double(j, e.likeness, 3);
    put_bool(j, "same_domain", e.domain);
    json_key(j, "domain");
    json_str(j, e.domain_name);
    put_bool(j, "same_path_shape", e.shape);
    put_bool(j, "same_file", e.file);
    put_bool(j, "same_headers", e.headers);
    put_bool(j, "same_message_id", e.message_id);
    put_bool(j, "same_dialect", e.dialect);
    json_key(j, "score");
    json_double(j, e.score, 3);
    json_key(j, "threshold");
    json_double(j, e.threshold, 3);
}

/* What the fact of a mail says: where it was put, and why. */
struct found {
    uint64_t index;
    struct fact fact;
    bool there;
};

static int find_fact(void *ctx, const struct fact *f)
{
    struct found *found = ctx;
    if (f->index != found->index)
        return 0;
    found->fact = *f;
    found->there = true;
    return 1;
}

static int explain(struct casedir *c, uint64_t id, uint64_t index, struct json *j,
                   struct arena *arena, struct err *err)
{
    struct found found = {.index = index};
    struct event ev;
    struct mail mail;
    struct span raw;
    int rc = spam_case_mail(c, index, arena, &ev, &raw, &mail, err);
    if (rc == 0)
        rc = spam_facts(c->spam, find_fact, &found, err);
    if (rc < 0)
        return rc;
    json_object(j);
    json_key(j, "campaign");
    json_uint(j, id);
    json_key(j, "index");
    json_uint(j, index);
    put_bool(j, "member",
             found.there && campaigns_root(spam_campaigns(c->spam), found.fact.campaign) == id);
    if (found.there) {
        json_key(j, "placed_in");
        json_uint(j, found.fact.campaign);
        json_key(j, "placed_because");
        json_str(j, campaign_why_name((enum campaign_why)found.fact.why));
    }
    explain_place(j, c, id, &mail);
    explain_content(j, mail_reader_topics(c->mail_reader), &mail);
    explain_family(j, c, &ev, &mail);
    json_object_end(j);
    json_newline(j);
    return 0;
}

int cmd_campaigns_explain(const struct cli *cli)
{
    struct casedir c = {0};
    struct campaign campaign;
    struct arena arena;
    struct buf text = {0};
    struct json j = json_to(&text);
    struct err err;
    uint64_t index;
    if (cli->n_args != 2 || !cli_parse_u64(cli->args[1], &index))
        return cli_fail(EXIT_USAGE, "campaigns explain: wants a campaign and a mail's log index");
    arena_init(&arena);
    int code = 0, rc = spam_case_open(cli, &c, &err);
    if (rc == 0)
        code = spam_case_campaign(cli, &c, cli->args[0], &campaign);
    if (rc == 0 && code == 0)
        rc = explain(&c, campaign.id, index, &j, &arena, &err);
    if (rc == 0 && code == 0)
        fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
    arena_free(&arena);
    int end = spam_case_end(&c, NULL, rc < 0 ? rc : 0, &err);
    return code ? code : end;
}

/* ---- merge, split ---- */

static const struct table_column act_columns[] = {
    {"into", "into", TABLE_ID}, {"from", "from", TABLE_ID}, {"index", "entry", TABLE_ID}, {0}};

static int record(const struct cli *cli, uint8_t kind, uint64_t into, uint64_t from)
{
    const char *by = cli_get(cli, "by");
    struct act_campaigns a = {into, from, span_str(by ? by : "operator"), case_text(cli, "why")};
    struct buf payload = {0};
    struct err err;
    act_campaigns(&payload, &a);
    struct case_act act = {.kind = kind, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, &err);
    buf_free(&payload);
    if (rc < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), act_columns, stdout);
    table_uint(t, into);
    table_uint(t, from);
    table_uint(t, act.index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static int check_pair(const struct cli *cli, uint64_t *into, uint64_t *from)
{
    if (cli->n_args != 2 || !cli_parse_u64(cli->args[0], into) ||
        !cli_parse_u64(cli->args[1], from) || *into == *from)
        return cli_fail(EXIT_USAGE, "%s: wants two campaigns", cli->command);
    if (!cli_has(cli, "why"))
        return cli_fail(EXIT_USAGE, "%s: wants --why", cli->command);
    return 0;
}

int cmd_campaigns_merge(const struct cli *cli)
{
    struct casedir c = {0};
    struct campaign a, b;
    struct err err;
    uint64_t into, from;
    int code = check_pair(cli, &into, &from);
    if (code)
        return code;
    int rc = spam_case_open(cli, &c, &err);
    if (rc == 0)
        code = spam_case_campaign(cli, &c, cli->args[0], &a);
    if (rc == 0 && code == 0)
        code = spam_case_campaign(cli, &c, cli->args[1], &b);
    if (rc == 0 && code == 0 && a.id == b.id)
        code =
            cli_fail(EXIT_FAILED, "they are one campaign already (%llu)", (unsigned long long)a.id);
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    return code ? code : record(cli, KIND_CAMPAIGN_MERGED, into, from);
}

int cmd_campaigns_split(const struct cli *cli)
{
    struct casedir c = {0};
    struct err err;
    uint64_t into, from;
    int code = check_pair(cli, &into, &from);
    if (code)
        return code;
    int rc = spam_case_open(cli, &c, &err);
    bool merged = rc == 0 && campaigns_root(spam_campaigns(c.spam), from) != from;
    casedir_close(&c, NULL);
    if (rc < 0)
        return cli_err(&err);
    return merged ? record(cli, KIND_CAMPAIGN_SPLIT, into, from)
                  : cli_fail(EXIT_FAILED, "campaign %llu was not merged into another",
                             (unsigned long long)from);
}
