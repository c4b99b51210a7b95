/* ebb case subject add, fact, link: what goes onto the log. All is checked before the first byte is
 * written. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case/case_name.h"
#include "app/spam/spam_case.h"
#include "app/subject/subject_cli.h"
#include "event/event.h"

static int record(const struct cli *cli, uint8_t kind, struct buf *payload, struct span blob,
                  uint64_t *index, struct err *err)
{
    struct case_act act = {.kind = kind, .payload = buf_as_span(payload), .blob = blob};
    int rc = case_acts(cli, &act, 1, err);
    buf_free(payload);
    *index = act.index;
    return rc;
}

static int end_of(struct table *t)
{
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- add ---- */

static const struct table_column subject_columns[] = {{"subject", "subject", TABLE_WORDS},
                                                      {"kind", "kind", TABLE_WORDS},
                                                      {"index", "entry", TABLE_ID},
                                                      {0}};

static int check_name(struct span name)
{
    uint64_t number;
    if (!span_trim(name).n || span_trim(name).n != name.n)
        return cli_fail(EXIT_USAGE, "case subject add: a name without blanks around it");
    if (cli_parse_u64((const char *)name.p, &number))
        return cli_fail(EXIT_USAGE, "case subject add: digits alone are an entry's index (%s)",
                        (const char *)name.p);
    return subject_cli_check("case subject add", name, SUBJECT_NAME_MAX);
}

static int check_is_new(const struct cli *cli, struct span name, struct err *err)
{
    struct casedir c;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    uint64_t there = rc == 0 ? subjects_entry_itself(c.pursuit, name) : 0;
    if (there)
        rc = err_set(err, -EEXIST, "there is a subject of that name (%s, entry %llu)",
                     (const char *)name.p, (unsigned long long)there);
    casedir_close(&c, NULL);
    return rc;
}

int cmd_subject_add(const struct cli *cli)
{
    struct act_subject a = {.kind = span_str("unknown")};
    struct buf payload = {0};
    struct err err;
    uint64_t index;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "case subject add: wants one name");
    a.name = span_str(cli->args[0]);
    int rc = check_name(a.name);
    if (rc == 0 && cli_has(cli, "kind"))
        rc = subject_cli_text(cli, "kind", SUBJECT_WORD_MAX, &a.kind);
    if (rc == 0)
        rc = subject_cli_text(cli, "note", SUBJECT_TEXT_MAX, &a.note);
    if (rc)
        return rc;
    if (!subject_kind_is_good(a.kind))
        return cli_fail(EXIT_USAGE, "--kind: person group organisation unknown (%s)",
                        cli_get(cli, "kind"));
    if (check_is_new(cli, a.name, &err) < 0)
        return cli_err(&err);
    act_subject(&payload, &a);
    if (record(cli, KIND_SUBJECT, &payload, span_str(""), &index, &err) < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), subject_columns, stdout);
    table_text(t, a.name);
    table_text(t, a.kind);
    table_uint(t, index);
    return end_of(t);
}

/* ---- fact ---- */

/* same: facts that say the same already. */
static const struct table_column fact_columns[] = {{"index", "entry", TABLE_ID},
                                                   {"subject", "subject", TABLE_WORDS},
                                                   {"type", "type", TABLE_WORDS},
                                                   {"value", "value", TABLE_WORDS},
                                                   {"same", "same", TABLE_WORDS},
                                                   {"sha256", NULL, TABLE_WORDS},
                                                   {0}};

static int note_same(void *ctx, const struct subject_fact *f)
{
    struct buf *same = ctx;
    if (!f->withdrawn && same->n < SUBJECT_TEXT_MAX)
        buf_printf(same, "%s%llu", same->n ? " " : "", (unsigned long long)f->entry);
    return 0;
}

static int fact_options(const struct cli *cli, struct act_fact *a, struct subject_source *s)
{
    int rc = subject_source_options(cli, s);
    if (rc == 0 && cli->n_args != 1)
        rc = cli_fail(EXIT_USAGE, "case subject fact: wants one subject");
    if (rc == 0)
        rc = subject_cli_text(cli, "type", SUBJECT_WORD_MAX, &a->type);
    if (rc == 0 && !fact_type_is_good(a->type))
        rc = cli_fail(EXIT_USAGE,
                      "--type: handle name address domain mail payment messenger phone other"
                      " (%.*s)",
                      (int)a->type.n, (const char *)a->type.p);
    if (rc == 0)
        rc = subject_cli_text(cli, "value", SUBJECT_TEXT_MAX, &a->value);
    if (rc == 0 && !span_trim(a->value).n)
        rc = cli_fail(EXIT_USAGE, "case subject fact: wants --value");
    return rc == 0 ? case_time(cli, "observed", ACT_FOREVER, &a->observed) : rc;
}

