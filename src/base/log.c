#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utc.h"

#define LOG_LINE_MAX 1024

static enum log_level log_level = LOG_WARN;
static bool log_journal;

void log_open(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    log_journal = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                  fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

const char *log_prefix(enum log_level level)
{
    static const char *const prefix[] = {"<7>", "<6>", "<4>", "<3>"};
    return log_journal ? prefix[level] : "";
}

void log_set_level(enum log_level level)
{
    log_level = level;
}

void log_line(enum log_level level, const char *what, const char *fmt, ...)
{
    static const char *const name[] = {"debug", "info", "warn", "error"};
    if (level < log_level)
        return;
    char line[LOG_LINE_MAX], when[UTC_TEXT_MAX];
    utc_format(utc_now(), when);
    int n = log_journal ? snprintf(line, sizeof line, "%slevel=%s what=\"%s\"", log_prefix(level),
                                   name[level], what)
                        : snprintf(line, sizeof line, "time=%s level=%s what=\"%s\"", when,
                                   name[level], what);
    if (n > LOG_LINE_MAX - 2)
        n = LOG_LINE_MAX - 2; /* snprintf says what it would have needed */
    if (fmt && n > 0 && n < LOG_LINE_MAX - 2) {
        line[n++] = ' ';
        va_list ap;
        va_start(ap, fmt);
        int m = vsnprintf(line + n, (size_t)(LOG_LINE_MAX - 1 - n), fmt, ap);
        va_end(ap);
        n = m < 0 ? n : n + m < LOG_LINE_MAX - 2 ? n + m : LOG_LINE_MAX - 2;
    }
    if (n <= 0)
        return;
    for (int i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20)
            line[i] = '?';
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nobody listens; there is nowhere else to say so */
}
