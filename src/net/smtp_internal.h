/* What the files of the SMTP session share. smtp_session.c has a connection's life and reads mails,
 * smtp_verbs.c answers commands, smtp_record.c writes down what was said and makes events of it.
 * Nothing here relays or bounces: there is no queue, no DSN and no client. */
#pragma once

#include "net/session.h"
#include "net/smtp_server.h"
#include "net/tls.h"
#include "wire/smtp.h"

#define SMTP_DIALOGUE_MAX 8192  /* bytes of command lines of one event */
#define SMTP_TURNS_MAX    1024  /* command lines of one event */
#define SMTP_HELO_MAX     255   /* RFC 5321, 4.5.3.1.2; the dialogue has all of a longer one */
#define SMTP_HOST_MAX     256   /* the name that we give ourselves, and a NUL */
#define SMTP_EHLO_MAX     512   /* our list of extensions, and the line before it */
#define SMTP_PATH_KEPT    1024  /* bytes of an address in the envelope */
#define SMTP_BAD_MAX      20    /* commands that are none, of one connection */
#define SMTP_JUNK_MAX     200   /* commands that lead to no mail, since the last one */
#define SMTP_DELAY_MAX    60000 /* milliseconds before a tarpit's reply */
#define SMTP_IN_MAX       (64u << 10) /* what a connection may hold for us: pipelined commands */
#define SMTP_SPARES       8           /* buffers that wait for the next mail */
#define SMTP_SPARE_MAX    (64u << 10) /* bytes of each at most */

struct smtp_server {
    struct buf spare[SMTP_SPARES];
    unsigned spares;
    struct buf ehlo, ehlo_tls; /* the reply to EHLO behind the host name */
};

enum smtp_mode {
    SMTP_MODE_COMMAND,
    SMTP_MODE_SKIP, /* the rest of a line that was too long */
    SMTP_MODE_AUTH, /* the next line is a client's response (RFC 4954) */
    SMTP_MODE_DATA,
    SMTP_MODE_BDAT,
};

/* What the mail did beside what wire/smtp.h notes of lines. */
enum smtp_note {
    SMTP_NOTE_CUT = 1 << 0,           /* only the first bytes of the mail were kept */
    SMTP_NOTE_ABORTED = 1 << 1,       /* the connection ended within the mail */
    SMTP_NOTE_LONG_DIALOGUE = 1 << 2, /* only the first lines were kept */
};

/* One command line: how long it let us wait, and what we said. */
struct smtp_turn {
    uint32_t ms;
    uint16_t reply;
};

struct smtp_state {
    const struct policy *policy; /* the destination's, or that of the last recipient's asset */
    enum smtp_mode mode;
    /* the connection */
    bool esmtp, authenticated;
    bool valid;    /* something was SMTP */
    bool recorded; /* an event was made */
    bool refused;  /* counted as such */
    bool over;     /* we said the last word: what comes behind it is not heard */
    unsigned bad, junk, transactions;
    char helo[SMTP_HELO_MAX + 1];
    uint8_t helo_len;
    uint8_t domain_len; /* 0: no recipient was within authority; else authority rests on this: */
    char domain[256];
    uint64_t received, sent;           /* bytes taken in and put out */
    struct buf raw_client, raw_server; /* first bytes while nothing was SMTP */
    /* the transaction */
    bool has_from, binary, chunking; /* chunking: a BDAT was taken */
    unsigned rcpts, rejected, kept;  /* accepted; refused by policy; of both, in the envelope */
    struct buf envelope;
    struct buf mail;
    struct smtp_data data;
    uint64_t size;
    bool no_memory;
    uint64_t bdat_left, bdat_size;
    bool bdat_last;
    const char *bdat_refused; /* the reply to a chunk that is read and thrown away */
    /* AUTH */
    bool auth_behind;   /* lines that are no command may be credentials */
    unsigned auth_left; /* responses that are still to come */
    struct buf sealed;
    /* what was said since the last event */
    struct buf dialogue, turns;
    unsigned turns_lost;
    bool turn_open; /* the last line of them has no reply yet */
    uint64_t dialogue_lost, early;
    uint32_t anomalies, notes;
    uint16_t last_reply;
    int64_t reply_tick;
    size_t early_counted; /* bytes at the front of the input that were counted as early */
    bool early_next;      /* what is there at the next call of this tick is early */
    /* a tarpit's reply, until its time has come */
    struct buf held;
    enum session_next held_next;
    bool held_sync;            /* the client has to wait for it */
    const uint8_t *counted_to; /* within one call */
};

