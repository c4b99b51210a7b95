/* Queues reports for the courier's tests, as `ebb cleanup send` does, without a plan: a line of
 * standard input is "CONTACT MESSAGE-ID BYTES [HOURS-AGO]", and becomes a mail of about so many
 * bytes. Prints each report's number. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/utc.h"
#include "event/act_cleanup.h"
#include "event/event.h"
#include "journal/blob.h"
#include "journal/journal.h"

static void mail_text(const char *contact, const char *id, size_t n, struct buf *out)
{
    buf_printf(out,
               "From: Tests <reports@ebb.example>\r\nTo: <%s>\r\nSubject: Test\r\n"
               "Message-ID: <%s>\r\nDate: Mon, 30 Nov 2026 00:00:00 +0000\r\n\r\n"
               ".a line that begins with a dot\r\n..and one with two\r\n",
               contact, id);
    while (out->n < n)
        buf_str(
            out,
            "This line is filled in so that the mail has its size, and is not a word long.\r\n");
    buf_str(out, ".\r\n");
}

static int queue(struct journal *j, struct blob_store *store, const char *contact, const char *id,
                 size_t n, unsigned hours, struct err *err)
{
    struct buf text = {0}, payload = {0};
    uint8_t digest[SHA256_LEN];
    uint64_t index;
    int64_t now = utc_now() - (int64_t)hours * 3600 * UTC_SECOND;
    mail_text(contact, id, n, &text);
    int rc = blob_put(store, buf_as_span(&text), digest, err);
    struct act_report_queued a = {.contact = span_str(contact),
                                  .format = span_str("text"),
                                  .language = span_str("en"),
                                  .channel = span_str("mail"),
                                  .message_id = span_str(id),
                                  .sha256 = span_of(digest, SHA256_LEN),
                                  .since = now - UTC_DAY,
                                  .until = now,
                                  .fresh = 1};
    act_report_queued(&payload, &a);
    struct entry_header header = {.kind = KIND_REPORT_QUEUED, .time = now};
    if (rc == 0)
        rc = journal_append(j, &header, buf_as_span(&payload), &index, err);
    if (rc == 0)
        printf("%llu\n", (unsigned long long)index);
    buf_free(&text);
    buf_free(&payload);
    return rc;
}

int main(int argc, char **argv)
{
    char path[FILE_PATH_MAX], contact[300], id[300], line[1000];
    struct journal *j = NULL;
    struct blob_store *store = NULL;
    struct err err = {0};
    int rc = argc == 2 ? file_path(path, &err, "%s/blobs", argv[1]) : -1;
    if (rc == 0)
        rc = journal_open(argv[1], JOURNAL_WRITE, &j, NULL, &err);
    if (rc == 0)
        rc = blob_open(path, 0, 0, &store, &err);
    while (rc == 0 && fgets(line, sizeof line, stdin)) {
        size_t n = 0;
        unsigned hours = 0;
        if (sscanf(line, "%299s %299s %zu %u", contact, id, &n, &hours) >= 3)
            rc = queue(j, store, contact, id, n, hours, &err);
    }
    if (rc == 0)
        rc = blob_sync(store, &err);
    if (store)
        blob_close(store);
    if (j) {
        int closed = journal_close(j, rc == 0 ? &err : NULL);
        rc = rc == 0 ? closed : rc;
    }
    if (rc < 0)
        fprintf(stderr, "queue_reports: %s\n", argc == 2 ? err.text : "which case?");
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
