#include "app/config_web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utc.h"

#define TEXT_MAX_BYTES  1024
#define PROXIES_MAX     64
#define LANGUAGES_MAX   16
#define HELP_MAX        512
#define ROUND_MAX       1000000
#define SESSION_MAX_MIN (24 * 60)
#define RELEASE_MINIMUM 10
#define SESSION_MINUTES 60

#define OPT                       (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define TEXT(key, type, member)   CYAML_FIELD_STRING_PTR(key, OPT, type, member, 0, TEXT_MAX_BYTES)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX_BYTES)};

static const cyaml_schema_field_t help_fields[] = {
    TEXT("country", struct config_help, country), TEXT("name", struct config_help, name),
    TEXT("url", struct config_help, url), TEXT("phone", struct config_help, phone),
    CYAML_FIELD_END};
static const cyaml_schema_value_t help_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_help, help_fields)};

const cyaml_schema_field_t config_web_fields[] = {
    TEXT("public", struct config_web, public),
    CYAML_FIELD_BOOL("public_proxy", CYAML_FLAG_OPTIONAL, struct config_web, public_proxy),
    TEXT("public_certificate", struct config_web, public_certificate),
    TEXT("public_key", struct config_web, public_key),
    TEXT("public_url", struct config_web, public_url),
    TEXT("onion", struct config_web, onion),
    TEXT("desk_url", struct config_web, desk_url),
    TEXT("desk_certificate", struct config_web, desk_certificate),
    TEXT("desk_key", struct config_web, desk_key),
    CYAML_FIELD_SEQUENCE("proxies", OPT, struct config_web, proxies, &text_value, 0, PROXIES_MAX),
    CYAML_FIELD_SEQUENCE("languages", OPT, struct config_web, languages, &text_value, 0,
                         LANGUAGES_MAX),
    CYAML_FIELD_SEQUENCE("help", OPT, struct config_web, help, &help_value, 0, HELP_MAX),
    TEXT("takedown", struct config_web, takedown),
    NUMBER("release_minimum", struct config_web, release_minimum),
    NUMBER("release_round", struct config_web, release_round),
    NUMBER("session_minutes", struct config_web, session_minutes),
    CYAML_FIELD_END};

static void or_empty(char **text)
{
    if (!*text && !(*text = strdup("")))
        abort();
}

/* "https://host" or "http://host", with a port or not: an origin, no path behind it. */
static bool is_origin(const char *text)
{
    const char *rest = strncmp(text, "https://", 8) == 0  ? text + 8
                       : strncmp(text, "http://", 7) == 0 ? text + 7
                                                          : NULL;
    return rest && *rest && !strpbrk(rest, "/?#@ \"<>\\");
}

static int check_urls(struct config_web *c, struct err *err)
{
    const struct {
        const char *key, *value;
    } urls[] = {{"public_url", c->public_url}, {"onion", c->onion}, {"desk_url", c->desk_url}};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        if (urls[i].value[0] && !is_origin(urls[i].value))
            return err_set(err, -EINVAL,
                           "web.%s: wants http:// or https:// and a host, no path (%s)",
                           urls[i].key, urls[i].value);
    if (!c->public_certificate[0] != !c->public_key[0])
        return err_set(err, -EINVAL, "web: public_certificate and public_key go together");
    if (!c->desk_certificate[0] != !c->desk_key[0])
        return err_set(err, -EINVAL, "web: desk_certificate and desk_key go together");
    return 0;
}

static int check_proxies(struct config_web *c, struct err *err)
{
    c->proxy_nets = mem_zeroed(c->proxies_count + 1, sizeof *c->proxy_nets);
    for (unsigned i = 0; i < c->proxies_count; i++)
        if (!net_parse_any(span_str(c->proxies[i]), &c->proxy_nets[i]))
            return err_set(err, -EINVAL, "web.proxies: not an address or network (%s)",
                           c->proxies[i]);
    if (c->public_proxy && !c->proxies_count)
        return err_set(err, -EINVAL,
                       "web.public_proxy: wants web.proxies: who may send the header");
    return 0;
}

static void default_languages(struct config_web *c)
{
    static const char *const usual[] = {"en", "ru", "ar"};
    size_t n = c->languages_count ? c->languages_count : sizeof usual / sizeof *usual;
    c->language_list = mem_zeroed(n + 1, sizeof *c->language_list);
    for (size_t i = 0; i < n; i++) {
        c->language_list[i] = strdup(c->languages_count ? c->languages[i] : usual[i]);
        if (!c->language_list[i])
            abort();
    }
}

