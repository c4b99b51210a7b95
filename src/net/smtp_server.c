#include "net/smtp_internal.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "net/seal.h"

static void ehlo(const struct net_limits *limits, bool tls, struct buf *out)
{
    buf_str(out, "250-PIPELINING\r\n");
    buf_printf(out, "250-SIZE %llu\r\n", (unsigned long long)limits->mail_mib << 20);
    buf_str(out, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-BINARYMIME\r\n");
    if (!tls)
        buf_str(out, "250-STARTTLS\r\n");
    buf_str(out, "250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP\r\n");
}

/* A banner goes into a reply line: what would end the line, or is no name, is refused. */
static int check_banner(const struct policy *p, struct err *err)
{
    struct span banner = span_str(p->smtp.banner);
    bool good = banner.n <= SMTP_HELO_MAX;
    for (size_t i = 0; i < banner.n; i++)
        good &= banner.p[i] > ' ' && banner.p[i] < 0x7f;
    if (!good)
        return err_set(err, -EINVAL, "policy %s: smtp banner: a host name is wanted", p->name);
    return 0;
}

/* Some keys are no point that anything can be sealed to. */
static int check_key(const struct net_config *config, struct err *err)
{
    uint8_t box[crypto_box_SEALBYTES];
    if (config->seal && crypto_box_seal(box, (const uint8_t *)"", 0, config->seal_key) != 0)
        return err_set(err, -EINVAL, "seal_key: not a public key");
    return 0;
}

int smtp_server_new(const struct net_config *config, struct smtp_server **out, struct err *err)
{
    int r = seal_init(err);
    for (unsigned i = 0; r == 0 && i < config->policies_count; i++)
        r = check_banner(&config->policies[i], err);
    if (r == 0)
        r = check_key(config, err);
    if (r < 0)
        return r;
    struct smtp_server *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(err, -ENOMEM, "smtp: no memory");
    ehlo(&config->limits, false, &s->ehlo);
    ehlo(&config->limits, true, &s->ehlo_tls);
    *out = s;
    return 0;
}

void smtp_server_free(struct smtp_server *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->spares; i++)
        buf_free(&s->spare[i]);
    buf_free(&s->ehlo);
    buf_free(&s->ehlo_tls);
    free(s);
}
