#include "app/config_serve.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define TEXT_MAX         4096
#define BODY_MAX         (256u << 10)
#define PAGE_MAX         (256u << 10)
#define PEM_MAX          (256u << 10)
#define RECORDS_MAX      4096
#define POLICIES_MAX     1024
#define CERTIFICATES_MAX 1024

#define OPT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | OPT, type, member, 0, TEXT_MAX)
#define LONG_TEXT(key, type, member)                                                               \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | OPT, type, member, 0, BODY_MAX)
#define ENUM(key, type, member, words)                                                             \
    CYAML_FIELD_ENUM(key, OPT, type, member, words, CYAML_ARRAY_LEN(words))
#define LIST(key, type, member, entry, max)                                                        \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | OPT, type, member, entry, 0, max)
#define FLAG(key, type, member) CYAML_FIELD_BOOL(key, OPT, type, member)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX)};

static const cyaml_strval_t protocols[] = {
    {"dns", NET_DNS}, {"http", NET_HTTP}, {"smtp", NET_SMTP}, {"raw", NET_RAW}, {"any", NET_ANY}};

static const cyaml_schema_field_t listener_fields[] = {
    CYAML_FIELD_ENUM("protocol", CYAML_FLAG_STRICT, struct config_listener, protocol, protocols,
                     CYAML_ARRAY_LEN(protocols)),
    TEXT("address", struct config_listener, address),
    CYAML_FIELD_UINT("port", CYAML_FLAG_DEFAULT, struct config_listener, port),
    TEXT("transport", struct config_listener, transport),
    FLAG("tls", struct config_listener, tls),
    FLAG("proxy", struct config_listener, proxy),
    FLAG("transparent", struct config_listener, transparent),
    CYAML_FIELD_END};
static const cyaml_schema_value_t listener_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_listener, listener_fields)};

/* ---- policies ---- */

static const cyaml_strval_t http_answers[] = {{"empty", POLICY_HTTP_EMPTY},
                                              {"body", POLICY_HTTP_BODY},
                                              {"404", POLICY_HTTP_404},
                                              {"close", POLICY_HTTP_CLOSE}};
static const cyaml_strval_t http_pages[] = {{"browsers", POLICY_PAGE_BROWSERS},
                                            {"always", POLICY_PAGE_ALWAYS},
                                            {"never", POLICY_PAGE_NEVER}};
static const cyaml_strval_t smtp_answers[] = {{"accept", POLICY_SMTP_ACCEPT},
                                              {"accept-then-450", POLICY_SMTP_ACCEPT_450},
                                              {"reject", POLICY_SMTP_REJECT},
                                              {"tarpit", POLICY_SMTP_TARPIT}};
static const cyaml_strval_t raw_answers[] = {
    {"silent", POLICY_RAW_SILENT}, {"banner", POLICY_RAW_BANNER}, {"irc", POLICY_RAW_IRC}};

static const cyaml_schema_field_t dns_fields[] = {
    CYAML_FIELD_UINT("ttl", OPT, struct policy_dns, ttl),
    LIST("records", struct policy_dns, records, &text_value, RECORDS_MAX), CYAML_FIELD_END};
static const cyaml_schema_field_t http_fields[] = {
    ENUM("answer", struct policy_http_part, answer, http_answers),
    LONG_TEXT("body", struct policy_http_part, body),
    TEXT("content_type", struct policy_http_part, content_type),
    ENUM("page", struct policy_http_part, page, http_pages), CYAML_FIELD_END};
static const cyaml_schema_field_t smtp_fields[] = {
    ENUM("answer", struct policy_smtp_part, answer, smtp_answers),
    TEXT("banner", struct policy_smtp_part, banner),
    CYAML_FIELD_UINT("delay_ms", OPT, struct policy_smtp_part, delay_ms), CYAML_FIELD_END};
static const cyaml_schema_field_t raw_fields[] = {
    ENUM("answer", struct policy_raw_part, answer, raw_answers),
    TEXT("banner", struct policy_raw_part, banner), CYAML_FIELD_END};
