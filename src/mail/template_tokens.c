#include <xxhash.h>

#include "mail/template_impl.h"
#include "wire/text.h"

#define COMMON_SLOTS    4096 /* a power of two, well over the number of common words */
#define WORD_CUT        32   /* bytes of a word that are looked up */
#define BASE64_LINE_MIN 60   /* bytes of a line that is taken for base64 */
/* Lines at the start of a base64 block that all pictures of a kind have in common: a JPEG's
 * standard tables end at byte 623 (ITU-T T.81, annex K), base64 lines hold 57. */
#define BASE64_HEAD_LINES 12
#define BASE64_LETTERS    20 /* different ones that a line needs in order to say something */

/* Words that say little, with the bits that they count for. The first list is what mail programs,
 * HTML and legal boilerplate put into any mail; the others are common words of English. */
static const struct {
    float bits;
    const char *words;
} common[] = {
    {0.5f,
     "a href http https www com net org html htm head body title meta http equiv content type text "
     "charset iso us ascii utf windows koi name generator mshtml style font face arial helvetica "
     "sans serif verdana times roman tahoma size color bgcolor width height border align center "
     "left right top bottom valign table tr td tbody th div span p br hr img src alt cid link "
     "vlink "
     "alink b i u strong em li ul ol class id css px pt padding margin none solid block inline "
     "display background white black ffffff nbsp amp quot lt gt copy cellspacing cellpadding "
     "colspan rowspan target blank doctype public dtd w xhtml transitional xml en lang strict "
     "this is multi part message in mime format part nextpart boundary transfer encoding quoted "
     "printable base bit plain alternative mixed related disposition attachment inline filename "
     "jpg jpeg gif png image application octet stream subject from to re fw fwd sent date original "
     "wrote mailto "
     "click here unsubscribe subscribe subscription remove removed mailing list privacy policy "
     "copyright reserved rights trademark terms conditions email mail e online web page site view "
     "visit browser receive received reply contact please dear hi hello thank thanks regards "
     "sincerely best free new now today more info information "
     "script javascript input form button value hidden family weight normal bold decoration none "
     "underline line spacing collapse microsoft outlook express word office office xmlns smarttags "
     "schemas msonormal section stylesheet rel behavior vml shape ieooui mso medium filtered "
     "defaults formats multiple priority msmail mimeole produced url default namespaceuri "
     "downloadurl "
     "latentstyles docsuite wordsection panose swiss variable pitch variant ansi fareast visited "
     "msohyperlink "
     "msohyperlinkfollowed definitions emailstyle personal compose reply charset auto pagination"},
    {2.5f,
     "the of and to in that it for you was with on as have but be they by at are not his he she we "
     "an or which their has had will would been who its if when there all so no can out up what "
     "about into than them do my me your our one some could only other then any may these two like "
     "time just over also how very her him us did get go come make see know"},
    {5,
     "able above account add address after again against age ago air allow almost along already "
     "also always am american among amount another answer anyone anything appear apply april area "
     "around art ask available away back bad bank base because become before begin behind believe "
     "below better between big bill black board body book both box bring build business buy call "
     "came car card care case cause center certain chance change check child children choose city "
     "class clear close code college college come comes common company complete computer consider "
     "continue control cost could country course cover create credit current customer customers "
     "cut data day days deal death decide deep design desk detail details develop difference "
     "different difficult discount doctor does doing dollar dollars done door down drive drop drug "
     "during each early earth easy education effect either else end energy enjoy enough enter even "
     "evening event ever every everyone everything exactly example except expect experience eye "
     "face fact fall family far fast father fax feel feet few field file files fill final finally "
     "find fine fire first five fix follow following food force forget form found four friday "
     "friend friends full fun future game games gave general gift girl give given go goes going "
     "gold good got government great green group grow growth guarantee guaranteed had half hand "
     "happen happy hard having head health hear heart heat heavy height help high his history hit "
     "hold home hope hot hour hours house however huge human hundred idea important improve inc "
     "include included including increase industry inside interest internet into issue item its "
     "job join keep key kind king know known land large last late later law lead learn least leave "
     "left legal less let letter level life light limited line link list little live local log "
     "long longer look looking lose loss lost lot love low lower ltd machine made main make makes "
     "making man manager many march mark market matter may maybe me mean means media medical meet "
     "meeting member members men might million mind minute minutes miss mobile monday money month "
     "months morning most mother move mr mrs much music must myself national need needs never news "
     "next nice night non note nothing notice now number off offer offers office often oh ok old "
     "once open or order orders others our outside own page paid paper part party pass past pay "
     "payment people per percent perfect person personal phone photo pick picture pictures piece "
     "place plan play please plus point possible post power present president press price prices "
     "private probably problem problems process product products profile program project provide "
     "purchase put quality question questions quick quickly quite rate rather read reading ready "
     "real really reason receive recent record red release remember report request required "
     "research rest result results return review right risk road room rule run safe said sale "
     "sales same save saw say says school science search second secure security see seem seen self "
     "sell send sense sent server service services set several sex shall share ship shipping shop "
     "short should show shows side sign simple simply since single six small software sold "
     "something soon sort sound special stand start started state states stay step still stock "
     "stop store story street strong student students study stuff such sunday support sure system "
     "take taken takes taking talk team technology tell ten term test than that themselves thing "
     "things think third those though thought thousand three through thursday till times together "
     "told tomorrow tonight too took total town trade travel tried true trust try trying tuesday "
     "turn type under understand unit united until update upon us use used user users using "
     "usually "
     "value various version via video voice wait walk wall want wanted wants war was watch water "
     "way ways weather wednesday week weeks weight well went were west what whatever where whether "
     "while whole whose why wide wife window wish within without woman women wonderful word words "
     "work working works world worth would write writing wrong year years yes yesterday yet york "
     "young yourself january february june july august september october november december mon tue "
     "wed thu fri sat sun jan feb mar apr jun jul aug sep oct nov dec pm am gmt est pdt edt"},
};

