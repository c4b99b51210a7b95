#include "mail/words.h"

#include <dirent.h>

#include "base/file.h"
#include "base/tap.h"
#include "mail/words_impl.h"

static struct words_reader *reader;
static struct arena arena;

/* The words of a text in one line: folded, classes in <>, * behind a disguised one, + behind one
 * that was spaced. */
static const char *line_of(struct span text, const char *recipient)
{
    static const char *const kinds[] = {"",      "<number>", "<address>",
                                        "<url>", "<random>", "<recipient>"};
    static struct buf out;
    struct words w;
    out.n = 0;
    arena_reset(&arena);
    words_read(reader, text, span_str(recipient), &arena, &w);
    for (uint32_t i = 0; i < w.n; i++) {
        const struct word *v = &w.v[i];
        if (i)
            buf_byte(&out, ' ');
        if (v->kind)
            buf_str(&out, kinds[v->kind]);
        else
            buf_put(&out, w.text.p + v->at, v->n);
        if (v->flags & WORD_SPACED)
            buf_byte(&out, '+');
        else if (v->flags & WORD_DISGUISED)
            buf_byte(&out, '*');
    }
    buf_byte(&out, 0);
    return (const char *)out.p;
}

#define is_read(text, want) is_str(line_of(span_str(text), ""), want)

static void folding(void)
{
    is_read("Hello World, don't  SHOUT.", "hello world dont shout");
    is_read("", "");
    is_read(" \r\n\t", "");
    is_read("well-known and/or first_name", "well known and or first name");
    is_read("internationalization antidisestablishmentarianism",
            "internationalization antidisestablishmentarianism");
    is_read("\xef\xbc\xb6\xef\xbd\x89\xef\xbd\x81gra", "viagra*");                  /* full width */
    is_read("vi\xd0\xb0gr\xd0\xb0 V\xd0\x86\xd0\x90GR\xd0\x90", "viagra* viagra*"); /* Cyrillic */
    is_read("via\xe2\x80\x8bgra vi\xc2\xad"
            "agra",
            "viagra* viagra*"); /* zero width */
    is_read("caf\xc3\xa9 CAFE\xcc\x81 V\xc3\xad\xc3\xa1gr\xc3\xa0", "cafe cafe viagra");
    is_read("it\xe2\x80\x99s", "its");
    is_read("stra\xc3\x9f"
            "e",
            "strasse");
    is_read("buy\xc2\xa0now\xe2\x80\x94today", "buy now today");
    is_str(line_of(span_str("\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"), ""),
           line_of(span_str("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"), "")); /* case */
    is_read("\xff\xfe plain \xc3( text \xed\xa0\x80", "plain text");
}

static void disguises(void)
{
    is_read("v1agra c1alis p0rn m0ney fr3e ca$h bu$iness 0rder",
            "viagra* cialis* porn* money* free* cash* business* order*");
    is_read("V|AGRA c!alis vi@gra \\/iagra V/\\LIUM", "viagra* cialis* viagra* viagra* valium*");
    is_read("v i a g r a now", "viagra+ now");
    is_read("V.I.A.G.R.A and v_i_a_g_r_a, c-i-a-l-i-s", "viagra+ and viagra+ cialis+");
    is_read("V 1 A G R A", "viagra+");
    is_read("V  I  A  G  R  A", "viagra+");
    is_read("i a m here", "i a m here");
    is_read("1 0 1 0 1", "<number> <number> <number> <number> <number>");
    is_read("really good!Home|About|Contact us", "really good home about contact us");
    is_read("nice! wow! great!!! @home $self", "nice wow great home self");
}

static void known(void)
{
    struct words_reader *fresh = words_open(), *old = reader;
    is_read("C|A|IS VaIium", "cialis* vaiium");
    reader = fresh;
    struct span folded = words_fold(reader, span_str("CIALIS"), &arena);
    ok(span_is(folded, "cialis"));
    ok(span_is(words_fold(reader, span_str("Valium  Roche"), &arena), "valium roche"));
    words_seal(reader);
    words_fold(reader, span_str("Levitra"), &arena);
    is_read("CIA|IS C1A1IS VaIium Valium", "cialis* cialis* valium* valium");
    is_read("V a 1 i u m", "valium+");
    is_read("$oma |evitra", "oma evitra");                              /* not named by a rule */
    is_read("Le\xc4\xb1\x76itra 1evitra", "leivitra* <number> evitra"); /* it is sealed */
    reader = old;
    words_close(fresh);
}

