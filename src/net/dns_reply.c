#include "net/dns_reply.h"

#include "wire/dns.h"

enum { RR_HEAD = 12, STRING_MAX = 255 };

void dns_reply_begin(struct dns_reply *r, struct span query, size_t question_end, uint8_t *out,
                     size_t max)
{
    size_t n = question_end ? question_end : DNS_HEADER_LEN;
    *r = (struct dns_reply){.p = out, .n = n, .max = max, .question = n};
    memcpy(out, query.p, n); /* the header is written in the end */
}

/* The records with the zone where it belongs: pieces between the splices, and the splices. */
static uint8_t *put_spliced(const struct dns_reply *r, const struct dns_rrset *set, uint8_t *o)
{
    size_t from = 0, rdlength = 0, record = 0; /* the record that is written: where it begins */
    for (unsigned i = 0; i < set->splices_count; i++) {
        const struct dns_splice *s = &set->splices[i];
        if (rdlength != s->rdlength) {
            rdlength = s->rdlength;
            record = (size_t)(o - (r->p + r->n)) + (rdlength - from);
        }
        memcpy(o, set->wire + from, s->at - from);
        o += s->at - from;
        from = s->at;
        if (s->whole) {
            uint8_t *length = r->p + r->n + record;
            memcpy(o, r->p + r->zone, r->zone_len);
            o += r->zone_len;
            be16_put(length, (uint16_t)(be16_get(length) + r->zone_len));
        } else {
            be16_put(o, (uint16_t)(0xc000 | r->zone));
            o += 2;
        }
    }
    memcpy(o, set->wire + from, set->n - from);
    return o + set->n - from;
}

static void set_owner(struct dns_reply *r, const uint8_t *end, size_t owner)
{
    for (uint8_t *p = r->p + r->n; p < end; p += RR_HEAD + be16_get(p + 10))
        be16_put(p, (uint16_t)(0xc000 | owner));
}

bool dns_reply_rrset(struct dns_reply *r, const struct dns_rrset *set, size_t owner)
{
    unsigned pointers = set->splices_count - set->wholes;
    size_t n = set->n + 2 * pointers + r->zone_len * set->wholes;
    if (r->n + n > r->max || (set->splices_count && r->zone_len > set->zone_max))
        return false;
    uint8_t *o = r->p + r->n;
    if (set->splices_count)
        o = put_spliced(r, set, o);
    else
        o = memcpy(o, set->wire, set->n) + set->n;
    if (owner != DNS_HEADER_LEN)
        set_owner(r, o, owner);
    r->n = (size_t)(o - r->p);
    return true;
}

static uint8_t *put_head(uint8_t *p, uint16_t type, uint32_t ttl, size_t rdlength)
{
    be16_put(p, 0xc000 | DNS_HEADER_LEN);
    be16_put(p + 2, type);
    be16_put(p + 4, 1);
    be32_put(p + 6, ttl);
    be16_put(p + 10, (uint16_t)rdlength);
    return p + RR_HEAD;
}

bool dns_reply_txt(struct dns_reply *r, uint32_t ttl, struct span text)
{
    size_t strings = (text.n + STRING_MAX - 1) / STRING_MAX, n = text.n + strings;
    if (!strings || r->n + RR_HEAD + n > r->max)
        return false;
    uint8_t *p = put_head(r->p + r->n, DNS_TYPE_TXT, ttl, n);
    for (size_t at = 0; at < text.n; at += STRING_MAX) {
        size_t piece = text.n - at < STRING_MAX ? text.n - at : STRING_MAX;
        *p++ = (uint8_t)piece;
        memcpy(p, text.p + at, piece);
        p += piece;
    }
    r->n += RR_HEAD + n;
    return true;
}

bool dns_reply_hinfo(struct dns_reply *r, uint32_t ttl)
{
    static const uint8_t rdata[] = {7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
    if (r->n + RR_HEAD + sizeof rdata > r->max)
        return false;
    memcpy(put_head(r->p + r->n, DNS_TYPE_HINFO, ttl, sizeof rdata), rdata, sizeof rdata);
    r->n += RR_HEAD + sizeof rdata;
    return true;
}

void dns_reply_truncate(struct dns_reply *r)
{
    r->n = r->question;
    r->answers = r->authorities = 0;
    r->flags |= DNS_FLAG_TC;
}

size_t dns_reply_end(struct dns_reply *r, uint16_t id)
{
    be16_put(r->p, id);
    be16_put(r->p + 2, r->flags);
    be16_put(r->p + 4, r->question > DNS_HEADER_LEN);
    be16_put(r->p + 6, r->answers);
    be16_put(r->p + 8, r->authorities);
    be16_put(r->p + 10, r->additionals);
    return r->n;
}
