/* Nanoseconds a parse of the wire parsers, on messages as they usually are. One line a case: the
 * median of RUNS and the least. Pin it: taskset -c 1 build/bench/bench_wire */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "wire/dns.h"
#include "wire/http.h"
#include "wire/smtp.h"

enum { RUNS = 9, MAIL_BYTES = 8 << 10 };

static uint64_t sink; /* keeps results alive */

static void measure(const char *name, void (*work)(struct span), struct span in, unsigned rounds)
{
    double ns[RUNS];
    for (unsigned run = 0; run < RUNS; run++) {
        double start = clock_ns(CLOCK_MONOTONIC);
        for (unsigned i = 0; i < rounds; i++) {
            __asm__ volatile("" : : "r"(in.p) : "memory");
            work(in);
        }
        ns[run] = (clock_ns(CLOCK_MONOTONIC) - start) / rounds;
    }
    double middle = median(ns, RUNS);
    printf("%-28s %6zu bytes %9.1f ns (least %9.1f) %6.0f MB/s\n", name, in.n, middle, ns[0],
           (double)in.n * 1e3 / middle);
}

static void dns(struct span in)
{
    struct dns_query q;
    sink += (uint64_t)dns_parse(in, &q, NULL, NULL) + q.qname_len;
}

static void http(struct span in)
{
    static struct http_request r;
    sink += (uint64_t)http_parse(in, &r) + r.n_headers;
}

static void chunks(struct span in)
{
    struct http_chunks s = {0};
    struct cur c = cur_of(in);
    struct span piece;
    while (http_chunks_next(&s, &c, &piece) == 0 && cur_left(&c))
        sink += piece.n;
}

/* A head that comes in a byte at a time, as a live session reads it. */
static void http_bytewise(struct span in)
{
    size_t scanned = 0, end;
    for (size_t n = 1; n <= in.n; n++)
        if (http_head_end(span_of(in.p, n), &scanned, &end) == 1)
            http(span_of(in.p, end));
}

/* The same when the parser is called for each byte. */
static void http_bytewise_parse(struct span in)
{
    for (size_t n = 1; n <= in.n; n++)
        http(span_of(in.p, n));
}

static void smtp(struct span in)
{
    struct smtp_command c;
    while (in.n && smtp_command_parse(in, &c)) {
        sink += c.argument.n;
        in = span_of(in.p + c.line.n, in.n - c.line.n);
    }
}

static void mail(struct span in)
{
    static struct buf out;
    struct smtp_data s = {0};
    struct cur c = cur_of(in);
    uint64_t size = 0;
    out.n = 0;
    sink += (uint64_t)smtp_data_next(&s, &c, SIZE_MAX, &out, &size) + size;
    sink += smtp_mail_header(buf_as_span(&out), "Subject").n;
}

#define BYTES(text) span_of(text, sizeof(text) - 1)
#define QNAME                                                                                      \
    "\x0f"                                                                                         \
    "kq7hx2mvzrtwpld"                                                                              \
    "\6botnet\7example\3com\0"

int main(void)
{
    static const char checkin[] =
        "POST /index.php?topic=33.117 HTTP/1.1\r\nAccept: */*\r\nAccept-Language: en-us\r\n"
        "Referer: http://192.0.2.10\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "UA-CPU: x86\r\nContent-Encoding: gzip\r\nUser-Agent: Mozilla/4.0 (compatible; MSIE 7.0; "
        "Windows NT 5.1)\r\nHost: 192.0.2.10\r\nContent-Length: 96\r\nConnection: Keep-Alive\r\n"
        "Cache-Control: no-cache\r\n\r\n";
    static const char dialogue[] =
        "EHLO [192.0.2.77]\r\nMAIL FROM:<qwerty1234@isp.example> SIZE=2048\r\n"
        "RCPT TO:<someone@mail.example>\r\nRCPT TO:<other@mail.example>\r\nDATA\r\n";
    measure("dns query", dns, BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\0" QNAME "\0\1\0\1"), 2000000);
    measure("dns query, EDNS, ECS, cookie", dns,
            BYTES("\x12\x34\1\0\0\1\0\0\0\0\0\1" QNAME "\0\1\0\1\0\0\x29\x10\0\0\0\x80\0\0\x17"
                  "\0\x08\0\7\0\1\x18\0\xc0\0\2\0\x0a\0\x08"
                  "12345678"),
            2000000);
    measure("http GET, 1 header", http, BYTES("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
            1000000);
    measure("http check-in, 11 headers", http, BYTES(checkin), 500000);
    measure("http check-in by bytes", http_bytewise, BYTES(checkin), 20000);
    measure("  parsed at each byte", http_bytewise_parse, BYTES(checkin), 5000);
    measure("smtp dialogue, 5 commands", smtp, BYTES(dialogue), 500000);

    struct buf text = {0}, head = {0}, body = {0};
    buf_str(&text, "Received: from a by b\r\nFrom: <a@b>\r\nSubject: offer\r\n\r\n");
    while (text.n < MAIL_BYTES)
        buf_str(&text,
                "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod\r\n");
    buf_str(&text, "..stuffed\r\n.\r\n");
    measure("smtp mail", mail, buf_as_span(&text), 100000);
    buf_str(&head, "GET /");
    while (head.n < HTTP_HEAD_MAX - 4)
        buf_byte(&head, 'x');
    buf_str(&head, "\r\n\r\n");
    measure("http head of 64 KiB", http, buf_as_span(&head), 2000);
    measure("http head of 64 KiB by bytes", http_bytewise, buf_as_span(&head), 20);
    for (unsigned i = 0; i < 64; i++)
        buf_str(&body, "20\r\n0123456789abcdef0123456789abcdef\r\n");
    buf_str(&body, "0\r\n\r\n");
    measure("http body, 64 chunks", chunks, buf_as_span(&body), 50000);
    buf_free(&text);
    buf_free(&head);
    buf_free(&body);
    return sink == 0;
}