static const cyaml_schema_field_t policy_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct policy, name, 1, 64),
    CYAML_FIELD_MAPPING("dns", OPT, struct policy, dns, dns_fields),
    CYAML_FIELD_MAPPING("http", OPT, struct policy, http, http_fields),
    CYAML_FIELD_MAPPING("smtp", OPT, struct policy, smtp, smtp_fields),
    CYAML_FIELD_MAPPING("raw", OPT, struct policy, raw, raw_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t policy_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct policy, policy_fields)};

/* ---- the section ---- */

static const cyaml_schema_field_t page_fields[] = {
    CYAML_FIELD_STRING_PTR("language", CYAML_FLAG_POINTER, struct config_page, language, 1, 35),
    CYAML_FIELD_STRING_PTR("file", CYAML_FLAG_POINTER, struct config_page, file, 1, TEXT_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t page_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_page, page_fields)};
static const cyaml_schema_field_t certificate_fields[] = {
    CYAML_FIELD_STRING_PTR("chain", CYAML_FLAG_POINTER, struct config_certificate, chain, 1,
                           TEXT_MAX),
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, struct config_certificate, key, 1, TEXT_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t certificate_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_certificate, certificate_fields)};
static const cyaml_schema_field_t limit_fields[] = {
#define LIMIT(name, fallback, least, most, about)                                                  \
    CYAML_FIELD_UINT_PTR(#name, CYAML_FLAG_POINTER | OPT, struct config_limits, name),
#include "net/limits.def"
    CYAML_FIELD_END};

const cyaml_schema_field_t config_serve_fields[] = {
    TEXT("user", struct config_serve, user),
    CYAML_FIELD_UINT("sensors", OPT, struct config_serve, sensors),
    TEXT("sensor", struct config_serve, sensor),
    TEXT("operator", struct config_serve, operator_name),
    TEXT("help_url", struct config_serve, help_url),
    TEXT("nsid", struct config_serve, nsid),
    TEXT("desk", struct config_serve, desk),
    LIST("listen", struct config_serve, listen, &listener_value, NET_LISTENERS_MAX),
    LIST("balancers", struct config_serve, balancers, &text_value, NET_BALANCERS_MAX),
    LIST("policies", struct config_serve, policies, &policy_value, POLICIES_MAX),
    LIST("pages", struct config_serve, pages, &page_value, NET_PAGES_MAX),
    LIST("certificates", struct config_serve, certificates, &certificate_value, CERTIFICATES_MAX),
    CYAML_FIELD_MAPPING("limits", OPT, struct config_serve, limits, limit_fields),
    CYAML_FIELD_END};

/* ---- defaults ---- */

/* libcyaml frees with free(), so what is filled in comes from malloc too. */
static void or_text(char **text, const char *fallback)
{
    if (!*text && !(*text = strdup(fallback)))
        abort();
}

static void default_policy(struct policy *p)
{
    or_text(&p->http.body, "");
    or_text(&p->http.content_type, "text/plain; charset=utf-8");
    or_text(&p->smtp.banner, "");
    or_text(&p->raw.banner, "");
    if (!p->dns.ttl)
        p->dns.ttl = 300;
}

/* There is always one of that name. */
static void add_default_policy(struct config_serve *c)
{
    for (unsigned i = 0; i < c->policies_count; i++)
        if (strcmp(c->policies[i].name, POLICY_DEFAULT) == 0)
            return;
    c->policies = realloc(c->policies, (c->policies_count + 1) * sizeof *c->policies);
    if (!c->policies)
        abort();
    struct policy *p = &c->policies[c->policies_count++];
    memset(p, 0, sizeof *p);
    or_text(&p->name, POLICY_DEFAULT);
}

void config_serve_defaults(struct config_serve *c)
{
    or_text(&c->user, "");
    or_text(&c->sensor, "sinkhole");
    or_text(&c->operator_name, "");
    or_text(&c->help_url, "");
    or_text(&c->nsid, "");
    or_text(&c->desk, "");
    for (unsigned i = 0; i < c->listen_count; i++) {
        or_text(&c->listen[i].address, "");
        or_text(&c->listen[i].transport, "");
    }
    add_default_policy(c);
    for (unsigned i = 0; i < c->policies_count; i++)
        default_policy(&c->policies[i]);
    if (!c->sensors) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        c->sensors = cores > 0 ? (uint32_t)cores : 1;
    }
}

/* ---- the network side's view ---- */

