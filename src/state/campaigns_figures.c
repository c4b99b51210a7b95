/* What is counted of a campaign. */
#include "state/campaigns_impl.h"

/* Cut at a character, control characters as spaces. */
static void copy_text(struct span s, char *out, size_t size)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;
    while (n && n < s.n && (s.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] < 0x20 || s.p[i] == 0x7f ? ' ' : (char)s.p[i];
    memset(out + n, 0, size - n);
}

void figures_subject(struct span subject, char out[CAMPAIGN_SUBJECT_MAX])
{
    copy_text(subject, out, CAMPAIGN_SUBJECT_MAX);
}

/* The tables of names keep those seen most (Metwally et al., "Efficient Computation of Frequent and
 * Top-k Elements in Data Streams", 2005): one that is not there takes the place of the rarest, and
 * goes on from its count. */
static void count_domain(struct campaign *c, const struct mail_url *u)
{
    unsigned rarest = 0;
    for (unsigned i = 0; i < CAMPAIGN_DOMAINS_MAX; i++) {
        if (c->domain[i].mails && c->domain[i].hash == u->domain_hash) {
            c->domain[i].mails++;
            return;
        }
        if (c->domain[i].mails < c->domain[rarest].mails)
            rarest = i;
    }
    c->domain[rarest].mails++;
    c->domain[rarest].hash = u->domain_hash;
    copy_text(u->domain, c->domain[rarest].name, CAMPAIGN_DOMAIN_MAX);
}

static bool seen_before(const struct mail *m, unsigned url)
{
    for (unsigned i = 0; i < url; i++)
        if (m->url[i].domain_hash == m->url[url].domain_hash)
            return true;
    return false;
}

static void count_brand(struct campaign *c, uint16_t brand)
{
    unsigned rarest = 0;
    for (unsigned i = 0; i < CAMPAIGN_BRANDS_MAX; i++) {
        if (c->brand[i].mails && c->brand[i].brand == brand) {
            c->brand[i].mails++;
            return;
        }
        if (c->brand[i].mails < c->brand[rarest].mails)
            rarest = i;
    }
    c->brand[rarest].mails++;
    c->brand[rarest].brand = brand;
}

static void count_family(struct campaign *c, struct span family)
{
    char name[sizeof c->family[0].name];
    unsigned rarest = 0;
    if (!family.n)
        return;
    copy_text(family, name, sizeof name);
    for (unsigned i = 0; i < CAMPAIGN_FAMILIES_MAX; i++) {
        if (c->family[i].mails && memcmp(c->family[i].name, name, sizeof name) == 0) {
            c->family[i].mails++;
            return;
        }
        if (c->family[i].mails < c->family[rarest].mails)
            rarest = i;
    }
    c->family[rarest].mails++;
    memcpy(c->family[rarest].name, name, sizeof name);
}

static void count_time(struct campaign *c, int64_t time)
{
    if (c->mails == 0 || time < c->first_seen)
        c->first_seen = time;
    if (c->mails == 0 || time > c->last_seen)
        c->last_seen = time;
}

void figures_count(struct campaign *c, const struct campaigns_mail *m)
{
    const struct mail *mail = m->mail;
    count_time(c, m->time);
    c->mails++;
    c->bytes += m->bytes;
    if (c->exemplars < CAMPAIGN_EXEMPLARS_MAX)
        c->exemplar[c->exemplars++] = m->index;
    else
        c->exemplar[CAMPAIGN_EXEMPLARS_MAX - 1] = m->index;
    if ((unsigned)mail->topics.topic < TOPICS)
        c->topic[mail->topics.topic]++;
    for (unsigned i = 0; i < mail->urls; i++)
        if (mail->url[i].domain_hash && !seen_before(mail, i))
            count_domain(c, &mail->url[i]);
    for (unsigned i = 0; i < mail->brands.n; i++)
        count_brand(c, mail->brands.v[i].brand);
    count_family(c, m->family);
    c->image_only += !!(mail->flags & MAIL_IMAGE_ONLY);
    c->hidden_text += !!(mail->flags & MAIL_HIDDEN_TEXT);
    c->disguised += !!(mail->flags & MAIL_DISGUISED);
}
