/* Whose marks a mail has. */
#include "mail/brand.h"

#include "mail/brand_impl.h"
#include "mail/mail.h"
#include "wire/text.h"

#define HITS_MAX      256 /* of one text; a mail that says more has said it */
#define NAME_HITS_MAX 16
#define URLS_JUDGED   32

void brand_sign_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {"plain",     "disguised",  "subject",
                                        "sender",    "url",        "hidden",
                                        "own-links", "own-sender", "links-elsewhere"};
    text_bit_words(bits, words, sizeof words / sizeof *words, out);
}

struct judging {
    const struct brands *b;
    const struct mail *mail;
    struct span sender; /* host of the sender's address */
    struct brands_found *out;
    uint32_t until[BRANDS_FOUND_MAX]; /* of each found one: where its last mark in this text ends */
};

/* The brand's domain that the host is or is below; NULL. */
static const struct own *own_domain(const struct brands *b, unsigned brand, struct span host)
{
    const struct brand *v = &b->brand[brand];
    for (uint32_t i = 0; i < v->domains; i++) {
        struct span own = b->domain[v->domain + i].domain;
        if (host.n < own.n || memcmp(host.p + host.n - own.n, own.p, own.n) != 0)
            continue;
        if (host.n == own.n || host.p[host.n - own.n - 1] == '.')
            return &b->domain[v->domain + i];
    }
    return NULL;
}

bool brand_owns(const struct brands *b, unsigned brand, struct span host)
{
    return own_domain(b, brand, host) != NULL;
}

static bool own_sender(const struct judging *j, unsigned brand)
{
    const struct own *own = own_domain(j->b, brand, j->sender);
    return own && !own->mailboxes;
}

/* Its place in the list, added when it is new; NULL when the list is full. */
static struct brand_found *place_of(struct judging *j, const struct mark *mark)
{
    struct brands_found *out = j->out;
    for (unsigned i = 0; i < out->n; i++)
        if (out->v[i].brand == mark->brand)
            return &out->v[i];
    if (out->n == BRANDS_FOUND_MAX) {
        out->more = true;
        return NULL;
    }
    j->until[out->n] = 0;
    out->v[out->n] = (struct brand_found){.brand = mark->brand, .mark = mark->number};
    return &out->v[out->n++];
}

static bool is_near(const struct judging *j, const struct mark *mark, uint64_t hash)
{
    for (uint32_t i = mark->near; i < mark->near + mark->nears; i++)
        if (j->b->near[i].hash == hash)
            return true;
    return false;
}

/* A mark that is a common word counts beside one of its context words, or from the brand's domain.
 */
static bool in_context(const struct judging *j, const struct mark *mark, const struct words *words,
                       const struct phrase_hit *hit)
{
    if (mark->nears == 0)
        return true;
    uint32_t from = hit->at < BRAND_NEAR_WORDS ? 0 : hit->at - BRAND_NEAR_WORDS;
    uint32_t to = hit->at + hit->n + BRAND_NEAR_WORDS;
    for (uint32_t i = from; i < to && i < words->n; i++)
        if ((i < hit->at || i >= hit->at + hit->n) && is_near(j, mark, words->v[i].hash))
            return true;
    return own_sender(j, mark->brand);
}

static void look_words(struct judging *j, const struct words *words, uint32_t sign)
{
    struct phrase_hit hits[HITS_MAX];
    unsigned n = phrases_find(j->b->phrases, words, hits, HITS_MAX);
    memset(j->until, 0, sizeof j->until);
    for (unsigned i = 0; i < n; i++) {
        const struct phrase_hit *hit = &hits[i];
        const struct mark *mark = &j->b->mark[hit->value];
        if (!in_context(j, mark, words, hit))
            continue;
        struct brand_found *found = place_of(j, mark);
        if (!found || hit->at < j->until[found - j->out->v])
            continue; /* within a longer mark of the same brand */
        bool disguised = hit->loose || hit->flags & (WORD_DISGUISED | WORD_SPACED);
        found->signs |= sign | (disguised ? BRAND_DISGUISED : BRAND_PLAIN);
        found->count++;
        j->until[found - j->out->v] = hit->at + hit->n;
    }
}

static bool contains(struct span s, struct span small)
{
    for (size_t i = 0; i + small.n <= s.n; i++) {
        size_t k = 0;
        while (k < small.n && text_lower(s.p[i + k]) == small.p[k])
            k++;
        if (k == small.n)
            return true;
    }
    return false;
}

static bool near_name(const struct judging *j, const struct mark *mark, struct span host,
                      struct span path)
{
    for (uint32_t i = mark->near; i < mark->near + mark->nears; i++) {
        struct span near = j->b->near[i].text;
        if (near.n >= NEEDLE_MIN && (contains(host, near) || contains(path, near)))
            return true;
    }
    return false;
}

/* Marks in a host name or path; with `sign`, unless the host is the brand's own. */
static void look_name(struct judging *j, struct span name, struct span host, struct span path,
                      uint32_t sign)
{
    struct needle_hit hits[NAME_HITS_MAX];
    unsigned n = needles_find(j->b->needles, name, hits, NAME_HITS_MAX);
    for (unsigned i = 0; i < n; i++) {
        const struct mark *mark = &j->b->mark[hits[i].value];
        if (mark->nears && !near_name(j, mark, host, path))
            continue;
        if (brand_owns(j->b, mark->brand, host))
            continue;
        struct brand_found *found = place_of(j, mark);
        if (!found)
            continue;
        found->signs |= sign | (hits[i].disguised ? BRAND_DISGUISED : BRAND_PLAIN);
        found->count++;
    }
}

static void look_urls(struct judging *j)
{
    struct span last_host = {NULL, 0}, last_path = {NULL, 0};
    for (unsigned i = 0; i < j->mail->urls && i < URLS_JUDGED; i++) {
        const struct url *u = &j->mail->url[i].url;
        bool same_host = span_eq(u->host, last_host);
        if (!same_host)
            look_name(j, u->host, u->host, u->path, BRAND_URL);
        if (!same_host || !span_eq(u->path, last_path))
            look_name(j, u->path, u->host, u->path, BRAND_URL);
        last_host = u->host;
        last_path = u->path;
    }
}

static uint32_t own_signs(const struct judging *j, unsigned brand)
{
    uint32_t signs = own_sender(j, brand) ? BRAND_OWN_SENDER : 0;
    for (unsigned i = 0; i < j->mail->urls && i < URLS_JUDGED; i++) {
        const struct mail_url *u = &j->mail->url[i];
        if (brand_owns(j->b, brand, u->url.host))
            signs |= BRAND_OWN_LINKS;
        else if (!u->image)
            signs |= BRAND_LINKS_ELSEWHERE;
    }
    return signs;
}

void brands_judge(const struct brands *b, const struct mail *mail, struct brands_found *out)
{
    struct judging j = {.b = b, .mail = mail, .out = out};
    size_t at = text_find(mail->from_address, '@');
    out->n = 0;
    out->more = false;
    if (at < mail->from_address.n)
        j.sender = text_behind(mail->from_address, at + 1);
    look_words(&j, &mail->subject_words, BRAND_SUBJECT);
    look_words(&j, &mail->words, 0);
    look_words(&j, &mail->from_words, BRAND_SENDER);
    look_name(&j, j.sender, j.sender, span_of(NULL, 0), BRAND_SENDER);
    look_urls(&j);
    look_words(&j, &mail->hidden_words, BRAND_HIDDEN);
    for (unsigned i = 0; i < out->n; i++)
        out->v[i].signs |= own_signs(&j, out->v[i].brand);
}
