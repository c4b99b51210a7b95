#include "contact/objects.h"

#include <errno.h>

#include "base/mem.h"
#include "contact/gather_impl.h"
#include "contact/range.h"

#define NONE         UINT32_MAX
#define IRTS_MAX     4    /* of one network; further ones are not looked at */
#define AS_RANGE_MAX 4096 /* ARIN registers ASes in blocks */
#define INVALID_MAX  4

/* ---- the words of the two dialects ---- */

enum class { CLASS_OTHER, CLASS_NETWORK, CLASS_AS, CLASS_ORG, CLASS_ROLE, CLASS_IRT };

static const struct {
    const char *name;
    enum class class;
    bool arin, keyed; /* keyed: the first attribute is what others name it by */
} classes[] = {
    {"inetnum", CLASS_NETWORK, false, false},
    {"inet6num", CLASS_NETWORK, false, false},
    {"aut-num", CLASS_AS, false, false},
    {"organisation", CLASS_ORG, false, true},
    {"role", CLASS_ROLE, false, false},
    {"person", CLASS_ROLE, false, false},
    {"nic-hdl", CLASS_ROLE, false, true},
    {"nic-hdl-br", CLASS_ROLE, false, true},
    {"irt", CLASS_IRT, false, true},
    {"nethandle", CLASS_NETWORK, true, false},
    {"v6nethandle", CLASS_NETWORK, true, false},
    {"ashandle", CLASS_AS, true, false},
    {"orgid", CLASS_ORG, true, true},
    {"pochandle", CLASS_ROLE, true, true},
};

enum slot {
    SLOT_NONE,
    SLOT_RANGE,
    SLOT_AS,
    SLOT_KEY,
    SLOT_NAME,
    SLOT_ABUSE,
    SLOT_ORG,
    SLOT_IRT,
    SLOT_MAILBOX,
    SLOT_EMAIL,
    SLOT_MADE,
    SLOT_REMARK,
    SLOT_STATUS,
};

static const struct {
    const char *name;
    enum slot slot;
    bool arin;
} slots[] = {
    {"inetnum", SLOT_RANGE, false},
    {"inet6num", SLOT_RANGE, false},
    {"aut-num", SLOT_AS, false},
    {"nic-hdl", SLOT_KEY, false},
    {"nic-hdl-br", SLOT_KEY, false},
    {"netname", SLOT_NAME, false},
    {"as-name", SLOT_NAME, false},
    {"org-name", SLOT_NAME, false},
    {"owner", SLOT_NAME, false},
    {"abuse-c", SLOT_ABUSE, false},
    {"org", SLOT_ORG, false},
    {"mnt-irt", SLOT_IRT, false},
    {"abuse-mailbox", SLOT_MAILBOX, false},
    {"e-mail", SLOT_EMAIL, false},
    {"last-modified", SLOT_MADE, false},
    {"remarks", SLOT_REMARK, false},
    {"netrange", SLOT_RANGE, true},
    {"asnumber", SLOT_AS, true},
    {"netname", SLOT_NAME, true},
    {"asname", SLOT_NAME, true},
    {"orgname", SLOT_NAME, true},
    {"orgid", SLOT_ORG, true},
    {"abusehandle", SLOT_ABUSE, true},
    {"orgabusehandle", SLOT_ABUSE, true},
    {"netabusehandle", SLOT_ABUSE, true},
    {"asabusehandle", SLOT_ABUSE, true},
    {"rabusehandle", SLOT_ABUSE, true},
    {"orgabuseemail", SLOT_MAILBOX, true},
    {"rabuseemail", SLOT_MAILBOX, true},
    {"mailbox", SLOT_EMAIL, true},
    {"updated", SLOT_MADE, true},
    {"nettype", SLOT_STATUS, true},
};

/* Blocks that a registry has in its books only to say that they are not its own. */
static const char *const foreign_names[] = {"non-ripe-ncc-managed-address-block",
                                            "iana-blk",
                                            "iana-netblock",
                                            "eu-zz-",
                                            "erx-netblock",
                                            "stub-",
                                            "apnic-ap",
                                            "not-allocated"};
