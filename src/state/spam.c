/* What a mail, and an act, does to the view. */
#include "base/mem.h"
#include "event/act.h"
#include "state/spam_impl.h"

/* ---- one mail ---- */

static int get_reader(struct spam *s, struct err *err)
{
    return s->reader ? 0 : s->source.reader(s->source.ctx, &s->reader, err);
}

int spam_read(struct spam *s, struct span raw, const struct event *ev, struct arena *arena,
              struct mail *out, struct err *err)
{
    int rc = get_reader(s, err);
    if (rc == 0)
        mail_read(s->reader, raw, ev, arena, out);
    return rc;
}

static void signs_of(const struct mail *m, struct span sign[DIALECT_SIGNS])
{
    sign[DIALECT_SMTP] = m->dialect.text;
    sign[DIALECT_HEADERS] = m->headers.text;
    sign[DIALECT_MESSAGE_ID] = m->message_id.text;
}

void spam_judge(const struct spam *s, const struct mail *mail, struct dialect_verdict *out)
{
    struct span sign[DIALECT_SIGNS];
    signs_of(mail, sign);
    dialects_judge(s->dialects, sign, DIALECT_THRESHOLD, out);
}

static unsigned brand_number(struct spam *s, unsigned brand)
{
    if (brand >= SPAM_BRAND_NAMES)
        return 0;
    if (!s->brand_name[brand])
        s->brand_name[brand] =
            (uint16_t)names_number(&s->names, brand_name(mail_reader_brands(s->reader), brand));
    return s->brand_name[brand];
}

/* A brand's number in the register ends with the register; the view's own number stays. */
static struct mail with_own_brands(struct spam *s, const struct mail *mail)
{
    struct mail own = *mail;
    for (unsigned i = 0; i < own.brands.n; i++)
        own.brands.v[i].brand = (uint16_t)brand_number(s, own.brands.v[i].brand);
    return own;
}

static unsigned sensor_name(const struct spam *s, uint64_t index)
{
    for (size_t i = s->n_sensors; i-- > 0;)
        if (s->sensors[i].index == index)
            return s->sensors[i].name;
    return 0;
}

static struct fact fact_of(struct spam *s, uint64_t index, const struct event *ev)
{
    struct fact f = {
        .index = index,
        .time = ev->time,
        .campaign = FACT_NO_CAMPAIGN,
        .source = fact_source(&ev->src_ip),
        .bytes = ev->smtp.size > UINT32_MAX ? UINT32_MAX : (uint32_t)ev->smtp.size,
        .asn = (uint32_t)ev->asn,
        .family = (uint16_t)names_number(&s->names, ev->family),
        .sensor = (uint16_t)sensor_name(s, ev->sensor),
    };
    if (ev->country.n == 2)
        memcpy(f.country, ev->country.p, 2);
    return f;
}

static void propose(struct spam *s, const struct campaigns_proposal *p)
{
    if (p->into == p->from)
        return;
    for (size_t i = 0; i < s->n_proposals; i++)
        if (s->proposal[i].into == p->into && s->proposal[i].from == p->from)
            return;
    s->proposal = mem_room(s->proposal, s->n_proposals, &s->cap_proposals, sizeof *s->proposal);
    s->proposal[s->n_proposals++] = *p;
}

static void place(struct spam *s, const struct event *ev, const struct mail *mail, struct fact *f)
{
    struct campaigns_proposal proposal = {0};
    enum campaign_why why;
    struct mail own = with_own_brands(s, mail);
    struct campaigns_mail m = {f->index, ev->time, ev->smtp.size, ev->family, &own};
    f->campaign = campaigns_add(s->campaigns, &m, &why, &proposal);
    f->why = (uint8_t)why;
    f->topic = (uint8_t)own.topics.topic;
    f->flags = (uint16_t)own.flags;
    for (unsigned i = 0; i < own.brands.n && i < FACT_BRANDS; i++)
        f->brand[i] = own.brands.v[i].brand;
    propose(s, &proposal);
}