static inline struct smtp_state *smtp_state(const struct session *s)
{
    return s->state;
}
static inline enum policy_smtp smtp_answer(const struct session *s)
{
    return smtp_state(s)->policy->smtp.answer;
}
/* 250 of "250 ok". */
static inline uint16_t smtp_code(const char *reply)
{
    return (uint16_t)((reply[0] - '0') * 100 + (reply[1] - '0') * 10 + (reply[2] - '0'));
}

/* Memory: room for n more bytes, counted; false when there is no more. Given back by smtp_drop().
 */
bool smtp_room(struct session *s, struct buf *b, size_t n);
void smtp_drop(struct session *s, struct buf *b);

/* Puts a whole reply out, now or (tarpit) later, and writes its code down. */
void smtp_reply(struct session *s, const char *text);
void smtp_reply_span(struct session *s, struct span text);
/* The name that we give ourselves: the policy's, that of the zone which was asked for in TLS, or
 * the address. Its length. */
size_t smtp_host(const struct session *s, char out[SMTP_HOST_MAX]);

/* smtp_verbs.c: one command, one reply; or one response to AUTH. */
enum session_next smtp_command(struct session *s, const struct smtp_command *cmd);
enum session_next smtp_auth_line(struct session *s, const struct smtp_command *cmd);
/* Whether a client may only go on when it has the reply (RFC 2920, 3.1; RFC 3030, 4.2). */
bool smtp_must_wait(const struct smtp_state *st, enum smtp_verb verb);
/* RCPT, VRFY, EXPN: what stands behind them may be none of the case's. */
bool smtp_names_mailbox(enum smtp_verb verb);
/* A BDAT chunk was read whole. */
enum session_next smtp_chunk_done(struct session *s);
enum session_next smtp_too_many(struct session *s);
/* Forgets a transaction. One whose recipients were all refused by policy is recorded. */
void smtp_transaction_reset(struct session *s);

/* smtp_session.c: the mail is there; records and answers it. */
enum session_next smtp_mail_done(struct session *s);
/* A buffer for the mail; false when there is no memory. */
bool smtp_mail_begin(struct session *s);
void smtp_mail_drop(struct session *s);

/* smtp_record.c */
/* Writes a command line down. A secret in it, or (`outside`) a name outside the case's authority,
 * is left out. */
void smtp_note_command(struct session *s, const struct smtp_command *cmd, bool outside);
/* The reply "250..." to the line that was written down last; nothing when it had one. */
void smtp_turn_close(struct smtp_state *st, const char *reply);
/* A line that is all secret. */
void smtp_note_secret(struct session *s, const struct smtp_command *cmd);
/* What was left of a line when the connection ended. */
void smtp_note_rest(struct session *s, struct span rest);
/* The sender, then recipients; those beyond EVENT_RCPT_MAX are passed over. False: no memory. */
bool smtp_envelope_add(struct session *s, struct span path);
/* What gives authority over the session as it stands: the first recipient's domain, else the
 * destination, else the name asked for in TLS. */
bool smtp_authority(const struct session *s, struct authority_match *out);
bool smtp_domain_authority(const struct session *s, struct span domain,
                           struct authority_match *out);
/* Records what was said since the last event, with the mail or without, and forgets it. `answer` is
 * the reply's code. False: it could not be recorded. */
bool smtp_record(struct session *s, const struct authority_match *match, const char *answer,
                 bool with_mail, uint64_t *ticket);
/* Forgets what was said. */
void smtp_forget(struct smtp_state *st);