static const char *const foreign_orgs[] = {"iana", "ripe", "apnic", "lacnic", "afrinic", "arin"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

bool objects_begin_with(struct span name, bool *arin)
{
    for (size_t i = 0; i < COUNT(classes); i++)
        if (span_is(name, classes[i].name)) {
            *arin = classes[i].arin;
            return true;
        }
    return false;
}

/* ---- what is kept ---- */

/* A role, organisation or irt, by the number of its name; also while it is only named. */
struct holder {
    uint32_t mailbox, email, abuse, name; /* numbers of words and holders; NONE */
    bool defined;
};

struct resource {
    struct ip first, last; /* of an AS: first.b[0..3], last.b[0..3] */
    uint32_t abuse, org, irt[IRTS_MAX], mailbox, name;
    uint8_t class;
};

/* The object in hand. */
struct draft {
    enum class class;
    bool keyed, foreign, ranged;
    uint64_t line;
    char key[CONTACT_TEXT_MAX + 1], name[CONTACT_TEXT_MAX + 1], org[CONTACT_TEXT_MAX + 1],
        abuse[CONTACT_TEXT_MAX + 1], irt[IRTS_MAX][CONTACT_TEXT_MAX + 1];
    unsigned irts;
    char mailbox[MAILBOX_MAX + 1], email[MAILBOX_MAX + 1];
    char invalid[INVALID_MAX][MAILBOX_MAX + 1];
    unsigned invalids;
    struct ip first, last;
    const char *fault;
};

struct objects {
    struct gather *g;
    bool arin;
    struct rpsl rpsl;
    struct draft draft;
    struct contact_texts words; /* owner 0: mailboxes and names, as they are */
    struct contact_texts keys;  /* owner: class; in small letters: two of a kind are one */
    struct holder *holders;     /* by the number of their key */
    size_t cap_holders;
    struct resource *resources;
    size_t n, cap;
};

static int take_attribute(void *ctx, bool first, struct span name, struct span value);
static int take_object(void *ctx);

struct objects *objects_new(struct gather *g, bool arin)
{
    struct objects *o = mem_zeroed(1, sizeof *o);
    o->g = g;
    o->arin = arin;
    o->rpsl = (struct rpsl){.attribute = take_attribute, .object_end = take_object, .ctx = o};
    return o;
}

void objects_free(struct objects *o)
{
    if (!o)
        return;
    contact_texts_free(&o->words);
    contact_texts_free(&o->keys);
    free(o->holders);
    free(o->resources);
    free(o);
}

int objects_line(struct objects *o, struct span line)
{
    return rpsl_line(&o->rpsl, line);
}

int objects_file_end(struct objects *o)
{
    return rpsl_end(&o->rpsl);
}

/* ---- attributes ---- */

static void keep(char out[CONTACT_TEXT_MAX + 1], struct span s)
{
    if (out[0])
        return; /* the first counts */
    size_t n = s.n > CONTACT_TEXT_MAX ? CONTACT_TEXT_MAX : s.n;
    while (n && n < s.n && (s.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++) /* our tables are lines of text */
        out[i] = s.p[i] < ' ' ? ' ' : (char)s.p[i];
    out[n] = 0;
}

/* The first mailbox that somebody may read counts. */
static void keep_mailbox(struct objects *o, char out[MAILBOX_MAX + 1], struct span s)
{
    char read[MAILBOX_MAX + 1];
    if (out[0])
        return;
    switch (mailbox_read(s, read)) {
    case MAILBOX_GOOD:
        memcpy(out, read, sizeof read);
        return;
    case MAILBOX_MALFORMED:
        o->g->totals.malformed++;
        return;
    case MAILBOX_PLACEHOLDER:
    case MAILBOX_REGISTRY:
        o->g->totals.fake++;
        return;
    case MAILBOX_EMPTY:
        return;
    }
}

/* APNIC asks each irt and role whether its mailbox is read, and remarks "abuse@isp.example is
 * invalid" where nobody answers. */
static void keep_remark(struct draft *d, struct span s)
{
    static const char tail[] = " is invalid";
    size_t n = sizeof tail - 1;
    if (s.n <= n || memcmp(s.p + s.n - n, tail, n) != 0 || d->invalids == INVALID_MAX)
        return;
    mailbox_read(span_of(s.p, s.n - n), d->invalid[d->invalids]);
    d->invalids += d->invalid[d->invalids][0] != 0;
}

static bool begins_folded(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && span_ieq(span_of(s.p, n), span_of(with, n));
}

static void keep_name(struct objects *o, struct span s)
{
    struct draft *d = &o->draft;
    keep(d->name, s);
    for (size_t i = 0; d->class == CLASS_NETWORK && i < COUNT(foreign_names); i++)
        d->foreign |= begins_folded(s, foreign_names[i]);
}

static void keep_org(struct objects *o, struct span s)
{
    struct draft *d = &o->draft;
    keep(d->org, s);
    for (size_t i = 0; o->arin && i < COUNT(foreign_orgs); i++)
        d->foreign |= span_ieq(s, span_str(foreign_orgs[i]));
}

/* "64500", "AS64500", "64500 - 64510". */
static const char *read_ases(struct span s, struct ip *first, struct ip *last)
{
    uint64_t v[2] = {0, 0};
    unsigned n = 0;
    bool digits = false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if ((uint8_t)(c - '0') < 10) {
            v[n] = v[n] * 10 + (uint8_t)(c - '0');
            digits = true;
            if (v[n] > UINT32_MAX)
                return "no AS number";
        } else if (c == '-' && digits && n == 0) {
            n = 1;
            digits = false;
        } else if (c != ' ' && (digits || ((c | 0x20) != 'a' && (c | 0x20) != 's'))) {
            return "no AS number";
        }
    }
    if (!digits || !v[0])
        return "no AS number";
    v[1] = n ? v[1] : v[0];
    if (v[1] < v[0] || v[1] - v[0] >= AS_RANGE_MAX)
        return "no range of AS numbers";
    memset(first, 0, sizeof *first);
    memset(last, 0, sizeof *last);
    be32_put(first->b, (uint32_t)v[0]);
    be32_put(last->b, (uint32_t)v[1]);
    return NULL;
}

static enum slot slot_of(const struct objects *o, struct span name)
{
    for (size_t i = 0; i < COUNT(slots); i++)
        if (slots[i].arin == o->arin && span_is(name, slots[i].name))
            return slots[i].slot;
    return SLOT_NONE;
}

static void begin_draft(struct objects *o, struct span name, struct span value)
{
    struct draft *d = &o->draft;
    memset(d, 0, offsetof(struct draft, key));
    d->key[0] = d->name[0] = d->org[0] = d->abuse[0] = d->mailbox[0] = d->email[0] = 0;
    d->irts = d->invalids = 0;
    d->fault = NULL;
    d->line = o->g->line;
    for (size_t i = 0; i < COUNT(classes); i++)
        if (classes[i].arin == o->arin && span_is(name, classes[i].name)) {
            d->class = classes[i].class;
            d->keyed = classes[i].keyed;
        }
    if (d->keyed || (d->class == CLASS_ROLE))
        keep(d->keyed ? d->key : d->name, value);
}

static int take_attribute(void *ctx, bool first, struct span name, struct span value)
{
    struct objects *o = ctx;
    struct draft *d = &o->draft;
    if (first)
        begin_draft(o, name, value);
    if (d->class == CLASS_OTHER)
        return 0;
    switch (slot_of(o, name)) {
    case SLOT_NONE:
        break;
    case SLOT_RANGE:
        if (d->class == CLASS_NETWORK && !d->ranged)
            d->fault = range_read(value, &d->first, &d->last);
        d->ranged = true;
        break;
    case SLOT_AS:
        if (d->class == CLASS_AS && !d->ranged)
            d->fault = read_ases(value, &d->first, &d->last);
        d->ranged = true;
        break;
    case SLOT_KEY:
        if (!d->keyed)
            keep(d->key, value);
        break;
    case SLOT_NAME:
        keep_name(o, value);
        break;
    case SLOT_ABUSE:
        keep(d->abuse, value);
        break;
    case SLOT_ORG:
        if (d->class != CLASS_ORG)
            keep_org(o, value);
        break;
    case SLOT_IRT:
        if (d->irts < IRTS_MAX) {
            d->irt[d->irts][0] = 0;
            keep(d->irt[d->irts++], value);
        }
        break;
    case SLOT_MAILBOX:
        keep_mailbox(o, d->mailbox, value);
        break;
    case SLOT_EMAIL:
        if (d->class == CLASS_ROLE && !d->email[0])
            mailbox_read(value, d->email) == MAILBOX_GOOD ? 0 : (d->email[0] = 0);
        break;
    case SLOT_MADE:
        gather_made(o->g, value);
        break;
    case SLOT_REMARK:
        keep_remark(d, value);
        break;
    case SLOT_STATUS: /* "allocated to RIPE NCC" */
        d->foreign |= begins_folded(value, "allocated to ");
        break;
    }
    return 0;
}

/* ---- objects ---- */

static uint32_t word(struct objects *o, const char *text)
{
    static const struct span none;
    return text[0] ? contact_texts_number(&o->words, 0, none, none, span_str(text)) : NONE;
}

/* The number of what is named, made when it is new. */
static uint32_t holder(struct objects *o, enum class class, const char *key)
{
    char small[CONTACT_TEXT_MAX + 1];
    size_t n = 0;
    static const struct span none;
    if (!key[0])
        return NONE;
    for (; key[n]; n++)
        small[n] = (char)((uint8_t)(key[n] - 'A') < 26 ? key[n] | 0x20 : key[n]);
    uint32_t number = contact_texts_number(&o->keys, class, none, none, span_of(small, n));
    while (o->cap_holders <= number) {
        size_t cap = o->cap_holders ? 2 * o->cap_holders : 1024;
        o->holders = mem_resize(o->holders, cap, sizeof *o->holders);
        for (size_t i = o->cap_holders; i < cap; i++)
            o->holders[i] = (struct holder){NONE, NONE, NONE, NONE, false};
        o->cap_holders = cap;
    }
    return number;
}

static void drop_invalid(struct draft *d)
{
    for (unsigned i = 0; i < d->invalids; i++) {
        if (strcmp(d->invalid[i], d->mailbox) == 0)
            d->mailbox[0] = 0;
        if (strcmp(d->invalid[i], d->email) == 0)
            d->email[0] = 0;
    }
}

static void keep_holder(struct objects *o)
{
    struct draft *d = &o->draft;
    uint32_t number = holder(o, d->class, d->key), abuse = holder(o, CLASS_ROLE, d->abuse);
    if (number == NONE) {
        gather_reject(o->g, d->line, "an object without its name");
        return;
    }
    struct holder *h = &o->holders[number];
    o->g->counts.rows++;
    if (h->defined)
        return; /* the first counts */
    *h = (struct holder){word(o, d->mailbox), word(o, d->email), abuse, word(o, d->name), true};
}

static void keep_resource(struct objects *o)
{
    struct draft *d = &o->draft;
    if (!d->ranged || d->fault) {
        gather_reject(o->g, d->line, d->fault ? d->fault : "a network without its addresses");
        return;
    }
    o->g->counts.rows++;
    if (d->foreign || (!d->abuse[0] && !d->org[0] && !d->irts && !d->mailbox[0])) {
        o->g->totals.silent++;
        return;
    }
    struct resource r = {.first = d->first,
                         .last = d->last,
                         .class = (uint8_t)d->class,
                         .abuse = holder(o, CLASS_ROLE, d->abuse),
                         .org = holder(o, CLASS_ORG, d->org),
                         .mailbox = word(o, d->mailbox),
                         .name = word(o, d->name)};
    for (unsigned i = 0; i < IRTS_MAX; i++)
        r.irt[i] = i < d->irts ? holder(o, CLASS_IRT, d->irt[i]) : NONE;
    o->resources = mem_room(o->resources, o->n, &o->cap, sizeof *o->resources);
    o->resources[o->n++] = r;
}

static int take_object(void *ctx)
{
    struct objects *o = ctx;
    struct draft *d = &o->draft;
    if (d->class == CLASS_OTHER)
        return 0;
    if (o->n >= GATHER_OBJECTS_MAX || o->keys.n >= GATHER_OBJECTS_MAX ||
        contact_texts_full(&o->keys) || contact_texts_full(&o->words))
        return -E2BIG;
    drop_invalid(d);
    if (d->class == CLASS_NETWORK || d->class == CLASS_AS)
        keep_resource(o);
    else
        keep_holder(o);
    return 0;
}

/* ---- who answers ---- */

struct answer {
    uint32_t mailbox; /* NONE */
    uint32_t key;     /* of the object that names it; NONE: the network's own */
    bool dangling;    /* something that was named is in none of the files */
};

static bool answers(const struct objects *o, uint32_t number, bool by_email, struct answer *a)
{
    if (number == NONE)
        return false;
    const struct holder *h = &o->holders[number];
    a->dangling |= !h->defined;
    a->mailbox = h->mailbox != NONE || !by_email ? h->mailbox : h->email;
    a->key = number;
    return a->mailbox != NONE;
}

static struct answer resolve(const struct objects *o, const struct resource *r)
{
    struct answer a = {NONE, NONE, false};
    if (answers(o, r->abuse, true, &a))
        return a;
    if (r->mailbox != NONE)
        return (struct answer){r->mailbox, NONE, false};
    if (r->org != NONE &&
        (answers(o, o->holders[r->org].abuse, true, &a) || answers(o, r->org, false, &a)))
        return a;
    for (unsigned i = 0; i < IRTS_MAX; i++)
        if (answers(o, r->irt[i], false, &a))
            return a;
    a.mailbox = NONE;
    return a;
}

static struct span text_of(const struct contact_texts *t, uint32_t number)
{
    return number == NONE ? span_of(NULL, 0) : contact_text_name(&t->v[number], t->heap.p);
}

/* Handles are kept in small letters to find them, and shown in capitals, as registries do. */
static struct span capitals(struct span s, char out[CONTACT_TEXT_MAX + 1])
{
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)((uint8_t)(s.p[i] - 'a') < 26 ? s.p[i] & ~0x20 : s.p[i]);
    return span_of(out, s.n);
}

