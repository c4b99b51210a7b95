/* The affidavit's words about the order, the parties, dates in court and answers. */
#include "app/notice/notice_affidavit.h"
#include "event/event.h"

#define CITED_MAX 100 /* entries of a list that are taken along */

void affidavit_by(struct affidavit *a, const struct notice_at *at, const char *kind)
{
    if (!at->account.n)
        return;
    affidavit_say(a, " by the account ");
    affidavit_tell(a, at->entry, kind, "account", at->account);
}

void affidavit_withdrawn(struct affidavit *a, struct notice_case *n, const struct notice_at *at)
{
    int64_t entry = at->withdrawn
                        ? sql_int(pursuit_sql(n->c.pursuit), 0,
                                  "SELECT entry FROM withdrawn WHERE of=?", "i", (int64_t)at->entry)
                        : 0;
    if (!entry)
        return;
    affidavit_say(a, " This was taken back later.");
    affidavit_note_entry(a, (uint64_t)entry, "withdrawn", "entry", at->entry);
}

/* ---- authority ---- */

void affidavit_order(struct affidavit *a)
{
    const struct notice_order *o = &a->order;
    uint64_t e = o->entry;
    affidavit_say(a, "The order ");
    affidavit_tell(a, e, "order", "id", o->id);
    if (o->court.n) {
        affidavit_say(a, " of ");
        affidavit_tell(a, e, "order", "court", o->court);
    }
    if (o->docket.n) {
        affidavit_say(a, ", docket ");
        affidavit_tell(a, e, "order", "docket", o->docket);
    }
    affidavit_say(a, ", was put on the log at ");
    affidavit_tell_time(a, e, "order", "time", o->recorded);
    affidavit_say(a, ". It holds from ");
    affidavit_tell_time(a, e, "order", "from", o->from);
    if (o->until != ACT_FOREVER) {
        affidavit_say(a, " until ");
        affidavit_tell_time(a, e, "order", "until", o->until);
    }
    affidavit_say(a, ".");
    if (o->scope.n) {
        affidavit_say(a, " Its scope: ");
        affidavit_tell(a, e, "order", "scope", o->scope);
        affidavit_say(a, ".");
    }
    affidavit_end(a, AFFIDAVIT_AUTHORITY, false);
    if (!o->sha256.n)
        return;
    affidavit_say(a, "The order's paper, ");
    affidavit_tell(a, e, "order", "document", o->document);
    affidavit_say(a, ", has the SHA-256 ");
    affidavit_tell_hex(a, e, "order", "sha256", o->sha256);
    affidavit_say(a, ".");
    affidavit_end(a, AFFIDAVIT_AUTHORITY, true);
}

/* ---- parties ---- */

static const char *kind_at(struct notice_case *n, uint64_t entry)
{
    struct entry e;
    const char *name =
        journal_get(n->c.journal, entry, &e, NULL) == 0 ? event_kind_name(e.header.kind) : NULL;
    return name ? name : "entry";
}

/* "12 80-84": those entries are behind the line. */
static void cite_list(struct affidavit *a, struct notice_case *n, struct span list)
{
    uint64_t first = 0, v = 0;
    size_t cited = 0;
    bool range = false, digits = false;
    for (size_t i = 0; i <= list.n; i++) {
        uint8_t c = i < list.n ? list.p[i] : ' ';
        if (c >= '0' && c <= '9') {
            v = v * 10 + (c - '0');
            digits = true;
        } else if (c == '-') {
            first = v;
            range = true;
            v = 0;
        } else if (digits) {
            for (uint64_t e = range ? first : v; e <= v && e < a->size && cited < CITED_MAX; e++) {
                affidavit_cite(a, e, kind_at(n, e));
                cited++;
            }
            range = digits = false;
            v = 0;
        }
    }
}

static void say_contact(struct affidavit *a, struct notice_case *n, const struct notice_contact *k)
{
    static const char kind[] = "party_contact";
    uint64_t e = k->at.entry;
    affidavit_say(a, "Contact by ");
    affidavit_tell(a, e, kind, "channel", k->act.channel);
    affidavit_say(a, ": ");
    affidavit_tell(a, e, kind, "address", k->act.address);
    affidavit_say(a, ". How it was found: ");
    affidavit_tell(a, e, kind, "found", k->act.found);
    affidavit_say(a, ".");
    if (k->act.entries.n) {
        affidavit_say(a, " Log entries that say so: ");
        affidavit_tell(a, e, kind, "entries", k->act.entries);
        affidavit_say(a, ".");
        cite_list(a, n, k->act.entries);
    }
    if (k->act.sha256.n) {
        affidavit_say(a, " Paper: ");
        affidavit_tell(a, e, kind, "document", k->act.document);
        affidavit_say(a, ", SHA-256 ");
        affidavit_tell_hex(a, e, kind, "sha256", k->act.sha256);
        affidavit_say(a, ".");
    }
    affidavit_note_entry(a, e, kind, "party", k->act.party);
    affidavit_withdrawn(a, n, &k->at);
    affidavit_end(a, AFFIDAVIT_PARTIES, true);
}

