/* Puts acts on a case's log by no command, as who can write its files could: put_act CASE, then a
 * line "KIND HEX" each on standard input. Prints each entry's index. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "journal/journal.h"

#define LINE_MAX_BYTES (1u << 20)

static int put(struct journal *j, const char *line, struct err *err)
{
    static uint8_t payload[LINE_MAX_BYTES / 2];
    char *hex;
    uint64_t index;
    struct entry_header header = {.kind = (uint8_t)strtoul(line, &hex, 10), .time = utc_now()};
    hex += strspn(hex, " ");
    size_t n = strcspn(hex, "\r\n");
    if (n % 2 || !hex_decode(span_of(hex, n), payload, n / 2))
        return err_set(err, -1, "not hex");
    int rc = journal_append(j, &header, span_of(payload, n / 2), &index, err);
    if (rc == 0)
        printf("%llu\n", (unsigned long long)index);
    return rc;
}

int main(int argc, char **argv)
{
    static char line[LINE_MAX_BYTES];
    struct journal *j = NULL;
    struct err err = {0};
    int rc = argc == 2 ? journal_open(argv[1], JOURNAL_WRITE, &j, NULL, &err)
                       : err_set(&err, -1, "usage: put_act CASE");
    while (rc == 0 && fgets(line, sizeof line, stdin))
        rc = put(j, line, &err);
    if (j) {
        int closed = journal_close(j, rc == 0 ? &err : NULL);
        rc = rc == 0 ? closed : rc;
    }
    if (rc < 0)
        fprintf(stderr, "put_act: %s\n", err.text);
    return rc < 0;
}
