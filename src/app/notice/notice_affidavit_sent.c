/* The affidavit's words about notices: their bytes, their mail, what came of them. */
#include <string.h>

#include "app/notice/notice_affidavit.h"
#include "base/mem.h"

static void say_words(struct affidavit *a, struct notice_case *n, const struct notice *w)
{
    const struct notice_words *words = notice_words_at(&n->book, w->act.template);
    const struct notice_words *html = notice_words_at(&n->book, w->act.html);
    if (!words) {
        affidavit_say(a, " Its bytes were given as a file.");
        return;
    }
    affidavit_say(a, " It was made of the template ");
    affidavit_tell(a, words->at.entry, "notice_template", "name", words->act.name);
    if (words->act.translator.n) {
        affidavit_say(a, ", translated by ");
        affidavit_tell(a, words->at.entry, "notice_template", "translator", words->act.translator);
    }
    affidavit_say(a, ".");
    affidavit_note_entry(a, w->at.entry, "notice", "template", w->act.template);
    if (html)
        affidavit_note_entry(a, w->at.entry, "notice", "html", html->at.entry);
}

/* The bytes as they are kept are the ones that the log names, or the affidavit says otherwise. */
static void check_bytes(struct affidavit *a, struct notice_case *n, const struct notice *w)
{
    struct buf bytes = {0};
    uint8_t digest[SHA256_LEN];
    if (casedir_blob(&n->c, w->act.sha256.p, &bytes, NULL) < 0) {
        affidavit_say(a, " The bytes themselves are not kept any more.");
    } else {
        sha256(bytes.p, bytes.n, digest);
        if (memcmp(digest, w->act.sha256.p, SHA256_LEN) != 0)
            affidavit_say(a, " THE BYTES THAT ARE KEPT ARE NOT THESE.");
    }
    buf_free(&bytes);
}

static void say_notice(struct affidavit *a, struct notice_case *n, const struct notice *w)
{
    static const char kind[] = "notice";
    const struct notice_party *p = notice_party_at(&n->book, w->act.party);
    const struct notice_contact *k = notice_contact_at(&n->book, w->act.contact);
    uint64_t e = w->at.entry;
    affidavit_say(a, "At ");
    affidavit_tell_time(a, e, kind, "time", w->at.time);
    affidavit_say(a, " a notice to ");
    affidavit_tell(a, p->at.entry, "party", "name", p->act.name);
    affidavit_say(a, " by ");
    affidavit_tell(a, e, kind, "channel", w->act.channel);
    affidavit_say(a, ", to ");
    affidavit_tell(a, k->at.entry, "party_contact", "address", k->act.address);
    affidavit_say(a, ", was recorded");
    affidavit_by(a, &w->at, kind);
    affidavit_say(a, ": ");
    affidavit_tell(a, e, kind, "media", w->act.media);
    affidavit_say(a, ", language ");
    affidavit_tell(a, e, kind, "language", w->act.language);
    affidavit_say(a, ", the SHA-256 of its bytes is ");
    affidavit_tell_hex(a, e, kind, "sha256", w->act.sha256);
    affidavit_say(a, ".");
    say_words(a, n, w);
    check_bytes(a, n, w);
    affidavit_note_entry(a, e, kind, "order", w->act.order);
    affidavit_note_entry(a, e, kind, "party", w->act.party);
    affidavit_note_entry(a, e, kind, "contact", w->act.contact);
    affidavit_withdrawn(a, n, &w->at);
    affidavit_end(a, AFFIDAVIT_NOTICES, false);
}

static void say_queued(struct affidavit *a, const struct notice_mail *m)
{
    static const char kind[] = "report_queued";
    affidavit_say(a, "At ");
    affidavit_tell_time(a, m->at.entry, kind, "time", m->at.time);
    affidavit_say(a, " these bytes were queued to be sent to ");
    affidavit_tell(a, m->at.entry, kind, "contact", m->contact);
    affidavit_say(a, " under the Message-ID ");
    affidavit_tell(a, m->at.entry, kind, "message_id", m->message_id);
    affidavit_say(a, ".");
    char hex[SHA256_HEX_MAX];
    hex_encode(m->sha256.p, m->sha256.n, hex);
    affidavit_note(a, m->at.entry, kind, "sha256", span_str(hex));
}

static void say_tried(struct affidavit *a, const struct notice_mail *m)
{
    static const char kind[] = "report_tried";
    uint64_t e = m->at.entry;
    affidavit_say(a, "At ");
    affidavit_tell_time(a, e, kind, "time", m->at.time);
    affidavit_say(a, " attempt ");
    affidavit_tell_entry(a, e, kind, "attempt", m->attempt);
    affidavit_say(a, " to hand it to the mail server: ");
    affidavit_tell(a, e, kind, "result", m->what);
    if (m->text.n) {
        affidavit_say(a, "; the server said: ");
        affidavit_tell(a, e, kind, "reply", m->text);
    }
    if (m->by.n) {
        affidavit_say(a, "; decided by ");
        affidavit_tell(a, e, kind, "by", m->by);
    }
    if (m->why.n) {
        affidavit_say(a, ", because: ");
        affidavit_tell(a, e, kind, "why", m->why);
    }
    affidavit_say(a, ".");
    affidavit_note_entry(a, e, kind, "report", m->report);
}