static void classes(void)
{
    is_read("only $3.33 or 1,000.50 at 10:30 on 12/04/2007",
            "only <number> or <number> at <number> on <number>");
    is_read("100mg 4th 3.5mg windows95 mp3",
            "<number> mg <number> th <number> mg windows <number> mp <number>");
    is_read("see http://www.example.com/a?b=c. or www.example.org, too", "see <url> or <url> too");
    is_read("go to my-shop.com now", "go to <url> now");
    is_read("at pills.example.biz/rx/1.php?x=1", "at <url>");
    is_read("that is done.It was. e.g. readme.txt", "that is done it was e g readme txt");
    is_read("write to john.smith@mail.example.com!", "write to <address>");
    is_read("<joe@example.net>, (ann@example.org)", "<address> <address>");
    is_read("look:http://a.example/x", "look <url>");
    is_read("well.so,http://a.example/x", "well so <url>");
    is_read("rmfdok/20 wyoorwpasxp7218 dvgvhnrnvxvt", "<random> <number> <random> <random>");
    is_read("4619227B3f 8f412ea9-47e4", "<random> <random> <random>");
    is_read("WYADCKPDFWWTWTXNFVUE", "<random>");
    is_read("strength rhythm schedule Schlafzimmer przemysl",
            "strength <random> schedule schlafzimmer przemysl");
    is_str(line_of(span_str("Dear The00, the00! the00x the00@x.example"), "the00@speedy.example"),
           "dear <recipient> <recipient> theoox* <address>");
    is_str(line_of(span_str("john.smith wins; john"), "John.Smith@mail.example"),
           "<recipient> wins john");
    is_str(line_of(span_str("ab ab"), "ab@mail.example"), "ab ab"); /* too short a name */
}

static void chains(void)
{
    /* three characters make two pairs; a lone one is itself */
    is_read("\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97 \xe4\xb8\xad",
            "\xe4\xb8\xad\xe6\x96\x87 \xe6\x96\x87\xe5\xad\x97 \xe4\xb8\xad");
    struct words w;
    words_read(reader,
               span_str("\xe4\xb8\xad\xe6\x96\x87\xe5\xad\x97"
                        "abc"),
               span_of(NULL, 0), &arena, &w);
    is_int(w.n, 3);
    is_int(w.v[1].source, 3);
    is_int(w.v[1].source_n, 6);
    is_int(w.v[2].source, 9);
}

static void places(void)
{
    static const char text[] = "One two\nThree v1agra w i d e";
    struct words w;
    words_read(reader, span_str(text), span_of(NULL, 0), &arena, &w);
    is_int(w.n, 5);
    ok(w.v[0].flags & WORD_LINE && !(w.v[1].flags & WORD_LINE) && w.v[2].flags & WORD_LINE);
    is_int(w.v[3].source, 14);
    is_int(w.v[3].source_n, 6);
    is_int(w.v[4].source, 21);
    is_int(w.v[4].source_n, 7);
    is_int(w.disguised, 2);
    is_int(w.random, 0);
    ok(!w.cut);
    for (uint32_t i = 0; i < w.n; i++)
        ok(w.v[i].hash == words_hash(span_of(w.text.p + w.v[i].at, w.v[i].n)));
}

/* These go to disk: they must never change. */
static void stable(void)
{
    ok(words_hash(span_str("viagra")) == 0x03716d513922a0a5ull, "hash of a short word");
    ok(words_hash(span_str("internationalization")) == 0x7144a5bfd4df26b9ull,
       "hash of a long word");
}

