/* Affidavit: a proof of service made of logged acts only. It is a list of lines; each line is said
 * of facts, and each fact is one member of one entry, so that every word of it can be held against
 * the log. What was not done is said, too. */
#pragma once

#include "app/notice/notice.h"

enum affidavit_section {
    AFFIDAVIT_AUTHORITY,
    AFFIDAVIT_PARTIES,
    AFFIDAVIT_NOTICES,
    AFFIDAVIT_PRINT,
    AFFIDAVIT_COURT,
    AFFIDAVIT_NOT_DONE,
    AFFIDAVIT_SECTIONS,
};
const char *affidavit_section_name(enum affidavit_section section);  /* "not_done" */
const char *affidavit_section_title(enum affidavit_section section); /* for people */

/* A member of an entry as `ebb log acts` shows it; "time" is the entry's own. member NULL: the
 * entry is behind the line, and nothing is quoted of it. */
struct affidavit_fact {
    uint64_t entry;
    const char *kind, *member;
    struct span value;
    bool part; /* the member has the value among others */
};
/* A day of a run. Absent times: ACT_FOREVER. */
struct affidavit_day {
    int64_t planned, when;
    const char *state;
    struct span page, note, clipping; /* clipping: SHA-256 */
};
/* A notice in the overview, all of it from the lines below. */
struct affidavit_service {
    uint64_t entry;
    int64_t when; /* when it went out; ACT_FOREVER: it did not, by the log */
    struct span party, channel, address;
    const char *state;
};
struct affidavit_line {
    enum affidavit_section section;
    bool below; /* belongs to the line before that is not */
    struct span text;
    size_t first_fact, facts;
    const struct affidavit_day *day; /* NULL: it is no day of a run */
};
struct affidavit {
    struct arena arena;
    struct affidavit_line *lines;
    struct affidavit_fact *facts;
    size_t n_lines, cap_lines, n_facts, cap_facts;
    struct affidavit_service *services;
    size_t n_services, cap_services;
    struct buf text; /* of the line that is being said */
    struct notice_order order;
    struct span case_name, origin, declarant; /* declarant may be empty */
    uint64_t size;                            /* of the log that it is about */
    uint8_t root[SHA256_LEN];
    int64_t made;
};
/* Of one order; party NULL: all of its parties. Zero the struct first; affidavit_free() takes any
 * state. Spans of `n` must outlive it. */
int affidavit_make(struct notice_case *n, const struct notice_order *order,
                   const struct notice_party *party, struct span declarant, struct affidavit *out,
                   struct err *err);
void affidavit_free(struct affidavit *a);
/* The entries behind a line, ascending, each once; into out, which has room for its facts. */
size_t affidavit_entries(const struct affidavit *a, const struct affidavit_line *line,
                         uint64_t *out);

extern const char affidavit_declaration[];
void affidavit_text(const struct affidavit *a, struct buf *out);
void affidavit_json(const struct affidavit *a, struct buf *out);
int affidavit_pdf(const struct affidavit *a, struct buf *out, struct err *err);

/* ---- for its own files ---- */

/* Words of our own. */
void affidavit_say(struct affidavit *a, const char *words);
/* A fact, told in the line. */
void affidavit_tell(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                    struct span value);
void affidavit_tell_time(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                         int64_t time);
void affidavit_tell_day(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                        int64_t day);
void affidavit_tell_hex(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                        struct span digest);
void affidavit_tell_entry(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                          uint64_t of);
/* A fact that the line does not tell in words. */
void affidavit_note(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                    struct span value);
void affidavit_note_entry(struct affidavit *a, uint64_t entry, const char *kind, const char *member,
                          uint64_t of);
/* The entry is behind the line. */
void affidavit_cite(struct affidavit *a, uint64_t entry, const char *kind);
void affidavit_end(struct affidavit *a, enum affidavit_section section, bool below);
/* " by the account NAME", where somebody signed; that the act was taken back, where it was. */
void affidavit_by(struct affidavit *a, const struct notice_at *at, const char *kind);
void affidavit_withdrawn(struct affidavit *a, struct notice_case *n, const struct notice_at *at);
/* A party of the order, and the one that is asked for. */
bool affidavit_concerns(const struct affidavit *a, struct notice_case *n,
                        const struct notice_party *only, uint64_t party);
void affidavit_order(struct affidavit *a);
void affidavit_party(struct affidavit *a, struct notice_case *n, const struct notice_party *p);
void affidavit_notices(struct affidavit *a, struct notice_case *n, const struct notice_party *only);
void affidavit_hearing(struct affidavit *a, struct notice_case *n, const struct notice_hearing *h);
void affidavit_answer(struct affidavit *a, struct notice_case *n, const struct notice_answer *w);
/* The runs in print, and what was not done. */
void affidavit_runs(struct affidavit *a, struct notice_case *n, const struct notice_party *party);
void affidavit_not_done(struct affidavit *a, struct notice_case *n,
                        const struct notice_party *party);
