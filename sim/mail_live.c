#include "sim/mail_live.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sim/live_socket.h"
#include "wire/proxy.h"

#define WINDOW    64 /* deliveries under way */
#define STEPS_MAX 12
#define LIFE_MS   20000
#define READ_MAX  4096
#define FIRST_LOOPBACK                                                                             \
    0x7f010000u /* 127.1.0.0: the ones below are left to others on the machine                     \
                 */
#define LOOPBACKS  (0x7ffffff0u - FIRST_LOOPBACK)
#define CARRIERS   0x7f000100u /* 127.0.1.0 and on: whence the balancer's connections come */
#define CARRIERS_N 4096u
#define SENSOR     0xc0000219u /* 192.0.2.25 (documentation): whom PROXY headers name */

/* What is sent at once, and the replies that it waits for. */
struct step {
    size_t end; /* in the talk's out */
    unsigned replies;
    bool mail; /* the last of them says whether the mail was taken */
};

struct talk {
    bool used, connecting;
    int fd;
    int64_t begun;
    struct buf out, row;
    struct step step[STEPS_MAX];
    unsigned steps, at, heard; /* replies heard of this step */
    size_t sent;
    unsigned column;
    bool last_line, good, accepted;
    size_t bytes;
    struct mail_label label;
};

struct mail_live {
    struct mail_live_options o;
    mail_live_accepted *accepted;
    void *ctx;
    int epoll;
    struct talk talk[WINDOW];
    unsigned under_way;
    uint32_t carrier;
    struct mail_live_counts counts;
    int failed; /* of a callback */
};

int mail_live_new(const struct mail_live_options *o, mail_live_accepted *accepted, void *ctx,
                  struct mail_live **out, struct err *err)
{
    char text[IP_TEXT_MAX];
    *out = NULL;
    ip_format(&o->to, text);
    if (!live_is_loopback(&o->to))
        return err_set(err, -EINVAL, "--to: only loopback addresses are spoken to (%s)", text);
    if (!o->proxy && !ip_is_v4(&o->to))
        return err_set(err, -EINVAL, "--to: ::1 is one source address only; with it, give --proxy");
    struct mail_live *l = mem_zeroed(1, sizeof *l);
    l->o = *o;
    l->accepted = accepted;
    l->ctx = ctx;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    *out = l;
    return l->epoll < 0 ? err_errno(err, "epoll") : 0;
}

/* No two families share one, and one machine keeps its own. */
struct ip mail_live_source(const struct mail_live_options *o, const struct mail_label *label)
{
    if (o->proxy)
        return label->address;
    uint32_t of = o->families + 1, family = label->ham ? o->families : label->family;
    uint32_t slot = (uint32_t)(rng_mix(ip_v4(&label->address)) % (LOOPBACKS / of));
    return ip_from_v4(FIRST_LOOPBACK + slot * of + family);
}

/* ---- what is said ---- */

static void end_step(struct talk *k, unsigned replies, bool mail)
{
    k->step[k->steps++] = (struct step){k->out.n, replies, mail};
}

static void say(struct talk *k, const char *verb, const char *end)
{
    buf_str(&k->out, verb);
    buf_str(&k->out, k->label.dialect->bare_lf ? "\n" : end);
}

static void say_path(struct talk *k, const char *verb, const char *address, const char *parameters,
                     size_t size)
{
    const char *percent = strchr(parameters, '%');
    buf_str(&k->out, verb);
    buf_str(&k->out, address);
    buf_str(&k->out, strchr(verb, '<') ? ">" : "");
    buf_put(&k->out, parameters, percent ? (size_t)(percent - parameters) : strlen(parameters));
    if (percent)
        mail_put_number(&k->out, size, 1);
    say(k, "", "\r\n");
}

/* Dots at the beginning of lines doubled (RFC 5321, 4.5.2). */
static void say_mail(struct talk *k, struct span mail)
{
    struct cur c = cur_of(mail);
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        if (line.n && line.p[0] == '.')
            buf_byte(&k->out, '.');
        buf_put(&k->out, line.p, line.n + 1);
    }
    buf_str(&k->out, ".\r\n");
}

static void write_script(struct talk *k, struct span mail)
{
    const struct mail_dialect *d = k->label.dialect;
    end_step(k, 1, false); /* the greeting */
    buf_str(&k->out, d->helo);
    say(k, k->label.helo, "\r\n");
    end_step(k, 1, false);
    if (d->noop) {
        say(k, "NOOP", "\r\n");
        end_step(k, 1, false);
    }
    if (d->rset) {
        say(k, "RSET", "\r\n");
        end_step(k, 1, false);
    }
    say_path(k, d->from, k->label.from, d->parameters, mail.n);
    if (!d->pipelining)
        end_step(k, 1, false);
    say_path(k, d->to, k->label.to, "", 0);
    if (!d->pipelining)
        end_step(k, 1, false);
    say(k, d->data, "\r\n");
    end_step(k, d->pipelining ? 3 : 1, false);
    say_mail(k, mail);
    end_step(k, 1, true);
    if (d->rset_before_quit) {
        say(k, "RSET", "\r\n");
        end_step(k, 1, false);
    }
    if (d->quit[0]) {
        say(k, d->quit, "\r\n");
        end_step(k, 1, false);
    }
}

