#include "mail/returned.h"

#include "base/tap.h"

static struct mime_scanner *scanner;
static struct arena arena;
static struct returned r;

static char *text_of(struct span s)
{
    return arena_copy(&arena, s.n ? (const char *)s.p : "", s.n);
}

static void read_it(const char *mail)
{
    arena_reset(&arena);
    returned_read(scanner, span_str(mail), &arena, &r);
}

static void check(const char *mail, const char *what, const char *contact, const char *status,
                  const char *text, const char *id)
{
    read_it(mail);
    is_str(returned_what_name(r.what), what);
    is_str(text_of(r.contact), contact);
    is_str(text_of(r.status), status);
    is_str(text_of(r.text), text);
    is_str(r.n_ids ? text_of(r.ids[0]) : "", id);
}

#define DSN_HEAD                                                                                   \
    "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\n"                     \
    "Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\n"                 \
    "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status;\n"            \
    "\tboundary=\"b/mx\"\nMessage-Id: <dsn.1@mx.example>\n\n--b/mx\n"                              \
    "Content-Type: text/plain\n\nI'm sorry. 5.9.9 is not it.\n\n--b/mx\n"                          \
    "Content-Type: message/delivery-status\n\n"
#define DSN_TAIL                                                                                   \
    "\n--b/mx\nContent-Type: message/rfc822\n\nFrom: us@ebb.example\nTo: abuse@isp.example\n"      \
    "Message-ID:\n <ebb.42.7@ebb.example>\nSubject: hosts\n\nbody\n\n--b/mx--\n"

static void notifications(void)
{
    check(DSN_HEAD "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; abuse@isp.example\n"
                   "Original-Recipient: rfc822;abuse@ISP.example\nAction: failed\nStatus: 5.1.1\n"
                   "Remote-MTA: dns; [192.0.2.1]\nDiagnostic-Code: smtp; 550 5.1.1\n"
                   "    <abuse@isp.example>: no such user\n" DSN_TAIL,
          "bounce", "abuse@ISP.example", "5.1.1", "550 5.1.1 <abuse@isp.example>: no such user",
          "ebb.42.7@ebb.example");
    check(DSN_HEAD "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@isp.example\n"
                   "Action: delayed\nStatus: 4.4.1 (no answer)\nWill-Retry-Until: then\n" DSN_TAIL,
          "delay", "a@isp.example", "4.4.1", "Undelivered Mail Returned to Sender",
          "ebb.42.7@ebb.example");
    check(DSN_HEAD "\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@isp.example\n"
                   "Action: delivered\nStatus: 2.0.0\n" DSN_TAIL,
          "auto-reply", "a@isp.example", "", "Undelivered Mail Returned to Sender",
          "ebb.42.7@ebb.example");
    check(DSN_HEAD "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@isp.example\n"
                   "Action: delivered\nStatus: 2.0.0\n\nFinal-Recipient: rfc822; b@isp.example\n"
                   "Action: failed\nDiagnostic-Code: smtp; 552-5.2.2 over quota\n" DSN_TAIL,
          "bounce", "b@isp.example", "5.2.2", "552-5.2.2 over quota", "ebb.42.7@ebb.example");
    check(DSN_HEAD "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; b@isp.example\n"
                   "Action: failed\nStatus: 2.0.0\nDiagnostic-Code: x-local; 550 no\n" DSN_TAIL,
          "bounce", "b@isp.example", "5.0.0", "550 no", "ebb.42.7@ebb.example");
    check(DSN_HEAD "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; b@isp.example\n"
                   "Action: failed\nStatus: 4.4.7\n" DSN_TAIL,
          "bounce", "b@isp.example", "4.4.7", "Undelivered Mail Returned to Sender",
          "ebb.42.7@ebb.example");
    check("From: exchange@isp.example\nContent-Type: multipart/report;\n "
          "report-type=delivery-status; boundary=x\nSubject: Unzustellbar: hosts\nIn-Reply-To: "
          "<ebb.9@ebb.example>\n\n--x\nContent-Type: text/html\n\n<p>no</p>\n--x\nContent-Type: "
          "message/delivery-status\n\nReporting-MTA: dns;ex.isp.example\n\nFinal-Recipient: "
          "rfc822;abuse@isp.example\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 "
          "5.1.10 RESOLVER.ADR.RecipientNotFound; not found\n\n--x\nContent-Type: "
          "text/rfc822-headers\n\nReceived: from a\nMessage-ID: <ebb.9@ebb.example>\n\n--x--\n",
          "bounce", "abuse@isp.example", "5.1.10",
          "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", "ebb.9@ebb.example");
    check("From: a@isp.example\nSubject: Read: hosts\nContent-Type: multipart/report; "
          "report-type=disposition-notification; boundary=x\n\n--x\n\nread\n--x\nContent-Type: "
          "message/disposition-notification\n\nFinal-Recipient: rfc822;a@isp.example\n"
          "Original-Message-ID: <ebb.1@ebb.example>\nDisposition: "
          "automatic-action/MDN-sent-automatically; displayed\n--x--\n",
          "auto-reply", "a@isp.example", "", "Read: hosts", "ebb.1@ebb.example");
}

