/* Reports by hand, for tests, the benchmark and for looking at. */
#pragma once

#include "base/utc.h"
#include "report/report.h"

#define SAMPLE_MADE (1796036400ll * UTC_SECOND) /* 2026-11-30T11:00:00Z */
#define SAMPLE_HOUR (3600 * UTC_SECOND)

static inline struct ip sample_ip(const char *text)
{
    struct ip ip = {{0}};
    ip_parse(span_str(text), &ip);
    return ip;
}

/* A check-in over HTTP; the tests change what they are about. */
static inline struct report_row sample_row(const char *address, int64_t hours_ago)
{
    return (struct report_row){
        .what = REPORT_NEW,
        .ip = sample_ip(address),
        .src_port = 49152,
        .time = SAMPLE_MADE - hours_ago * SAMPLE_HOUR + 123456,
        .first_time = SAMPLE_MADE - hours_ago * SAMPLE_HOUR - 30 * SAMPLE_HOUR,
        .contacts = 12,
        .index = 4711 + (uint64_t)hours_ago,
        .asn = 64500,
        .country = {'D', 'E'},
        .as_name = span_str("Example Netz AG"),
        .family = span_str("rustock"),
        .protocol = span_str("http"),
        .transport = span_str("tcp"),
        .dst_ip = sample_ip("198.51.100.7"),
        .dst_port = 80,
        .host = span_str("c2.example.org"),
        .method = span_str("POST"),
        .target = span_str("/index.php?topic=33.117&id=4f1c2d"),
        .agent = span_str("Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 5.1; SV1)"),
    };
}

static inline struct report_row sample_spam(const char *address, int64_t hours_ago)
{
    struct report_row row = sample_row(address, hours_ago);
    row.protocol = span_str("smtp");
    row.dst_port = 25;
    row.host = row.method = row.target = row.agent = span_str("");
    row.helo = span_str("dsl-17.example.net");
    row.mail_from = span_str("kyle5181@example.com");
    row.subject = span_str("Re: user@example.org \xc3\xbc"
                           "ber 80% off");
    row.size = 2345;
    return row;
}

static inline struct report_from sample_from(void)
{
    return (struct report_from){
        .org = span_str("Botnet Response Team"),
        .name = span_str("Abuse Desk"),
        .mail = span_str("abuse-reports@takedown.example.net"),
        .web = span_str("https://takedown.example.net/abuse"),
        .phone = span_str("+49 30 901820"),
        .domain = span_str("takedown.example.net"),
        .case_name = span_str("Rustock 2011"),
        .page = span_str("https://takedown.example.net/rustock"),
    };
}

static inline struct report sample_report(const struct report_from *from,
                                          const struct report_row *rows, size_t n)
{
    return (struct report){
        .id = span_str("r4711.20261130"),
        .contact = span_str("abuse@isp.example"),
        .language = span_str("en"),
        .made = SAMPLE_MADE,
        .since = SAMPLE_MADE - 7 * UTC_DAY,
        .until = SAMPLE_MADE,
        .rows = rows,
        .n = n,
        .from = from,
        .log_origin = span_str("takedown.example.net/rustock"),
    };
}