static int add_ases(struct objects *o, const struct resource *r, struct contact_row *row)
{
    int rc = 0;
    row->match = CONTACT_AS;
    for (uint64_t as = be32_get(r->first.b); rc == 0 && as <= be32_get(r->last.b); as++) {
        row->asn = (uint32_t)as;
        rc = contact_rows_add(&o->g->rows, row);
    }
    return rc;
}

static int add_resource(struct objects *o, const struct resource *r)
{
    char handle[CONTACT_TEXT_MAX + 1];
    struct answer a = resolve(o, r);
    o->g->totals.silent += a.mailbox == NONE && !a.dangling;
    o->g->totals.dangling += a.mailbox == NONE && a.dangling;
    if (a.mailbox == NONE)
        return 0;
    uint32_t name = r->org != NONE ? o->holders[r->org].name : NONE;
    struct contact_row row = {.mail = text_of(&o->words, a.mailbox),
                              .handle = capitals(text_of(&o->keys, a.key), handle),
                              .name = text_of(&o->words, name != NONE ? name : r->name)};
    if (r->class == CLASS_AS)
        return add_ases(o, r, &row);
    int added = contact_rows_add_range(&o->g->rows, &r->first, &r->last, &row);
    o->g->totals.wide += added == 0;
    return added < 0 ? added : 0;
}

int objects_resolve(struct objects *o)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->n; i++)
        rc = add_resource(o, &o->resources[i]);
    return rc;
}
