#include "app/public/tips_impl.h"

#include <sodium.h>
#include <stdlib.h>

#include "app/lead/lead_price.h"
#include "app/lead/lead_receipt.h"
#include "base/clock.h"
#include "base/mem.h"

#define HOUR_MS 3600000.0

int tips_open(const char *case_dir, struct tips **out, struct err *err)
{
    struct tips *t = mem_zeroed(1, sizeof *t);
    int rc = lead_decoy(case_dir, t->decoy, err);
    randombytes_buf(t->secret, sizeof t->secret);
    if (rc < 0) {
        tips_close(t);
        t = NULL;
    }
    *out = t;
    return rc;
}

void tips_close(struct tips *t)
{
    if (!t)
        return;
    sodium_memzero(t, sizeof *t);
    free(t);
}

unsigned tips_bucket_take(struct tips_bucket *b, double n, double most, double hourly,
                          int64_t now_ms)
{
    double back = (double)(now_ms - b->at) * hourly / HOUR_MS;
    b->level = b->level > back ? b->level - back : 0;
    b->at = now_ms;
    if (b->level + n <= most) {
        b->level += n;
        return 0;
    }
    double wait = (b->level + n - most) * HOUR_MS / hourly / 1000;
    return wait < 3600 ? (unsigned)wait + 1 : 3600;
}

static unsigned stamped(struct face_view *v, enum tips_purpose purpose, uint64_t bytes)
{
    return tips_stamp_take(v->face->tips, journal_origin(v->face->c.journal), purpose,
                           web_form(v->request, "challenge"), web_form(v->request, "stamp"), bytes,
                           v->face->now);
}

unsigned tips_admit(struct face_view *v, bool lead, uint64_t bytes, unsigned *work)
{
    struct tips *t = v->face->tips;
    int64_t now = clock_ms();
    *work = stamped(v, TIPS_FOR_LEAD, bytes);
    if (*work)
        return 0;
    unsigned wait = bytes ? tips_bucket_take(&t->bytes, (double)bytes, TIPS_FREE_BYTES_HOUR,
                                             TIPS_FREE_BYTES_HOUR, now)
                          : 0;
    if (!wait && lead)
        wait = tips_bucket_take(&t->leads, 1, TIPS_FREE_LEADS_HOUR, TIPS_FREE_LEADS_HOUR, now);
    return wait;
}

unsigned tips_admit_back(struct face_view *v)
{
    if (stamped(v, TIPS_FOR_RETURN, 0))
        return 0;
    return tips_bucket_take(&v->face->tips->back, 1, TIPS_BACK_BURST, TIPS_BACK_HOUR, clock_ms());
}
