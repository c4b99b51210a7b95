/* Abuse reports: what a network needs to get its customers clean, in the form that it takes. A
 * report goes to one abuse contact and tells of addresses in its networks: newly infected, back
 * again, and gone since. No descriptor, no clock, no state: the same report gives the same bytes.
 *
 * What it gives away is bounded on purpose: no bot ids, no recipients of spam (trap addresses are
 * replaced by "redacted"), no bodies but a spam sample's, and that redacted too. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/ip.h"

enum report_format {
    REPORT_XARF, /* XARF v4, one JSON document an address, in a multipart/report (RFC 5965's shape)
                  */
    REPORT_ARF,  /* RFC 5965, a report a row; several are messages within one mail */
    REPORT_CSV,  /* Shadowserver's columns, an attachment for each of its sinkhole reports */
    REPORT_STIX, /* a STIX 2.1 bundle of sightings, as an attachment */
    REPORT_TEXT, /* plain text alone */
    REPORT_FORMATS,
};
/* "xarf"; NULL beyond. */
const char *report_format_name(enum report_format format);
int report_format_of(struct span name); /* -1 */

enum report_what { REPORT_NEW, REPORT_RETURNING, REPORT_GONE };

struct report_row {
    enum report_what what;
    struct ip ip;
    uint16_t src_port;        /* 0: not known (of the latest contact, as all below) */
    int64_t time, first_time; /* latest and first contact, microseconds UTC */
    uint64_t contacts;        /* in all */
    uint64_t index;           /* log entry of the latest contact */
    uint32_t asn;             /* 0: unknown */
    char country[2];
    struct span as_name;
    struct net network;
    struct span family;
    struct span protocol;  /* "http" "dns" "smtp" "raw" "irc" "tls" */
    struct span transport; /* "tcp" "udp" */
    struct ip dst_ip;      /* of the sinkhole; unset: not known */
    uint16_t dst_port;
    struct span host; /* the name that the bot asked for or its Host header; may be empty */
    struct span method, target, agent;    /* HTTP; may be empty */
    struct span helo, mail_from, subject; /* SMTP: a spam was handed in; may be empty */
    uint64_t size;                        /* of the spam */
};

/* Who reports. Every text may be empty but name and mail. */
struct report_from {
    struct span org, name, mail, web, phone;
    struct span domain; /* of Message-IDs and XARF's reporter */
    struct span case_name;
    struct span page; /* where the case and the help for victims are explained */
};

struct report {
    struct span id;       /* unique: the Message-ID's left side; also the report_id's seed */
    struct span contact;  /* to whom */
    struct span language; /* "en" "de" "fr" "es" ...: what there is no text in is told in English */
    int64_t made, since, until;
    const struct report_row *rows; /* by what, then address */
    size_t n;
    uint64_t still; /* addresses that were told of before and are seen as ever: a number, no rows */
    const struct report_from *from;
    struct span log_origin; /* of the evidence log, with `index` the rows can be proved by it */
};

/* Limits: more rows than this go into several reports, each with an id of its own. */
#define REPORT_ROWS_MAX     10000
#define REPORT_ARF_ROWS_MAX 50 /* of an ARF or XARF mail, but for rows that are gone */

/* The whole message (RFC 5322, CRLF, ASCII, no line over 998 bytes), appended to out. Rows that are
 * gone are only in its text, and it is a text alone when there are no others. -EINVAL, and nothing
 * is appended, when something cannot be sent: an id, address or domain that is none by its grammar
 * (RFC 5322's dot-atoms and host names), a control character in a name, too many rows, a row
 * without an address. What bots said is never a reason: it is made fit. */
int report_mail(const struct report *r, enum report_format format, struct buf *out,
                struct err *err);
/* The machine-readable part alone: for looking at, for feeds and tests; without rows that are gone.
 * XARF: JSON Lines, a document a row, up to REPORT_ROWS_MAX; CSV: all rows under report_csv_head();
 * ARF: -ENOTSUP. */
int report_data(const struct report *r, enum report_format format, struct buf *out,
                struct err *err);
/* The text that people read, of every format the first part. UTF-8, LF. */
void report_text(const struct report *r, struct buf *out);
/* Headings of the CSV (those of event4_sinkhole_http, whose first 30 are event4_sinkhole's), and
 * one row, whatever it is: for feeds that stream. LF. */
void report_csv_head(struct buf *out);
void report_csv_row(const struct report_row *row, struct buf *out);
