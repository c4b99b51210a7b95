#include "app/web_server.h"

#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool web_server_read(const char *url, struct web_server *s)
{
    char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    s->https = ok && strcmp(scheme, "https") == 0;
    s->user = ok && curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;
    ok = ok && (s->https || strcmp(scheme, "http") == 0) && strlen(host) < sizeof s->host;
    if (ok) {
        size_t n = strlen(host);
        bool brackets = n > 2 && host[0] == '[';
        snprintf(s->host, sizeof s->host, "%.*s", (int)(brackets ? n - 2 : n), host + brackets);
        s->port = (uint16_t)atoi(port);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    curl_url_cleanup(u);
    return ok;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    return a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

int web_server_look_up(struct web_server *s, const char *key, struct err *err)
{
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found;
    char text[NI_MAXHOST];
    int rc = getaddrinfo(s->host, NULL, &want, &found);
    if (rc != 0)
        return err_set(err, -EHOSTUNREACH, "%s: %s (%s)", key, gai_strerror(rc), s->host);
    s->loopback = true;
    buf_printf(&s->resolve, "%s:%u:", s->host, s->port);
    for (struct addrinfo *a = found; a && s->n < WEB_SERVER_ADDRESSES_MAX; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
            continue;
        bool v6 = a->ai_family == AF_INET6;
        buf_printf(&s->resolve, "%s%s%s%s", s->n ? "," : "", v6 ? "[" : "", text, v6 ? "]" : "");
        memcpy(&s->addresses[s->n++], a->ai_addr, a->ai_addrlen);
        s->loopback &= is_loopback(a->ai_addr);
    }
    freeaddrinfo(found);
    buf_byte(&s->resolve, 0);
    return s->n ? 0 : err_set(err, -EHOSTUNREACH, "%s: no address (%s)", key, s->host);
}

void web_server_free(struct web_server *s)
{
    buf_free(&s->resolve);
}

static bool same_address(const struct sockaddr *x, const struct sockaddr_storage *y)
{
    if (x->sa_family != y->ss_family)
        return false;
    if (x->sa_family == AF_INET)
        return ((const struct sockaddr_in *)x)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)y)->sin_addr.s_addr;
    return x->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)x)->sin6_addr,
                  &((const struct sockaddr_in6 *)y)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static uint16_t port_of(const struct sockaddr *a)
{
    return ntohs(a->sa_family == AF_INET ? ((const struct sockaddr_in *)a)->sin_port
                                         : ((const struct sockaddr_in6 *)a)->sin6_port);
}

bool web_server_is_at(const struct web_server *s, const struct sockaddr *a)
{
    for (unsigned i = 0; i < s->n; i++)
        if (same_address(a, &s->addresses[i]) && port_of(a) == s->port)
            return true;
    return false;
}
