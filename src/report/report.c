#include "report/report.h"

#include <errno.h>

static const char *const names[REPORT_FORMATS] = {
    [REPORT_XARF] = "xarf", [REPORT_ARF] = "arf",   [REPORT_CSV] = "csv",
    [REPORT_STIX] = "stix", [REPORT_TEXT] = "text",
};

const char *report_format_name(enum report_format format)
{
    return format < REPORT_FORMATS ? names[format] : NULL;
}

int report_format_of(struct span name)
{
    for (int f = 0; f < REPORT_FORMATS; f++)
        if (span_is(name, names[f]))
            return f;
    return -1;
}

int report_mail(const struct report *r, enum report_format format, struct buf *out, struct err *err)
{
    return err_set(err, -ENOTSUP, "not there yet");
}

int report_data(const struct report *r, enum report_format format, struct buf *out, struct err *err)
{
    return err_set(err, -ENOTSUP, "not there yet");
}

void report_text(const struct report *r, struct buf *out)
{
}

void report_csv_head(struct buf *out)
{
}

void report_csv_row(const struct report_row *row, struct buf *out)
{
}
