/* Lines for people and lines for the journal. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tap.h"

/* What one line is on standard error, when JOURNAL_STREAM is `stream` (NULL: not set). */
static const char *said(const char *stream, int in, enum log_level level, const char *what)
{
    static char text[2048];
    if (stream)
        setenv("JOURNAL_STREAM", stream, 1);
    else
        unsetenv("JOURNAL_STREAM");
    log_open();
    log_line(level, what, "n=%d", 7);
    ssize_t n = read(in, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

int main(void)
{
    int ends[2], saved = dup(STDERR_FILENO);
    struct stat st;
    char stream[64], other[64];
    if (pipe2(ends, O_NONBLOCK) < 0 || dup2(ends[1], STDERR_FILENO) < 0 || fstat(ends[1], &st) < 0)
        return 1;
    snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    snprintf(other, sizeof other, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino + 1);
    const char *plain = said(NULL, ends[0], LOG_WARN, "disk full");
    ok(strncmp(plain, "time=2", 6) == 0, "without the journal a line begins with its time");
    ok(strstr(plain, " level=warn what=\"disk full\" n=7\n"), "and goes on with the rest");
    is_str(log_prefix(LOG_ERROR), "");
    is_str(said(stream, ends[0], LOG_WARN, "disk full"), "<4>level=warn what=\"disk full\" n=7\n");
    is_str(said(stream, ends[0], LOG_ERROR, "x"), "<3>level=error what=\"x\" n=7\n");
    is_str(said(stream, ends[0], LOG_WARN, "a\n<0>b"), "<4>level=warn what=\"a?<0>b\" n=7\n");
    is_str(said(stream, ends[0], LOG_INFO, "below the level"), "");
    log_set_level(LOG_INFO);
    is_str(said(stream, ends[0], LOG_INFO, "x"), "<6>level=info what=\"x\" n=7\n");
    is_str(log_prefix(LOG_ERROR), "<3>");
    ok(strncmp(said(other, ends[0], LOG_WARN, "x"), "time=", 5) == 0,
       "another file's number: standard error leads elsewhere");
    ok(strncmp(said("nonsense", ends[0], LOG_WARN, "x"), "time=", 5) == 0, "nonsense");
    ok(strncmp(said("1:", ends[0], LOG_WARN, "x"), "time=", 5) == 0, "half a number");
    dup2(saved, STDERR_FILENO);
    return tap_done();
}