static int prepare_fact(const struct cli *cli, struct act_fact *a, struct subject_source *s,
                        struct buf *same, struct err *err)
{
    struct casedir c;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = subject_cli_find(&c, cli->args[0], true, &a->subject, err);
    if (rc == 0)
        rc = subject_source_check(cli, &c, s, err);
    if (rc == 0)
        rc = subjects_known_before(c.pursuit, a->type, a->value, UINT64_MAX, note_same, same, err);
    casedir_close(&c, NULL);
    return rc;
}

int cmd_subject_fact(const struct cli *cli)
{
    struct act_fact a = {0};
    struct subject_source s;
    struct buf payload = {0}, same = {0};
    struct err err;
    uint64_t index;
    int code = fact_options(cli, &a, &s);
    int rc = code ? -EINVAL : prepare_fact(cli, &a, &s, &same, &err);
    if (rc == 0) {
        a.lead = s.lead;
        a.note = s.note;
        a.entries = s.entries;
        a.document = s.document;
        a.confidence = s.confidence;
        a.sha256 = span_of(s.sha256, s.file.n ? SHA256_LEN : 0);
        act_fact(&payload, &a);
        rc = record(cli, KIND_FACT, &payload, buf_as_span(&s.file), &index, &err);
    }
    if (rc < 0 && !code)
        code = cli_err(&err);
    if (rc == 0) {
        struct table *t = table_open(cli_shape(cli), fact_columns, stdout);
        table_uint(t, index);
        table_str(t, cli->args[0]);
        table_text(t, a.type);
        table_text(t, a.value);
        table_text(t, buf_as_span(&same));
        if (a.sha256.n)
            table_hex(t, a.sha256.p, a.sha256.n);
        code = end_of(t);
    }
    subject_source_free(&s);
    buf_free(&same);
    return code;
}

/* ---- link ---- */

static const struct table_column link_columns[] = {{"index", "entry", TABLE_ID},
                                                   {"subject", "subject", TABLE_WORDS},
                                                   {"relation", "relation", TABLE_WORDS},
                                                   {"to", "to", TABLE_WORDS},
                                                   {"asset", NULL, TABLE_ID},
                                                   {"other", NULL, TABLE_ID},
                                                   {"campaign", NULL, TABLE_ID},
                                                   {"sha256", NULL, TABLE_WORDS},
                                                   {0}};

/* The newest asset of that name that is in force; else the newest. */
struct asset_choice {
    uint64_t entry;
    bool of_list, in_force;
};

static int choose_asset(void *ctx, const struct casebook_asset *a)
{
    struct asset_choice *best = ctx;
    bool in_force = a->state == CASEBOOK_OPEN || a->state == CASEBOOK_EXPIRING;
    if (in_force >= best->in_force)
        *best = (struct asset_choice){a->entry, a->of_list, in_force};
    return 0;
}

static int find_asset(struct casedir *c, const char *text, struct case_name *name, uint64_t *entry,
                      bool *of_list, struct err *err)
{
    struct casebook_clock clock = {utc_now(), 0};
    struct casebook_asset_query q = {0};
    struct asset_choice best = {0};
    int rc = 0;
    if (cli_parse_u64(text, &q.entry)) {
        if (q.entry)
            rc = casebook_assets(c->casebook, &q, &clock, choose_asset, &best, err);
    } else {
        const char *why = case_name_parse(text, name);
        if (why)
            return err_set(err, -EINVAL, "--asset: %s (%s)", why, text);
        q.name = span_str(name->name);
        q.kind = &name->kind;
        rc = casebook_assets(c->casebook, &q, &clock, choose_asset, &best, err);
    }
    if (rc == 0 && !best.entry)
        rc = err_set(err, -ENOENT, "--asset: no such asset: see `ebb case asset list` (%s)", text);
    *entry = best.entry;
    *of_list = best.of_list;
    return rc;
}

