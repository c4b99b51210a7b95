/* What a client's first bytes look like. Each test is cheap, and says yes only to what hardly
 * anything else could be; a beginning that may still become one of them is "unknown". */
#include "net/irc.h"
#include "net/raw_server.h"
#include "net/tls.h"
#include "wire/dns.h"
#include "wire/http.h"
#include "wire/smtp.h"
#include "wire/text.h"

enum { SOCKS_METHODS_MAX = 32, MQTT_HEAD = 5, TFTP_NAME_MAX = 255 };

static bool begins(struct span s, const char *bytes, size_t n)
{
    return s.n >= n && memcmp(s.p, bytes, n) == 0;
}
#define BEGINS(s, literal) begins(s, literal, sizeof(literal) - 1)

/* RFC 1928, 3; SOCKS 4 and 4A as published by their authors. */
static bool is_socks(struct span s)
{
    if (s.n >= 3 && s.p[0] == 5)
        return s.p[1] >= 1 && s.p[1] <= SOCKS_METHODS_MAX && s.n >= 2u + s.p[1] &&
               (s.n == 2u + s.p[1] || s.p[2u + s.p[1]] == 5 || s.p[2u + s.p[1]] == 1);
    return s.n >= 9 && s.p[0] == 4 && (s.p[1] == 1 || s.p[1] == 2) &&
           memchr(s.p + 8, 0, s.n - 8) != NULL;
}

/* TPKT (RFC 1006) around an X.224 connection request, as [MS-RDPBCGR] 2.2.1.1 begins. */
static bool is_rdp(struct span s)
{
    return s.n >= 11 && s.p[0] == 3 && s.p[1] == 0 && be16_get(s.p + 2) >= 11 &&
           s.p[4] == be16_get(s.p + 2) - 5 && s.p[5] == 0xe0 && be16_get(s.p + 6) == 0;
}

/* One question of a class that is in use, and no more records than a query or an answer has. */
static bool is_dns_message(struct span s)
{
    struct dns_query q;
    if (s.n < DNS_HEADER_LEN + 5 || be16_get(s.p + 4) != 1)
        return false;
    uint16_t flags = be16_get(s.p + 2), answers = be16_get(s.p + 6);
    bool opcode = (flags >> 11 & 15) <= 6;
    if (!opcode || (flags & 0x40) || (!(flags & 0x8000) && answers) ||
        dns_parse(s, &q, NULL, NULL) < 0)
        return false;
    return q.question_end && (q.qclass == 1 || q.qclass == 3 || q.qclass == 4 || q.qclass >= 254);
}

static bool is_dns(struct span s)
{
    struct cur c = cur_of(s);
    struct span message;
    return is_dns_message(s) || (dns_tcp_next(&c, &message) == 1 && is_dns_message(message));
}

/* MQTT 3.1, 3.1.1, 5.0: CONNECT, its length, the protocol's name. */
static bool is_mqtt(struct span s)
{
    if (s.n < MQTT_HEAD || s.p[0] != 0x10)
        return false;
    size_t at = 1;
    while (at < MQTT_HEAD && s.p[at] & 0x80)
        at++;
    s = text_behind(s, at + 1 < s.n ? at + 1 : s.n);
    return BEGINS(s, "\0\4MQTT") || BEGINS(s, "\0\6MQIsdp");
}

/* A NetBIOS session's frame (RFC 1002, 4.3.1) around an SMB message. */
static bool is_smb(struct span s)
{
    return s.n >= 8 && s.p[0] == 0 && s.p[1] == 0 &&
           (memcmp(s.p + 4, "\xffSMB", 4) == 0 || memcmp(s.p + 4, "\xfeSMB", 4) == 0);
}

/* SEQUENCE, version 1, 2c or 3, then a community or, in version 3, a header (RFC 1157, 3411). */
static bool is_snmp(struct span s)
{
    if (s.n < 7 || s.p[0] != 0x30)
        return false;
    size_t head = s.p[1] < 0x80 ? 2 : 2 + (s.p[1] & 0x7fu);
    if (head > 4 || s.n < head + 4)
        return false;
    size_t length = head == 2 ? s.p[1] : head == 3 ? s.p[2] : be16_get(s.p + 2);
    const uint8_t *p = s.p + head;
    return length + head == s.n && p[0] == 2 && p[1] == 1 &&
           (((p[2] == 0 || p[2] == 1) && p[3] == 4) || (p[2] == 3 && p[3] == 0x30));
}