void affidavit_party(struct affidavit *a, struct notice_case *n, const struct notice_party *p)
{
    uint64_t e = p->at.entry;
    affidavit_tell(a, e, "party", "name", p->act.name);
    affidavit_say(a, " was recorded at ");
    affidavit_tell_time(a, e, "party", "time", p->at.time);
    affidavit_by(a, &p->at, "party");
    affidavit_say(a, " as a party to be given notice under the order, in the language ");
    affidavit_tell(a, e, "party", "language", p->act.language);
    affidavit_note_entry(a, e, "party", "order", p->act.order);
    if (p->act.assets.n) {
        affidavit_say(a, ", for the assets of the entries ");
        affidavit_tell(a, e, "party", "assets", p->act.assets);
        cite_list(a, n, p->act.assets);
    }
    affidavit_say(a, ".");
    affidavit_withdrawn(a, n, &p->at);
    affidavit_end(a, AFFIDAVIT_PARTIES, false);
    for (size_t i = 0; i < n->book.n_contacts; i++)
        if (n->book.contacts[i].act.party == e)
            say_contact(a, n, &n->book.contacts[i]);
}

/* ---- dates and answers ---- */

void affidavit_hearing(struct affidavit *a, struct notice_case *n, const struct notice_hearing *h)
{
    static const char kind[] = "hearing";
    uint64_t e = h->at.entry;
    affidavit_say(a, "It was recorded at ");
    affidavit_tell_time(a, e, kind, "time", h->at.time);
    affidavit_by(a, &h->at, kind);
    affidavit_say(a, ":");
    if (h->act.when != ACT_FOREVER) {
        affidavit_say(a, " the hearing is on ");
        affidavit_tell_time(a, e, kind, "when", h->act.when);
    }
    if (h->act.place.n) {
        affidavit_say(a, ", ");
        affidavit_tell(a, e, kind, "place", h->act.place);
    }
    if (h->act.deadline != ACT_FOREVER) {
        affidavit_say(a, h->act.when != ACT_FOREVER ? "; answers are due by "
                                                    : " answers are due by ");
        affidavit_tell_time(a, e, kind, "deadline", h->act.deadline);
    }
    affidavit_say(a, ".");
    affidavit_note_entry(a, e, kind, "order", h->act.order);
    affidavit_withdrawn(a, n, &h->at);
    affidavit_end(a, AFFIDAVIT_COURT, false);
}

void affidavit_answer(struct affidavit *a, struct notice_case *n, const struct notice_answer *w)
{
    static const char kind[] = "answer";
    const struct notice_party *p = notice_party_at(&n->book, w->act.party);
    uint64_t e = w->at.entry;
    affidavit_tell(a, p->at.entry, "party", "name", p->act.name);
    affidavit_say(a, ": ");
    affidavit_tell(a, e, kind, "what", w->act.what);
    affidavit_say(a, span_is(w->act.what, "extension") ? " until " : " on ");
    affidavit_tell_time(a, e, kind, "when", w->act.when);
    affidavit_say(a, ", recorded at ");
    affidavit_tell_time(a, e, kind, "time", w->at.time);
    affidavit_by(a, &w->at, kind);
    if (w->act.note.n) {
        affidavit_say(a, "; ");
        affidavit_tell(a, e, kind, "note", w->act.note);
    }
    if (w->act.sha256.n) {
        affidavit_say(a, "; paper: ");
        affidavit_tell(a, e, kind, "document", w->act.document);
        affidavit_say(a, ", SHA-256 ");
        affidavit_tell_hex(a, e, kind, "sha256", w->act.sha256);
    }
    affidavit_say(a, ".");
    affidavit_note_entry(a, e, kind, "party", w->act.party);
    affidavit_note_entry(a, e, kind, "hearing", w->act.hearing);
    affidavit_withdrawn(a, n, &w->at);
    affidavit_end(a, AFFIDAVIT_COURT, false);
}
