#include <errno.h>
#include <xxhash.h>

#include "base/log.h"
#include "base/mem.h"
#include "event/act.h"
#include "state/spam_impl.h"

#define SPAM_MAGIC    "ebb-spm\n"
#define SPAM_VERSION  1
#define SPAM_HEAD     72 /* bytes before the parts */
#define SPAM_FILE_MAX (2ull << 30)
#define FACTS_FILE    "spam.facts"
#define RETIRED_FILE  "spam.retired"

static void on_retired(void *ctx, const struct campaign *c)
{
    struct spam *s = ctx;
    if (c->mails > 1) /* a single mail's fact says all that there is */
        campaign_encode(c, tail_pending(s->retired));
}

/* ---- the snapshot ---- */

/* magic version(4) 0(4) position facts facts_check retired_bytes retired_check
 * length of each part(4 x 4), then the parts: names, sensors, dialects, campaigns; then XXH3-64. */
enum { PART_NAMES, PART_SENSORS, PART_DIALECTS, PART_CAMPAIGNS, PARTS };

static void put_u64(struct buf *out, uint64_t v)
{
    be64_put(buf_reserve(out, 8), v);
    out->n += 8;
}

static void put_u32(struct buf *out, uint32_t v)
{
    be32_put(buf_reserve(out, 4), v);
    out->n += 4;
}

static void save_sensors(const struct spam *s, struct buf *out)
{
    for (size_t i = 0; i < s->n_sensors; i++) {
        put_u64(out, s->sensors[i].index);
        put_u32(out, s->sensors[i].name);
    }
}

static void save_part(struct spam *s, unsigned part, struct buf *out)
{
    switch (part) {
    case PART_NAMES:
        names_save(&s->names, out);
        break;
    case PART_SENSORS:
        save_sensors(s, out);
        break;
    case PART_DIALECTS:
        dialects_save(s->dialects, out);
        break;
    default:
        campaigns_save(s->campaigns, out);
    }
}

static void encode(struct spam *s, struct buf *out)
{
    buf_str(out, SPAM_MAGIC);
    put_u32(out, SPAM_VERSION);
    put_u32(out, 0);
    put_u64(out, s->position);
    put_u64(out, tail_bytes(s->facts));
    put_u64(out, tail_check(s->facts));
    put_u64(out, tail_bytes(s->retired));
    put_u64(out, tail_check(s->retired));
    size_t lengths = out->n;
    for (unsigned i = 0; i < PARTS; i++)
        put_u32(out, 0);
    for (unsigned i = 0; i < PARTS; i++) {
        size_t begun = out->n;
        save_part(s, i, out);
        be32_put(out->p + lengths + 4 * (size_t)i, (uint32_t)(out->n - begun));
    }
    put_u64(out, XXH3_64bits(out->p, out->n));
}

int spam_snapshot(struct spam *s, struct err *err)
{
    struct buf out = {0};
    int rc = tail_write(s->facts, err);
    if (rc == 0)
        rc = tail_write(s->retired, err);
    if (rc < 0)
        return rc;
    encode(s, &out);
    rc = file_replace(s->path, buf_as_span(&out), 0600, err);
    buf_free(&out);
    return rc;
}

size_t spam_pending_bytes(const struct spam *s)
{
    return tail_pending(s->facts)->n + tail_pending(s->retired)->n;
}

static bool load_sensors(struct spam *s, struct span bytes)
{
    struct cur c = cur_of(bytes);
    uint64_t index;
    uint32_t name;
    while (cur_left(&c)) {
        if (!cur_u64(&c, &index) || !cur_u32(&c, &name) || name > s->names.n)
            return false;
        s->sensors = mem_room(s->sensors, s->n_sensors, &s->cap_sensors, sizeof *s->sensors);
        s->sensors[s->n_sensors++] = (struct sensor){index, name};
    }
    return true;
}

static bool load_parts(struct spam *s, const struct span part[PARTS])
{
    struct cur names = cur_of(part[PART_NAMES]);
    return names_load(&s->names, &names) && cur_left(&names) == 0 &&
           load_sensors(s, part[PART_SENSORS]) &&
           dialects_load(s->dialects, part[PART_DIALECTS]) == 0 &&
           campaigns_load(s->campaigns, part[PART_CAMPAIGNS]) == 0;
}

