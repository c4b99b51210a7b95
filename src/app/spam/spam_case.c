#include "app/spam/spam_case.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"

int spam_case_open(const struct cli *cli, struct casedir *c, struct err *err)
{
    *c = (struct casedir){.quiet = cli->quiet};
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    return rc == 0 ? casedir_views(c, VIEW_SPAM, err) : rc;
}

int spam_case_engine(const struct cli *cli, struct casedir *c, struct engine **e, struct err *err)
{
    return engine_open(cli, ENGINE_SPAM, 0, c, e, err);
}

int spam_case_done(struct casedir *c, struct engine *e, struct table *t, int rc, struct err *err)
{
    engine_close(e);
    return spam_case_end(c, t, rc, err);
}

int spam_case_end(struct casedir *c, struct table *t, int rc, struct err *err)
{
    if (t && table_close(t) < 0 && rc >= 0)
        rc = err_set(err, -EIO, "output could not be written");
    casedir_close(c, NULL);
    return rc < 0 ? cli_err(err) : EXIT_DONE;
}

/* ---- options ---- */

int spam_case_day(const struct cli *cli, const char *name, int32_t fallback, int32_t *out)
{
    const char *text = cli_get(cli, name);
    int64_t time;
    *out = fallback;
    if (!text)
        return 0;
    if (!utc_parse(span_str(text), &time))
        return cli_fail(EXIT_USAGE, "--%s: not an RFC 3339 date (%s)", name, text);
    *out = utc_day(time);
    return 0;
}

static int filter_topic(const struct cli *cli, struct volume_filter *out)
{
    const char *topic = cli_get(cli, "topic");
    out->topic = topic ? topic_named(span_str(topic)) : TOPIC_NONE;
    return out->topic == TOPICS ? cli_fail(EXIT_USAGE, "--topic: no such topic (%s)", topic) : 0;
}

static int filter_country(const struct cli *cli, struct volume_filter *out)
{
    const char *country = cli_get(cli, "country");
    if (country && strlen(country) != 2)
        return cli_fail(EXIT_USAGE, "--country: wants two letters (%s)", country);
    if (country)
        memcpy(out->country, country, 2);
    return 0;
}

int spam_case_filter(const struct cli *cli, struct volume_filter *out)
{
    const char *family = cli_get(cli, "family"), *cohort = cli_get(cli, "cohort");
    uint64_t asn;
    int32_t day;
    memset(out, 0, sizeof *out);
    if (cohort && strcmp(cohort, "all") != 0 && strcmp(cohort, "fixed") != 0)
        return cli_fail(EXIT_USAGE, "--cohort: fixed or all (%s)", cohort);
    out->family = case_text(cli, "family");
    out->no_family = family && !*family;
    out->brand = case_text(cli, "brand");
    out->sensor = case_text(cli, "sensor");
    int rc = cli_range(cli, &out->since, &out->until);
    if (rc == 0)
        rc = spam_case_day(cli, "baseline", 0, &day);
    if (rc == 0)
        rc = cli_number(cli, "campaign", VOLUME_ANY_CAMPAIGN, &out->campaign);
    if (rc == 0)
        rc = cli_number(cli, "asn", 0, &asn);
    if (rc == 0)
        rc = filter_topic(cli, out);
    if (rc == 0)
        rc = filter_country(cli, out);
    if (rc == 0 && asn > UINT32_MAX)
        rc = cli_fail(EXIT_USAGE, "--asn: over 32 bits (%s)", cli_get(cli, "asn"));
    if (rc == 0)
        out->asn = (uint32_t)asn;
    return rc;
}

/* ---- the series ---- */

int spam_case_series(const struct cli *cli, struct engine *e, const struct volume_filter *f,
                     struct spam_case_series *out, struct volume *days, struct err *err)
{
    const char *cohort = cli_get(cli, "cohort");
    struct volume_hours all, filtered;
    memset(out, 0, sizeof *out);
    int rc = e->hours(e->ctx, f, &all, &filtered, days, err);
    if (rc == 0 && all.days) {
        spam_case_day(cli, "baseline", all.first_day, &out->baseline);
        out->fixed = !cohort || strcmp(cohort, "all") != 0;
        series_cohort(&all, out->baseline, &out->cohort);
        series_of(&all, &filtered, out->fixed ? &out->cohort : NULL, &out->series);
    }
    bool none = rc == 0 && !all.days;
    volume_hours_free(&all);
    volume_hours_free(&filtered);
    return none ? 1 : rc;
}

