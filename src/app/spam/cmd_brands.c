/* ebb brands, brands dossier */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/spam/spam_case.h"

/* ---- the list ---- */

static const struct table_column columns[] = {
    {"brand", "brand", TABLE_WORDS},         {"owner", "owner", TABLE_WORDS},
    {"mails", "mails", TABLE_COUNT},         {"addresses", "addresses", TABLE_COUNT},
    {"campaigns", "campaigns", TABLE_COUNT}, {"first_seen", "first seen", TABLE_WORDS},
    {"last_seen", "last seen", TABLE_WORDS}, {0},
};

/* The register as it is now; the view's brands are names. */
static int get_register(struct casedir *c, const struct brands **out, struct err *err)
{
    struct mail_reader *reader;
    int rc = casedir_mail_reader(c, &reader, err);
    if (rc == 0)
        *out = mail_reader_brands(reader);
    return rc;
}

static struct span owner_of(const struct brands *b, struct span name)
{
    int number = brand_named(b, name);
    return number < 0 ? span_of("", 0) : brand_owner(b, (unsigned)number);
}

static void put_brand(struct table *t, const struct spam *s, const struct brands *b,
                      const struct volume_row *r)
{
    struct span name = spam_name(s, (unsigned)r->key);
    table_text(t, name);
    table_text(t, owner_of(b, name));
    table_uint(t, r->mails);
    table_uint(t, r->sources);
    table_uint(t, r->campaigns);
    spam_case_put_time(t, r->first);
    spam_case_put_time(t, r->last);
    table_row_end(t);
}

static int print_brands(const struct cli *cli, struct casedir *c, const struct volume_filter *f,
                        struct table **t, struct err *err)
{
    const struct brands *b = NULL;
    struct volume by;
    int rc = get_register(c, &b, err);
    if (rc == 0)
        rc = volume_rows(c->spam, VOLUME_BY_BRAND, f, &by, err);
    if (rc < 0)
        return rc;
    *t = table_open(cli_shape(cli), columns, stdout);
    for (size_t i = 0; i < by.n; i++)
        if (by.v[i].key) /* not those that name nobody */
            put_brand(*t, c->spam, b, &by.v[i]);
    volume_free(&by);
    return 0;
}

int cmd_brands(const struct cli *cli)
{
    struct casedir c = {0};
    struct volume_filter f;
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "brands: takes no argument: see `ebb brands dossier` (%s)",
                        cli->args[0]);
    int rc = spam_case_filter(cli, &f);
    if (rc)
        return rc;
    rc = spam_case_open(cli, &c, &err);
    if (rc == 0)
        rc = print_brands(cli, &c, &f, &t, &err);
    return spam_case_end(&c, t, rc, &err);
}

/* ---- the dossier ---- */

#define DOSSIER_ROWS      50
#define DOSSIER_EXEMPLARS 20

struct dossier {
    struct casedir *c;
    struct volume_filter filter;
    struct json j;
    unsigned brand; /* number of the name */
    uint64_t first[DOSSIER_EXEMPLARS];
    unsigned n_first;
    uint64_t last; /* index of the newest mail; with image_only and hidden counted */
    uint64_t image_only, hidden, disguised;
};

static bool names_brand(const struct dossier *d, const struct fact *f)
{
    for (unsigned i = 0; i < FACT_BRANDS; i++)
        if (f->brand[i] == d->brand)
            return f->time >= d->filter.since && f->time < d->filter.until;
    return false;
}

static int see_fact(void *ctx, const struct fact *f)
{
    struct dossier *d = ctx;
    if (!names_brand(d, f))
        return 0;
    if (d->n_first < DOSSIER_EXEMPLARS)
        d->first[d->n_first++] = f->index;
    d->last = f->index;
    d->image_only += (f->flags & MAIL_IMAGE_ONLY) != 0;
    d->hidden += (f->flags & MAIL_HIDDEN_TEXT) != 0;
    d->disguised += (f->flags & MAIL_DISGUISED) != 0;
    return 0;
}

static void put_when(struct json *j, const char *key, int64_t time)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    json_span(j, span_of(text, utc_format(time, text)));
}

static void put_figures(struct json *j, const struct volume_row *r)
{
    json_key(j, "mails");
    json_uint(j, r->mails);
    json_key(j, "addresses");
    json_uint(j, r->sources);
    put_when(j, "first_seen", r->first);
    put_when(j, "last_seen", r->last);
}

static void put_campaign(struct dossier *d, const struct volume_row *r)
{
    struct campaign c;
    struct json *j = &d->j;
    json_object(j);
    json_key(j, "campaign");
    json_uint(j, r->key);
    put_figures(j, r);
    if (spam_find(d->c->spam, r->key, &c, NULL) == 1) {
        json_key(j, "subject");
        json_str(j, c.subject);
        json_key(j, "topic");
        json_str(j, topic_name(spam_case_topic(&c)));
        json_key(j, "domains");
        json_array(j);
        for (unsigned i = 0; i < CAMPAIGN_DOMAINS_MAX && c.domain[i].mails; i++)
            json_str(j, c.domain[i].name);
        json_array_end(j);
        json_key(j, "exemplars");
        json_array(j);
        for (unsigned i = 0; i < c.exemplars; i++)
            json_uint(j, c.exemplar[i]);
        json_array_end(j);
    }
    json_object_end(j);
}

