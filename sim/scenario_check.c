#include "sim/scenario_check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/utc.h"

/* Where a value stands, for its error: "activity.daily", "ases[3].weight". */
struct check {
    const char *where;
    struct err *err;
    char at[64];
};

static int bad(struct check *c, const char *key, const char *why)
{
    return err_set(c->err, -EINVAL, "scenario: %s%s: %s (%s)", c->at, key, why, c->where);
}

static int in_range(struct check *c, const char *key, double v, double low, double high)
{
    if (isfinite(v) && v >= low && v <= high)
        return 0;
    return err_set(c->err, -EINVAL, "scenario: %s%s: %.10g is not between %.10g and %.10g (%s)",
                   c->at, key, v, low, high, c->where);
}

static int above_zero(struct check *c, const char *key, double v)
{
    if (isfinite(v) && v > 0 && v <= 1e9)
        return 0;
    return err_set(c->err, -EINVAL, "scenario: %s%s: %g is not above 0 (%s)", c->at, key, v,
                   c->where);
}

/* Texts go into lines, CSV cells and request headers. */
static int one_line(struct check *c, const char *key, const char *text)
{
    for (const char *p = text ? text : ""; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return bad(c, key, "holds a control character");
    return 0;
}

static int no_space(struct check *c, const char *key, const char *text)
{
    if (text && strchr(text, ' '))
        return bad(c, key, "holds a space");
    return one_line(c, key, text);
}

static int check_survival(struct check *c, const struct scenario_survival *s)
{
    int rc = 0;
    if (s->curve == SCENARIO_NEVER)
        return s->shape != 0 || s->scale_days != 0
                   ? bad(c, "survival", "\"never\" takes no shape and no scale_days")
                   : 0;
    if (s->curve == SCENARIO_WEIBULL)
        rc = in_range(c, "survival.shape", s->shape, 0.05, 20);
    else if (s->shape != 0)
        rc = bad(c, "survival.shape", "only weibull has one");
    return rc < 0 ? rc : in_range(c, "survival.scale_days", s->scale_days, 0.01, 1e6);
}

static int check_country(struct check *c, const char *country)
{
    if (strlen(country) != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' ||
        country[1] > 'Z')
        return bad(c, "country", "not two capital letters (ISO 3166-1)");
    return 0;
}

static int needs(struct check *c, const char *key, const char *text)
{
    return text && *text ? 0 : bad(c, key, "missing for this kind of check-in");
}

static int check_family_texts(struct check *c, struct scenario_family *f)
{
    int rc;
    if ((rc = one_line(c, "name", f->name)) < 0 || (rc = one_line(c, "tag", f->tag)) < 0 ||
        (rc = no_space(c, "host", f->host)) < 0 || (rc = no_space(c, "method", f->method)) < 0 ||
        (rc = no_space(c, "path", f->path)) < 0 || (rc = one_line(c, "agent", f->agent)) < 0 ||
        (rc = no_space(c, "referer", f->referer)) < 0)
        return rc;
    size_t total = f->body;
    for (unsigned i = 0; i < f->headers_count; i++) {
        if ((rc = one_line(c, "headers", f->headers[i])) < 0)
            return rc;
        if (!strchr(f->headers[i], ':'))
            return bad(c, "headers", "an entry is not \"Name: value\"");
        total += strlen(f->headers[i]) + 2;
    }
    const char *texts[] = {f->host, f->method, f->path, f->agent, f->referer, f->payload};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        total += texts[i] ? strlen(texts[i]) : 0;
    if (total > SCENARIO_BODY_MAX)
        return bad(c, "body", "the whole request must fit one packet: over 1000 bytes");
    return 0;
}

/* A text with a place for the bot id, of a family that has none. */
static int check_id(struct check *c, const struct scenario_family *f)
{
    const struct {
        const char *key, *text;
    } texts[] = {{"host", f->host},       {"path", f->path}, {"referer", f->referer},
                 {"payload", f->payload}, {"from", f->from}, {"to", f->to}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (f->bot_id == SCENARIO_BOT_ID_NONE && texts[i].text && strstr(texts[i].text, "{id}"))
            return bad(c, texts[i].key, "holds {id}, and bot_id is none");
    return 0;
}

/* A domain name that a DNS question can hold (RFC 1035, 2.3.4), with its bot id in place. */
static int check_domain(struct check *c, const struct scenario_family *f)
{
    size_t total = 1;
    if (f->bot_id == SCENARIO_BOT_ID_GUID)
        return bad(c, "bot_id", "a guid is no part of a domain name; hex16 is");
    for (const char *p = f->host; *p;) {
        size_t n = strcspn(p, "."), len = n;
        for (const char *id = p; (id = strstr(id, "{id}")) && id < p + n; id += 4)
            len += 16 - 4;
        if (n == 0 || len > 63 || (total += len + 1) > 255)
            return bad(c, "host", "not a domain name: a label is empty or too long");
        p += n;
        if (*p == '.')
            p++;
    }
    return 0;
}

static int check_smtp(struct check *c, const struct scenario_family *f)
{
    int rc;
    if ((rc = needs(c, "host", f->host)) < 0 || (rc = needs(c, "from", f->from)) < 0 ||
        (rc = needs(c, "to", f->to)) < 0 || (rc = needs(c, "payload", f->payload)) < 0)
        return rc;
    if (strstr(f->payload, "\n.\n") || strstr(f->payload, "\n.\r"))
        return bad(c, "payload", "a line of one dot would end the mail");
    return f->body ? bad(c, "body", "a mail's text is its payload") : 0;
}

static int check_family(struct check *c, struct scenario_family *f)
{
    int rc;
    if (!f->name[0])
        return bad(c, "name", "is empty");
    if ((rc = check_family_texts(c, f)) < 0 || (rc = check_id(c, f)) < 0)
        return rc;
    if (f->share == 0)
        f->share = 1;
    if ((rc = above_zero(c, "share", f->share)) < 0)
        return rc;
    if (!f->port)
        f->port = f->kind == SCENARIO_DNS ? 53 : f->kind == SCENARIO_SMTP ? 25 : 80;
    if (f->kind == SCENARIO_HTTP)
        return (rc = needs(c, "host", f->host)) < 0 ? rc : needs(c, "path", f->path);
    if (f->kind == SCENARIO_DNS)
        return (rc = needs(c, "host", f->host)) < 0 ? rc : check_domain(c, f);
    if (f->kind == SCENARIO_SMTP)
        return check_smtp(c, f);
    return f->body ? 0 : needs(c, "payload", f->payload);
}

static int check_as(struct check *c, struct scenario_as *a)
{
    int rc;
    if (!a->asn)
        return bad(c, "asn", "0 is no AS");
    if ((rc = check_country(c, a->country)) < 0 || (rc = above_zero(c, "weight", a->weight)) < 0 ||
        (rc = in_range(c, "utc_offset", a->utc_offset, -14, 14)) < 0 ||
        (rc = in_range(c, "ipv6", a->ipv6, 0, 1)) < 0 ||
        (rc = in_range(c, "nat.share", a->nat.share, 0, 1)) < 0 ||
        (rc = in_range(c, "dhcp.mean_days", a->dhcp.mean_days, 0, 1e6)) < 0 ||
        (rc = in_range(c, "dhcp.across", a->dhcp.across, 0, 1)) < 0)
        return rc;
    if (a->nat.share > 0 && (a->nat.hosts < 2 || a->nat.hosts > 60000))
        return bad(c, "nat.hosts", "not between 2 and 60000");
    if (a->dhcp.mean_days > 0 && a->dhcp.mean_days < 0.1)
        return bad(c, "dhcp.mean_days", "below 0.1, and not 0 (keeps its address)");
    if (a->dhcp.lease == SCENARIO_LEASE_FIXED && a->dhcp.mean_days == 0)
        return bad(c, "dhcp.lease", "fixed, and mean_days does not say how long");
    return a->survival ? check_survival(c, a->survival) : 0;
}

static int check_actors(struct check *c, struct scenario_actors *a)
{
    int rc;
    if (!a->asn)
        return bad(c, "asn", "0 is no AS");
    if (a->daily == 0)
        a->daily = 1;
    if (a->checkins == 0)
        a->checkins = 1;
    if ((rc = check_country(c, a->country)) < 0 ||
        (rc = in_range(c, "count", a->count, 0, SCENARIO_ACTORS_MAX)) < 0 ||
        (rc = in_range(c, "daily", a->daily, 0, 1)) < 0 ||
        (rc = in_range(c, "checkins", a->checkins, 1, 1000)) < 0 ||
        (rc = no_space(c, "path", a->path)) < 0)
        return rc;
    return one_line(c, "agent", a->agent);
}

static int check_beacon(struct check *c, struct scenario_activity *a)
{
    int rc;
    if (a->interval_minutes == 0)
        return a->jitter != 0 || a->on_hours != 0
                   ? bad(c, "activity.interval_minutes", "missing: jitter and on_hours go with it")
                   : 0;
    if (a->checkins != 0)
        return bad(c, "activity.checkins", "says how many contacts; so does interval_minutes");
    if (a->on_hours == 0)
        a->on_hours = 24;
    if ((rc = in_range(c, "activity.interval_minutes", a->interval_minutes, 1, 1440)) < 0 ||
        (rc = in_range(c, "activity.jitter", a->jitter, 0, 1)) < 0)
        return rc;
    if (a->on_hours > 16 && a->on_hours != 24)
        return bad(c, "activity.on_hours", "not up to 16, nor 24 (always)");
    return in_range(c, "activity.on_hours", a->on_hours, 0.5, 24);
}

static int check_top(struct check *c, struct scenario *s)
{
    int rc;
    if (!utc_parse(span_str(s->start), &s->start_time) || s->start_time % UTC_DAY != 0)
        return bad(c, "start", "not a date like 2011-03-20");
    if (s->start_time < UTC_EVENT_MIN ||
        s->start_time + (int64_t)SCENARIO_DAYS_MAX * UTC_DAY > UTC_EVENT_MAX)
        return bad(c, "start", "outside 1990 to 2089");
    if ((rc = in_range(c, "days", s->days, 1, SCENARIO_DAYS_MAX)) < 0 ||
        (rc = in_range(c, "hosts", s->hosts, 1, SCENARIO_HOSTS_MAX)) < 0 ||
        (rc = check_survival(c, &s->survival)) < 0 ||
        (rc = in_range(c, "activity.daily", s->activity.daily, 0, 1)) < 0)
        return rc;
    if ((rc = check_beacon(c, &s->activity)) < 0)
        return rc;
    if (s->activity.checkins == 0)
        s->activity.checkins = 1;
    if ((rc = in_range(c, "activity.checkins", s->activity.checkins, 1, 50)) < 0 ||
        (rc = in_range(c, "activity.peak", s->activity.peak, 0, 24)) < 0 ||
        (rc = in_range(c, "activity.depth", s->activity.depth, 0, 1)) < 0 ||
        (rc = in_range(c, "reinfection.probability", s->reinfection.probability, 0, 1)) < 0)
        return rc;
    return in_range(c, "reinfection.mean_days", s->reinfection.mean_days, 0, 1e6);
}

static void at(struct check *c, const char *list, unsigned i)
{
    snprintf(c->at, sizeof c->at, "%s[%u].", list, i);
}

static int check_lists(struct check *c, struct scenario *s)
{
    int rc = 0;
    for (unsigned i = 0; i < s->families_count; i++) {
        at(c, "families", i);
        if ((rc = check_family(c, &s->families[i])) < 0)
            return rc;
        for (unsigned k = 0; k < i; k++)
            if (strcmp(s->families[k].name, s->families[i].name) == 0)
                return bad(c, "name", "a family of that name stands above");
    }
    for (unsigned i = 0; i < s->ases_count; i++) {
        at(c, "ases", i);
        if ((rc = check_as(c, &s->ases[i])) < 0)
            return rc;
        for (unsigned k = 0; k < i; k++)
            if (s->ases[k].asn == s->ases[i].asn)
                return bad(c, "asn", "an AS of that number stands above");
    }
    for (unsigned i = 0; i < s->scanners_count; i++) {
        at(c, "scanners", i);
        if ((rc = check_actors(c, &s->scanners[i])) < 0)
            return rc;
    }
    for (unsigned i = 0; i < s->sandboxes_count; i++) {
        at(c, "sandboxes", i);
        if ((rc = check_actors(c, &s->sandboxes[i])) < 0)
            return rc;
    }
    return 0;
}

static int check_sensors(struct check *c, struct scenario *s)
{
    unsigned v4 = 0, v6 = 0;
    for (unsigned i = 0; i < s->sensors_count; i++) {
        struct ip ip;
        snprintf(c->at, sizeof c->at, "sensors[%u]", i);
        if (!ip_parse(span_str(s->sensors[i]), &ip))
            return bad(c, "", "not an address");
        ip_is_v4(&ip) ? v4++ : v6++;
    }
    c->at[0] = 0;
    if (!v4)
        return bad(c, "sensors", "none with an IPv4 address");
    for (unsigned i = 0; i < s->ases_count && !v6; i++)
        if (s->ases[i].ipv6 > 0)
            return bad(c, "sensors", "none with an IPv6 address, and there are hosts with IPv6");
    return 0;
}

int scenario_check(struct scenario *s, const char *where, struct err *err)
{
    struct check c = {.where = where, .err = err};
    int rc;
    if ((rc = check_top(&c, s)) < 0 || (rc = check_lists(&c, s)) < 0)
        return rc;
    return check_sensors(&c, s);
}