static void say_returned(struct affidavit *a, const struct notice_mail *m)
{
    static const char kind[] = "report_returned";
    uint64_t e = m->at.entry;
    affidavit_say(a, "At ");
    affidavit_tell_time(a, e, kind, "time", m->at.time);
    affidavit_say(a, " mail about it was taken in: ");
    affidavit_tell(a, e, kind, "what", m->what);
    if (m->status.n) {
        affidavit_say(a, ", status ");
        affidavit_tell(a, e, kind, "status", m->status);
    }
    if (m->text.n) {
        affidavit_say(a, ": ");
        affidavit_tell(a, e, kind, "text", m->text);
    }
    if (m->sha256.n) {
        affidavit_say(a, ". The mail's SHA-256 is ");
        affidavit_tell_hex(a, e, kind, "sha256", m->sha256);
    }
    affidavit_say(a, ".");
    affidavit_note_entry(a, e, kind, "report", m->report);
}

static void say_mails(struct affidavit *a, struct notice_case *n, const struct notice *w)
{
    for (size_t i = 0; w->report && i < n->book.n_mails; i++) {
        const struct notice_mail *m = &n->book.mails[i];
        if (m->report != w->report)
            continue;
        if (span_is(m->kind, "report_queued"))
            say_queued(a, m);
        else if (span_is(m->kind, "report_tried"))
            say_tried(a, m);
        else
            say_returned(a, m);
        affidavit_end(a, AFFIDAVIT_NOTICES, true);
    }
}

static void say_result(struct affidavit *a, struct notice_case *n, const struct notice_result *r)
{
    static const char kind[] = "notice_result";
    uint64_t e = r->at.entry;
    affidavit_say(a, "It was recorded at ");
    affidavit_tell_time(a, e, kind, "time", r->at.time);
    affidavit_by(a, &r->at, kind);
    affidavit_say(a, ": ");
    affidavit_tell(a, e, kind, "what", r->act.what);
    if (r->act.when != ACT_FOREVER) {
        affidavit_say(a, " on ");
        affidavit_tell_time(a, e, kind, "when", r->act.when);
        if (r->act.when < a->order.recorded)
            affidavit_say(a, " (which is before the order was put on the log)");
    }
    if (r->act.note.n) {
        affidavit_say(a, "; ");
        affidavit_tell(a, e, kind, "note", r->act.note);
    }
    if (r->act.sha256.n) {
        affidavit_say(a, "; paper: ");
        affidavit_tell(a, e, kind, "document", r->act.document);
        affidavit_say(a, ", SHA-256 ");
        affidavit_tell_hex(a, e, kind, "sha256", r->act.sha256);
    }
    affidavit_say(a, ".");
    affidavit_note_entry(a, e, kind, "notice", r->act.notice);
    affidavit_withdrawn(a, n, &r->at);
    affidavit_end(a, AFFIDAVIT_NOTICES, true);
}

/* When it went out, by the log; ACT_FOREVER: the log does not say that it did. */
static int64_t went_out(struct notice_case *n, const struct notice *w)
{
    int64_t when = ACT_FOREVER;
    for (size_t i = 0; w->report && i < n->book.n_mails; i++)
        if (n->book.mails[i].report == w->report && span_is(n->book.mails[i].what, "sent"))
            when = n->book.mails[i].at.time;
    for (size_t i = 0; i < n->book.n_results; i++) {
        const struct act_notice_result *r = &n->book.results[i].act;
        if (r->notice == w->at.entry && r->when != ACT_FOREVER &&
            (span_is(r->what, "sent") || span_is(r->what, "posted") || span_is(r->what, "served")))
            when = r->when;
    }
    return when;
}

static void add_service(struct affidavit *a, struct notice_case *n, const struct notice *w)
{
    const struct notice_party *p = notice_party_at(&n->book, w->act.party);
    const struct notice_contact *k = notice_contact_at(&n->book, w->act.contact);
    a->services = mem_room(a->services, a->n_services, &a->cap_services, sizeof *a->services);
    a->services[a->n_services++] = (struct affidavit_service){.entry = w->at.entry,
                                                              .when = went_out(n, w),
                                                              .party = p->act.name,
                                                              .channel = w->act.channel,
                                                              .address = k->act.address,
                                                              .state = notice_state_name(w->state)};
}

void affidavit_notices(struct affidavit *a, struct notice_case *n, const struct notice_party *only)
{
    for (size_t i = 0; i < n->book.n_notices; i++) {
        const struct notice *w = &n->book.notices[i];
        if (!affidavit_concerns(a, n, only, w->act.party))
            continue;
        add_service(a, n, w);
        say_notice(a, n, w);
        say_mails(a, n, w);
        for (size_t k = 0; k < n->book.n_results; k++)
            if (n->book.results[k].act.notice == w->at.entry)
                say_result(a, n, &n->book.results[k]);
    }
}
