/* Received headers: spans stay within the value, a walk ends at one of them. Lines of the input are
 * the headers; the first is read as a date, too. */
#include "base/utc.h"
#include "must.h"
#include "wire/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value[RECEIVED_WALK_MAX + 1], host = span_str("*.our.example");
    struct net net;
    struct cur c = cur_of(span_of(data, size));
    struct received r;
    size_t n = 0;
    int64_t t;
    net_parse(span_str("10.0.0.0/8"), &net);
    const struct received_trust trust = {&net, 1, &host, 1};
    while (cur_left(&c) && n <= RECEIVED_WALK_MAX) {
        struct span line = cur_line(&c);
        received_parse(line, &r);
        inside(line, r.helo);
        inside(line, r.rdns);
        inside(line, r.by);
        inside(line, r.with);
        inside(line, r.recipient);
        must(!r.dated || (r.time > -200000ll * UTC_DAY * 365 && r.time < 10000ll * UTC_DAY * 366));
        value[n++] = line;
    }
    int at = received_walk(value, n, &trust, &r);
    must(n ? at >= 0 && (size_t)at < n : at == -1);
    if (n)
        received_date(value[0], &t);
    return 0;
}
