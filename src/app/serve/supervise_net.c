#include "app/serve/supervise_net.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/account/seal_key.h"
#include "net/dns_server.h"
#include "net/http_server.h"
#include "net/tls.h"

#define BACKLOG 1024 /* of web listeners: a crowd that comes at once */

/* ---- config ---- */

static int try_servers(const struct net_config *net, struct err *err)
{
    struct dns_server *dns = NULL;
    struct http_server *http = NULL;
    struct tls_server *tls = NULL;
    int rc = dns_server_new(net, &dns, err);
    if (rc == 0)
        rc = http_server_new(net, &http, err);
    if (rc == 0 && net->certificates_count)
        rc = tls_server_new(net, &tls, err);
    if (dns)
        dns_server_free(dns);
    if (http)
        http_server_free(http);
    if (tls)
        tls_server_free(tls);
    return rc;
}

int supervise_net_load(const struct config *c, const char *dir, struct net_config *out,
                       struct err *err)
{
    int rc = config_serve_net(&c->serve, dir, out, err);
    if (rc < 0)
        return rc;
    if (c->serve.sensors > SERVE_SENSORS_MAX)
        rc = err_set(err, -EINVAL, "serve.sensors: %d at most (%u)", SERVE_SENSORS_MAX,
                     c->serve.sensors);
    if (rc == 0 && getrandom(out->secret, sizeof out->secret, 0) != (ssize_t)sizeof out->secret)
        rc = err_errno(err, "getrandom");
    if (rc == 0)
        rc = seal_key_load(dir, out->seal_key, err);
    out->seal = rc == 0;
    if (rc == 0)
        rc = try_servers(out, err);
    if (rc < 0)
        config_serve_net_free(out);
    return rc;
}

/* ---- sockets ---- */

static bool same_listener(const struct net_listener *a, const struct net_listener *b)
{
    return memcmp(&a->ip, &b->ip, sizeof a->ip) == 0 && a->port == b->port && a->tcp == b->tcp &&
           a->udp == b->udp && a->transparent == b->transparent;
}

/* The old sockets of a listener like this one, for sensor i; how many. */
static unsigned take_over(const struct net_listener *l, unsigned number, unsigned sensor,
                          const struct supervise_sockets *old, const struct net_config *old_net,
                          struct sensor_socket *out)
{
    unsigned n = 0;
    for (unsigned k = 0; old && k < old->n[sensor] && n < 4; k++) {
        const struct sensor_socket *s = &old->of[sensor][k];
        if (s->listener < old_net->listeners_count &&
            same_listener(l, &old_net->listeners[s->listener])) {
            out[n] = *s;
            out[n++].listener = number;
        }
    }
    return n;
}

int supervise_sockets_bind(const struct net_config *net, unsigned sensors,
                           const struct supervise_sockets *old, const struct net_config *old_net,
                           struct supervise_sockets *out, struct err *err)
{
    int rc = 0;
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; rc == 0 && i < sensors; i++) {
        for (unsigned k = 0; rc == 0 && k < net->listeners_count; k++) {
            struct sensor_socket *to = &out->of[i][out->n[i]];
            unsigned n = take_over(&net->listeners[k], k, i, old, old_net, to);
            if (!n)
                rc = sensor_bind(&net->listeners[k], k, to, &n, err);
            out->n[i] += n;
        }
    }
    if (rc < 0) {
        struct supervise_sockets none = {0};
        supervise_sockets_close_unused(out, old ? old : &none, sensors);
    }
    return rc;
}

void supervise_sockets_close_unused(const struct supervise_sockets *old,
                                    const struct supervise_sockets *now, unsigned sensors)
{
    for (unsigned i = 0; i < sensors; i++) {
        for (unsigned k = 0; k < old->n[i]; k++) {
            bool used = false;
            for (unsigned m = 0; m < now->n[i]; m++)
                used |= now->of[i][m].fd == old->of[i][k].fd;
            if (!used)
                close(old->of[i][k].fd);
        }
    }
}

static int bind_endpoint(const char *key, const char *endpoint, int *out, struct err *err)
{
    struct ip ip;
    uint16_t port;
    const int one = 1;
    if (!config_parse_endpoint(endpoint, &ip, &port))
        return err_set(err, -EINVAL, "%s: want ADDRESS:PORT (%s)", key, endpoint);
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool v4 = ip_is_v4(&ip);
    if (v4)
        a4.sin_addr.s_addr = htonl(ip_v4(&ip));
    else
        memcpy(&a6.sin6_addr, ip.b, 16);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, "%s: socket", key);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, v4 ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6, v4 ? sizeof a4 : sizeof a6) <
            0 ||
        listen(fd, BACKLOG) < 0) {
        int rc = err_errno(err, "%s: %s", key, endpoint);
        close(fd);
        return rc;
    }
    *out = fd;
    return 0;
}

/* ---- listeners with a certificate of their own: desk, public face, partners' API ---- */

static int check_pair(const char *section, const char *certificate, const char *key,
                      struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    int rc = 0;
    if (!ctx)
        return err_set(err, -EIO, "OpenSSL does not start");
    if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
        rc = err_set(err, -EINVAL, "%scertificate: cannot be loaded (%s)", section, certificate);
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        rc = err_set(err, -EINVAL, "%skey: cannot be loaded, or is another's (%s)", section, key);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return rc;
}

static bool is_loopback(const struct ip *ip)
{
    static const struct ip v6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    return ip_is_v4(ip) ? ip_v4(ip) >> 24 == 127 : memcmp(ip, &v6, sizeof v6) == 0;
}

int supervise_web_bind(const struct config *c, int *desk, int *public, struct err *err)
{
    const struct config_web *w = &c->web;
    int rc = 0;
    if (w->desk_certificate[0])
        rc = check_pair("web.desk_", w->desk_certificate, w->desk_key, err);
    if (rc == 0 && w->public_certificate[0])
        rc = check_pair("web.public_", w->public_certificate, w->public_key, err);
    if (rc == 0 && desk && c->serve.desk[0])
        rc = bind_endpoint("serve.desk", c->serve.desk, desk, err);
    if (rc == 0 && public && w->public[0])
        rc = bind_endpoint("web.public", w->public, public, err);
    return rc;
}

int supervise_service_bind(const char *name, const char *listen, const char *certificate,
                           const char *key, int *fd, struct err *err)
{
    struct ip ip;
    uint16_t port;
    char text[64];
    int rc = 0;
    if (!listen[0])
        return 0;
    if (!certificate[0] != !key[0])
        return err_set(err, -EINVAL, "%s: certificate and key go together", name);
    if (!config_parse_endpoint(listen, &ip, &port))
        return err_set(err, -EINVAL, "%s.listen: want ADDRESS:PORT (%s)", name, listen);
    snprintf(text, sizeof text, "%s.", name);
    if (certificate[0])
        rc = check_pair(text, certificate, key, err);
    else if (!is_loopback(&ip))
        rc = err_set(err, -EINVAL, "%s.listen: without certificate and key loopback only (%s)",
                     name, listen);
    snprintf(text, sizeof text, "%s.listen", name);
    return rc == 0 && fd ? bind_endpoint(text, listen, fd, err) : rc;
}

int supervise_partners_bind(const struct config_cleanup *c, int *fd, struct err *err)
{
    return supervise_service_bind("cleanup.partners", c->partners.listen, c->partners.certificate,
                                  c->partners.key, fd, err);
}
