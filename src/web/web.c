#include "web/web.h"
#include <errno.h>
int web_start(const struct web_setup *setup, struct web **out, struct err *err)
{
    (void)setup;
    (void)out;
    return err_set(err, -ENOSYS, "web: not yet");
}
int web_fd(const struct web *w)
{
    (void)w;
    return -1;
}
int web_wait_ms(const struct web *w, int most)
{
    (void)w;
    return most;
}
int web_run(struct web *w, struct err *err)
{
    (void)w;
    (void)err;
    return 0;
}
void web_stop(struct web *w)
{
    (void)w;
}
void web_figures(const struct web *w, struct web_figures *out)
{
    (void)w;
    *out = (struct web_figures){0};
}
struct span web_method(const struct web_request *r)
{
    (void)r;
    return span_str("GET");
}
const char *web_path(const struct web_request *r)
{
    (void)r;
    return "/";
}
const struct ip *web_client(const struct web_request *r)
{
    static const struct ip none;
    (void)r;
    return &none;
}
uint16_t web_client_port(const struct web_request *r)
{
    (void)r;
    return 0;
}
bool web_is_secure(const struct web_request *r)
{
    (void)r;
    return false;
}
#define NONE(f)                                                                                    \
    struct span f(const struct web_request *r, const char *name)                                   \
    {                                                                                              \
        (void)r;                                                                                   \
        (void)name;                                                                                \
        return (struct span){0};                                                                   \
    }
NONE(web_query)
NONE(web_header) NONE(web_cookie) NONE(web_form) struct span web_body(const struct web_request *r)
{
    (void)r;
    return (struct span){0};
}
const struct web_field *web_fields(const struct web_request *r, size_t *n)
{
    (void)r;
    *n = 0;
    return NULL;
}
void web_queries(const struct web_request *r,
                 int (*each)(void *ctx, const char *name, struct span value), void *ctx)
{
    (void)r;
    (void)each;
    (void)ctx;
}
void web_keep(struct web_request *r, void *own)
{
    (void)r;
    (void)own;
}
void *web_kept(const struct web_request *r)
{
    (void)r;
    return NULL;
}
bool web_takes_gzip(const struct web_request *r)
{
    (void)r;
    return false;
}
void web_answer(struct web *w, struct web_request *r, struct web_reply *reply)
{
    (void)w;
    (void)r;
    (void)reply;
}