/* ---- what is heard ---- */

static void end_talk(struct mail_live *l, struct talk *k, struct err *err)
{
    close(k->fd);
    if (k->accepted) {
        l->counts.accepted++;
        int rc = l->accepted(l->ctx, &k->label, buf_as_span(&k->row), k->bytes, err);
        l->failed = l->failed ? l->failed : rc;
    } else {
        l->counts.failed++;
    }
    k->used = false;
    l->under_way--;
}

/* False: nothing more is to be said. */
static bool heard_reply(struct talk *k)
{
    const struct step *s = &k->step[k->at];
    if (!k->good)
        return false;
    if (++k->heard < s->replies)
        return true;
    k->accepted |= s->mail;
    k->heard = 0;
    return ++k->at < k->steps;
}

static bool heard(struct talk *k, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned column = k->column++;
        if (column == 0)
            k->good = p[i] == '2' || p[i] == '3';
        if (column == 3)
            k->last_line = p[i] != '-';
        if (p[i] != '\n')
            continue;
        k->column = 0;
        if (k->last_line && !heard_reply(k))
            return false;
    }
    return true;
}

static void want(struct mail_live *l, struct talk *k, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = k};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, k->fd, &e);
}

static bool send_more(struct mail_live *l, struct talk *k)
{
    size_t upto = k->step[k->at].end;
    while (k->sent < upto) {
        ssize_t n = send(k->fd, k->out.p + k->sent, upto - k->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            want(l, k, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (n < 0)
            return false;
        k->sent += (size_t)n;
    }
    want(l, k, EPOLLIN);
    return true;
}

static bool begin_talk(struct mail_live *l, struct talk *k)
{
    int why = 0;
    socklen_t n = sizeof why;
    if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0 || why)
        return false;
    k->connecting = false;
    return true;
}

static void take_turn(struct mail_live *l, struct talk *k, uint32_t events, struct err *err)
{
    uint8_t bytes[READ_MAX];
    bool going = !k->connecting || begin_talk(l, k);
    if (going && events & EPOLLOUT)
        going = send_more(l, k);
    if (going && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(k->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        going = n > 0 && heard(k, bytes, (size_t)n) && send_more(l, k);
    }
    if (!going)
        end_talk(l, k, err);
}

static void wait_for(struct mail_live *l, unsigned under_way, struct err *err)
{
    struct epoll_event events[WINDOW];
    while (l->under_way > under_way) {
        int n = epoll_wait(l->epoll, events, WINDOW, 100);
        for (int i = 0; i < n; i++)
            take_turn(l, events[i].data.ptr, events[i].events, err);
        int64_t now = n > 0 ? 0 : clock_ms();
        for (unsigned i = 0; n <= 0 && i < WINDOW; i++)
            if (l->talk[i].used && now - l->talk[i].begun > LIFE_MS)
                end_talk(l, &l->talk[i], err);
    }
}

/* ---- a new one ---- */

static int open_socket(struct mail_live *l, const struct ip *from, struct err *err)
{
    const int one = 1;
    struct ip source = l->o.proxy ? ip_from_v4(CARRIERS + l->carrier++ % CARRIERS_N) : *from;
    struct live_address to = live_address(&l->o.to, l->o.port), at = live_address(&source, 0);
    int fd = socket(to.a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, "socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if ((ip_is_v4(&l->o.to) && bind(fd, &at.a.any, at.n) < 0) ||
        (connect(fd, &to.a.any, to.n) < 0 && errno != EINPROGRESS)) {
        int rc = err_errno(err, "live: connecting to port %u", l->o.port);
        close(fd);
        return rc;
    }
    return fd;
}

int mail_live_send(struct mail_live *l, struct span mail, const struct mail_label *label,
                   struct span row, struct err *err)
{
    if (l->under_way >= WINDOW)
        wait_for(l, WINDOW - 1, err);
    if (l->failed)
        return l->failed;
    struct talk *k = l->talk;
    while (k->used)
        k++;
    int fd = open_socket(l, &label->address, err);
    if (fd < 0)
        return fd;
    struct buf out = k->out, keep = k->row;
    out.n = keep.n = 0;
    *k = (struct talk){.used = true,
                       .connecting = true,
                       .fd = fd,
                       .begun = clock_ms(),
                       .out = out,
                       .row = keep,
                       .bytes = mail.n,
                       .label = *label};
    buf_span(&k->row, row);
    if (l->o.proxy) {
        struct ip sensor = ip_from_v4(SENSOR);
        k->out.n += proxy_write_v2(buf_reserve(&k->out, 64), &label->address, label->port, &sensor,
                                   25, false);
    }
    write_script(k, mail);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = k};
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
    l->under_way++;
    l->counts.sent++;
    return 0;
}

int mail_live_end(struct mail_live *l, struct mail_live_counts *counts, struct err *err)
{
    if (!l)
        return 0;
    wait_for(l, 0, err);
    int rc = l->failed;
    *counts = l->counts;
    for (unsigned i = 0; i < WINDOW; i++) {
        buf_free(&l->talk[i].out);
        buf_free(&l->talk[i].row);
    }
    if (l->epoll >= 0)
        close(l->epoll);
    free(l);
    return rc;
}