bool config_parse_endpoint(const char *text, struct ip *ip, uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return false;
    struct span host = span_of(text, (size_t)(colon - text));
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = span_of(host.p + 1, host.n - 2);
    char *end;
    unsigned long number = strtoul(colon + 1, &end, 10);
    if (!colon[1] || *end || number > 65535 || !ip_parse(host, ip))
        return false;
    *port = (uint16_t)number;
    return true;
}

static int take_listener(const struct config_listener *from, unsigned i, struct net_listener *to,
                         struct err *err)
{
    const char *transport = from->transport;
    bool stream = from->protocol == NET_HTTP || from->protocol == NET_SMTP || from->tls;
    memset(to, 0, sizeof *to);
    to->protocol = from->protocol;
    to->port = from->port;
    to->tls = from->tls;
    to->proxy = from->proxy;
    to->transparent = from->transparent;
    if (from->address[0] && strcmp(from->address, "*") != 0 &&
        !ip_parse(span_str(from->address), &to->ip))
        return err_set(err, -EINVAL, "serve.listen[%u].address: not an address (%s)", i,
                       from->address);
    if (!transport[0])
        transport = stream ? "tcp" : "both";
    to->tcp = strcmp(transport, "tcp") == 0 || strcmp(transport, "both") == 0;
    to->udp = strcmp(transport, "udp") == 0 || strcmp(transport, "both") == 0;
    if (!to->tcp && !to->udp)
        return err_set(err, -EINVAL, "serve.listen[%u].transport: want tcp, udp or both (%s)", i,
                       transport);
    if (to->udp && stream)
        return err_set(err, -EINVAL, "serve.listen[%u].transport: that protocol has TCP only (%s)",
                       i, transport);
    return 0;
}

static int take_limits(const struct config_limits *from, struct net_limits *to, struct err *err)
{
#define LIMIT(name, fallback, least, most, about)                                                  \
    to->name = from->name ? *from->name : (uint32_t)(fallback);                                    \
    if (to->name > (most) || to->name + 1u < (least) + 1u)                                         \
        return err_set(err, -EINVAL, "serve.limits.%s: must be %u to %u (%u)", #name,              \
                       (unsigned)(least), (unsigned)(most), to->name);
#include "net/limits.def"
    return 0;
}

/* A file that the config names, as a text. */
static int take_file(const char *dir, const char *name, size_t max, char **out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = name[0] == '/' ? file_path(path, err, "%s", name)
                            : file_path(path, err, "%s/%s", dir, name);
    if (rc == 0)
        rc = file_read(path, max, &text, err);
    buf_byte(&text, 0);
    if (rc < 0)
        buf_free(&text);
    *out = (char *)text.p;
    return rc;
}

static int take_balancers(const struct config_serve *c, struct net_config *out, struct err *err)
{
    out->balancers = mem_zeroed(c->balancers_count, sizeof *out->balancers);
    for (unsigned i = 0; i < c->balancers_count; i++) {
        if (!net_parse_any(span_str(c->balancers[i]), &out->balancers[i]))
            return err_set(err, -EINVAL, "serve.balancers[%u]: not an address or network (%s)", i,
                           c->balancers[i]);
        out->balancers_count++;
    }
    return 0;
}

static int take_files(const struct config_serve *c, const char *dir, struct net_config *out,
                      struct err *err)
{
    int rc = 0;
    out->pages = mem_zeroed(c->pages_count, sizeof *out->pages);
    out->certificates = mem_zeroed(c->certificates_count, sizeof *out->certificates);
    for (unsigned i = 0; rc == 0 && i < c->pages_count; i++) {
        out->pages[i].language = c->pages[i].language;
        rc = take_file(dir, c->pages[i].file, PAGE_MAX, &out->pages[i].html, err);
        out->pages_count++;
    }
    for (unsigned i = 0; rc == 0 && i < c->certificates_count; i++) {
        struct net_certificate *to = &out->certificates[i];
        rc = take_file(dir, c->certificates[i].chain, PEM_MAX, &to->chain, err);
        if (rc == 0)
            rc = take_file(dir, c->certificates[i].key, PEM_MAX, &to->key, err);
        out->certificates_count++;
    }
    return rc;
}