struct slot {
    uint64_t hash; /* 0: free */
    uint32_t id;
};
struct entry {
    uint64_t hash;
    struct span text; /* in the texts that were read */
    float bits;
};

struct vocabulary {
    struct slot common[COMMON_SLOTS]; /* id: the list that the word is in */
    struct slot *slot;
    size_t slots; /* a power of two */
    struct entry *entry;
    size_t n, cap;
};

static uint64_t hash_of(const void *p, size_t n)
{
    uint64_t h = XXH3_64bits(p, n);
    return h ? h : 1;
}

static struct slot *common_slot(struct vocabulary *v, uint64_t hash)
{
    size_t i = hash & (COMMON_SLOTS - 1);
    while (v->common[i].hash && v->common[i].hash != hash)
        i = (i + 1) & (COMMON_SLOTS - 1);
    return &v->common[i];
}

static void common_fill(struct vocabulary *v)
{
    for (uint32_t list = 0; list < sizeof common / sizeof *common; list++) {
        for (const char *p = common[list].words; *p;) {
            size_t n = strcspn(p, " ");
            struct slot *s = common_slot(v, hash_of(p, n));
            if (!s->hash) /* words in two lists are in the first */
                *s = (struct slot){hash_of(p, n), list};
            p += n + (p[n] == ' ');
        }
    }
}

struct vocabulary *vocabulary_open(void)
{
    struct vocabulary *v = mem_zeroed(1, sizeof *v);
    v->slots = 1024;
    v->slot = mem_zeroed(v->slots, sizeof *v->slot);
    common_fill(v);
    return v;
}

void vocabulary_close(struct vocabulary *v)
{
    if (!v)
        return;
    free(v->slot);
    free(v->entry);
    free(v);
}

uint32_t vocabulary_count(const struct vocabulary *v)
{
    return (uint32_t)v->n;
}

float vocabulary_bits(const struct vocabulary *v, uint32_t id)
{
    return v->entry[id].bits;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)(text_lower(c) - 'a') < 26 || c >= 0x80;
}

static bool is_base64(uint8_t c)
{
    return is_digit(c) || (c < 0x80 && is_letter(c)) || c == '+' || c == '/' || c == '=';
}

static float word_bits(struct vocabulary *v, struct span word)
{
    uint8_t lower[WORD_CUT] = {0};
    size_t n = word.n < WORD_CUT ? word.n : WORD_CUT;
    while (n > 1 && is_digit(word.p[n - 1])) /* Section1 */
        n--;
    for (size_t i = 0; i < n; i++)
        lower[i] = text_lower(word.p[i]);
    const struct slot *s = common_slot(v, hash_of(lower, n));
    if (s->hash)
        return common[s->id].bits;
    if (word.n == 1)
        return 2;
    /* A word that is none of the common ones: names, brands, misspellings. */
    float bits = 4 + 1.2f * (float)word.n;
    return bits < 14 ? bits : 14;
}

static float base64_bits(struct span line)
{
    bool seen[256] = {0};
    unsigned letters = 0;
    for (size_t i = 0; i < line.n; i++) {
        letters += !seen[line.p[i]];
        seen[line.p[i]] = true;
    }
    return letters < BASE64_LETTERS ? 2 : 20;
}