static void old_bounces(void)
{
    check(
        "Return-Path: <>\nFrom: MAILER-DAEMON@qmail.example\nTo: us@ebb.example\nSubject: failure "
        "notice\n\nHi. This is the qmail-send program at qmail.example.\nI'm afraid I wasn't able "
        "to deliver your message to the following addresses.\nThis is a permanent error; I've "
        "given up. Sorry it didn't work out.\n\n<abuse@isp.example>:\nSorry, no mailbox here by "
        "that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: "
        "<us@ebb.example>\nSubject: 5.7.1 in a subject\nMessage-ID: <ebb.3@ebb.example>\n\nx\n",
        "bounce", "abuse@isp.example", "5.1.1", "Sorry, no mailbox here by that name. (#5.1.1)",
        "ebb.3@ebb.example");
    check(
        "X-Failed-Recipients: abuse@isp.example\nAuto-Submitted: auto-replied\nFrom: Mail Delivery "
        "System <Mailer-Daemon@exim.example>\nSubject: Mail delivery failed: returning message to "
        "sender\n\nThis message was created automatically by mail delivery software.\n\nA message "
        "that you sent could not be delivered to one or more of its\nrecipients. This is a "
        "permanent error.\n\n  abuse@isp.example\n    SMTP error from remote mail server after "
        "RCPT TO:<abuse@isp.example>:\n    host mx.isp.example [192.0.2.9]: 550 Unknown "
        "user\n\n------ This is a copy of the message, including all the headers. "
        "------\n\nMessage-Id: <ebb.4@ebb.example>\n",
        "bounce", "abuse@isp.example", "5.0.0", "host mx.isp.example [192.0.2.9]: 550 Unknown user",
        "ebb.4@ebb.example");
    check("From: Mail Delivery System <Mailer-Daemon@exim.example>\nSubject: Warning: message 1aBc "
          "delayed 24 hours\nReturn-Path: <>\nAuto-Submitted: auto-replied\n\nA message that you "
          "sent has not yet been delivered. mail delivery\n\nMessage-ID: <ebb.5@ebb.example>\n",
          "delay", "", "4.0.0", "Warning: message 1aBc delayed 24 hours", "ebb.5@ebb.example");
    check(
        "From: Mail Delivery System <Mailer-Daemon@exim.example>\nSubject: Mail delivery delayed\n"
        "Return-Path: <>\n\nNo action is required on your part.\n\n> Message-ID: "
        "<ebb.5@ebb.example>\n",
        "delay", "", "4.0.0", "Mail delivery delayed", "ebb.5@ebb.example");
    check(
        "From: postmaster@isp.example\nSubject: Undeliverable: hosts\n\nYour message did not reach "
        "some or all of the intended recipients.\n",
        "bounce", "", "5.0.0", "Undeliverable: hosts", "");
}