static void put_group(struct dossier *d, enum volume_by by, const struct volume_row *r)
{
    const char country[2] = {(char)(r->key >> 8), (char)r->key};
    json_object(&d->j);
    json_key(&d->j, volume_by_name(by));
    if (by == VOLUME_BY_COUNTRY)
        json_span(&d->j, span_of(country, r->key ? 2 : 0));
    else if (by == VOLUME_BY_FAMILY)
        json_span(&d->j, spam_name(d->c->spam, (unsigned)r->key));
    else
        json_uint(&d->j, r->key);
    put_figures(&d->j, r);
    json_object_end(&d->j);
}

/* The groups with most mails under `key`, and how many there are under `total`. */
static int put_rows(struct dossier *d, const char *key, const char *total, enum volume_by by,
                    struct err *err)
{
    struct volume rows;
    int rc = volume_rows(d->c->spam, by, &d->filter, &rows, err);
    if (rc < 0)
        return rc;
    json_key(&d->j, key);
    json_array(&d->j);
    for (size_t i = 0; i < rows.n && i < DOSSIER_ROWS; i++) {
        if (by == VOLUME_BY_CAMPAIGN && rows.v[i].key != FACT_NO_CAMPAIGN)
            put_campaign(d, &rows.v[i]);
        else if (by != VOLUME_BY_CAMPAIGN)
            put_group(d, by, &rows.v[i]);
    }
    json_array_end(&d->j);
    json_key(&d->j, total);
    json_uint(&d->j, rows.n);
    volume_free(&rows);
    return 0;
}

static void put_head(struct dossier *d, const struct brands *b, const struct volume_row *r)
{
    struct json *j = &d->j;
    json_key(j, "brand");
    json_span(j, d->filter.brand);
    json_key(j, "owner");
    json_span(j, owner_of(b, d->filter.brand));
    put_figures(j, r);
    json_key(j, "bytes");
    json_uint(j, r->bytes);
    json_key(j, "disguised");
    json_uint(j, d->disguised);
    json_key(j, "hidden_text");
    json_uint(j, d->hidden);
    json_key(j, "image_only");
    json_uint(j, d->image_only);
    json_key(j, "exemplars"); /* log indexes: `ebb log prove` each */
    json_array(j);
    for (unsigned i = 0; i < d->n_first; i++)
        json_uint(j, d->first[i]);
    json_array_end(j);
    json_key(j, "last");
    json_uint(j, d->last);
}

static int write_dossier(struct dossier *d, const struct brands *b, struct err *err)
{
    struct volume rows;
    size_t at = 0;
    int rc = spam_facts(d->c->spam, see_fact, d, err);
    if (rc == 0)
        rc = volume_rows(d->c->spam, VOLUME_BY_BRAND, &d->filter, &rows, err);
    if (rc < 0)
        return rc;
    while (at < rows.n && rows.v[at].key != d->brand)
        at++;
    json_object(&d->j);
    if (at < rows.n)
        put_head(d, b, &rows.v[at]);
    volume_free(&rows);
    rc = put_rows(d, "campaigns", "campaigns_in_all", VOLUME_BY_CAMPAIGN, err);
    if (rc == 0)
        rc = put_rows(d, "families", "families_in_all", VOLUME_BY_FAMILY, err);
    if (rc == 0)
        rc = put_rows(d, "countries", "countries_in_all", VOLUME_BY_COUNTRY, err);
    if (rc == 0)
        rc = put_rows(d, "networks", "networks_in_all", VOLUME_BY_ASN, err);
    json_object_end(&d->j);
    json_newline(&d->j);
    return rc;
}

/* The register's own writing of a name that is given in any case. */
static struct span register_name(const struct brands *b, struct span name)
{
    int number = brand_named(b, name);
    return number < 0 ? name : brand_name(b, (unsigned)number);
}

int cmd_brands_dossier(const struct cli *cli)
{
    struct casedir c = {0};
    struct dossier d = {.c = &c};
    const struct brands *b = NULL;
    struct buf text = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "brands dossier: wants one brand: see `ebb brands`");
    int rc = spam_case_filter(cli, &d.filter);
    if (rc)
        return rc;
    d.j = json_to(&text);
    rc = spam_case_open(cli, &c, &err);
    if (rc == 0)
        rc = get_register(&c, &b, &err);
    if (rc == 0) {
        d.filter.brand = register_name(b, span_str(cli->args[0]));
        d.brand = spam_named(c.spam, d.filter.brand);
        rc = d.brand ? write_dossier(&d, b, &err)
                     : err_set(&err, -ENOENT, "no mail names that brand: see `ebb brands` (%s)",
                               cli->args[0]);
    }
    if (rc == 0)
        fwrite(text.p, 1, text.n, stdout);
    buf_free(&text);
    return spam_case_end(&c, NULL, rc, &err);
}
