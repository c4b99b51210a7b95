/* What a shard of the cluster answers to the shipper: of itself, lists of entries, and rows. */
#include <stdlib.h>

#include "app/cluster/ship_answer.c"
#include "view/clickhouse_cells.h"

#define FROM 1000
#define TO   100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size), cell[CLICKHOUSE_COLUMNS_MAX];
    struct ship_answer a;
    struct clickhouse_block t;
    struct cur c = cur_of(in);
    uint64_t *v;
    size_t n, cells = 0;
    if (ship_answer_read(in, &a) &&
        (strlen(a.version) >= SHIP_VERSION_MAX || strlen(a.vkey) >= SHIP_VKEY_MAX))
        abort();
    if (ship_answer_entries(in, FROM, TO, &v, &n)) {
        for (size_t i = 0; i < n; i++)
            if (v[i] < FROM || v[i] >= TO || (i && v[i] <= v[i - 1]))
                abort();
        free(v);
    }
    clickhouse_block_init(&t, "events");
    while (clickhouse_cells(&t, &c, cell) == 1) {
        for (unsigned i = 0; i < t.n; i++)
            cells += cell[i].n;
        struct span text = clickhouse_cell_text(cell[clickhouse_column(&t, "payload")]);
        if (text.n > size)
            abort();
    }
    if (cells > size)
        abort();
    clickhouse_block_free(&t);
    return 0;
}
