/* A witness's answer: the status (two bytes), whether it is said to be a size (one), then the body.
 * What is taken as signed is a whole line of the body that holds for the checkpoint. */
#include "must.h"

#include "app/log/witness_answer.c"

static const char text[] = "log.example/case\n1234\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n";
static const char vkey[] =
    "witness.example/w1+e75f6532+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keys(struct span body)
{
    struct note_key key;
    struct err err;
    if (note_key_parse_cosigner(body, &key, &err) == 0)
        must(note_name_valid(span_str(key.name)) && note_key_parse_verifier(body, &key, &err) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct note_key key;
    struct span line, again;
    struct err err;
    uint64_t time = 0, time_again, known = 0;
    if (size < 3)
        return 0;
    struct span body = span_of(data + 3, size - 3);
    long status = data[0] << 8 | data[1];
    must(note_key_parse_cosigner(span_str(vkey), &key, &err) == 0);
    int rc = witness_answer(status, data[2] & 1 ? "text/x.tlog.size; x" : "text/plain", body,
                            span_str(text), &key, &line, &time, &known, &err);
    must(rc <= 1 && (rc != 1 || status == 200) && (rc != 0 || status == 409));
    if (rc == 1) {
        must(line.p >= body.p && line.p + line.n < body.p + body.n && line.p[line.n] == '\n');
        must(cosignature_find(span_of(line.p, line.n + 1), span_str(text), &key, &again,
                              &time_again, &err) == 1);
        must(time_again == time);
    }
    keys(body);
    return 0;
}
