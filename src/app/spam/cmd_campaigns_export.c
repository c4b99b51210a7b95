/* ebb campaigns template, campaigns export */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/case_act.h"
#include "app/progress.h"
#include "app/spam/spam_case.h"
#include "base/file.h"
#include "base/mem.h"
#include "import/import.h"
#include "mail/template.h"

#define HELD_BACK_MAX    1000 /* mails of a campaign that its rule is measured on */
#define EXPORT_MIN_MAILS 20   /* of a campaign that is exported without being named */
#define EXPORT_RULES_MAX 1000
#define HAM_DEPTH_MAX    8 /* folders within folders */
#define HAM_MAIL_MAX     (16u << 20)

/* One campaign on its way to a rule. */
struct product {
    struct campaign campaign;
    uint64_t *mail; /* log indexes of its mails */
    size_t mails, cap;
    struct arena arena; /* the template, and the texts that it was made of */
    struct template template;
    struct rule *rule;
    struct rule_measure measure;
    bool made;
    char why[ERR_TEXT_MAX]; /* it was not */
};

struct production {
    const struct cli *cli;
    struct casedir c;
    enum rule_format format;
    struct product *v;
    size_t n;
    struct arena scratch;
    struct progress progress;
    uint64_t ham_files;
};

/* ---- which campaigns ---- */

static int by_id(const void *a, const void *b)
{
    const struct product *x = a, *y = b;
    return (x->campaign.id > y->campaign.id) - (x->campaign.id < y->campaign.id);
}

static void add(struct production *p, const struct campaign *c)
{
    p->v = mem_resize(p->v, p->n + 1, sizeof *p->v);
    p->v[p->n++] = (struct product){.campaign = *c};
}

static int choose_hot(struct production *p, uint64_t least, struct err *err)
{
    struct campaign *list;
    size_t n;
    int rc = spam_list(p->c.spam, &list, &n, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n && p->n < EXPORT_RULES_MAX; i++)
        if (list[i].mails >= least)
            add(p, &list[i]);
    free(list);
    return 0;
}

static int choose_named(struct production *p)
{
    struct campaign c;
    for (unsigned i = 0; i < p->cli->n_args && p->n < EXPORT_RULES_MAX; i++) {
        int code = spam_case_campaign(p->cli, &p->c, p->cli->args[i], &c);
        if (code)
            return code;
        add(p, &c);
    }
    return 0;
}

static int take_fact(void *ctx, const struct fact *f)
{
    struct production *p = ctx;
    if (f->campaign == FACT_NO_CAMPAIGN)
        return 0;
    const struct product key = {.campaign.id =
                                    campaigns_root(spam_campaigns(p->c.spam), f->campaign)};
    struct product *x = bsearch(&key, p->v, p->n, sizeof key, by_id);
    if (x) {
        x->mail = mem_room(x->mail, x->mails, &x->cap, sizeof *x->mail);
        x->mail[x->mails++] = f->index;
    }
    return 0;
}

/* ---- one rule ---- */

static struct span keep(struct arena *a, struct span s)
{
    return span_of(arena_copy(a, s.p, s.n), s.n);
}

static struct template_text keep_text(struct arena *a, const struct template_text *t)
{
    struct template_text out = *t;
    struct span *url = arena_alloc(a, (t->urls ? t->urls : 1) * sizeof *url);
    out.subject = keep(a, t->subject);
    out.from = keep(a, t->from);
    out.body = keep(a, t->body);
    out.raw = keep(a, t->raw);
    out.message_id = keep(a, t->message_id);
    for (unsigned i = 0; i < t->urls; i++)
        url[i] = keep(a, t->url[i]);
    out.url = url;
    return out;
}

/* The texts of a mail of the log, in the scratch arena. False when its bytes are gone. */
static bool text_of(struct production *p, uint64_t index, struct template_text *out)
{
    struct event ev;
    struct mail mail;
    struct span raw;
    struct err why;
    arena_reset(&p->scratch);
    if (spam_case_mail(&p->c, index, &p->scratch, &ev, &raw, &mail, &why) < 0)
        return false;
    template_text_of(&mail, raw, &p->scratch, out);
    return true;
}

/* Every second mail is held back; of each half as many as are looked at, spread over all of it. */
static size_t nth(size_t i, size_t count, size_t most)
{
    return count <= most ? i : i * count / most;
}

static int infer(struct production *p, struct product *x, struct err *err)
{
    struct template_text sample[TEMPLATE_SAMPLES_MAX], text;
    size_t half = (x->mails + 1) / 2, n = 0;
    size_t most = half < TEMPLATE_SAMPLES_MAX ? half : TEMPLATE_SAMPLES_MAX;
    for (size_t i = 0; i < most; i++)
        if (text_of(p, x->mail[2 * nth(i, half, TEMPLATE_SAMPLES_MAX)], &text))
            sample[n++] = keep_text(&x->arena, &text);
    return template_infer(sample, n, &x->arena, &x->template, err);
}