void spam_case_series_free(struct spam_case_series *s)
{
    series_free(&s->series);
}

void spam_case_say_cohort(const struct cli *cli, const struct spam_case_series *s)
{
    if (!cli->quiet && s->fixed && s->cohort.left_out)
        fprintf(
            stderr,
            "ebb: the figures rest on %u sensors that were there all the time; %u came later or "
            "left (--cohort all takes them in)\n",
            s->cohort.n, s->cohort.left_out);
}

/* ---- cells ---- */

void spam_case_put_day(struct table *t, int32_t day)
{
    char text[UTC_TEXT_MAX];
    table_text(t, span_of(text, utc_format_date((int64_t)day * UTC_DAY, text)));
}

void spam_case_put_time(struct table *t, int64_t time)
{
    char text[UTC_TEXT_MAX];
    table_text(t, span_of(text, utc_format(time, text)));
}

void spam_case_put_campaign(struct table *t, uint64_t id)
{
    if (id == FACT_NO_CAMPAIGN)
        table_empty(t);
    else
        table_uint(t, id);
}

void spam_case_put_domains(struct table *t, const struct campaign *c)
{
    struct span v[CAMPAIGN_DOMAINS_MAX];
    size_t n = 0;
    for (; n < CAMPAIGN_DOMAINS_MAX && c->domain[n].mails; n++)
        v[n] = span_str(c->domain[n].name);
    table_list(t, v, n);
}

void spam_case_put_brands(struct table *t, const struct spam *s, const struct campaign *c)
{
    struct span v[CAMPAIGN_BRANDS_MAX];
    size_t n = 0;
    for (; n < CAMPAIGN_BRANDS_MAX && c->brand[n].mails; n++)
        v[n] = spam_name(s, c->brand[n].brand);
    table_list(t, v, n);
}

void spam_case_put_families(struct table *t, const struct campaign *c)
{
    struct span v[CAMPAIGN_FAMILIES_MAX];
    size_t n = 0;
    for (; n < CAMPAIGN_FAMILIES_MAX && c->family[n].mails; n++)
        v[n] = span_str(c->family[n].name);
    table_list(t, v, n);
}

enum topic spam_case_topic(const struct campaign *c)
{
    unsigned best = TOPIC_NONE;
    for (unsigned i = 0; i < TOPICS; i++)
        if (c->topic[i] > c->topic[best] || (i != TOPIC_NONE && best == TOPIC_NONE && c->topic[i]))
            best = i;
    return (enum topic)best;
}

int spam_case_campaign(const struct cli *cli, struct casedir *c, const char *text,
                       struct campaign *out)
{
    struct err err;
    uint64_t id;
    if (!cli_parse_u64(text, &id))
        return cli_fail(EXIT_USAGE, "%s: a campaign is the index of its first mail (%s)",
                        cli->command, text);
    int rc = spam_find(c->spam, id, out, &err);
    if (rc < 0)
        return cli_err(&err);
    return rc == 0 ? cli_fail(EXIT_FAILED, "no such campaign: see `ebb campaigns` (%s)", text) : 0;
}

int spam_case_mail(struct casedir *c, uint64_t index, struct arena *arena, struct event *ev,
                   struct span *raw, struct mail *mail, struct err *err)
{
    struct buf bytes = {0};
    struct entry e;
    int rc = journal_get(c->journal, index, &e, err);
    if (rc < 0)
        return rc;
    /* the entry is the journal's only until the next call */
    struct span payload = span_of(arena_copy(arena, e.payload.p, e.payload.n), e.payload.n);
    if (e.redacted || !event_kind_is_event(e.header.kind) || event_decode(payload, arena, ev) < 0)
        return err_set(err, -EINVAL, "entry %llu is no mail", (unsigned long long)index);
    ev->kind = e.header.kind;
    ev->time = e.header.time;
    ev->sensor = e.header.sensor;
    if (!spam_is_mail(ev) || ev->smtp.blob.n != SHA256_LEN)
        return err_set(err, -EINVAL, "entry %llu is no mail", (unsigned long long)index);
    rc = casedir_blob(c, ev->smtp.blob.p, &bytes, err);
    if (rc == 0) {
        *raw = span_of(arena_copy(arena, bytes.p, bytes.n), bytes.n);
        rc = spam_read(c->spam, *raw, ev, arena, mail, err);
    }
    buf_free(&bytes);
    return rc;
}
