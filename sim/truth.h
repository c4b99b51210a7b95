/* The truth: what an observer of the feed should find, counted from the model's contacts with
 * bitsets of its own and nothing of ebb's. doc/simulator.md lists the JSON fields. */
#pragma once

#include "sim/model.h"
#include "sim/sink.h"

/* What came of the capture, for the truth's "pcap" object. */
struct truth_capture {
    bool written;
    uint32_t days;
    uint64_t packets, connections, requests, queries, raw, mails;
    uint64_t cut; /* contacts left out because the limit of packets was reached */
};

struct truth;

int truth_new(const struct model *m, uint32_t days, struct truth **out, struct err *err);
void truth_free(struct truth *t);
/* Takes a day in; days come in order. */
void truth_day(struct truth *t, const struct model_day *day, const struct model_checkin *checkins,
               size_t n);
/* Writes the JSON document. */
int truth_write(const struct truth *t, const char *scenario, struct span scenario_text,
                double scale, const struct truth_capture *capture, struct sink *to,
                struct err *err);
