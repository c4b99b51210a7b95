#include "app/care/doctor_judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US       86400000000.0
#define GROWTH_LEAST 3600000000.0 /* younger cases say nothing yet */
#define RECORD_WORDS 8
#define RECORD_BYTES 256

const char *doctor_state_name(enum doctor_state s)
{
    static const char *const name[DOCTOR_STATES] = {"ok", "warn", "wrong", "skipped"};
    return name[s];
}

enum doctor_state doctor_over(double value, double warn, double wrong)
{
    return value >= wrong ? DOCTOR_WRONG : value >= warn ? DOCTOR_WARN : DOCTOR_OK;
}

enum doctor_state doctor_under(double value, double warn, double wrong)
{
    return value < wrong ? DOCTOR_WRONG : value < warn ? DOCTOR_WARN : DOCTOR_OK;
}

enum doctor_state doctor_space(double free_bytes, double all_bytes, double days)
{
    double percent = all_bytes > 0 ? 100 * free_bytes / all_bytes : 0;
    enum doctor_state s =
        free_bytes < DOCTOR_FREE_WRONG_BYTES
            ? DOCTOR_WRONG
            : doctor_under(percent, DOCTOR_FREE_WARN_PERCENT, DOCTOR_FREE_WRONG_PERCENT);
    if (!isnan(days))
        s = doctor_worse(s, doctor_under(days, DOCTOR_FULL_WARN_DAYS, DOCTOR_FULL_WRONG_DAYS));
    return s;
}

/* A file's bytes are taken to have come evenly between its birth and its last change. */
double doctor_growth(const struct doctor_file *files, size_t n, int64_t now)
{
    double begin = (double)now - DOCTOR_GROWTH_DAYS * DAY_US, oldest = (double)now, bytes = 0;
    for (size_t i = 0; i < n; i++) {
        double born = (double)files[i].born, changed = (double)files[i].changed;
        if (files[i].born == 0 || born > changed)
            born = changed;
        if (born < oldest)
            oldest = born;
        if (changed < begin || files[i].bytes == 0)
            continue;
        double part = born >= begin || changed <= born ? 1 : (changed - begin) / (changed - born);
        bytes += part * (double)files[i].bytes;
    }
    double span = oldest > begin ? (double)now - oldest : DOCTOR_GROWTH_DAYS * DAY_US;
    return span < GROWTH_LEAST ? NAN : bytes / (span / DAY_US);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double doctor_median(double *v, size_t n)
{
    if (n == 0)
        return NAN;
    qsort(v, n, sizeof *v, compare);
    return v[n / 2];
}

enum doctor_state doctor_offset(bool synchronised, int64_t offset_us)
{
    if (!synchronised)
        return DOCTOR_WARN;
    return doctor_over(fabs((double)offset_us), DOCTOR_OFFSET_WARN_US, DOCTOR_OFFSET_WRONG_US);
}

enum doctor_state doctor_ends(int64_t until, int64_t now, unsigned days)
{
    if (until <= now)
        return DOCTOR_WRONG;
    return (double)(until - now) < days * DAY_US ? DOCTOR_WARN : DOCTOR_OK;
}

bool doctor_record_address(const char *record, char *out, size_t size)
{
    char text[RECORD_BYTES], *save = NULL, *word;
    size_t n = strlen(record);
    bool type = false;
    if (n >= sizeof text)
        return false;
    memcpy(text, record, n + 1);
    unsigned i = 0;
    for (char *p = text; i < RECORD_WORDS && (word = strtok_r(p, " \t", &save)); p = NULL, i++) {
        if (type && strlen(word) < size) {
            strcpy(out, word);
            return true;
        }
        if (i > 0 && strcmp(word, "A") != 0 && strcmp(word, "AAAA") != 0 &&
            strspn(word, "0123456789") != strlen(word) && strcmp(word, "IN") != 0)
            return false; /* another type */
        type = i > 0 && (strcmp(word, "A") == 0 || strcmp(word, "AAAA") == 0);
    }
    return false;
}
