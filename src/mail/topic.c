#include "mail/topic.h"

#include <stdlib.h>

#include "base/mem.h"
#include "mail/mail.h"
#include "mail/needle.h"
#include "mail/phrases.h"
#include "mail/ruleset_text.h"

#define HITS_MAX      512 /* of one text; a mail that says more has said it */
#define NAME_HITS_MAX 16
#define URLS_JUDGED   16

enum place { PLACE_SUBJECT = 1, PLACE_TEXT = 2, PLACE_URL = 4, PLACE_FILE = 8, PLACE_SIGN = 16 };

/* What a mail is, apart from its words. */
enum sign {
    SIGN_PROGRAM,
    SIGN_ARCHIVE,
    SIGN_IMAGE_ONLY,
    SIGN_HIDDEN_TEXT,
    SIGN_DISGUISED,
    SIGN_ADDRESS_LINK,
    SIGN_USERINFO_LINK,
    SIGN_BRAND_SENDER_LINKS_ELSEWHERE,
    SIGN_BRAND_LINKS_MIXED,
    SIGNS
};
static const char *const sign_names[SIGNS] = {
    "program",           "archive",      "image-only",    "hidden-text",
    "disguised",         "address-link", "userinfo-link", "brand-sender-links-elsewhere",
    "brand-links-mixed",
};

struct rule {
    struct span text; /* the line */
    uint32_t line;
    int weight;
    uint8_t topic, places;
};

struct topics {
    struct arena arena;
    struct rule *rule;
    size_t n, cap;
    int threshold[TOPICS];
    struct phrases *phrases;
    struct needles *urls, *files;
    struct sign_rule {
        uint32_t rule, sign;
    } * sign;
    size_t signs, signs_cap;
};

static const char *const names[TOPICS] = {"none",   "pharmacy", "replica", "casino",
                                          "dating", "stock",    "malware", "phishing",
                                          "419",    "software", "loan",    "other"};

const char *topic_name(enum topic t)
{
    return t < TOPICS ? names[t] : "none";
}

enum topic topic_named(struct span name)
{
    unsigned t = 0;
    while (t < TOPICS && !span_is(name, names[t]))
        t++;
    return t;
}

/* ---- reading the rules ---- */

static bool take_place(struct span *rest, uint8_t *places)
{
    static const struct {
        const char *word;
        uint8_t places;
    } known[] = {
        {"subject:", PLACE_SUBJECT}, {"text:", PLACE_TEXT}, {"url:", PLACE_URL},
        {"file:", PLACE_FILE},       {"sign:", PLACE_SIGN},
    };
    struct span behind = *rest, word = ruleset_word(&behind);
    *places = PLACE_SUBJECT | PLACE_TEXT;
    if (!memchr(word.p, ':', word.n))
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!span_is(word, known[i].word))
            continue;
        *places = known[i].places;
        *rest = behind;
        return behind.n > 0;
    }
    return false;
}

static const char *add_sign(struct topics *t, struct span name, uint32_t value)
{
    uint32_t sign = 0;
    while (sign < SIGNS && !span_is(name, sign_names[sign]))
        sign++;
    if (sign == SIGNS)
        return "there is no such sign";
    t->sign = mem_room(t->sign, t->signs, &t->signs_cap, sizeof *t->sign);
    t->sign[t->signs++] = (struct sign_rule){value, sign};
    return NULL;
}

static const char *add_rule(struct topics *t, struct words_reader *words, struct rule *rule,
                            struct span what)
{
    uint32_t value = (uint32_t)t->n;
    const char *why = rule->places == PLACE_SIGN   ? add_sign(t, what, value)
                      : rule->places == PLACE_URL  ? needles_add(t->urls, what, false, value)
                      : rule->places == PLACE_FILE ? needles_add(t->files, what, false, value)
                                                   : phrases_add(t->phrases, words, what, value);
    if (why)
        return why;
    t->rule = mem_room(t->rule, t->n, &t->cap, sizeof *t->rule);
    t->rule[t->n++] = *rule;
    return NULL;
}

static bool is_topic(enum topic t)
{
    return t != TOPIC_NONE && t < TOPIC_OTHER;
}

static int read_threshold(struct topics *t, struct ruleset_text *text, struct span line,
                          struct err *err)
{
    enum topic topic = topic_named(ruleset_word(&line));
    int v;
    if (!is_topic(topic))
        return ruleset_text_wrong(text, err, "there is no such topic");
    if (!ruleset_number(line, 1, 10 * TOPIC_WEIGHT_MAX, &v))
        return ruleset_text_wrong(text, err, "the threshold is no number of 1 to %d",
                                  10 * TOPIC_WEIGHT_MAX);
    t->threshold[topic] = v;
    return 0;
}

