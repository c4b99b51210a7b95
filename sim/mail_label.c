#include "sim/mail_label.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utc.h"

#define COLUMNS 14
static const char *const columns[COLUMNS] = {"number", "file",   "sha256", "kind",    "campaign",
                                             "family", "topic",  "brands", "address", "port",
                                             "time",   "domain", "from",   "to"};

void mail_label_names(struct buf *out)
{
    for (int i = 0; i < COLUMNS; i++) {
        buf_str(out, columns[i]);
        buf_byte(out, i + 1 < COLUMNS ? '\t' : '\n');
    }
}

static const char *family_name(const struct mail_sim *s, const struct mail_label *label)
{
    return label->ham ? "" : mail_sim_family(s, label->family)->name;
}

/* The bytes of a cell. */
static void put_cell(const struct mail_sim *s, const struct mail_label *l, struct span mail,
                     const char *name, int column, struct buf *out)
{
    uint8_t sha[SHA256_LEN];
    char hex[SHA256_HEX_MAX], ip[IP_TEXT_MAX], time[UTC_TEXT_MAX];
    bool first = true;
    switch (column) {
    case 0:
        mail_put_number(out, l->number, 1);
        break;
    case 1:
        buf_str(out, name);
        break;
    case 2:
        sha256(mail.p, mail.n, sha);
        hex_encode(sha, sizeof sha, hex);
        buf_str(out, hex);
        break;
    case 3:
        buf_str(out, l->ham ? "ham" : "spam");
        break;
    case 4:
        buf_str(out, l->campaign_name);
        break;
    case 5:
        buf_str(out, family_name(s, l));
        break;
    case 6:
        buf_str(out, l->ham ? "" : mail_topic_name(l->topic));
        break;
    case 7:
        for (unsigned i = 0; i < MAIL_BRANDS_MAX; i++)
            if (l->brands >> i & 1) {
                buf_str(out, first ? "" : ",");
                buf_span(out, mail_sim_brand(s, l->topic, i));
                first = false;
            }
        break;
    case 8:
        buf_put(out, ip, ip_format(&l->address, ip));
        break;
    case 9:
        mail_put_number(out, l->port, 1);
        break;
    case 10:
        buf_put(out, time, utc_format(l->time, time));
        break;
    default:
        buf_str(out, column == 11 ? l->host : column == 12 ? l->from : l->to);
        break;
    }
}

void mail_label_row(const struct mail_sim *s, const struct mail_label *label, struct span mail,
                    const char *name, bool json, struct buf *out)
{
    if (json)
        buf_byte(out, '{');
    for (int i = 0; i < COLUMNS; i++) {
        bool quoted = json && i != 0 && i != 9;
        if (json) /* none of the values has a character that needs more than quotes */
            buf_printf(out, "%s\"%s\":%s", i ? "," : "", columns[i], quoted ? "\"" : "");
        put_cell(s, label, mail, name, i, out);
        if (quoted)
            buf_byte(out, '"');
        if (!json && i + 1 < COLUMNS)
            buf_byte(out, '\t');
    }
    buf_str(out, json ? "}\n" : "\n");
}

/* ---- volumes ---- */

struct day {
    uint64_t mails, ham, bytes;
    uint32_t *family, *topic;
};

struct mail_truth {
    const struct mail_sim *s;
    uint32_t days, families, campaigns;
    struct day *day;
    uint32_t **by_campaign; /* of its days, first_day on; made when needed */
    struct mail_campaign_facts *facts;
    uint64_t *first, *last; /* seconds since 1970 of its mails */
};

struct mail_truth *mail_truth_new(const struct mail_sim *s)
{
    const struct mail_sim_options *o = mail_sim_options(s);
    struct mail_truth *t = mem_zeroed(1, sizeof *t);
    t->s = s;
    t->days = o->days;
    t->families = o->families;
    t->campaigns = o->campaigns;
    t->day = mem_zeroed(t->days, sizeof *t->day);
    for (uint32_t d = 0; d < t->days; d++) {
        t->day[d].family = mem_zeroed(t->families, sizeof(uint32_t));
        t->day[d].topic = mem_zeroed(MAIL_TOPICS, sizeof(uint32_t));
    }
    t->by_campaign = mem_zeroed(t->campaigns, sizeof *t->by_campaign);
    t->facts = mem_zeroed(t->campaigns, sizeof *t->facts);
    t->first = mem_zeroed(t->campaigns, sizeof *t->first);
    t->last = mem_zeroed(t->campaigns, sizeof *t->last);
    for (uint32_t i = 0; i < t->campaigns; i++)
        mail_sim_campaign(s, i + 1, &t->facts[i]);
    return t;
}

void mail_truth_free(struct mail_truth *t)
{
    if (!t)
        return;
    for (uint32_t d = 0; d < t->days; d++) {
        free(t->day[d].family);
        free(t->day[d].topic);
    }
    for (uint32_t i = 0; i < t->campaigns; i++)
        free(t->by_campaign[i]);
    free(t->by_campaign);
    free(t->day);
    free(t->facts);
    free(t->first);
    free(t->last);
    free(t);
}

void mail_truth_add(struct mail_truth *t, const struct mail_label *l, size_t bytes)
{
    uint32_t d = (uint32_t)((l->time - mail_sim_options(t->s)->start) / UTC_DAY),
             i = l->campaign - 1;
    struct day *day = &t->day[d];
    uint64_t at = (uint64_t)(l->time / UTC_SECOND);
    if (l->ham) {
        day->ham++;
        return;
    }
    const struct mail_campaign_facts *f = &t->facts[i];
    day->mails++;
    day->bytes += bytes;
    day->family[l->family]++;
    day->topic[l->topic]++;
    if (!t->by_campaign[i])
        t->by_campaign[i] = mem_zeroed(f->last_day - f->first_day + 1, sizeof(uint32_t));
    t->by_campaign[i][d - f->first_day]++;
    t->first[i] = t->first[i] ? t->first[i] : at;
    t->last[i] = at;
}

