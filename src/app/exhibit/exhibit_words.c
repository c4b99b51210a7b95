/* What a bundle says of itself: README.txt. */
#include <stdio.h>

#include "app/exhibit/exhibit_impl.h"

static const char how[] =
    "HOW TO VERIFY\n"
    "    sh verify.sh\n"
    "It needs openssl 3.0 or later and GNU coreutils, nothing else, no network, and changes "
    "nothing.\n"
    "It is short: read it first. It ends with \"The exhibit holds\" and exit status 0, or names "
    "the\n"
    "first thing that does not hold.\n"
    "\n"
    "WHAT IS TRUSTED. The script shows that the files fit together. Three keys are to be compared "
    "with\n"
    "what is known of them from elsewhere, because whoever makes a bundle can put any key into "
    "it:\n"
    "    vkey               the log's key: as published by the case, or noted when the log began\n"
    "    timestamp/ca.pem   the time stamp authority's: from the authority\n"
    "    witness/vkeys      the witnesses': from the witnesses\n"
    "\n";

static const char what[] =
    "WHAT IS PROVED\n"
    "1. The files are as the manifest has them (SHA-256), and no other file is there.\n"
    "2. manifest.sig: the person whose key is in account.pem signed the manifest (Ed25519), and so "
    "all\n"
    "   files with it. account.entry names the entry that put that key on the log.\n"
    "3. checkpoint: the log's key signed that the log has so many entries, and the root over them\n"
    "   (C2SP tlog-checkpoint). Nobody can change, remove or insert an entry and keep the root.\n"
    "   rotated/, where it is there: keys that the log had before, each of which signed which is "
    "the "
    "next.\n"
    "4. entries/N.leaf is entry N of that log: entries/N.proof leads from it to the root (RFC "
    "9162, 2.1.3;\n"
    "   C2SP tlog-proof). A leaf is 68 bytes: version (1 byte), kind (1), flags (2), time in "
    "microseconds\n"
    "   since 1970 UTC (8), the entries that describe sensor, ruleset and enrichment data (8 "
    "each), and\n"
    "   the commitment (32).\n"
    "5. entries/N.cbor is what entry N says: SHA-256 of entries/N.salt followed by entries/N.cbor "
    "is the\n"
    "   commitment. It is CBOR (RFC 8949); entries/N.json is the same for people to read. Where "
    "the two\n"
    "   should differ, the .cbor counts.\n"
    "6. blobs/: files that an entry names by their SHA-256, which is their name here.\n"
    "7. witness/: others saw the log and that it only grew, at the times that they give (C2SP\n"
    "   tlog-cosignature); witness/consistency shows that what they saw is the beginning of this "
    "log.\n"
    "8. timestamp/: an authority stamped a checkpoint of this log (RFC 3161): these entries were "
    "there\n"
    "   before that time. What is stamped is the file timestamp/checkpoint, byte for byte.\n"
    "\n"
    "WHAT IS NOT PROVED. That an entry is true: the log shows what was recorded, in which order, "
    "and that\n"
    "it was not changed since. Times in entries are those of the recording machine's clock; that "
    "an entry\n"
    "was there by a certain time from outside is shown by 7 and 8 alone.\n"
    "\n";

static const char withheld[] =
    "ENTRIES WHOSE WORDS ARE NOT SHOWN IN FULL have a file entries/N.withheld that says why, and "
    "no .cbor\n"
    "and .salt. Of them the log proves that there is such an entry, at that place, of that kind "
    "and time.\n"
    "It does NOT prove the words in entries/N.json: these are what the maker of this bundle says "
    "that the\n"
    "entry says, without the members that were left out. The maker's signature over the manifest "
    "covers\n"
    "that statement, and nothing else does. A court that may see the whole entry can be given its "
    "payload\n"
    "and salt later: they open the commitment that is in entries/N.leaf already.\n"
    "Only the members that are named were left out: look whether others say the same.\n"
    "\n";

static void put_anchor(struct buf *out, const char *label, const struct exhibit_anchor *a)
{
    char time[UTC_TEXT_MAX] = "";
    if (!a->has) {
        buf_printf(out, "%-14s none\n", label);
        return;
    }
    if (a->when)
        utc_format(a->when, time);
    buf_printf(out, "%-14s %s%s%s: of %llu entries, %llu of these\n", label, a->by,
               time[0] ? ", " : "", time, (unsigned long long)a->size,
               (unsigned long long)a->covered);
}

void exhibit_readme(const struct exhibit *x, struct buf *out)
{
    const struct checkpoint *c = journal_prover_checkpoint(x->prover);
    char time[UTC_TEXT_MAX], root[SHA256_HEX_MAX];
    hex_encode(c->root, SHA256_LEN, root);
    utc_format(x->made, time);
    buf_printf(out, "EXHIBIT: %s\n\n", x->r->name);
    buf_printf(out, "Log            %.*s\n", (int)c->origin.n, (const char *)c->origin.p);
    buf_printf(out, "Its size       %llu entries\n", (unsigned long long)c->size);
    buf_printf(out, "Its root       %s\n", root);
    buf_printf(out, "Asked for      %.*s\n", (int)x->r->query.n, (const char *)x->r->query.p);
    buf_printf(out,
               "Entries        %llu: %llu in full, %llu redacted here, %llu erased on the log\n",
               (unsigned long long)x->n_entries, (unsigned long long)x->opened,
               (unsigned long long)x->redacted, (unsigned long long)x->erased);
    buf_printf(out, "Files named    %llu\n", (unsigned long long)x->blobs);
    buf_printf(out, "Made           %s by ebb %s\n", time, EBB_VERSION);
    buf_printf(out, "Signed by      %s\n", x->r->signer ? x->r->signer->name : "nobody");
    put_anchor(out, "Time stamp", &x->stamp);
    put_anchor(out, "Witnesses", &x->witnesses);
    buf_byte(out, '\n');
    buf_str(out, how);
    buf_str(out, what);
    if (x->redacted || x->erased)
        buf_str(out, withheld);
}