static int check_help(struct config_web *c, struct err *err)
{
    for (unsigned i = 0; i < c->help_count; i++) {
        struct config_help *h = &c->help[i];
        or_empty(&h->country);
        or_empty(&h->name);
        or_empty(&h->url);
        or_empty(&h->phone);
        if (h->country[0] && strlen(h->country) != 2)
            return err_set(err, -EINVAL, "web.help[%u].country: two letters (%s)", i, h->country);
        if (!h->name[0])
            return err_set(err, -EINVAL, "web.help[%u].name: empty", i);
        if (h->url[0] && strncmp(h->url, "https://", 8) != 0 && strncmp(h->url, "http://", 7) != 0)
            return err_set(err, -EINVAL, "web.help[%u].url: wants https:// (%s)", i, h->url);
    }
    return 0;
}

static int check_numbers(struct config_web *c, struct err *err)
{
    if (!c->release_minimum)
        c->release_minimum = RELEASE_MINIMUM;
    if (!c->release_round)
        c->release_round = c->release_minimum;
    if (!c->session_minutes)
        c->session_minutes = SESSION_MINUTES;
    if (c->release_minimum > ROUND_MAX || c->release_round > ROUND_MAX)
        return err_set(err, -EINVAL, "web: release_minimum and release_round: %d at most",
                       ROUND_MAX);
    if (c->session_minutes > SESSION_MAX_MIN)
        return err_set(err, -EINVAL, "web.session_minutes: %d at most", SESSION_MAX_MIN);
    c->takedown_time = INT64_MIN;
    if (c->takedown[0] && !utc_parse(span_str(c->takedown), &c->takedown_time))
        return err_set(err, -EINVAL, "web.takedown: not an RFC 3339 date (%s)", c->takedown);
    return 0;
}

int config_web_check(struct config_web *c, struct err *err)
{
    char **texts[] = {&c->public,  &c->public_certificate, &c->public_key,       &c->public_url,
                      &c->onion,   &c->desk_url,           &c->desk_certificate, &c->desk_key,
                      &c->takedown};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        or_empty(texts[i]);
    default_languages(c);
    int rc = check_proxies(c, err);
    if (rc == 0)
        rc = check_urls(c, err);
    if (rc == 0)
        rc = check_help(c, err);
    return rc == 0 ? check_numbers(c, err) : rc;
}

void config_web_free(struct config_web *c)
{
    free(c->proxy_nets);
    for (char **l = c->language_list; l && *l; l++)
        free(*l);
    free(c->language_list);
}

void config_web_write(struct buf *out)
{
    buf_str(
        out,
        "\n# What people see: the public face (doc/public.md) and the desk (doc/desk.md; its "
        "listener\n"
        "# is serve.desk). \"\" turns the public face off.\n"
        "web:\n"
        "  public: \"\"               # \"0.0.0.0:8443\"\n"
        "  public_proxy: false      # connections begin with a PROXY header of one of `proxies`\n"
        "  public_certificate: \"\"   # PEM files; \"\": plain HTTP, for behind a proxy\n"
        "  public_key: \"\"\n"
        "  public_url: \"\"           # \"https://takedown.example\": permanent addresses begin "
        "with it\n"
        "  onion: \"\"                # \"http://....onion\", where an onion service leads here\n"
        "  desk_url: \"\"             # \"https://desk.example\": what the browser shows; passkeys "
        "are for it\n"
        "  desk_certificate: \"\"\n"
        "  desk_key: \"\"\n"
        "  # proxies: [\"192.0.2.1\"]  # reverse proxies and balancers whose word on addresses "
        "counts\n"
        "  # languages: [en, ru, ar]\n"
        "  # help:                  # whom people can call\n"
        "  #   - {country: DE, name: \"CERT-Bund\", url: \"https://www.bsi.bund.de/\", phone: "
        "\"\"}\n"
        "  takedown: \"\"             # \"2011-03-16\": figures are told from this day on\n"
        "  release_minimum: 10      # published counts below this are suppressed\n"
        "  release_round: 10        # and the others are multiples of this\n"
        "  session_minutes: 60      # of the desk, without a request\n");
}
