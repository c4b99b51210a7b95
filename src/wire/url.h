/* URLs (RFC 3986, WHATWG) as found in mail, with the disguises that spammers and analysts use.
 * Nothing is ever fetched. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"

#define URL_MAX           4096 /* bytes of one; the rest is not looked at */
#define URL_REDIRECTS_MAX 3    /* one within the other */

enum url_disguise {
    URL_NO_SCHEME = 1 << 0,    /* "www.example.org/x", "example.com" */
    URL_DEFANGED = 1 << 1,     /* hxxp://, example[.]org, example(dot)org */
    URL_SPACED = 1 << 2,       /* "www . example . org", "example dot com" */
    URL_ENCODED_HOST = 1 << 3, /* %-escapes or entities in the host */
    URL_NUMBER_HOST = 1 << 4,  /* an address as one number, octal, hexadecimal */
    URL_ADDRESS = 1 << 5,      /* the host is an address */
    URL_USERINFO = 1 << 6,     /* http://www.bank.example@evil.example/ */
    URL_REDIRECT = 1 << 7,     /* taken out of another URL, which leads to it (open redirectors) */
    URL_BACKSLASH = 1 << 8,    /* \ for /, tabs or line ends inside */
    URL_ODD_DOTS = 1 << 9,     /* ideographic full stops and the like for dots */
    URL_ODD_CHARS = 1 << 10,   /* zero-width characters, direction marks in the host */
};

struct url {
    struct span text;   /* where it was found: as it stands there */
    struct span scheme; /* small letters; "http" where left out */
    struct span userinfo,
        host;      /* host: small letters, U-labels as A-labels, decoded, no final dot */
    struct ip ip;  /* when the host is an address, whatever way it was written */
    uint16_t port; /* 0: the scheme's */
    struct span path, query, fragment; /* as sent */
    uint32_t disguises;
};

/* One URL, all of the span. 0; -1 when it is none that a mail reader would follow (http, https, ftp
 * or no scheme). Results in the arena or the span. */
int url_parse(struct span text, struct arena *arena, struct url *out);
/* Finds those in running text (UTF-8), disguised ones too: at most `max`, and returns how many it
 * put there. A URL that is taken out of a redirector's follows it. Mail addresses are no URLs.
 *
 * Without a scheme a host is a link when its last label is on libpsl's list, and it begins with
 * "www." or has a path or port behind it; by itself only below a country that is no English word or
 * abbreviation ("done.it") and a few others (com, net, org, edu...: url_host.c has the lists).
 * Spaced apart ("example dot com", "www . example . com") only below com, net, org, info, biz, ru,
 * cn. */
size_t url_find(struct span text, struct arena *arena, struct url *out, size_t max);
/* The URL that this one leads to, when it is an open redirector's by its looks: an absolute URL in
 * the path ("/rd..*http://...") or in a parameter that is called url, u, q, redirect, ..., plain
 * or percent-encoded. 0; -1 when there is none. out->text is the piece of *u that held it. */
int url_redirect(const struct url *u, struct arena *arena, struct url *out);
/* The path and query with their pieces replaced by classes, appended: what stays when a campaign
 * changes names. A piece is a run of letters, digits and %-escapes: 0 for digits only, a for a
 * word, x for anything else (letters with digits, capitals in odd places, consonants without end).
 * Signs stay, of words joined by - _ or + the first two, and a usual file's ending. The host has no
 * part in it.
 *   "/rx/9f3a.php?id=123"                -> "/a/x.php?a=0"
 *   "/cheap-blue-pills-online/"          -> "/a-a/"
 *   "" and "/"                           -> "/"
 * A short random piece can be all digits or look like a word: then the shape differs. */
void url_shape(const struct url *u, struct buf *out);
