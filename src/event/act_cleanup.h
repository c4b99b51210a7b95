/* Acts of getting infected hosts clean: judging addresses, whom to tell, abuse reports, what became
 * of them, partners (kinds.def, 78 to 88). As act.h says: writing appends a CBOR map to out,
 * reading gives spans into the payload, 0 or -1. Lists are kept as blobs, one row a line (CSV with
 * a heading); the act has the blob's SHA-256. */
#pragma once

#include "event/act.h"

/* ROLES_JUDGED: what ebb took addresses for. The blob has the rows that differ from the judgement
 * before: address,role,tests. */
struct act_roles_judged {
    uint64_t position;  /* log entries that were looked at: all below this */
    struct span rules;  /* the tests' version */
    struct span sha256; /* of the blob */
    uint64_t rows, victims, others;
};
void act_roles_judged(struct buf *out, const struct act_roles_judged *a);
int act_roles_judged_read(struct span payload, struct act_roles_judged *a);

/* ROLE_OVERRULED: a person says what an address or network is; an empty role takes it back. */
struct act_role_overruled {
    struct span network; /* "192.0.2.1", "192.0.2.0/24" */
    struct span role, by, why;
};
void act_role_overruled(struct buf *out, const struct act_role_overruled *a);
int act_role_overruled_read(struct span payload, struct act_role_overruled *a);

/* CONTACTS_IMPORTED: whom to tell, from one file of one source. It replaces what the same source
 * said before. */
struct act_contacts_imported {
    struct span source; /* "operator" "ripe" "apnic" "arin" "lacnic" "afrinic" "cert" */
    struct span file, format;
    struct span file_sha256; /* of the file as it was on disk */
    struct span sha256;      /* of the blob: the table made of it */
    uint64_t rows, rejected;
    int64_t made; /* when the source made it; ACT_FOREVER: it does not say */
};
void act_contacts_imported(struct buf *out, const struct act_contacts_imported *a);
int act_contacts_imported_read(struct span payload, struct act_contacts_imported *a);

/* RDAP_ANSWERED: whom a registry named for a network (RFC 9083). An empty contact: it named nobody.
 */
struct act_rdap_answered {
    struct span network, contact, handle;
    struct span server, sha256; /* which was asked, and the answer's digest: it is kept as a blob */
};
void act_rdap_answered(struct buf *out, const struct act_rdap_answered *a);
int act_rdap_answered_read(struct span payload, struct act_rdap_answered *a);

/* TRIAL_BEGUN: networks (by abuse contact) drawn by lot: told, or held back as controls until the
 * trial ends. On the log before the first report under it goes out. The blob has contact,arm. */
struct act_trial_begun {
    struct span name, seed; /* the draw can be repeated: arm = hash(seed, contact) */
    uint64_t percent;       /* of the contacts that are held back */
    uint64_t contacts, controls;
    struct span sha256;
    int64_t from, until;
};
void act_trial_begun(struct buf *out, const struct act_trial_begun *a);
int act_trial_begun_read(struct span payload, struct act_trial_begun *a);

/* REPORT_QUEUED: an abuse report, its exact bytes kept as a blob. Its index is the report's number.
 */
struct act_report_queued {
    struct span contact, format, language, channel; /* channel: "mail" */
    struct span message_id, trial;
    struct span sha256;
    int64_t since, until;                   /* of the contacts with the sinkhole that it tells of */
    uint64_t fresh, returning, still, gone; /* addresses */
    uint64_t part,
        parts; /* of what the contact is told at a time; the last one on the log: all are */
};
void act_report_queued(struct buf *out, const struct act_report_queued *a);
int act_report_queued_read(struct span payload, struct act_report_queued *a);

/* REPORT_TRIED: on the log before the first byte of a report goes to the smarthost, and again with
 * the result. "trying" without a result behind it: the process died in between; it is in doubt. */
struct act_report_tried {
    uint64_t report;     /* index of its REPORT_QUEUED */
    uint64_t attempt;    /* from 1 */
    struct span result;  /* "trying" "sent" "deferred" "refused" "cancelled" "doubtful" */
    struct span reply;   /* the server's last words, or the error */
    struct span by, why; /* of a person, where one decided */
};
void act_report_tried(struct buf *out, const struct act_report_tried *a);
int act_report_tried_read(struct span payload, struct act_report_tried *a);

/* REPORT_RETURNED: mail that came back. */
struct act_report_returned {
    uint64_t report;             /* index of its REPORT_QUEUED; 0: not told which */
    struct span what;            /* "bounce" "delay" "auto-reply" "reply" */
    struct span contact, status; /* RFC 3463: "5.1.1" */
    struct span text, sha256;    /* of the mail: it is kept as a blob */
};
void act_report_returned(struct buf *out, const struct act_report_returned *a);
int act_report_returned_read(struct span payload, struct act_report_returned *a);

/* CONTACT_STATE: an address that is not written to any more, or again. */
struct act_contact_state {
    struct span contact, state; /* "dead" "alive" */
    struct span by, why;
};
void act_contact_state(struct buf *out, const struct act_contact_state *a);
int act_contact_state_read(struct span payload, struct act_contact_state *a);

/* PARTNER: who may fetch what is seen in some networks; the token itself is not kept. An empty
 * digest takes the right away. */
struct act_partner {
    struct span name;
    struct span networks; /* "AS3320 192.0.2.0/24 ...", blanks between them */
    struct span token;    /* SHA-256 of the token */
    struct span by, why;
    int64_t until;
};
void act_partner(struct buf *out, const struct act_partner *a);
int act_partner_read(struct span payload, struct act_partner *a);