static void measure_held_back(struct production *p, struct product *x)
{
    struct template_text text;
    size_t half = x->mails / 2;
    size_t most = half < HELD_BACK_MAX ? half : HELD_BACK_MAX;
    for (size_t i = 0; i < most; i++) {
        if (!text_of(p, x->mail[2 * nth(i, half, HELD_BACK_MAX) + 1], &text))
            continue;
        x->measure.held_back++;
        x->measure.hits += rule_match(x->rule, &text) == 1;
    }
}

static void make(struct production *p, struct product *x)
{
    struct err err;
    int rc = infer(p, x, &err);
    if (rc == 0)
        rc = rule_compile(&x->template, p->format, &x->rule, &err);
    if (rc == 0)
        measure_held_back(p, x);
    else
        memcpy(x->why, err.text, sizeof x->why);
    x->made = rc == 0;
}

/* ---- ham ---- */

static int ham_event(void *ctx, const struct event *ev)
{
    (void)ctx;
    (void)ev;
    return 0;
}

static void ham_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                       const char *why)
{
    (void)ctx;
    (void)unit;
    (void)number;
    (void)offset;
    (void)why;
}

/* A mail of the ham folder past all rules. */
static int ham_mail(void *ctx, struct span data, uint8_t digest[SHA256_LEN])
{
    struct production *p = ctx;
    struct template_text text;
    struct mail mail;
    struct err err;
    sha256(data.p, data.n, digest);
    if (data.n > HAM_MAIL_MAX)
        return 0;
    arena_reset(&p->scratch);
    int rc = spam_read(p->c.spam, data, NULL, &p->scratch, &mail, &err);
    if (rc < 0)
        return rc;
    template_text_of(&mail, data, &p->scratch, &text);
    for (size_t i = 0; i < p->n; i++) {
        if (!p->v[i].made)
            continue;
        p->v[i].measure.ham++;
        p->v[i].measure.ham_hits += rule_match(p->v[i].rule, &text) == 1;
    }
    return 0;
}

static int ham_file(struct production *p, const char *path, struct err *err)
{
    const struct import_sink sink = {
        .ctx = p, .event = ham_event, .reject = ham_reject, .blob = ham_mail, .first_record = 1};
    const struct import_format *format = NULL;
    struct import_counts counts = {0};
    struct source *source;
    struct span head;
    int rc = source_open(path, &source, err);
    if (rc == -ENODATA)
        return 0; /* an empty file is no mail */
    if (rc < 0)
        return rc;
    rc = source_head(source, &head, err);
    if (rc == 0)
        format = import_format_detect(head);
    if (rc == 0 && !format)
        format = import_format_named("eml");
    if (rc == 0)
        rc = format->run(source, &sink, &counts, err);
    source_close(source);
    p->ham_files++;
    progress_at(&p->progress, p->ham_files, p->ham_files, "files");
    return rc;
}

static int ham_folder(struct production *p, const char *path, unsigned depth, struct err *err)
{
    struct dirent **list;
    struct stat st;
    char name[FILE_PATH_MAX];
    if (stat(path, &st) < 0)
        return err_errno(err, "%s", path);
    if (!S_ISDIR(st.st_mode))
        return ham_file(p, path, err);
    if (depth == HAM_DEPTH_MAX)
        return err_set(err, -ELOOP, "%s: more than %d folders deep", path, HAM_DEPTH_MAX);
    int n = scandir(path, &list, NULL, alphasort), rc = 0;
    if (n < 0)
        return err_errno(err, "%s", path);
    for (int i = 0; i < n; i++) {
        if (rc == 0 && list[i]->d_name[0] != '.') {
            rc = file_path(name, err, "%s/%s", path, list[i]->d_name);
            if (rc == 0)
                rc = ham_folder(p, name, depth + 1, err);
        }
        free(list[i]);
    }
    free(list);
    return rc;
}

/* ---- what comes out ---- */

static const struct table_column columns[] = {
    {"campaign", "campaign", TABLE_ID},
    {"format", "format", TABLE_WORDS},
    {"mails", "mails", TABLE_COUNT},
    {"held_back", "held back", TABLE_COUNT},
    {"hits", "hits", TABLE_COUNT},
    {"ham", "ham", TABLE_COUNT},
    {"ham_hits", "ham hits", TABLE_COUNT},
    {"exported", "exported", TABLE_WORDS},
    {"why", "why not", TABLE_WORDS},
    {"rule", NULL, TABLE_WORDS},
    {0},
};

static bool refuse(struct production *p, struct product *x)
{
    if (x->made && x->measure.ham_hits && !cli_has(p->cli, "force")) {
        snprintf(x->why, sizeof x->why, "hits %llu of %llu ham mails (--force exports it anyway)",
                 (unsigned long long)x->measure.ham_hits, (unsigned long long)x->measure.ham);
        return true;
    }
    return !x->made;
}