static float bits_of(struct vocabulary *v, struct span t)
{
    if (t.n >= BASE64_LINE_MIN && is_base64(t.p[0]) && is_base64(t.p[t.n - 1]))
        return base64_bits(t);
    if (is_letter(*t.p))
        return word_bits(v, t);
    if (is_digit(*t.p))
        return t.n < 6 ? 2 * (float)t.n : 12;
    return *t.p < 0x20 ? 0.2f : 0.7f;
}

static void grow(struct vocabulary *v)
{
    free(v->slot);
    v->slots *= 2;
    v->slot = mem_zeroed(v->slots, sizeof *v->slot);
    for (size_t k = 0; k < v->n; k++) {
        size_t i = v->entry[k].hash & (v->slots - 1);
        while (v->slot[i].hash)
            i = (i + 1) & (v->slots - 1);
        v->slot[i] = (struct slot){v->entry[k].hash, (uint32_t)k};
    }
}

static uint32_t intern(struct vocabulary *v, struct span text)
{
    uint64_t hash = hash_of(text.p, text.n);
    size_t i = hash & (v->slots - 1);
    for (; v->slot[i].hash; i = (i + 1) & (v->slots - 1)) {
        if (v->slot[i].hash == hash && span_eq(v->entry[v->slot[i].id].text, text))
            return v->slot[i].id;
    }
    v->entry = mem_room(v->entry, v->n, &v->cap, sizeof *v->entry);
    v->entry[v->n] = (struct entry){hash, text, bits_of(v, text)};
    v->slot[i] = (struct slot){hash, (uint32_t)v->n++};
    if (v->n * 2 > v->slots)
        grow(v);
    return (uint32_t)v->n - 1;
}

enum gap template_gap(struct span space)
{
    unsigned ends = 0;
    for (size_t i = 0; i < space.n; i++)
        ends += space.p[i] == '\n';
    return space.n == 0 ? GAP_NONE : ends == 0 ? GAP_SPACE : ends == 1 ? GAP_LINE : GAP_PARAGRAPH;
}

/* Bytes of the token at the start of s. */
static size_t token_bytes(struct span s, enum reading reading)
{
    size_t n = 1;
    if (reading != READ_TEXT && (is_letter(*s.p) || is_digit(*s.p)))
        while (n < s.n && (is_letter(s.p[n]) || is_digit(s.p[n])))
            n++;
    else if (is_letter(*s.p))
        while (n < s.n && is_letter(s.p[n]))
            n++;
    else if (is_digit(*s.p))
        while (n < s.n && is_digit(s.p[n]))
            n++;
    else
        while (n < s.n && s.p[n] == *s.p)
            n++;
    return n;
}

/* Bytes of the line of base64 at the start of s; 0 when it is none. */
static size_t base64_bytes(struct span s)
{
    size_t n = 0;
    while (n < s.n && is_base64(s.p[n]))
        n++;
    return n >= BASE64_LINE_MIN && (n == s.n || template_is_space(s.p[n])) ? n : 0;
}

void vocabulary_read(struct vocabulary *v, struct span text, enum reading reading,
                     struct arena *arena, struct tokens *out)
{
    size_t room = text.n < TEMPLATE_TOKENS_MAX ? text.n : TEMPLATE_TOKENS_MAX, at = 0;
    unsigned lines = 0; /* of base64, in this block */
    *out = (struct tokens){text, arena_alloc(arena, room * sizeof *out->v), 0};
    while (at < text.n && out->n < TEMPLATE_TOKENS_MAX) {
        size_t space = at;
        while (at < text.n && template_is_space(text.p[at]))
            at++;
        if (at == text.n)
            break;
        enum gap gap = template_gap(span_of(text.p + space, at - space));
        bool start = reading == READ_RAW && (gap >= GAP_LINE || at == 0);
        size_t n = start ? base64_bytes(text_behind(text, at)) : 0;
        if (start) /* a text that starts with it is a piece of one */
            lines = n == 0 ? 0 : at == 0 ? BASE64_HEAD_LINES + 1 : lines + 1;
        if (n && lines <= BASE64_HEAD_LINES) { /* passed over */
            at += n;
            continue;
        }
        if (n == 0)
            n = token_bytes(text_behind(text, at), reading);
        uint32_t id = intern(v, span_of(text.p + at, n));
        out->v[out->n++] = (struct token){id, (uint32_t)at, (uint32_t)n, (uint8_t)gap};
        at += n;
    }
}