static int find_campaign(struct casedir *c, const char *text, uint64_t *entry, struct err *err)
{
    struct campaign there;
    int rc = 0;
    if (!cli_parse_u64(text, entry))
        return err_set(err, -EINVAL, "--campaign: a campaign is the index of its first mail (%s)",
                       text);
    rc = spam_find(c->spam, *entry, &there, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "--campaign: no such campaign: see `ebb campaigns` (%s)",
                       text);
    *entry = there.id;
    return rc < 0 ? rc : 0;
}

struct linking {
    struct act_link act;
    struct subject_source source;
    struct case_name name;
    const char *to;
};

static int link_options(const struct cli *cli, struct linking *l)
{
    int rc = subject_source_options(cli, &l->source);
    int ends = cli_has(cli, "to") + cli_has(cli, "asset") + cli_has(cli, "campaign");
    if (rc == 0 && cli->n_args != 1)
        rc = cli_fail(EXIT_USAGE, "case subject link: wants one subject");
    if (rc == 0 && ends != 1)
        rc = cli_fail(EXIT_USAGE, "case subject link: wants one of --to, --asset, --campaign");
    if (rc == 0)
        rc = subject_cli_text(cli, "relation", SUBJECT_WORD_MAX, &l->act.relation);
    if (rc == 0 && !l->act.relation.n)
        rc = cli_fail(EXIT_USAGE, "case subject link: wants --relation");
    for (size_t i = 0; rc == 0 && i < l->act.relation.n; i++)
        if (l->act.relation.p[i] != '-' && (uint8_t)(l->act.relation.p[i] - 'a') > 25)
            rc = cli_fail(EXIT_USAGE, "--relation: small letters with \"-\" between words (%s)",
                          cli_get(cli, "relation"));
    l->to = cli_has(cli, "to")      ? cli_get(cli, "to")
            : cli_has(cli, "asset") ? cli_get(cli, "asset")
                                    : cli_get(cli, "campaign");
    return rc;
}

static int prepare_link(const struct cli *cli, struct linking *l, struct err *err)
{
    struct casedir c;
    struct act_link *a = &l->act;
    bool of_list = false;
    int rc =
        case_open_views(cli, &c, VIEW_PURSUIT | (cli_has(cli, "campaign") ? VIEW_SPAM : 0), err);
    if (rc == 0)
        rc = subject_cli_find(&c, cli->args[0], true, &a->subject, err);
    if (rc == 0 && cli_has(cli, "to"))
        rc = subject_cli_find(&c, l->to, true, &a->other, err);
    if (rc == 0 && a->other == a->subject)
        rc = err_set(err, -EINVAL, "--to: a link to the subject itself (%s)", l->to);
    if (rc == 0 && cli_has(cli, "asset"))
        rc = find_asset(&c, l->to, &l->name, &a->asset, &of_list, err);
    if (rc == 0 && of_list)
        a->name = span_str(l->name.name);
    if (rc == 0 && cli_has(cli, "campaign"))
        rc = find_campaign(&c, l->to, &a->campaign, err);
    if (rc == 0)
        rc = subject_source_check(cli, &c, &l->source, err);
    casedir_close(&c, NULL);
    return rc;
}

int cmd_subject_link(const struct cli *cli)
{
    struct linking l = {0};
    struct act_link *a = &l.act;
    struct subject_source *s = &l.source;
    struct buf payload = {0};
    struct err err;
    uint64_t index;
    int code = link_options(cli, &l);
    int rc = code ? -EINVAL : prepare_link(cli, &l, &err);
    if (rc == 0) {
        a->lead = s->lead;
        a->note = s->note;
        a->entries = s->entries;
        a->document = s->document;
        a->confidence = s->confidence;
        a->sha256 = span_of(s->sha256, s->file.n ? SHA256_LEN : 0);
        act_link(&payload, a);
        rc = record(cli, KIND_LINK, &payload, buf_as_span(&s->file), &index, &err);
    }
    if (rc < 0 && !code)
        code = cli_err(&err);
    if (rc == 0) {
        struct table *t = table_open(cli_shape(cli), link_columns, stdout);
        table_uint(t, index);
        table_str(t, cli->args[0]);
        table_text(t, a->relation);
        table_str(t, l.to);
        table_index(t, a->asset);
        table_index(t, a->other);
        table_index(t, a->campaign);
        if (a->sha256.n)
            table_hex(t, a->sha256.p, a->sha256.n);
        code = end_of(t);
    }
    subject_source_free(s);
    return code;
}
