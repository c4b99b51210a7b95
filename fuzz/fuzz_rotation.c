/* What log/rotated/ has, and the statement of a rotation: both come from others' logs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "journal/rotation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size), note;
    struct rotation r;
    struct rotation_proof p;
    struct buf statement = {0};
    struct err err;
    if (rotation_parse(in, &r, &err) == 0 && strcmp(r.from.name, r.to.name) != 0)
        abort();
    if (rotation_follow(in, NULL, &p, &err) == 0 && p.rotation.index >= p.size)
        abort();
    if (rotation_statement(in, &statement, &err) == 0)
        rotation_parse(buf_as_span(&statement), &r, &err);
    buf_free(&statement);
    if (rotation_of_entry(JOURNAL_KIND_KEY_ROTATED, in, &note) == 1)
        rotation_parse(note, &r, &err);
    return 0;
}
