#include "contact/mailbox.h"

#define LOCAL_MAX 64 /* RFC 5321, 4.5.3.1.1 */
#define LABEL_MAX 63

/* Whole local parts, and what local parts begin with, that stand for nobody. ripe.net replaces
 * people's mail in its dumps by unread@; RFC 7481 and registries' practice redact with words. */
static const char *const nobodies[] = {
    "nobody",  "no-reply",    "noreply",      "do-not-reply",  "donotreply",   "unread",
    "devnull", "dev-null",    "null",         "none",          "unknown",      "dummy",
    "example", "changeme",    "invalid",      "noemail",       "no-email",     "nomail",
    "no-mail", "notprovided", "not-provided", "not.disclosed", "notdisclosed", "redacted",
    "masked",  "removed",     "unset",        "tbd",           "na",           "n.a",
    "xxx",     "xxxx",
};
static const char *const nobody_beginnings[] = {"noreply-", "no-reply-", "redacted", "unread+"};

/* These and everything below them (RFC 2606, RFC 6761). "isp.example" and "isp.test" are left, for
 * tests and manuals: no registry has them. */
static const char *const nowhere[] = {
    "example.com", "example.net", "example.org", "example.edu",    "invalid",    "localhost",
    "localdomain", "local",       "domain.tld",  "yourdomain.com", "domain.com",
};
/* Only these themselves. */
static const char *const nowhere_exactly[] = {"example", "test", "email.com", "redacted"};

static const char *const registries[] = {"ripe.net",    "apnic.net", "arin.net", "lacnic.net",
                                         "afrinic.net", "iana.org",  "icann.org"};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool is_among(struct span s, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_is(s, list[i]))
            return true;
    return false;
}

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && memcmp(s.p, with, n) == 0;
}

static bool is_below_one(struct span domain, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(list[i]);
        if (domain.n >= n && memcmp(domain.p + domain.n - n, list[i], n) == 0 &&
            (domain.n == n || domain.p[domain.n - n - 1] == '.'))
            return true;
    }
    return false;
}

/* atext and dots (RFC 5322, 3.2.3); quoted local parts no abuse desk has. */
static bool is_local(struct span s)
{
    if (!s.n || s.n > LOCAL_MAX || s.p[0] == '.' || s.p[s.n - 1] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool word = (uint8_t)(c - 'a') < 26 || (uint8_t)(c - '0') < 10;
        if (!word && (!c || !strchr("!#$%&'*+-/=?^_`{|}~.", c)))
            return false;
        if (c == '.' && s.p[i - 1] == '.')
            return false;
    }
    return true;
}

static bool is_label(struct span s)
{
    if (!s.n || s.n > LABEL_MAX || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if ((uint8_t)(s.p[i] - 'a') >= 26 && (uint8_t)(s.p[i] - '0') >= 10 && s.p[i] != '-')
            return false;
    return true;
}

/* Labels of letters, digits and hyphens, the last one no number: an address is no domain. */
static bool is_domain(struct span s)
{
    size_t labels = 0;
    bool number = false;
    for (struct cur c = cur_of(s); cur_left(&c); labels++) {
        const uint8_t *dot = memchr(c.p, '.', cur_left(&c));
        struct span label = span_of(c.p, dot ? (size_t)(dot - c.p) : cur_left(&c));
        if (!is_label(label) || (dot && dot + 1 == c.end))
            return false;
        number = true;
        for (size_t i = 0; i < label.n; i++)
            number &= (uint8_t)(label.p[i] - '0') < 10;
        c.p = dot ? dot + 1 : c.end;
    }
    return labels > 0 && !number;
}

static struct span bare(struct span s)
{
    s = span_trim(s);
    if (s.n > 7 && span_ieq(span_of(s.p, 7), span_str("mailto:")))
        s = span_of(s.p + 7, s.n - 7);
    if (s.n > 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        s = span_of(s.p + 1, s.n - 2);
    return s;
}

enum mailbox_fault mailbox_read(struct span text, char out[MAILBOX_MAX + 1])
{
    struct span s = bare(text);
    out[0] = 0;
    if (!s.n)
        return MAILBOX_EMPTY;
    if (s.n > MAILBOX_MAX)
        return MAILBOX_MALFORMED;
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)((uint8_t)(s.p[i] - 'A') < 26 ? s.p[i] | 0x20 : s.p[i]);
    out[s.n] = 0;
    const char *at = memchr(out, '@', s.n);
    struct span local = span_of(out, at ? (size_t)(at - out) : 0);
    struct span domain = at ? span_of(at + 1, s.n - local.n - 1) : span_of(NULL, 0);
    if (!is_local(local) || !is_domain(domain)) {
        out[0] = 0;
        return MAILBOX_MALFORMED;
    }
    for (size_t i = 0; i < COUNT(nobody_beginnings); i++)
        if (begins(local, nobody_beginnings[i]))
            return MAILBOX_PLACEHOLDER;
    if (is_among(local, nobodies, COUNT(nobodies)) ||
        is_below_one(domain, nowhere, COUNT(nowhere)) ||
        is_among(domain, nowhere_exactly, COUNT(nowhere_exactly)))
        return MAILBOX_PLACEHOLDER;
    if (is_below_one(domain, registries, COUNT(registries)))
        return MAILBOX_REGISTRY;
    return memchr(domain.p, '.', domain.n) ? MAILBOX_GOOD : MAILBOX_PLACEHOLDER;
}

const char *mailbox_fault_text(enum mailbox_fault fault)
{
    switch (fault) {
    case MAILBOX_GOOD:
        return "good";
    case MAILBOX_EMPTY:
        return "is missing";
    case MAILBOX_MALFORMED:
        return "is no mail address";
    case MAILBOX_PLACEHOLDER:
        return "is a placeholder";
    case MAILBOX_REGISTRY:
        return "is a registry's own";
    }
    return "";
}