static int read_rule(struct topics *t, struct words_reader *words, struct ruleset_text *text,
                     struct span line, struct err *err)
{
    struct span all = line, name = ruleset_word(&line);
    struct rule rule = {.line = text->line, .topic = (uint8_t)topic_named(name)};
    if (!is_topic(rule.topic))
        return ruleset_text_wrong(text, err, "there is no topic \"%.*s\"",
                                  (int)(name.n < 40 ? name.n : 40), (const char *)name.p);
    if (!ruleset_number(ruleset_word(&line), -TOPIC_WEIGHT_MAX, TOPIC_WEIGHT_MAX, &rule.weight) ||
        rule.weight == 0)
        return ruleset_text_wrong(text, err, "the weight is no number of -%d to %d but 0",
                                  TOPIC_WEIGHT_MAX, TOPIC_WEIGHT_MAX);
    if (line.n == 0 || !take_place(&line, &rule.places))
        return ruleset_text_wrong(
            text, err,
            "wanted a phrase, or subject: text: url: file: sign: and something behind it");
    if (t->n == TOPIC_RULES_MAX)
        return ruleset_text_wrong(text, err, "more than %d rules", TOPIC_RULES_MAX);
    rule.text = span_of(arena_copy(&t->arena, all.p, all.n), all.n);
    const char *why = add_rule(t, words, &rule, line);
    return why ? ruleset_text_wrong(text, err, "%s", why) : 0;
}

static int read_all(struct topics *t, struct words_reader *words, struct ruleset_text *text,
                    struct err *err)
{
    struct span line;
    int r;
    while ((r = ruleset_text_next(text, &line, err)) > 0) {
        struct span rest = line;
        r = span_is(ruleset_word(&rest), "threshold") ? read_threshold(t, text, rest, err)
                                                      : read_rule(t, words, text, line, err);
        if (r < 0)
            break;
    }
    return r;
}

int topics_open(const char *path, struct words_reader *words, struct topics **out, struct err *err)
{
    struct ruleset_text text;
    struct topics *t = mem_zeroed(1, sizeof *t);
    t->phrases = phrases_new();
    t->urls = needles_new();
    t->files = needles_new();
    for (unsigned i = 0; i < TOPICS; i++)
        t->threshold[i] = TOPIC_THRESHOLD;
    int r = ruleset_text_open(path, &text, err);
    if (r == 0)
        r = read_all(t, words, &text, err);
    ruleset_text_close(&text);
    if (r < 0) {
        topics_close(t);
        return r;
    }
    phrases_seal(t->phrases);
    needles_seal(t->urls);
    needles_seal(t->files);
    *out = t;
    return 0;
}

void topics_close(struct topics *t)
{
    if (!t)
        return;
    phrases_free(t->phrases);
    needles_free(t->urls);
    needles_free(t->files);
    free(t->rule);
    free(t->sign);
    arena_free(&t->arena);
    free(t);
}

unsigned topics_rules(const struct topics *t)
{
    return (unsigned)t->n;
}

struct span topics_rule(const struct topics *t, uint32_t line)
{
    size_t low = 0, high = t->n; /* they are in the order of their lines */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (t->rule[mid].line < line)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->n && t->rule[low].line == line ? t->rule[low].text : span_of(NULL, 0);
}

/* ---- judging ---- */

struct judging {
    const struct topics *t;
    uint64_t seen[TOPIC_RULES_MAX / 64]; /* rules count once */
    uint16_t matched[HITS_MAX];          /* rules, in the order in which they were met */
    unsigned n;
    int score[TOPICS];
};

static void match(struct judging *j, uint32_t number, uint8_t place)
{
    const struct rule *rule = &j->t->rule[number];
    if (!(rule->places & place) || j->seen[number / 64] >> number % 64 & 1 || j->n == HITS_MAX)
        return;
    j->seen[number / 64] |= 1ull << number % 64;
    j->matched[j->n++] = (uint16_t)number;
    j->score[rule->topic] += rule->weight;
}

static void match_words(struct judging *j, const struct words *words, uint8_t place)
{
    struct phrase_hit hit[HITS_MAX];
    unsigned n = phrases_find(j->t->phrases, words, hit, HITS_MAX);
    for (unsigned i = 0; i < n; i++)
        match(j, hit[i].value, place);
}

static void match_name(struct judging *j, const struct needles *needles, struct span name,
                       uint8_t place)
{
    struct needle_hit hit[NAME_HITS_MAX];
    unsigned n = needles_find(needles, name, hit, NAME_HITS_MAX);
    for (unsigned i = 0; i < n; i++)
        match(j, hit[i].value, place);
}

static void match_names(struct judging *j, const struct mail *mail)
{
    struct span last = {NULL, 0};
    for (unsigned i = 0; i < mail->urls && i < URLS_JUDGED; i++) {
        const struct url *u = &mail->url[i].url;
        if (!span_eq(u->host, last))
            match_name(j, j->t->urls, u->host, PLACE_URL);
        match_name(j, j->t->urls, u->path, PLACE_URL);
        last = u->host;
    }
    for (unsigned i = 0; i < mail->files; i++)
        match_name(j, j->t->files, mail->file[i].name, PLACE_FILE);
}

