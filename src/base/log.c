#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utc.h"

#define LOG_LINE_MAX 1024

static enum log_level log_level = LOG_WARN;

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
    int n = snprintf(line, sizeof line, "time=%s level=%s what=\"%s\"", when, name[level], what);
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
