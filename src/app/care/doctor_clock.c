/* Doctor: the clock. Entries have its time; certificates, orders and retention go by it. */
#include <stdlib.h>
#include <sys/timex.h>

#include "app/care/doctor.h"

#define ERROR_WARN_US 1000000          /* the kernel's own bound of the error */
#define BUILT         1767225600000000 /* 2026-01-01: no clock is before this version of ebb */

static void synchronised(struct doctor *d)
{
    struct timex t = {0};
    int state = adjtimex(&t);
    if (state < 0) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "the kernel does not tell (adjtimex)");
        return;
    }
    bool synced = state != TIME_ERROR && !(t.status & STA_UNSYNC);
    int64_t offset = t.status & STA_NANO ? t.offset / 1000 : t.offset;
    enum doctor_state s = doctor_offset(synced, offset);
    if (!synced)
        doctor_say(d, s, "", "run chrony, ntpsec or systemd-timesyncd on this machine or its host",
                   "not synchronised (adjtimex: STA_UNSYNC)");
    else if (s != DOCTOR_OK)
        doctor_say(d, s, "", "look at the time service: the clock is being pulled",
                   "synchronised, %.3f s off", (double)offset / 1e6);
    else if (t.maxerror > ERROR_WARN_US)
        doctor_say(d, DOCTOR_WARN, "", "look at the time service: it was not heard of for long",
                   "synchronised, the error may be %.1f s", (double)t.maxerror / 1e6);
    else
        doctor_say(d, s, "", "", "synchronised, %.6f s off, %.3f s at most", (double)offset / 1e6,
                   (double)t.maxerror / 1e6);
}

static void against_log(struct doctor *d)
{
    struct entry e;
    char text[UTC_TEXT_MAX];
    if (d->now < BUILT) {
        utc_format(d->now, text);
        doctor_say(d, DOCTOR_WRONG, "", "set the clock", "%s: before this program was made", text);
        return;
    }
    uint64_t size = d->c.journal ? journal_committed(d->c.journal) : 0;
    if (!size || journal_get(d->c.journal, size - 1, &e, NULL) < 0) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "no entry to compare it with");
        return;
    }
    utc_format(e.header.time, text);
    if (e.header.time > d->now + DOCTOR_AHEAD_US)
        doctor_say(d, DOCTOR_WRONG, "",
                   "set the clock right before anything else is recorded, or say on the log why it "
                   "was wrong",
                   "the newest entry (%llu) is of %s, which is still to come",
                   (unsigned long long)size - 1, text);
    else
        doctor_say(d, DOCTOR_OK, "", "", "not before the newest entry (%s)", text);
}

const struct doctor_check doctor_clock_checks[] = {
    {"clock", synchronised}, {"clock and log", against_log}, {0}};