static uint32_t link_signs(const struct mail *mail)
{
    uint32_t signs = 0;
    for (unsigned i = 0; i < mail->urls; i++) {
        if (mail->url[i].image)
            continue;
        if (mail->url[i].url.disguises & URL_ADDRESS)
            signs |= 1u << SIGN_ADDRESS_LINK;
        if (mail->url[i].url.disguises & URL_USERINFO)
            signs |= 1u << SIGN_USERINFO_LINK;
    }
    return signs;
}

static uint32_t brand_signs(const struct brands_found *found)
{
    uint32_t signs = 0;
    for (unsigned i = 0; i < found->n; i++) {
        uint32_t s = found->v[i].signs;
        if (!(s & BRAND_LINKS_ELSEWHERE))
            continue;
        if (s & BRAND_OWN_SENDER)
            signs |= 1u << SIGN_BRAND_SENDER_LINKS_ELSEWHERE;
        if (s & BRAND_OWN_LINKS)
            signs |= 1u << SIGN_BRAND_LINKS_MIXED;
    }
    return signs;
}

static uint32_t signs_of(const struct mail *mail)
{
    uint32_t signs = link_signs(mail) | brand_signs(&mail->brands);
    bool program = mail->flags & MAIL_PROGRAM, archive = false;
    for (unsigned i = 0; i < mail->files; i++) {
        program |= mail->file[i].kind == MAIL_FILE_PROGRAM;
        archive |= mail->file[i].kind == MAIL_FILE_ARCHIVE;
    }
    signs |= (uint32_t)program << SIGN_PROGRAM | (uint32_t)archive << SIGN_ARCHIVE;
    signs |= mail->flags & MAIL_IMAGE_ONLY ? 1u << SIGN_IMAGE_ONLY : 0;
    signs |= mail->flags & MAIL_HIDDEN_TEXT ? 1u << SIGN_HIDDEN_TEXT : 0;
    signs |= mail->flags & MAIL_DISGUISED ? 1u << SIGN_DISGUISED : 0;
    return signs;
}

static void match_signs(struct judging *j, const struct mail *mail)
{
    uint32_t signs = signs_of(mail);
    for (size_t i = 0; signs && i < j->t->signs; i++)
        if (signs >> j->t->sign[i].sign & 1)
            match(j, j->t->sign[i].rule, PLACE_SIGN);
}

/* The topic that is furthest above its threshold. */
static enum topic strongest(const struct judging *j)
{
    enum topic best = TOPIC_OTHER;
    for (unsigned i = TOPIC_NONE + 1; i < TOPIC_OTHER; i++) {
        const int *score = j->score, *threshold = j->t->threshold;
        if (score[i] < threshold[i])
            continue;
        if (best == TOPIC_OTHER ||
            (int64_t)score[i] * threshold[best] > (int64_t)score[best] * threshold[i])
            best = i;
    }
    return best;
}

/* Puts the rule where its weight belongs; the lightest falls off. */
static void evidence(struct judging *j, uint32_t number, int weights[TOPIC_EVIDENCE_MAX],
                     struct topics_found *out)
{
    const struct rule *rule = &j->t->rule[number];
    unsigned at = out->rules;
    while (at > 0 && weights[at - 1] < rule->weight)
        at--;
    if (at == TOPIC_EVIDENCE_MAX)
        return;
    if (out->rules < TOPIC_EVIDENCE_MAX)
        out->rules++;
    for (unsigned i = out->rules - 1; i > at; i--) {
        weights[i] = weights[i - 1];
        out->rule[i] = out->rule[i - 1];
    }
    weights[at] = rule->weight;
    out->rule[at] = rule->line;
}

static void conclude(struct judging *j, struct topics_found *out)
{
    int weights[TOPIC_EVIDENCE_MAX];
    out->topic = strongest(j);
    for (unsigned i = 0; i < TOPICS; i++)
        out->score[i] = j->score[i] < 0            ? 0
                        : j->score[i] > UINT16_MAX ? UINT16_MAX
                                                   : (uint16_t)j->score[i];
    for (unsigned i = 0; i < j->n; i++)
        if (j->t->rule[j->matched[i]].topic == out->topic)
            evidence(j, j->matched[i], weights, out);
}

void topics_judge(const struct topics *t, const struct mail *mail, struct topics_found *out)
{
    struct judging j;
    *out = (struct topics_found){.topic = TOPIC_NONE};
    if (mail->subject_words.n + mail->words.n + mail->urls + mail->files == 0)
        return;
    j.t = t;
    j.n = 0;
    memset(j.seen, 0, (t->n + 63) / 64 * sizeof *j.seen);
    memset(j.score, 0, sizeof j.score);
    match_words(&j, &mail->subject_words, PLACE_SUBJECT);
    match_words(&j, &mail->words, PLACE_TEXT);
    match_names(&j, mail);
    match_signs(&j, mail);
    conclude(&j, out);
}
