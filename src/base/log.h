/* What the program says about itself, on standard error, one line of key=value pairs an event:
 *   time=2026-01-01T00:00:00.000000Z level=warn what="journal tail cut" bytes=17
 * Not the evidence log: that is src/journal. */
#pragma once

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below this level are dropped; LOG_WARN until set. */
void log_set_level(enum log_level level);
/* Whether standard error leads to systemd's journal: JOURNAL_STREAM names its device and inode
 * (systemd.exec(5)). Asked once, at the start: it lets the journal know each line's level ("<4>"
 * before it, sd-daemon(3)). No time is said then, the journal has its own. */
void log_open(void);
/* What stands before a line of that level: "<3>" and the like, or "" where nobody takes it. */
const char *log_prefix(enum log_level level);
/* `what` is our own words; `fmt` gives the rest of the line, already in key=value form (NULL for
 * none). One write(2) a line, so that lines of several processes do not mix. */
void log_line(enum log_level level, const char *what, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
