/* What the post needs to know of the smarthost, read while files can still be read. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/serve/courier_post_impl.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/mem.h"

#define PASSWORD_MAX  1024
#define CA_MAX        (16u << 20)
#define CA_SYSTEM     "/etc/ssl/certs/ca-certificates.crt"
#define ADDRESSES_MAX 16

/* ---- addresses ---- */

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* "host:port:address,address", as CURLOPT_RESOLVE takes it. */
static int resolve(struct smarthost *h, const char *host, uint16_t port, struct err *err)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found;
    char text[NI_MAXHOST];
    unsigned n = 0;
    int rc = getaddrinfo(host, NULL, &want, &found);
    if (rc != 0)
        return err_set(err, -EHOSTUNREACH, "cleanup.smarthost.host: %s (%s)", gai_strerror(rc),
                       host);
    h->loopback = true;
    buf_printf(&h->resolve, "%s:%u:", host, port);
    for (struct addrinfo *a = found; a && n < ADDRESSES_MAX; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        bool v6 = a->ai_family == AF_INET6;
        buf_printf(&h->resolve, "%s%s%s%s", n++ ? "," : "", v6 ? "[" : "", text, v6 ? "]" : "");
        h->loopback &= is_loopback(a->ai_addr);
    }
    freeaddrinfo(found);
    buf_byte(&h->resolve, 0);
    return n ? 0 : err_set(err, -EHOSTUNREACH, "cleanup.smarthost.host: no address (%s)", host);
}

/* ---- secrets ---- */

static int read_password(struct smarthost *h, const char *path, struct err *err)
{
    struct stat st;
    int rc = 0;
    if (stat(path, &st) < 0)
        return err_errno(err, "cleanup.smarthost.password_file: %s", path);
    if (st.st_mode & 077)
        return err_set(err, -EINVAL,
                       "cleanup.smarthost.password_file: others may read it: chmod 600 (%s)", path);
    rc = file_read(path, PASSWORD_MAX, &h->password, err);
    while (h->password.n &&
           (h->password.p[h->password.n - 1] == '\n' || h->password.p[h->password.n - 1] == '\r'))
        h->password.n--;
    if (rc == 0 && (!h->password.n || memchr(h->password.p, 0, h->password.n)))
        rc = err_set(err, -EINVAL, "cleanup.smarthost.password_file: no password in it (%s)", path);
    buf_byte(&h->password, 0);
    return rc;
}

static int read_cas(struct smarthost *h, const char *path, struct err *err)
{
    int rc = file_read(*path ? path : CA_SYSTEM, CA_MAX, &h->ca, err);
    if (rc == -ENOENT && !*path)
        return err_set(err, -ENOENT,
                       "cleanup.smarthost.ca: the system has no %s: name a file of CAs", CA_SYSTEM);
    return rc;
}

/* ---- names ---- */

static bool is_name(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-", text[i]))
            return false;
    return n > 0 && n <= 253;
}

/* Who we say we are in EHLO: the domain that reports come from, or this machine. */
static void choose_hello(struct smarthost *h, const struct config_cleanup *c)
{
    char host[256] = "";
    const char *at = strrchr(c->from.mail, '@');
    if (is_name(c->from.domain))
        snprintf(h->hello, sizeof h->hello, "%s", c->from.domain);
    else if (at && is_name(at + 1))
        snprintf(h->hello, sizeof h->hello, "%s", at + 1);
    else if (gethostname(host, sizeof host - 1) == 0 && is_name(host))
        snprintf(h->hello, sizeof h->hello, "%s", host);
    else
        snprintf(h->hello, sizeof h->hello, "localhost");
}

static int choose_url(struct smarthost *h, const struct config_cleanup *c, struct err *err)
{
    struct ip ip;
    const char *host = c->smarthost.host;
    bool literal = ip_parse(span_str(host), &ip);
    if (!literal && !is_name(host))
        return err_set(err, -EINVAL, "cleanup.smarthost.host: no name or address (%s)", host);
    bool v6 = literal && !ip_is_v4(&ip);
    h->literal = literal;
    snprintf(h->url, sizeof h->url, "%s://%s%s%s:%u/%s", h->tls == POST_TLS ? "smtps" : "smtp",
             v6 ? "[" : "", host, v6 ? "]" : "", c->smarthost.port, h->hello);
    return resolve(h, host, c->smarthost.port, err);
}

static int choose_sender(struct smarthost *h, const struct config_cleanup *c, struct err *err)
{
    const char *sender = c->smarthost.sender[0] ? c->smarthost.sender : c->from.mail;
    if (!post_can_address(span_str(sender)))
        return err_set(err, -EINVAL, "cleanup.smarthost.sender: no address (%s)", sender);
    snprintf(h->sender, sizeof h->sender, "<%s>", sender);
    return 0;
}

static int choose_login(struct smarthost *h, const struct config_cleanup *c, struct err *err)
{
    if (!c->smarthost.user[0])
        return 0;
    if (h->tls == POST_PLAIN && !h->loopback)
        return err_set(err, -EINVAL,
                       "cleanup.smarthost: a password would go in the clear: tls must be starttls "
                       "or tls where there is a user");
    snprintf(h->user, sizeof h->user, "%s", c->smarthost.user);
    return read_password(h, c->smarthost.password_file, err);
}

bool post_can_address(struct span a)
{
    const uint8_t *at = a.n ? memrchr(a.p, '@', a.n) : NULL;
    if (!at || at == a.p || at + 1 == a.p + a.n || a.n > POST_ADDRESS_MAX || a.p[0] == '-')
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (a.p[i] <= ' ' || a.p[i] >= 0x7f || strchr("<>()[]\\,;:\"", a.p[i]))
            return false;
    return memchr(a.p, '@', a.n) == at;
}

int smarthost_open(const struct config *config, struct smarthost **out, struct err *err)
{
    const struct config_cleanup *c = &config->cleanup;
    struct smarthost *h = mem_zeroed(1, sizeof *h);
    h->tls = strcmp(c->smarthost.tls, "tls") == 0    ? POST_TLS
             : strcmp(c->smarthost.tls, "none") == 0 ? POST_PLAIN
                                                     : POST_STARTTLS;
    h->port = c->smarthost.port;
    choose_hello(h, c);
    int rc = choose_url(h, c, err);
    if (rc == 0)
        rc = choose_sender(h, c, err);
    if (rc == 0)
        rc = choose_login(h, c, err);
    if (rc == 0 && h->tls != POST_PLAIN)
        rc = read_cas(h, c->smarthost.ca, err);
    if (rc < 0)
        smarthost_free(h);
    else
        *out = h;
    return rc;
}

void smarthost_free(struct smarthost *h)
{
    if (h->password.n)
        explicit_bzero(h->password.p, h->password.n);
    buf_free(&h->password);
    buf_free(&h->ca);
    buf_free(&h->resolve);
    free(h);
}
