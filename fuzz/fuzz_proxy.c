/* A PROXY header: what is taken is within its bounds, any beginning of it needs more, and what
 * comes behind it changes nothing. */
#include "must.h"
#include "wire/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const struct proxy_header *h)
{
    uint8_t out[52];
    struct proxy_header again;
    size_t n = proxy_write_v2(out, &h->src, h->src_port, &h->dst, h->dst_port, h->udp);
    must(n <= sizeof out && proxy_parse(span_of(out, n), &again) == 1 && again.length == n);
    must(!again.local && again.udp == h->udp);
    must(memcmp(&again.src, &h->src, sizeof h->src) == 0 && again.src_port == h->src_port);
    must(memcmp(&again.dst, &h->dst, sizeof h->dst) == 0 && again.dst_port == h->dst_port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    struct proxy_header h, again;
    int result = proxy_parse(in, &h);
    if (result != 1) {
        must(result == -1 || (result == 0 && size < PROXY_V2_MAX));
        return 0;
    }
    must(h.version == 1 || h.version == 2);
    must(h.length > 0 && h.length <= size);
    must(h.length <= (h.version == 1 ? PROXY_V1_MAX : PROXY_V2_MAX));
    inside(span_of(data, h.length), h.authority);
    for (size_t n = 0; n < h.length; n++)
        must(proxy_parse(span_of(data, n), &again) == 0);
    must(proxy_parse(span_of(data, h.length), &again) == 1 && memcmp(&h, &again, sizeof h) == 0);
    if (!h.local)
        check_written(&h);
    return 0;
}
