/* Whole files and errors. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/tap.h"

static char dir[] = "/tmp/ebb-test-file-XXXXXX";
static struct err err;

static const char *in_dir(const char *name)
{
    static char path[8][FILE_PATH_MAX]; /* the last few results stay */
    static unsigned turn;
    turn = (turn + 1) % 8;
    file_path(path[turn], NULL, "%s/%s", dir, name);
    return path[turn];
}

static void test_errors(void)
{
    struct err e;
    is_int(err_set(&e, -EINVAL, "%s: bad\n\x01\x7f", "x"), -EINVAL);
    is_int(e.code, -EINVAL);
    is_str(e.text, "x: bad???");
    is_int(err_set(NULL, -EIO, "x"), -EIO);
    errno = ENOENT;
    is_int(err_errno(&e, "f"), -ENOENT);
    is_str(e.text, "f: No such file or directory");
    errno = 0;
    is_int(err_errno(&e, "f"), -EIO);
    char big[2 * ERR_TEXT_MAX];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    err_set(&e, -EIO, "%s", big);
    is_int(strlen(e.text), ERR_TEXT_MAX - 1);
    errno = EIO;
    err_errno(&e, "%s", big);
    is_int(strlen(e.text), ERR_TEXT_MAX - 1);
}

static void test_paths(void)
{
    char path[FILE_PATH_MAX], big[FILE_PATH_MAX + 1];
    is_int(file_path(path, &err, "%s/%d", "a", 1), 0);
    is_str(path, "a/1");
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    is_int(file_path(path, &err, "%s", big), -ENAMETOOLONG);
    big[FILE_PATH_MAX - 1] = 0;
    is_int(file_path(path, &err, "%s", big), 0, "the longest path");
}

static void test_replace_and_read(void)
{
    struct buf b = {0};
    struct stat st;
    char path[FILE_PATH_MAX];
    strcpy(path, in_dir("f"));
    buf_str(&b, "kept ");
    is_int(file_replace(path, span_str("one"), 0600, &err), 0);
    is_int(file_read(path, 3, &b, &err), 0);
    ok(span_is(buf_as_span(&b), "kept one"));
    ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    is_int(file_replace(path, span_str("twice"), 0600, &err), 0);
    b.n = 5;
    is_int(file_read(path, 4, &b, &err), -EFBIG);
    is_int(b.n, 5, "nothing of a file too large");
    is_int(file_read(path, 5, &b, &err), 0);
    ok(span_is(buf_as_span(&b), "kept twice"));
    is_int(file_replace(path, span_of(NULL, 0), 0600, &err), 0);
    b.n = 0;
    is_int(file_read(path, 0, &b, &err), 0);
    is_int(b.n, 0);
    is_int(file_read(in_dir("none"), 10, &b, &err), -ENOENT);
    ok(strstr(err.text, "none: No such file"), "the path is named");
    is_int(file_read(dir, 10, &b, &err), -EISDIR);
    is_int(file_replace(in_dir("none/f"), span_str("x"), 0600, &err), -ENOENT);
    ok(file_exists(path) && !file_exists(in_dir("none")));
    ok(!file_exists(in_dir("f.tmp")), "nothing left beside it");
    /* onto a folder: the old stays, nothing is left */
    is_int(file_mkdirs(in_dir("d"), 0700, &err), 0);
    is_int(file_replace(in_dir("d"), span_str("x"), 0600, &err), -EISDIR);
    ok(!file_exists(in_dir("d.tmp")));
    buf_free(&b);
}

static void test_big(void)
{
    struct buf b = {0}, back = {0};
    for (unsigned i = 0; i < 100000; i++)
        buf_printf(&b, "%u ", i);
    is_int(file_replace(in_dir("big"), buf_as_span(&b), 0600, &err), 0);
    is_int(file_read(in_dir("big"), b.n, &back, &err), 0);
    ok(span_eq(buf_as_span(&b), buf_as_span(&back)));
    back.n = 0;
    is_int(file_read(in_dir("big"), b.n - 1, &back, &err), -EFBIG);
    int fd = open(in_dir("big"), O_RDONLY | O_CLOEXEC);
    is_int(file_read_upto(fd, 70000, &back), 0);
    is_int(back.n, 70000, "no byte more");
    is_int(file_read_upto(fd, SIZE_MAX, &back), 0);
    ok(span_eq(buf_as_span(&b), buf_as_span(&back)), "the rest behind it");
    close(fd);
    is_int(file_read_upto(fd, 1, &back), -EBADF);
    buf_free(&b);
    buf_free(&back);
}

static void test_folders(void)
{
    struct stat st;
    is_int(file_mkdirs(in_dir("a/b//c/"), 0700, &err), 0);
    is_int(file_mkdirs(in_dir("a/b/c"), 0700, &err), 0, "again");
    ok(stat(in_dir("a/b/c"), &st) == 0 && S_ISDIR(st.st_mode));
    is_int(file_mkdirs("/", 0700, &err), 0);
    is_int(file_mkdirs(".", 0700, &err), 0);
    is_int(file_mkdirs("", 0700, &err), -ENOENT);
    is_int(file_replace(in_dir("f"), span_str("x"), 0600, &err), 0);
    is_int(file_mkdirs(in_dir("f"), 0700, &err), -ENOTDIR, "a file of that name");
    is_int(file_mkdirs(in_dir("f/g"), 0700, &err), -ENOTDIR);
    is_int(file_sync_dir(dir, &err), 0);
    is_int(file_sync_dir(in_dir("f"), &err), -ENOTDIR);
}

static void test_write_all(void)
{
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full >= 0) {
        is_int(file_write_all(full, "x", 1), -ENOSPC);
        is_int(file_write_all(full, "", 0), 0);
        close(full);
    }
    is_int(file_write_all(-1, "x", 1), -EBADF);
}

static void remove_all(void)
{
    static const char *const names[] = {"f", "big", "d", "a/b/c", "a/b", "a", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(in_dir(names[i]));
}

int main(void)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    test_errors();
    test_paths();
    test_replace_and_read();
    test_big();
    test_folders();
    test_write_all();
    remove_all();
    return tap_done();
}
