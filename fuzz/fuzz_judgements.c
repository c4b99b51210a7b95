/* The list of a ROLES_JUDGED entry: whatever it is, rows have an address and a role, and lines are
 * rows or counted. */
#include "must.h"
#include "state/judge_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void row(void *ctx, const struct ip *ip, enum judged role)
{
    ++*(uint64_t *)ctx;
    must(ip_is_set(ip) && judged_name(role));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t rows = 0, lines = 0;
    struct cur c = cur_of(span_of(data, size));
    while (cur_left(&c)) {
        cur_line(&c);
        lines++;
    }
    uint64_t bad = judge_rows_read(span_of(data, size), row, &rows);
    must(rows + bad == lines || rows + bad + 1 == lines);
    return 0;
}