static int write_rule(struct production *p, struct product *x, struct buf *out, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "ebb_campaign_%llu", (unsigned long long)x->campaign.id);
    return rule_write(&x->template, p->format, name, &x->measure, out, err);
}

static void put_row(struct table *t, struct production *p, const struct product *x, bool exported,
                    struct span rule)
{
    table_uint(t, x->campaign.id);
    table_str(t, rule_format_name(p->format));
    table_uint(t, x->mails);
    table_uint(t, x->measure.held_back);
    table_uint(t, x->measure.hits);
    table_uint(t, x->measure.ham);
    table_uint(t, x->measure.ham_hits);
    table_bool(t, exported);
    table_str(t, exported ? "" : x->why);
    table_text(t, exported ? rule : span_of(NULL, 0));
    table_row_end(t);
}

/* 1 when a rule was refused or could not be made. */
static int write_rules(struct production *p, FILE *to, struct err *err)
{
    bool rows = cli_shape(p->cli) != TABLE_TEXT, missing = false;
    struct table *t = table_open(cli_shape(p->cli), columns, rows ? to : stderr);
    struct buf text = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        struct product *x = &p->v[i];
        text.n = 0;
        bool exported = !refuse(p, x);
        if (exported)
            rc = write_rule(p, x, &text, err);
        missing |= !exported;
        if (rc == 0 && exported && !rows && fwrite(text.p, 1, text.n, to) != text.n)
            rc = err_errno(err, "output");
        if (rc == 0 && (rows || !p->cli->quiet))
            put_row(t, p, x, exported, buf_as_span(&text));
    }
    buf_free(&text);
    if (!rows)
        fflush(to);
    if (table_close(t) < 0 && rc == 0)
        rc = err_set(err, -EIO, "output could not be written");
    return rc < 0 ? rc : missing;
}

static int write_out(struct production *p, struct err *err)
{
    const char *path = cli_get(p->cli, "output");
    FILE *to = path ? fopen(path, "w") : stdout;
    if (!to)
        return err_errno(err, "%s", path);
    int rc = write_rules(p, to, err);
    if (path && fclose(to) != 0 && rc >= 0)
        rc = err_errno(err, "%s", path);
    return rc;
}

static int produce(struct production *p, struct err *err)
{
    const char *ham = cli_get(p->cli, "ham");
    qsort(p->v, p->n, sizeof *p->v, by_id);
    int rc = spam_facts(p->c.spam, take_fact, p, err);
    progress_begin(&p->progress, "templates", p->n, p->cli->quiet);
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        make(p, &p->v[i]);
        progress_at(&p->progress, i + 1, i + 1, "campaigns");
    }
    progress_end(&p->progress);
    if (rc == 0 && ham) {
        progress_begin(&p->progress, ham, 0, p->cli->quiet);
        rc = ham_folder(p, ham, 0, err);
        progress_end(&p->progress);
    }
    return rc;
}

static void end(struct production *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].rule)
            rule_free(p->v[i].rule);
        arena_free(&p->v[i].arena);
        free(p->v[i].mail);
    }
    free(p->v);
    arena_free(&p->scratch);
    casedir_close(&p->c, NULL);
}

int cmd_campaigns_export(const struct cli *cli)
{
    struct production p = {.cli = cli};
    const char *format = cli_get(cli, "format");
    struct err err;
    uint64_t least;
    int code = cli_number(cli, "min-mails", EXPORT_MIN_MAILS, &least);
    if (code)
        return code;
    p.format = format ? rule_format_named(format) : RULE_REGEX;
    if (p.format == RULE_FORMATS)
        return cli_fail(EXIT_USAGE, "--format: regex, yara, rspamd, spamassassin or hyperscan (%s)",
                        format);
    int rc = spam_case_open(cli, &p.c, &err);
    if (rc == 0 && cli->n_args)
        code = choose_named(&p);
    else if (rc == 0)
        rc = choose_hot(&p, least, &err);
    if (rc == 0 && code == 0)
        rc = produce(&p, &err);
    if (rc == 0 && code == 0)
        rc = write_out(&p, &err);
    end(&p);
    if (code)
        return code;
    return rc < 0 ? cli_err(&err) : rc == 1 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_campaigns_template(const struct cli *cli)
{
    struct production p = {.cli = cli, .format = RULE_REGEX};
    struct buf text = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "campaigns template: wants one campaign");
    int code = 0, rc = spam_case_open(cli, &p.c, &err);
    if (rc == 0)
        code = choose_named(&p);
    if (rc == 0 && code == 0)
        rc = spam_facts(p.c.spam, take_fact, &p, &err);
    if (rc == 0 && code == 0)
        rc = infer(&p, &p.v[0], &err);
    if (rc == 0 && code == 0) {
        template_print(&p.v[0].template, &text);
        fwrite(text.p, 1, text.n, stdout);
    }
    buf_free(&text);
    end(&p);
    return code ? code : rc < 0 ? cli_err(&err) : EXIT_DONE;
}
