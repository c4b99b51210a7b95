/* Prints a report made by hand: report_sample SCENE FORMAT [LANGUAGE] [mail|data|rows]. "rows" are
 * what it was made of, JSON Lines. */
#include <stdio.h>

#include "base/arena.h"
#include "base/json.h"
#include "report/sample.h"

#define ROWS_MAX REPORT_ARF_ROWS_MAX

/* Every kind of row there is, and what is missing in some. */
static size_t scene_all(struct report_row *rows)
{
    size_t n = 0;
    rows[n++] = sample_row("192.0.2.17", 2);
    rows[n++] = sample_row("2001:db8::17", 3);
    rows[n++] = sample_spam("192.0.2.25", 4);
    rows[n] = sample_row("192.0.2.40", 5); /* nothing is known of it */
    rows[n].family = rows[n].host = rows[n].agent = rows[n].method = rows[n].target = span_str("");
    rows[n].as_name = rows[n].transport = span_str("");
    rows[n].protocol = span_str("raw");
    rows[n].src_port = rows[n].dst_port = 0;
    rows[n].asn = 0;
    memset(rows[n].country, 0, 2);
    memset(&rows[n].dst_ip, 0, sizeof rows[n].dst_ip);
    rows[n++].first_time = 0;
    rows[n] = sample_row("192.0.2.53", 6);
    rows[n].protocol = span_str("dns");
    rows[n].transport = span_str("udp");
    rows[n].method = rows[n].target = rows[n].agent = span_str("");
    rows[n++].what = REPORT_RETURNING;
    rows[n] = sample_row("2001:db8:17::6667", 7);
    rows[n].protocol = span_str("irc");
    rows[n].method = rows[n].target = rows[n].agent = rows[n].host = span_str("");
    rows[n].family = span_str("Spy/Bot \xc3\xa9t\xc3\xa9");
    rows[n++].what = REPORT_RETURNING;
    rows[n] = sample_spam("192.0.2.26", 8); /* a null sender: no messaging-spam */
    rows[n].mail_from = span_str("");
    rows[n++].what = REPORT_RETURNING;
    rows[n] = sample_row("192.0.2.17", 9); /* the same address with another family */
    rows[n].family = span_str("virut");
    rows[n++].what = REPORT_RETURNING;
    rows[n] = sample_row("192.0.2.99", 200);
    rows[n++].what = REPORT_GONE;
    return n;
}

/* What somebody who controls a bot would send. */
static size_t scene_hostile(struct report_row *rows)
{
    rows[0] = sample_row("192.0.2.66", 1);
    rows[0].host = span_str("evil\r\nBcc: victim@example.org\r\n\r\n--=_x");
    rows[0].agent =
        span_str("=HYPERLINK(\"http://evil.example\",\"\xe2\x80\xae click\")\x01\xff\xfe");
    rows[0].method = span_str("GET\"");
    rows[0].target = span_str("/a,b\"c\n\"\"?secret=1");
    rows[0].family = span_str("fam\r\nX-Injected: 1");
    rows[0].protocol = span_str("http");
    rows[0].as_name = span_of("a\0b", 3);
    rows[1] = sample_spam("192.0.2.67", 1);
    rows[1].helo = span_str("x) (\r\n.\r\nQUIT");
    rows[1].mail_from = span_str("bounce+victim=example.org@spam.example.com");
    rows[1].subject =
        span_str("hello <victim@example.org>,\r\n\tvictim@trap.example =?UTF-8?Q?x?=");
    return 2;
}

/* Random words of what texts have to be quoted for; the same for the same seed. */
static struct span random_words(struct arena *arena, uint64_t *seed, unsigned max)
{
    static const char *const bits[] = {"a",  "B", "7", ",",  "\"", "'",        ";",
                                       " x", "/", "-", "\\", "|y", "\xc3\xa9", "\xe6\xbc\xa2",
                                       "%20"};
    struct buf b = {0};
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    for (unsigned n = (unsigned)(*seed >> 33) % (max + 1); n; n--) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        buf_str(&b, bits[(*seed >> 33) % (sizeof bits / sizeof *bits)]);
    }
    struct span s = span_of(arena_copy(arena, b.p, b.n), b.n);
    buf_free(&b);
    return s;
}

static struct span random_target(struct arena *arena, uint64_t *seed)
{
    struct buf b = {0};
    buf_byte(&b, '/');
    buf_span(&b, random_words(arena, seed, 40));
    if (*seed >> 40 & 1)
        buf_str(&b, "?bot=4f1c2d&q=secret");
    struct span s = span_of(arena_copy(arena, b.p, b.n), b.n);
    buf_free(&b);
    return s;
}

