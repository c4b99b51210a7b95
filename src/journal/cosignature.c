#include "journal/cosignature.h"

#include <errno.h>
#include <sodium.h>

#define ID_LEN   4
#define TIME_LEN 8
#define LINE_LEN (ID_LEN + TIME_LEN + crypto_sign_BYTES)
#define TIME_MAX (UINT64_MAX >> 1)

/* `raw`: id, time and signature. */
static int check(struct span raw, struct span text, const struct note_key *witness, uint64_t *time,
                 struct err *err)
{
    struct buf message = {0};
    *time = raw.n == LINE_LEN ? be64_get(raw.p + ID_LEN) : 0;
    buf_printf(&message, "cosignature/v1\ntime %llu\n", (unsigned long long)*time);
    buf_span(&message, text);
    bool good = raw.n == LINE_LEN && *time <= TIME_MAX &&
                crypto_sign_verify_detached(raw.p + ID_LEN + TIME_LEN, message.p, message.n,
                                            witness->public_key) == 0;
    buf_free(&message);
    return good ? 1 : err_set(err, -EBADMSG, "the cosignature of %s does not hold", witness->name);
}

int cosignature_find(struct span lines, struct span checkpoint_text, const struct note_key *witness,
                     struct span *line, uint64_t *time, struct err *err)
{
    struct buf raw = {0};
    struct span name;
    unsigned n = 0;
    int rc = 0;
    if (lines.n > NOTE_MAX || (lines.n && lines.p[lines.n - 1] != '\n'))
        return err_set(err, -EBADMSG, "no lines with signatures");
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    for (struct cur c = cur_of(lines); rc == 0 && cur_left(&c);) {
        *line = cur_line(&c);
        raw.n = 0;
        if (++n > NOTE_SIGNATURES_MAX)
            rc = err_set(err, -EBADMSG, "more than %d signatures", NOTE_SIGNATURES_MAX);
        else
            rc = note_line_parse(*line, &name, &raw, err);
        if (rc == 0 && span_is(name, witness->name) && be32_get(raw.p) == witness->id)
            rc = check(buf_as_span(&raw), checkpoint_text, witness, time, err);
    }
    buf_free(&raw);
    return rc;
}