static void put_time(struct json *j, const char *key, uint64_t seconds)
{
    char text[UTC_TEXT_MAX];
    utc_format((int64_t)seconds * UTC_SECOND, text);
    json_key(j, key);
    json_str(j, text);
}

static void put_day(const struct mail_truth *t, uint32_t d, struct json *j)
{
    char date[UTC_TEXT_MAX], name[24];
    const struct day *day = &t->day[d];
    utc_format_date(mail_sim_options(t->s)->start + d * UTC_DAY, date);
    json_object(j);
    json_key(j, "date");
    json_str(j, date);
    json_key(j, "mails");
    json_uint(j, day->mails);
    json_key(j, "bytes");
    json_uint(j, day->bytes);
    json_key(j, "ham");
    json_uint(j, day->ham);
    json_key(j, "families");
    json_object(j);
    for (unsigned f = 0; f < t->families; f++)
        if (day->family[f]) {
            json_key(j, mail_sim_family(t->s, f)->name);
            json_uint(j, day->family[f]);
        }
    json_object_end(j);
    json_key(j, "topics");
    json_object(j);
    for (unsigned k = 0; k < MAIL_HAM; k++)
        if (day->topic[k]) {
            json_key(j, mail_topic_name(k));
            json_uint(j, day->topic[k]);
        }
    json_object_end(j);
    json_key(j, "campaigns");
    json_object(j);
    for (uint32_t i = 0; i < t->campaigns; i++) {
        const struct mail_campaign_facts *f = &t->facts[i];
        if (!t->by_campaign[i] || d < f->first_day || d > f->last_day ||
            !t->by_campaign[i][d - f->first_day])
            continue;
        snprintf(name, sizeof name, "c%u", i + 1);
        json_key(j, name);
        json_uint(j, t->by_campaign[i][d - f->first_day]);
    }
    json_object_end(j);
    json_object_end(j);
}

static void put_campaign(const struct mail_truth *t, uint32_t i, struct json *j)
{
    const struct mail_campaign_facts *f = &t->facts[i];
    char name[24];
    snprintf(name, sizeof name, "c%u", i + 1);
    json_object(j);
    json_key(j, "campaign");
    json_str(j, name);
    json_key(j, "mails");
    json_uint(j, f->mails);
    put_time(j, "first", t->first[i]);
    put_time(j, "last", t->last[i]);
    json_key(j, "topic");
    json_str(j, mail_topic_name(f->topic));
    json_key(j, "families");
    json_array(j);
    for (int k = 0; k < 2; k++)
        if (f->family[k] < MAIL_FAMILIES_MAX)
            json_str(j, mail_sim_family(t->s, f->family[k])->name);
    json_array_end(j);
    const char *const words[] = {"form",   f->form,   "disguise", f->disguise, "salad",
                                 f->salad, "charset", f->charset, "subject",   f->subject};
    for (int k = 0; k < 10; k += 2) {
        json_key(j, words[k]);
        json_str(j, words[k + 1]);
    }
    json_key(j, "domains");
    json_uint(j, f->domains);
    json_key(j, "hidden");
    json_bool(j, f->hidden);
    json_key(j, "shared_fragment");
    json_bool(j, f->fragment);
    json_key(j, "spin");
    json_double(j, f->spin, 2);
    json_object_end(j);
}

static void put_family(const struct mail_truth *t, unsigned f, struct json *j)
{
    const struct mail_family *family = mail_sim_family(t->s, f);
    struct buf text = {0};
    uint64_t mails = 0;
    for (uint32_t d = 0; d < t->days; d++)
        mails += t->day[d].family[f];
    mail_dialect_put(&family->dialect, &text);
    json_object(j);
    json_key(j, "family");
    json_str(j, family->name);
    json_key(j, "mails");
    json_uint(j, mails);
    json_key(j, "clients");
    json_uint(j, family->clients);
    json_key(j, "dialect");
    json_span(j, buf_as_span(&text));
    json_key(j, "message_id");
    json_str(j, family->mailer.message_id);
    json_object_end(j);
    buf_free(&text);
}

void mail_truth_write(const struct mail_truth *t, struct buf *out)
{
    const struct mail_sim_options *o = mail_sim_options(t->s);
    struct json j = json_to(out);
    uint64_t mails = 0, ham = 0;
    for (uint32_t d = 0; d < t->days; d++) {
        mails += t->day[d].mails;
        ham += t->day[d].ham;
    }
    json_object(&j);
    json_key(&j, "generator");
    json_str(&j, "ebb-sim mail " EBB_VERSION);
    json_key(&j, "seed");
    json_uint(&j, o->seed);
    json_key(&j, "mails");
    json_uint(&j, mails);
    json_key(&j, "ham");
    json_uint(&j, ham);
    json_key(&j, "days");
    json_array(&j);
    for (uint32_t d = 0; d < t->days; d++)
        put_day(t, d, &j);
    json_array_end(&j);
    json_key(&j, "families");
    json_array(&j);
    for (unsigned f = 0; f < t->families; f++)
        put_family(t, f, &j);
    json_array_end(&j);
    json_key(&j, "campaigns");
    json_array(&j);
    for (uint32_t i = 0; i < t->campaigns; i++)
        put_campaign(t, i, &j);
    json_array_end(&j);
    json_object_end(&j);
    json_newline(&j);
}