static void limits(void)
{
    struct buf b = {0};
    struct words w;
    for (unsigned i = 0; i < WORDS_MAX + 10; i++)
        buf_str(&b, "word ");
    words_read(reader, buf_as_span(&b), span_of(NULL, 0), &arena, &w);
    is_int(w.n, WORDS_MAX);
    ok(w.cut);
    b.n = 0;
    for (unsigned i = 0; i < 1000; i++)
        buf_str(&b, "an");
    words_read(reader, buf_as_span(&b), span_of(NULL, 0), &arena, &w);
    is_int(w.n, 1);
    is_int(w.v[0].kind, WORD_RANDOM);
    is_int(w.v[0].source_n, 2000);
    /* every prefix of awkward text, so that reads past an end are seen */
    static const char text[] =
        "V.I.A.G.R.A v1a\xd0\xb0 \\/i@x.example/ http://x 1.2 \xe4\xb8\xad\xe6\x96\x87 a@b.com";
    for (size_t n = 0; n < sizeof text; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, text, n);
        arena_reset(&arena);
        words_read(reader, span_of(copy, n), span_str("via@x"), &arena, &w);
        for (uint32_t i = 0; i < w.n; i++)
            if (w.v[i].source + w.v[i].source_n > n || w.v[i].at + w.v[i].n > w.text.n)
                ok(false, "a word lies outside");
        free(copy);
    }
    buf_free(&b);
}

static bool same_words(const struct words *a, const struct words *b)
{
    if (a->n != b->n || a->cut != b->cut || a->disguised != b->disguised ||
        a->random != b->random || !span_eq(a->text, b->text))
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct word *v = &a->v[i], *w = &b->v[i];
        if (v->hash != w->hash || v->at != w->at || v->n != w->n || v->source != w->source ||
            v->source_n != w->source_n || v->kind != w->kind || v->flags != w->flags)
            return false;
    }
    return true;
}

/* A text of pieces that stand in mail, in any order. */
static struct span some_text(uint64_t *seed, uint8_t *out, size_t max)
{
    static const char *const pieces[] = {
        " ",        " ",        " ",
        "the",      "Viagra",   "a",
        "I",        "don't",    "\n",
        "12.50",    "$",        ".",
        ". ",       ", ",       "www",
        ".com",     "http://",  "@",
        "\xc3\xa9", "\xff",     "\xcf",
        "\xd0\xb0", "xkcdqz",   "B2B",
        "VaIium",   "jane",     "doe",
        "/",        "\\/",      "|",
        "!",        "'",        "-",
        "0",        "1",        "\t",
        "of",       "united",   "\xe4\xb8\xad\xe6\x96\x87",
        "\u200b",   "\xc2\xa0", "abcdefghijklmnopqrst",
        "<",        "e",        "i",
    };
    size_t n = 0, end = max ? *seed % max : 0;
    while (n < end) {
        *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
        const char *piece = pieces[(*seed >> 33) % (sizeof pieces / sizeof *pieces)];
        size_t m = strlen(piece);
        if (n + m > max)
            break;
        memcpy(out + n, piece, m);
        n += m;
    }
    return span_of(out, n);
}

/* The CPU's vector instructions give what plain code gives, and what each word gives alone. */
static void vector_and_plain(void)
{
    uint64_t seed = 4;
    unsigned differ = 0, hashes = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t *room = malloc(600); /* so that a read beyond it is seen */
        struct span text = some_text(&seed, room, 1 + i % 600);
        uint8_t *exact = malloc(text.n ? text.n : 1);
        memcpy(exact, text.p, text.n);
        text.p = exact;
        struct words fast, plain;
        arena_reset(&arena);
        struct span to = span_str(i % 3 ? "" : "jane.doe@example.com");
        words_scalar(reader, false);
        words_read(reader, text, to, &arena, &fast);
        words_scalar(reader, true);
        words_read(reader, text, to, &arena, &plain);
        differ += !same_words(&fast, &plain);
        for (uint32_t k = 0; k < fast.n; k++)
            if (fast.v[k].kind == WORD_PLAIN)
                hashes +=
                    fast.v[k].hash != words_hash(span_of(fast.text.p + fast.v[k].at, fast.v[k].n));
        free(exact);
        free(room);
    }
    words_scalar(reader, false);
    ok(differ == 0, "20000 texts read the same with and without vector instructions");
    ok(hashes == 0, "a word's hash is that of its folded text");
}

int main(void)
{
    reader = words_open();
    folding();
    disguises();
    known();
    classes();
    chains();
    places();
    stable();
    limits();
    vector_and_plain();
    words_close(reader);
    arena_free(&arena);
    return tap_done();
}