/* A request to read or write (RFC 1350, 5). */
static bool is_tftp(struct span s)
{
    if (s.n < 6 || s.p[0] != 0 || (s.p[1] != 1 && s.p[1] != 2))
        return false;
    s = text_behind(s, 2);
    size_t name = text_find(s, 0);
    if (name == 0 || name >= s.n || name > TFTP_NAME_MAX)
        return false;
    s = text_behind(s, name + 1);
    return (text_starts(s, "octet") && s.n > 5 && s.p[5] == 0) ||
           (text_starts(s, "netascii") && s.n > 8 && s.p[8] == 0);
}

/* Two commands of telnet's option negotiation (RFC 854) one behind the other. */
static bool is_telnet(struct span s)
{
    return s.n >= 6 && s.p[0] == 0xff && s.p[1] >= 0xfb && s.p[1] <= 0xfe && s.p[2] < 64 &&
           s.p[3] == 0xff && s.p[4] >= 0xfa && s.p[4] <= 0xfe && s.p[5] < 64;
}

/* "*1\r\n$4\r\n": an array of strings. */
static bool is_redis(struct span s)
{
    size_t at = 1;
    while (at < s.n && at < 6 && s.p[at] >= '0' && s.p[at] <= '9')
        at++;
    return s.n && *s.p == '*' && at > 1 && begins(text_behind(s, at), "\r\n$", 3) && s.n > at + 3 &&
           s.p[at + 3] >= '0' && s.p[at + 3] <= '9';
}

static bool is_proxy(struct span s)
{
    return BEGINS(s, "\r\n\r\n\0\r\nQUIT\n") || BEGINS(s, "PROXY TCP4 ") ||
           BEGINS(s, "PROXY TCP6 ") || BEGINS(s, "PROXY UNKNOWN");
}

static bool is_torrent(struct span s)
{
    return BEGINS(s, "\23BitTorrent protocol") || BEGINS(s, "d1:ad2:id20:") ||
           BEGINS(s, "d1:rd2:id20:");
}

/* Requests in the manner of HTTP for something else: a word in capitals, and a target of that
 * scheme. NULL: none of them; "unknown" while it may become one. */
static const char *guess_scheme(struct span s)
{
    static const struct {
        const char *scheme, *name;
    } others[] = {{"sip:", "sip"}, {"sips:", "sip"}, {"rtsp:", "rtsp"}, {"rtsps:", "rtsp"}};
    size_t space = 0;
    while (space < s.n && space < HTTP_METHOD_MAX && s.p[space] >= 'A' && s.p[space] <= 'Z')
        space++;
    if (space == 0 || space >= s.n || s.p[space] != ' ')
        return NULL;
    struct span target = text_behind(s, space + 1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t n = strlen(others[i].scheme);
        if (text_starts(target, others[i].scheme))
            return others[i].name;
        if (target.n < n && (!target.n || memcmp(target.p, others[i].scheme, target.n) == 0))
            return "unknown";
    }
    return NULL;
}

static const char *guess_text(struct span s)
{
    int irc = irc_looks_like_client(s);
    if (irc > 0)
        return "irc";
    if (irc == 0 && (text_starts(s, "pass ") || text_starts(s, "user ") || text_starts(s, "join ")))
        return "unknown";
    if (BEGINS(s, "SSH-2.") || BEGINS(s, "SSH-1."))
        return "ssh";
    if (BEGINS(s, "M-SEARCH *"))
        return "ssdp";
    if (is_proxy(s))
        return "proxy";
    if (smtp_looks_like_client(s) && s.n > 4)
        return text_starts(s, "proxy") ? "unknown" : "smtp";
    const char *scheme = guess_scheme(s);
    if (scheme)
        return scheme;
    if (http_looks_like_request(s))
        return "http";
    return is_redis(s) ? "redis" : NULL;
}

static const char *guess_binary(struct span s)
{
    static const struct {
        bool (*is)(struct span);
        const char *name;
    } tests[] = {
        {is_socks, "socks"}, {is_rdp, "rdp"},   {is_mqtt, "mqtt"},     {is_smb, "smb"},
        {is_snmp, "snmp"},   {is_tftp, "tftp"}, {is_telnet, "telnet"}, {is_torrent, "bittorrent"},
        {is_dns, "dns"}};
    if (tls_looks_like(s) > 0)
        return "tls";
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (tests[i].is(s))
            return tests[i].name;
    return BEGINS(s, "CNXN\0\0\0") || BEGINS(s, "CNXN\1\0\0") ? "adb" : "unknown";
}

const char *raw_guess(struct span first)
{
    if (!first.n)
        return "unknown";
    const char *text = guess_text(first);
    return text ? text : guess_binary(first);
}
