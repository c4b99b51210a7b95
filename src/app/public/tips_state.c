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

unsigned tips_time_take(struct tips_time *t, int64_t now_ms)
{
    double cost = t->cost_ms ? t->cost_ms : TIPS_TIME_FIRST_MS;
    return tips_bucket_take(&t->bucket, cost, TIPS_TIME_BURST_MS, TIPS_TIME_SHARE * HOUR_MS,
                            now_ms);
}

void tips_time_spent(struct tips_time *t, int64_t ms)
{
    t->cost_ms = ms < 1 ? 1 : ms > TIPS_TIME_BURST_MS ? TIPS_TIME_BURST_MS : (unsigned)ms;
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
    unsigned wait = lead ? tips_time_take(&t->telling, now) : 0;
    if (!wait && bytes)
        wait = tips_bucket_take(&t->bytes, (double)bytes, TIPS_FREE_BYTES_HOUR,
                                TIPS_FREE_BYTES_HOUR, now);
    if (!wait && lead)
        wait = tips_bucket_take(&t->leads, 1, TIPS_FREE_BURST, TIPS_FREE_LEADS_HOUR, now);
    return wait;
}

unsigned tips_admit_back(struct face_view *v, uint64_t bytes, unsigned *work)
{
    *work = stamped(v, TIPS_FOR_RETURN, bytes);
    return *work ? 0 : tips_time_take(&v->face->tips->returning, clock_ms());
}