int config_serve_net(const struct config_serve *c, const char *dir, struct net_config *out,
                     struct err *err)
{
    memset(out, 0, sizeof *out);
    out->policies = c->policies;
    out->policies_count = c->policies_count;
    out->operator_name = c->operator_name;
    out->help_url = c->help_url;
    out->nsid = c->nsid;
    out->listeners = mem_zeroed(c->listen_count, sizeof *out->listeners);
    int rc = take_limits(&c->limits, &out->limits, err);
    for (unsigned i = 0; rc == 0 && i < c->listen_count; i++)
        rc = take_listener(&c->listen[i], i, &out->listeners[out->listeners_count++], err);
    if (rc == 0)
        rc = take_balancers(c, out, err);
    if (rc == 0)
        rc = take_files(c, dir, out, err);
    if (rc < 0)
        config_serve_net_free(out);
    return rc;
}

void config_serve_net_free(struct net_config *n)
{
    for (unsigned i = 0; i < n->pages_count; i++)
        free(n->pages[i].html);
    for (unsigned i = 0; i < n->certificates_count; i++) {
        free(n->certificates[i].chain);
        free(n->certificates[i].key);
    }
    free(n->pages);
    free(n->certificates);
    free(n->listeners);
    free(n->balancers);
    memset(n, 0, sizeof *n);
}

/* ---- as `ebb init` writes it ---- */

void config_serve_write(struct buf *out)
{
    buf_str(
        out,
        "\n# The sinkhole, `ebb serve`. It answers only for what is under an order in force\n"
        "# (`ebb case order add`, `ebb case asset add`); all else is refused and counted.\n"
        "serve:\n"
        "  # Whom to become when started by root; \"\": stay, without any privilege.\n"
        "  user: \"\"\n"
        "  # Processes that face the network; 0: one a core.\n"
        "  sensors: 0\n"
        "  # This sinkhole's name on the log.\n"
        "  sensor: \"sinkhole\"\n"
        "  # Who runs it and where victims get help, for the page that browsers are shown.\n"
        "  operator: \"\"\n  help_url: \"\"\n"
        "  # What NSID (RFC 5001) answers; \"\": nothing.\n"
        "  nsid: \"\"\n"
        "  # Metrics and health, for your own network only; \"\": none.\n"
        "  desk: \"127.0.0.1:9180\"\n"
        "  # protocol: dns http smtp raw any (any: by the first bytes). address: \"\" is every "
        "one.\n"
        "  # transport: tcp udp both. tls: every connection begins with TLS (http and any\n"
        "  # recognise TLS by themselves). proxy: behind a balancer with the PROXY protocol.\n"
        "  # transparent: for nftables TPROXY.\n"
        "  listen:\n"
        "    - {protocol: dns, address: \"127.0.0.1\", port: 5300}\n"
        "    - {protocol: http, address: \"127.0.0.1\", port: 8080}\n"
        "    - {protocol: smtp, address: \"127.0.0.1\", port: 2525}\n"
        "    - {protocol: any, address: \"127.0.0.1\", port: 6667, transport: tcp}\n"
        "  # Who may speak PROXY to us.\n"
        "  balancers: []\n"
        "  # What is answered; an asset names its policy, \"default\" is for those that do not.\n"
        "  # http.answer: empty body 404 close; http.page: browsers always never.\n"
        "  # smtp.answer: accept accept-then-450 reject tarpit. raw.answer: silent banner irc.\n"
        "  policies:\n"
        "    - name: default\n"
        "      dns: {ttl: 300, records: [\"* A 127.0.0.1\", \"@ MX 10 mx\"]}\n"
        "      http: {answer: empty, page: browsers}\n"
        "      smtp: {answer: accept}\n"
        "      raw: {answer: silent}\n"
        "  # Pages in other languages (- {language: de, file: page-de.html}), and certificates\n"
        "  # (- {chain: a.pem, key: a.key}); other names get one made on first use.\n"
        "  pages: []\n  certificates: []\n"
        "  # Limits. Those below are the defaults; to set some, take the braces and their\n"
        "  # first # away.\n"
        "  limits: {}\n");
#define LIMIT(name, fallback, least, most, about)                                                  \
    buf_printf(out, "  #  %s: %-*u # %s\n", #name, 26 - (int)sizeof #name, (unsigned)(fallback),   \
               about);
#include "net/limits.def"
}