static void learn(struct spam *s, const struct event *ev, const struct mail *mail, struct fact *f)
{
    struct dialects_mail m = {.index = f->index, .time = ev->time};
    signs_of(mail, m.sign);
    if (!span_is(ev->family_source, SPAM_FAMILY_LEARNED))
        m.family = ev->family;
    f->dialect = dialects_add(s->dialects, &m);
}

/* The mail from its blob; 1 when that is gone. */
static int fetch(struct spam *s, const struct event *ev, struct mail *out, struct err *err)
{
    struct err why;
    s->raw.n = 0;
    arena_reset(&s->arena);
    if (ev->smtp.blob.n != SHA256_LEN ||
        s->source.blob(s->source.ctx, ev->smtp.blob.p, &s->raw, &why) < 0) {
        s->lost++;
        return 1;
    }
    return spam_read(s, buf_as_span(&s->raw), ev, &s->arena, out, err);
}

int spam_event(struct spam *s, uint64_t index, const struct event *ev, const struct mail *mail,
               struct err *err)
{
    struct mail own;
    int rc = 0;
    if (!spam_is_mail(ev))
        return 0;
    if (!mail) {
        rc = fetch(s, ev, &own, err);
        mail = &own;
    }
    if (rc < 0)
        return rc;
    struct fact f = fact_of(s, index, ev);
    if (rc == 0) {
        place(s, ev, mail, &f);
        learn(s, ev, mail, &f);
    }
    fact_add(s->facts, &f);
    return 0;
}

/* ---- acts ---- */

static void on_sensor(struct spam *s, uint64_t index, struct span payload)
{
    struct span name;
    if (act_sensor_read(payload, &name) < 0)
        return;
    s->sensors = mem_room(s->sensors, s->n_sensors, &s->cap_sensors, sizeof *s->sensors);
    s->sensors[s->n_sensors++] = (struct sensor){index, names_number(&s->names, name)};
}

static void on_dialect(struct spam *s, struct span payload)
{
    struct act_dialect a;
    if (act_dialect_read(payload, &a) < 0)
        return;
    enum dialect_sign sign = dialect_sign_named(a.sign);
    if (sign != DIALECT_SIGNS)
        dialects_name(s->dialects, sign, a.text, a.name, a.family);
}

void spam_act(struct spam *s, uint8_t kind, uint64_t index, struct span payload)
{
    struct act_campaigns a;
    switch (kind) {
    case KIND_SENSOR:
        on_sensor(s, index, payload);
        break;
    case KIND_DIALECT_NAMED:
        on_dialect(s, payload);
        break;
    case KIND_CAMPAIGN_MERGED:
        if (act_campaigns_read(payload, &a) == 0)
            campaigns_merge(s->campaigns, a.into, a.from);
        break;
    case KIND_CAMPAIGN_SPLIT:
        if (act_campaigns_read(payload, &a) == 0)
            campaigns_split(s->campaigns, a.into, a.from);
        break;
    default:
        break;
    }
}

bool spam_proposal(struct spam *s, struct campaigns_proposal *out)
{
    if (!s->n_proposals)
        return false;
    *out = s->proposal[--s->n_proposals];
    return true;
}

/* ---- reading ---- */

uint64_t spam_position(const struct spam *s)
{
    return s->position;
}

void spam_advance(struct spam *s, uint64_t position)
{
    s->position = position;
}

const struct campaigns *spam_campaigns(const struct spam *s)
{
    return s->campaigns;
}

const struct dialects *spam_dialects(const struct spam *s)
{
    return s->dialects;
}

int spam_facts(struct spam *s, int (*fact)(void *ctx, const struct fact *f), void *ctx,
               struct err *err)
{
    return fact_each(s->facts, fact, ctx, err);
}

int spam_facts_from(struct spam *s, uint64_t index, int (*fact)(void *ctx, const struct fact *f),
                    void *ctx, struct err *err)
{
    return fact_each_from(s->facts, index, fact, ctx, err);
}

uint64_t spam_mails(const struct spam *s)
{
    return tail_bytes(s->facts) / FACT_LEN;
}

struct span spam_name(const struct spam *s, unsigned number)
{
    return names_text(&s->names, number);
}

unsigned spam_named(const struct spam *s, struct span name)
{
    return names_find(&s->names, name);
}