struct head {
    uint64_t position, facts, facts_check, retired, retired_check;
};

static bool read_head(struct cur *c, struct head *head, struct span part[PARTS])
{
    struct span magic;
    uint32_t version, zero, length[PARTS];
    if (!cur_take(c, 8, &magic) || !span_is(magic, SPAM_MAGIC) || !cur_u32(c, &version) ||
        version != SPAM_VERSION || !cur_u32(c, &zero) || !cur_u64(c, &head->position) ||
        !cur_u64(c, &head->facts) || !cur_u64(c, &head->facts_check) ||
        !cur_u64(c, &head->retired) || !cur_u64(c, &head->retired_check))
        return false;
    for (unsigned i = 0; i < PARTS; i++)
        if (!cur_u32(c, &length[i]))
            return false;
    for (unsigned i = 0; i < PARTS; i++)
        if (!cur_take(c, length[i], &part[i]))
            return false;
    return cur_left(c) == 0;
}

static bool is_whole(struct span *bytes)
{
    if (bytes->n < SPAM_HEAD + 8)
        return false;
    bytes->n -= 8;
    return be64_get(bytes->p + bytes->n) == XXH3_64bits(bytes->p, bytes->n);
}

static void make_parts(struct spam *s)
{
    const struct campaigns_hooks hooks = {s, on_retired};
    s->campaigns = campaigns_new(&hooks);
    s->dialects = dialects_new();
}

static void free_parts(struct spam *s)
{
    if (s->campaigns)
        campaigns_free(s->campaigns);
    if (s->dialects)
        dialects_free(s->dialects);
    if (s->facts)
        tail_close(s->facts);
    if (s->retired)
        tail_close(s->retired);
    names_free(&s->names);
    s->campaigns = NULL;
    s->dialects = NULL;
    s->facts = NULL;
    s->retired = NULL;
    s->n_sensors = 0;
    s->position = 0;
}

static int load(struct spam *s, const char *dir, struct err *err)
{
    struct buf file = {0};
    struct head head = {0};
    struct span part[PARTS];
    int rc = file_read(s->path, SPAM_FILE_MAX, &file, err);
    if (rc == 0) {
        struct span bytes = buf_as_span(&file);
        bool whole = is_whole(&bytes);
        struct cur c = cur_of(bytes);
        if (!whole || !read_head(&c, &head, part) || !load_parts(s, part))
            rc = err_set(err, -EBADMSG, "%s: damaged", s->path);
    }
    if (rc == 0)
        rc = tail_open(dir, FACTS_FILE, head.facts, head.facts_check, &s->facts, err);
    if (rc == 0)
        rc = tail_open(dir, RETIRED_FILE, head.retired, head.retired_check, &s->retired, err);
    if (rc == 0)
        s->position = head.position;
    buf_free(&file);
    return rc;
}

static int start_empty(struct spam *s, const char *dir, struct err *err)
{
    free_parts(s);
    make_parts(s);
    int rc = tail_open(dir, FACTS_FILE, 0, 0, &s->facts, err);
    return rc == 0 ? tail_open(dir, RETIRED_FILE, 0, 0, &s->retired, err) : rc;
}

int spam_open(const char *dir, const struct spam_source *source, struct spam **out, struct err *err)
{
    struct spam *s = mem_zeroed(1, sizeof *s);
    struct err why;
    s->source = *source;
    arena_init(&s->arena);
    make_parts(s);
    int rc = file_path(s->path, err, "%s/spam", dir);
    if (rc == 0) {
        rc = load(s, dir, &why);
        if (rc < 0 && rc != -ENOENT)
            log_line(LOG_WARN, "a view is made anew", "view=spam why=\"%s\"", why.text);
        if (rc < 0)
            rc = start_empty(s, dir, err);
    }
    if (rc < 0) {
        spam_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void spam_close(struct spam *s)
{
    if (s->lost)
        log_line(LOG_WARN, "mails without their bytes are in no campaign", "mails=%llu",
                 (unsigned long long)s->lost);
    free_parts(s);
    free(s->sensors);
    free(s->proposal);
    arena_free(&s->arena);
    buf_free(&s->raw);
    free(s);
}

uint64_t spam_position(const struct spam *s)
{
    return s->position;
}

void spam_advance(struct spam *s, uint64_t position)
{
    s->position = position;
}

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
