/* The forms for machines. Each appends to out; texts of rows are cleaned on the way. */
#pragma once

#include "base/arena.h"
#include "report/report.h"

/* One XARF v4 document, JSON without a line end. */
void xarf_put(struct arena *arena, const struct report *r, const struct report_row *row,
              struct buf *out);

/* RFC 5965's second part, and its third: the headers of what was seen, LF. */
void arf_feedback(struct arena *arena, const struct report *r, const struct report_row *row,
                  struct buf *out);
void arf_headers(struct arena *arena, const struct report *r, const struct report_row *row,
                 struct buf *out);
/* The feedback part of a XARF mail; about the row when that is the only one, else NULL. */
void arf_feedback_xarf(struct arena *arena, const struct report *r, const struct report_row *row,
                       struct buf *out);

/* Shadowserver's reports: what a row belongs into, by the columns and the address family. */
enum csv_report {
    CSV_SINKHOLE4,
    CSV_SINKHOLE4_HTTP,
    CSV_SINKHOLE6,
    CSV_SINKHOLE6_HTTP,
    CSV_REPORTS
};
enum csv_report csv_report_of(const struct report_row *row);
/* "event4_sinkhole_http" */
const char *csv_report_name(enum csv_report report);
void csv_head(enum csv_report report, struct buf *out);
void csv_row(struct arena *arena, enum csv_report report, const struct report_row *row,
             struct buf *out);

/* A STIX 2.1 bundle, JSON without a line end. */
void stix_put(struct arena *arena, const struct report *r, struct buf *out);
