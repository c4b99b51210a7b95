#include "app/config_mail.h"

#include <errno.h>
#include <stdlib.h>

#include "app/config.h"
#include "base/mem.h"

#define RELAYS_MAX 4096
#define STRIP_MAX  127 /* with the NULL behind it what the reading of mail takes */
#define HOST_MAX   255
#define HEADER_MAX 128

#define OPT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)

static const cyaml_schema_value_t host_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, HOST_MAX)};
static const cyaml_schema_value_t header_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, HEADER_MAX)};

const cyaml_schema_field_t config_mail_fields[] = {
    CYAML_FIELD_SEQUENCE("trusted_relays", CYAML_FLAG_POINTER | OPT, struct config_mail,
                         trusted_relays, &host_value, 0, RELAYS_MAX),
    CYAML_FIELD_BOOL("sensor_by_host", OPT, struct config_mail, sensor_by_host),
    CYAML_FIELD_SEQUENCE("strip_headers", CYAML_FLAG_POINTER | OPT, struct config_mail,
                         strip_headers, &header_value, 0, STRIP_MAX),
    CYAML_FIELD_END};

/* What receiving sides add: delivery, mailbox programs, filters. Each line is one of ebb.yaml's,
 * too. */
static const char *const strip_defaults[] = {
    /* delivery */
    "Return-Path", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-*", "X-Received",
    "Received-SPF", "Authentication-Results", "X-MIME-Autoconverted", "X-Greylist",
    /* mailboxes and readers */
    "Status", "X-Status", "X-Keywords", "X-UID", "X-UIDL", "X-IMAP*", "Content-Length", "Lines",
    "X-Mozilla-*", "X-Evolution*", "X-Gmail-Labels", "X-GM-*",
    /* filters */
    "X-Miltered", "X-j-chkmail-*", "X-UUID", "X-Virus-*", "X-Spam-*", "X-Rspamd-*", "X-Amavis-*",
    "X-Bogosity", "X-Scanned-By", "X-MS-Exchange-Organization-*", NULL};

static bool is_host(struct span s)
{
    if (s.n > 2 && s.p[0] == '*' && s.p[1] == '.')
        s = span_of(s.p + 2, s.n - 2);
    bool letter = false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i] | 0x20;
        bool alpha = (uint8_t)(c - 'a') < 26;
        if (!alpha && (uint8_t)(s.p[i] - '0') >= 10 && s.p[i] != '-' && s.p[i] != '.' &&
            s.p[i] != '_')
            return false;
        letter |= alpha; /* what has none is an address gone wrong */
    }
    return letter;
}

static int take_relays(struct config_mail *c, struct err *err)
{
    struct received_trust *t = &c->import.trust;
    c->nets = mem_zeroed(c->trusted_relays_count, sizeof *c->nets);
    c->hosts = mem_zeroed(c->trusted_relays_count, sizeof *c->hosts);
    t->net = c->nets;
    t->host = c->hosts;
    for (unsigned i = 0; i < c->trusted_relays_count; i++) {
        struct span text = span_str(c->trusted_relays[i]);
        if (net_parse_any(text, &c->nets[t->nets]))
            t->nets++;
        else if (is_host(text))
            c->hosts[t->hosts++] = text;
        else
            return err_set(err, -EINVAL,
                           "mail.trusted_relays[%u]: no address, network or host name (%s)", i,
                           c->trusted_relays[i]);
    }
    return 0;
}

/* RFC 5322, 2.2: printable ASCII without the colon. */
static bool is_header_pattern(const char *s)
{
    size_t i = 0;
    for (; s[i]; i++)
        if (s[i] <= ' ' || s[i] > '~' || s[i] == ':' || (s[i] == '*' && (s[i + 1] || i == 0)))
            return false;
    return i > 0;
}

static int take_strip(struct config_mail *c, struct err *err)
{
    c->strip = mem_zeroed(c->strip_headers_count + 1, sizeof *c->strip);
    for (unsigned i = 0, n = 0; i < c->strip_headers_count; i++) {
        if (!c->strip_headers[i][0])
            continue; /* [""] is a list of none: libcyaml cannot tell [] from a key that is not
                         there */
        if (!is_header_pattern(c->strip_headers[i]))
            return err_set(err, -EINVAL,
                           "mail.strip_headers[%u]: no header's name, with a * at its end or "
                           "without (%s)",
                           i, c->strip_headers[i]);
        c->strip[n++] = c->strip_headers[i];
    }
    return 0;
}

int config_mail_check(struct config_mail *c, struct err *err)
{
    c->import.sensor_by_host = c->sensor_by_host;
    int rc = take_relays(c, err);
    if (rc == 0 && c->strip_headers)
        rc = take_strip(c, err);
    return rc;
}

void config_mail_free(struct config_mail *c)
{
    free(c->nets);
    free(c->hosts);
    free(c->strip);
    c->nets = NULL;
    c->hosts = NULL;
    c->strip = NULL;
}

const char *const *config_mail_strip(const struct config *c)
{
    return c->mail.strip ? c->mail.strip : strip_defaults;
}

void config_mail_write(struct buf *out)
{
    enum { WIDTH = 96 };
    buf_str(out,
            "\n# Mail from files (mbox, eml, Maildir, tar), and what was done to it on its way to "
            "you.\n"
            "mail:\n"
            "  # Relays of yours: addresses, networks, host names (\"*.example.org\": all below). "
            "The\n"
            "  # newest Received header that came from anybody else says who sent the mail and "
            "when;\n"
            "  # those below it are not believed. []: the topmost counts.\n"
            "  trusted_relays: []\n"
            "  # Take the host that wrote that header as the sensor.\n"
            "  sensor_by_host: false\n"
            "  # Headers that your side added. They stay in the mail, and are left out when it is\n"
            "  # read. A * at the end stands for any rest; [\"\"] leaves none out.\n"
            "  strip_headers: [");
    size_t column = 18;
    for (size_t i = 0; strip_defaults[i]; i++) {
        size_t n = strlen(strip_defaults[i]) + 4;
        if (column + n > WIDTH) {
            out->n--; /* no space at a line's end */
            buf_str(out, "\n    ");
            column = 4;
        }
        buf_printf(out, "\"%s\"%s", strip_defaults[i], strip_defaults[i + 1] ? ", " : "]\n");
        column += n;
    }
}
