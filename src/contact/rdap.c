#include "contact/rdap.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "contact/contact_table.h"
#include "contact/range.h"

#define MAILS_MAX     16  /* of one entity */
#define PREF_NONE     101 /* RFC 6350, 5.3: 1 to 100, and what has none comes last */
#define INVALID_MAX   8
#define LINES_MAX     64 /* of remarks */
#define STATUS_HIDDEN 3

static struct span text_of(const json_t *v)
{
    return json_is_string(v) ? span_of(json_string_value(v), json_string_length(v))
                             : span_of(NULL, 0);
}

static struct span member(const json_t *object, const char *key)
{
    return text_of(json_object_get(object, key));
}

static void keep(char *out, size_t size, struct span s)
{
    size_t n = s.n < size ? s.n : size - 1;
    while (n && n < s.n && (s.p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        out[i] = s.p[i] < ' ' || s.p[i] == 0x7f ? ' ' : (char)s.p[i];
    out[n] = 0;
}

static bool list_has(const json_t *list, const char *word)
{
    size_t i;
    const json_t *v;
    if (json_is_string(list))
        return span_ieq(text_of(list), span_str(word));
    json_array_foreach(list, i, v) if (span_ieq(text_of(v), span_str(word))) return true;
    return false;
}

/* ---- mailboxes of a vCard ---- */

/* RFC 7095: ["email", {"pref": "1"}, "text", "abuse@isp.example"] */
static unsigned preference(const json_t *parameters)
{
    const json_t *pref = json_object_get(parameters, "pref");
    struct span s = text_of(json_is_array(pref) ? json_array_get(pref, 0) : pref);
    unsigned v = 0;
    if (json_is_integer(pref))
        v = (unsigned)(json_integer_value(pref) & 0xff);
    for (size_t i = 0; i < s.n && i < 3 && (uint8_t)(s.p[i] - '0') < 10; i++)
        v = v * 10 + (unsigned)(s.p[i] - '0');
    return v >= 1 && v < PREF_NONE ? v : PREF_NONE;
}

struct invalid {
    char mail[INVALID_MAX][MAILBOX_MAX + 1];
    unsigned n;
};

static bool is_invalid(const struct invalid *list, const char *mail)
{
    for (unsigned i = 0; i < list->n; i++)
        if (strcmp(list->mail[i], mail) == 0)
            return true;
    return false;
}

/* "abuse@isp.example is invalid": APNIC's remark of a mailbox that nobody answered from. */
static void read_remarks(const json_t *entity, struct invalid *out)
{
    static const char tail[] = " is invalid";
    size_t i, k;
    const json_t *remark, *line;
    unsigned lines = 0;
    json_array_foreach(json_object_get(entity, "remarks"), i, remark)
    {
        json_array_foreach(json_object_get(remark, "description"), k, line)
        {
            struct span s = text_of(line);
            size_t n = sizeof tail - 1;
            if (out->n == INVALID_MAX || ++lines > LINES_MAX)
                return;
            if (s.n <= n || memcmp(s.p + s.n - n, tail, n) != 0)
                continue;
            mailbox_read(span_of(s.p, s.n - n), out->mail[out->n]);
            out->n += out->mail[out->n][0] != 0;
        }
    }
}

/* The entity's best mailbox into out->mail; false: none that is of use. */
static bool read_mailbox(const json_t *entity, struct rdap_answer *out)
{
    struct invalid invalid = {.n = 0};
    unsigned best = PREF_NONE + 1, seen = 0;
    char mail[MAILBOX_MAX + 1];
    size_t i;
    const json_t *property;
    read_remarks(entity, &invalid);
    json_array_foreach(json_array_get(json_object_get(entity, "vcardArray"), 1), i, property)
    {
        if (!span_ieq(text_of(json_array_get(property, 0)), span_str("email")))
            continue;
        if (++seen > MAILS_MAX)
            break;
        unsigned pref = preference(json_array_get(property, 1));
        if (mailbox_read(text_of(json_array_get(property, 3)), mail) != MAILBOX_GOOD ||
            is_invalid(&invalid, mail)) {
            out->passed_over++;
        } else if (pref < best) {
            best = pref;
            memcpy(out->mail, mail, sizeof mail);
        }
    }
    return best <= PREF_NONE;
}

/* ---- entities ---- */

static bool is_hidden(const json_t *entity)
{
    static const char *const words[] = {"removed", "obscured", "private"};
    for (unsigned i = 0; i < STATUS_HIDDEN; i++)
        if (list_has(json_object_get(entity, "status"), words[i]))
            return true;
    return false;
}

/* Outermost first: each level is gone through before the next one. */
static void find_abuse(const json_t *network, struct rdap_answer *out)
{
    const json_t *level[RDAP_ENTITIES_MAX] = {network}, *next[RDAP_ENTITIES_MAX];
    unsigned n = 1, looked = 0;
    for (unsigned depth = 0; n && depth < RDAP_DEPTH_MAX; depth++) {
        unsigned n_next = 0;
        for (unsigned i = 0; i < n; i++) {
            size_t k;
            const json_t *entity;
            json_array_foreach(json_object_get(level[i], "entities"), k, entity)
            {
                if (++looked > RDAP_ENTITIES_MAX)
                    return;
                next[n_next++] = entity;
                if (!list_has(json_object_get(entity, "roles"), "abuse") || is_hidden(entity) ||
                    !read_mailbox(entity, out))
                    continue;
                keep(out->handle, sizeof out->handle, member(entity, "handle"));
                return;
            }
        }
        memcpy(level, next, n_next * sizeof *next);
        n = n_next;
    }
}

/* ---- the network ---- */

/* The largest prefix that has the address and lies within the range. */
static struct net prefix_within(const struct ip *first, const struct ip *last,
                                const struct ip *address)
{
    uint8_t bits = 0;
    for (;; bits++) {
        struct net network = net_of(address, bits);
        struct ip end = range_end(&network);
        if (memcmp(first, &network.ip, sizeof *first) <= 0 && memcmp(&end, last, sizeof end) <= 0)
            return network; /* with all bits it is the address, which is within */
    }
}

static int read_network(const json_t *root, const struct ip *asked, struct rdap_answer *out,
                        struct err *err)
{
    struct ip first, last;
    struct span country = member(root, "country");
    if (!span_ieq(member(root, "objectClassName"), span_str("ip network")))
        return err_set(err, -EBADMSG, "the answer is about no network");
    if (!ip_parse(member(root, "startAddress"), &first) ||
        !ip_parse(member(root, "endAddress"), &last) || ip_is_v4(&first) != ip_is_v4(&last))
        return err_set(err, -EBADMSG, "the answer has no range of addresses");
    if (ip_is_v4(&first) != ip_is_v4(asked) || memcmp(&first, asked, sizeof first) > 0 ||
        memcmp(asked, &last, sizeof last) > 0)
        return err_set(err, -EBADMSG, "the answer is about another network");
    out->network = prefix_within(&first, &last, asked);
    keep(out->handle, sizeof out->handle, member(root, "handle"));
    keep(out->name, sizeof out->name, member(root, "name"));
    if (country.n == 2)
        keep(out->country, sizeof out->country, country);
    out->notices = (unsigned)json_array_size(json_object_get(root, "notices"));
    if (!contact_network_ok(&out->network))
        return err_set(err, -EBADMSG, "the answer is about a registry's whole block");
    return 0;
}

static int read_error(const json_t *root, struct err *err)
{
    json_int_t code = json_integer_value(json_object_get(root, "errorCode"));
    if (code == 404)
        return err_set(err, -ENOENT, "the registry has no such network");
    return err_set(err, -EBADMSG, "the registry answered with error %lld", (long long)code);
}

int rdap_read(struct span json, const struct ip *asked, struct rdap_answer *out, struct err *err)
{
    json_error_t why;
    *out = (struct rdap_answer){0};
    if (json.n > RDAP_ANSWER_MAX)
        return err_set(err, -EFBIG, "the answer has more than %u bytes", RDAP_ANSWER_MAX);
    json_t *root = json.n ? json_loadb((const char *)json.p, json.n, 0, &why) : NULL;
    int rc = json_is_object(root) ? 0 : err_set(err, -EBADMSG, "the answer is no JSON object");
    if (rc == 0 && json_object_get(root, "errorCode"))
        rc = read_error(root, err);
    if (rc == 0)
        rc = read_network(root, asked, out, err);
    if (rc == 0)
        find_abuse(root, out);
    json_decref(root);
    return rc;
}