static size_t scene_random(struct report_row *rows)
{
    static struct arena arena; /* lives as long as the program */
    static const char *const protocols[] = {"http", "raw", "irc", "tls", "dns", "http"};
    uint64_t seed = 7;
    for (unsigned i = 0; i < ROWS_MAX; i++) {
        struct report_row *r = &rows[i];
        *r = sample_row(i % 3 ? "203.0.113.1" : "2001:db8::1", i);
        r->ip.b[14] ^= (uint8_t)(i * 7);
        r->ip.b[15] = (uint8_t)i;
        r->src_port = (uint16_t)(i % 9 ? 1024 + i * 977 : 0);
        r->family = i % 8 ? random_words(&arena, &seed, 8) : span_str("unknown");
        r->protocol = span_str(protocols[i % 6]);
        r->transport = span_str(i % 6 == 4 ? "udp" : "tcp");
        if (i % 11 == 5)
            memset(&r->dst_ip, 0, sizeof r->dst_ip);
        if (i % 6 == 0 || i % 6 == 5) {
            r->host = random_words(&arena, &seed, 30);
            r->agent = random_words(&arena, &seed, 60);
            r->target = random_target(&arena, &seed);
        } else {
            r->method = r->target = r->agent = span_str("");
        }
    }
    return ROWS_MAX;
}

static void print_rows(const struct report *r, struct buf *out)
{
    struct json j = json_to(out);
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < r->n; i++) {
        const struct report_row *row = &r->rows[i];
        const struct {
            const char *key;
            struct span value;
        } texts[] = {
            {"family", row->family},       {"protocol", row->protocol},
            {"transport", row->transport}, {"host", row->host},
            {"method", row->method},       {"target", row->target},
            {"agent", row->agent},         {"src_ip", span_of(text, ip_format(&row->ip, text))},
        };
        json_object(&j);
        for (unsigned k = 0; k < sizeof texts / sizeof *texts; k++) {
            json_key(&j, texts[k].key);
            json_span(&j, texts[k].value);
        }
        json_key(&j, "dst_ip");
        if (ip_is_set(&row->dst_ip))
            json_span(&j, span_of(text, ip_format(&row->dst_ip, text)));
        else
            json_null(&j);
        const struct {
            const char *key;
            uint64_t value;
        } numbers[] = {{"what", row->what},         {"src_port", row->src_port},
                       {"dst_port", row->dst_port}, {"time", (uint64_t)row->time},
                       {"index", row->index},       {"contacts", row->contacts}};
        for (unsigned k = 0; k < sizeof numbers / sizeof *numbers; k++) {
            json_key(&j, numbers[k].key);
            json_uint(&j, numbers[k].value);
        }
        json_object_end(&j);
        json_newline(&j);
    }
}

static size_t scene_of(const char *name, struct report_row *rows)
{
    if (strcmp(name, "hostile") == 0)
        return scene_hostile(rows);
    if (strcmp(name, "random") == 0)
        return scene_random(rows);
    if (strcmp(name, "spam") == 0)
        return rows[0] = sample_spam("192.0.2.25", 4), 1;
    if (strcmp(name, "bot") == 0)
        return rows[0] = sample_row("192.0.2.17", 2), 1;
    if (strcmp(name, "gone") == 0) {
        rows[0] = sample_row("192.0.2.99", 200);
        rows[0].what = REPORT_GONE;
        return 1;
    }
    if (strcmp(name, "many") == 0) {
        for (unsigned i = 0; i < REPORT_ARF_ROWS_MAX; i++) {
            rows[i] = sample_row("192.0.2.1", i);
            rows[i].ip.b[15] = (uint8_t)(i + 1);
            rows[i].src_port = (uint16_t)(1024 + i);
        }
        return REPORT_ARF_ROWS_MAX;
    }
    return scene_all(rows);
}

int main(int argc, char **argv)
{
    struct report_row rows[ROWS_MAX];
    struct report_from from = sample_from();
    struct buf out = {0};
    struct err err;
    int format = argc > 2 ? report_format_of(span_str(argv[2])) : -1, e = 0;
    if (format < 0) {
        fprintf(stderr,
                "usage: %s all|bot|spam|gone|many|hostile|random xarf|arf|csv|stix|text "
                "[LANGUAGE] [mail|data|rows]\n",
                argv[0]);
        return 2;
    }
    struct report r = sample_report(&from, rows, scene_of(argv[1], rows));
    r.still = strcmp(argv[1], "all") == 0 ? 31 : 0;
    if (argc > 3)
        r.language = span_str(argv[3]);
    if (argc > 4 && strcmp(argv[4], "data") == 0)
        e = report_data(&r, (enum report_format)format, &out, &err);
    else if (argc > 4 && strcmp(argv[4], "rows") == 0)
        print_rows(&r, &out);
    else
        e = report_mail(&r, (enum report_format)format, &out, &err);
    if (e < 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    fwrite(out.p, 1, out.n, stdout);
    buf_free(&out);
    return 0;
}
