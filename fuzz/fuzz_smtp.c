/* A client's side of a dialogue: commands, and mails behind DATA. Mail data comes out the same
 * however it is cut, and goes back into the form it was sent in. */
#include "must.h"
#include "wire/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct mail {
    int result;
    size_t used;
    uint64_t size;
    uint32_t anomalies;
    struct buf data;
};

static void take(struct span in, size_t step, size_t max, struct mail *m)
{
    struct smtp_data s = {0};
    const uint8_t *end = in.p + in.n;
    struct cur c = cur_of(in);
    while (m->result == 0 && c.p < end) {
        c.end = (size_t)(end - c.p) > step ? c.p + step : end;
        m->result = smtp_data_next(&s, &c, max, &m->data, &m->size);
        must(m->result == 1 || cur_left(&c) == 0);
    }
    m->used = (size_t)(c.p - in.p);
    m->anomalies = s.anomalies;
}

/* The mail, stuffed again, is what was sent, but for lines where stuffing was undone that had not
 * to be done. */
static void check_stuffing(struct span sent, struct span mail)
{
    size_t at = 0;
    for (size_t i = 0; i < mail.n; i++) {
        bool start = at == 0 || (at >= 2 && sent.p[at - 2] == '\r' && sent.p[at - 1] == '\n');
        if (start && sent.p[at] == '.')
            at++;
        must(at < sent.n && sent.p[at] == mail.p[i]);
        at++;
    }
    must(sent.n - at == 3 && memcmp(sent.p + at, ".\r\n", 3) == 0);
}

static size_t check_data(struct span in)
{
    struct mail whole = {0};
    take(in, in.n ? in.n : 1, SIZE_MAX, &whole);
    must(whole.size == whole.data.n);
    for (size_t step = 1; step <= 5; step++) {
        struct mail pieces = {0};
        size_t max = step == 4 ? 10 : SIZE_MAX;
        take(in, step, max, &pieces);
        must(pieces.result == whole.result && pieces.used == whole.used);
        must(pieces.size == whole.size && pieces.anomalies == whole.anomalies);
        must(pieces.data.n == (max < whole.data.n ? max : whole.data.n));
        must(pieces.data.n == 0 || memcmp(pieces.data.p, whole.data.p, pieces.data.n) == 0);
        buf_free(&pieces.data);
    }
    if (whole.result == 1)
        check_stuffing(span_of(in.p, whole.used), buf_as_span(&whole.data));
    struct span mail = buf_as_span(&whole.data);
    inside(mail, smtp_mail_header(mail, "Subject"));
    inside(mail, smtp_mail_header(mail, "a"));
    buf_free(&whole.data);
    return whole.used;
}

static void check_command(struct span in, const struct smtp_command *c)
{
    struct smtp_command again;
    must(c->line.p == in.p && c->line.n > 0 && c->line.n <= in.n && c->line.n <= SMTP_LINE_MAX);
    inside(c->line, c->argument);
    inside(c->line, c->params);
    inside(c->argument, c->mailbox);
    must(!c->argument.n || !memchr(c->argument.p, '\n', c->argument.n));
    must(smtp_command_parse(c->line, &again) == 1 && memcmp(c, &again, sizeof again) == 0);
    must(smtp_command_parse(span_of(in.p, c->line.n - 1), &again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct smtp_command c;
    check_data(in);
    (void)smtp_looks_like_client(in);
    (void)smtp_looks_like_server(in);
    while (smtp_command_parse(in, &c)) {
        check_command(in, &c);
        size_t used = c.line.n;
        if (c.anomalies & SMTP_LONG_LINE) {
            struct cur rest = {in.p + used, in.p + in.n};
            (void)smtp_line_skip(&rest);
            used = (size_t)(rest.p - in.p);
        }
        in = span_of(in.p + used, in.n - used);
        used = 0;
        if (c.verb == SMTP_DATA)
            used = check_data(in);
        else if (c.verb == SMTP_BDAT)
            used = c.bdat_size < in.n ? (size_t)c.bdat_size : in.n;
        in = span_of(in.p + used, in.n - used);
    }
    return 0;
}