static void answers(void)
{
    check(
        "From: \"Abuse, Desk\" <abuse@isp.example>\nSubject: Re: =?utf-8?q?h=C3=B6sts?=\n"
        "In-Reply-To: <ebb.6@ebb.example>\nReferences: <a@b> <ebb.6@ebb.example>\n\nWho are you?\n",
        "reply", "abuse@isp.example", "", "Re: h\u00f6sts", "ebb.6@ebb.example");
    check("From: abuse@isp.example\nSubject: [Ticket 5]\nAuto-Submitted: auto-replied\nReferences: "
          "<old@x>\n <ebb.7@ebb.example>\n\nThank you\n",
          "auto-reply", "abuse@isp.example", "", "[Ticket 5]", "ebb.7@ebb.example");
    check("From: abuse@isp.example\nSubject: x\nAuto-Submitted: no\n\n", "reply",
          "abuse@isp.example", "", "x", "");
    check("From: abuse@isp.example\nSubject: Out of Office Re: hosts\n\n", "auto-reply",
          "abuse@isp.example", "", "Out of Office Re: hosts", "");
    check("From: abuse@isp.example\nSubject: Re: out of office hours\n\n", "reply",
          "abuse@isp.example", "", "Re: out of office hours", "");
    check("From: abuse@isp.example\nPrecedence: bulk\nSubject: y\n\n", "auto-reply",
          "abuse@isp.example", "", "y", "");
    /* a person who forwards a bounce is a person */
    check("From: a@isp.example\nSubject: Fwd: Undelivered Mail\nContent-Type: multipart/mixed; "
          "boundary=o\n\n--o\n\nsee there\n--o\nContent-Type: message/rfc822\n\n" DSN_HEAD
          "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\n"
          "Status: 5.1.1\n" DSN_TAIL "\n--o--\n",
          "reply", "a@isp.example", "", "Fwd: Undelivered Mail", "dsn.1@mx.example");
}

static void hostile(void)
{
    struct buf b = {0};
    check("", "reply", "", "", "", "");
    check("From: @\nSubject:\n\n", "reply", "", "", "", "");
    check("From: <a@b\nIn-Reply-To: <>\nReferences: <x\n\n", "reply", "a@b", "", "", "");
    check(DSN_HEAD "\n\n\n" DSN_TAIL, "bounce", "", "5.9.9", "I'm sorry. 5.9.9 is not it.",
          "ebb.42.7@ebb.example");
    check("From: a@b\nSubject: =?utf-8?q?a=0D=0Ab=00c=7F?=\n\n", "reply", "a@b", "", "a b c", "");
    buf_str(&b, "From: a@b.example\nReferences:");
    for (unsigned i = 0; i < 500; i++)
        buf_printf(&b, " <%u@x>", i);
    buf_str(&b, "\nSubject: ");
    for (unsigned i = 0; i < 2000; i++)
        buf_str(&b, "\xc3\xa4");
    buf_str(&b, "\n\n");
    buf_byte(&b, 0);
    read_it((const char *)b.p);
    is_int(r.n_ids, RETURNED_IDS_MAX, "ids are bounded");
    is_str(text_of(r.ids[0]), "499@x");
    ok(r.text.n <= RETURNED_TEXT_MAX && span_is_utf8(r.text), "and the text, between letters");
    buf_free(&b);
    b = (struct buf){0};
    buf_str(&b, DSN_HEAD);
    for (unsigned i = 0; i < 5000; i++)
        buf_str(&b, "Final-Recipient: rfc822; a@b.example\nAction: delivered\n\n");
    buf_str(&b, "Final-Recipient: rfc822; z@b.example\nAction: failed\n" DSN_TAIL);
    buf_byte(&b, 0);
    read_it((const char *)b.p);
    is_str(returned_what_name(r.what), "auto-reply");
    buf_free(&b);
}

int main(void)
{
    scanner = mime_scanner_new();
    arena_init(&arena);
    notifications();
    old_bounces();
    answers();
    hostile();
    mime_scanner_free(scanner);
    arena_free(&arena);
    return tap_done();
}
