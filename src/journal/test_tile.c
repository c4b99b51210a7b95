/* Tile paths by the specification's examples; trimming; the source against the tree. */
#include "journal/test_scratch.h"
#include "journal/tile.h"

static void path_is(int level, uint64_t tile, unsigned width, const char *want)
{
    char path[TILE_PATH_MAX];
    tile_path(path, level, tile, width);
    is_str(path, want);
}

static void test_paths(void)
{
    path_is(0, 0, 256, "tile/0/000");
    path_is(0, 999, 256, "tile/0/999");
    path_is(0, 1000, 256, "tile/0/x001/000");
    path_is(0, 1234067, 256, "tile/0/x001/x234/067"); /* C2SP tlog-tiles */
    path_is(3, 1234067, 17, "tile/3/x001/x234/067.p/17");
    path_is(TILE_ENTRIES, 273, 112, "tile/entries/273.p/112");
    path_is(7, 1000000, 256, "tile/7/x001/x000/000");
    path_is(0, UINT64_MAX >> 8, 255, "tile/0/x072/x057/x594/x037/x927/935.p/255");
}

/* C2SP tlog-tiles: 70,000 entries are 273 full and one partial tile of 112 at level 0, one full
 * and one of 17 at level 1, one of width 1 at level 2; 256 entries are one full tile and a partial
 * one of width 1 above it. */
static void test_widths(void)
{
    is_int(tree_level_size(70000, 0) / 256, 273);
    is_int(tree_level_size(70000, 0) % 256, 112);
    is_int(tree_level_size(70000, 1) / 256, 1);
    is_int(tree_level_size(70000, 1) % 256, 17);
    is_int(tree_level_size(70000, 2) % 256, 1);
    is_int(tree_level_size(256, 0) % 256, 0);
    is_int(tree_level_size(256, 1) % 256, 1);
}

static void touch(struct tile_writer *w, int level, uint64_t tile, unsigned width)
{
    struct err err;
    if (tile_write(w, level, tile, width, span_of("x", 1), &err) < 0)
        abort();
}

static void test_trim(void)
{
    char *dir = scratch_make();
    int fd = open(dir, O_RDONLY | O_DIRECTORY);
    struct tile_writer w;
    struct err err;
    tile_writer_init(&w, fd);
    touch(&w, 0, 998, 256);
    touch(&w, 0, 999, 256);
    touch(&w, 0, 999, 7);
    touch(&w, 0, 999, 8);
    touch(&w, 0, 1000, 256);
    touch(&w, 0, 1001, 3);
    touch(&w, TILE_ENTRIES, 999, 7);
    touch(&w, TILE_ENTRIES, 1000, 1);
    touch(&w, 1, 3, 231);
    touch(&w, 1, 3, 232);
    is_int(tile_trim(&w, 999 * 256 + 7, &err), 0);
    ok(scratch_exists(dir, "tile/0/998"));
    ok(!scratch_exists(dir, "tile/0/999"), "the full tile was not signed");
    ok(scratch_exists(dir, "tile/0/999.p/7"), "the partial one was");
    ok(!scratch_exists(dir, "tile/0/999.p/8"));
    ok(!scratch_exists(dir, "tile/0/x001/000"));
    ok(!scratch_exists(dir, "tile/0/x001/001.p"));
    ok(scratch_exists(dir, "tile/entries/999.p/7"));
    ok(!scratch_exists(dir, "tile/entries/x001/000.p"));
    ok(scratch_exists(dir, "tile/1/003.p/231"), "999 = 3 * 256 + 231");
    ok(!scratch_exists(dir, "tile/1/003.p/232"));
    is_int(tile_remove_partials(&w, 0, 999, &err), 0);
    ok(!scratch_exists(dir, "tile/0/999.p"));
    is_int(tile_remove_partials(&w, 0, 999, &err), 0);
    tile_writer_close(&w);
    close(fd);
    scratch_free(dir);
}

/* Hashes of subtrees by way of the tiles, against a tree that was grown. */
static void test_source(void)
{
    static const uint64_t sizes[] = {1, 2, 255, 256, 257, 511, 512, 700, 65536, 65537, 66000};
    char *dir = scratch_make(), log[FILE_PATH_MAX];
    struct journal *j;
    struct err err;
    file_path(log, NULL, "%s/log", dir);
    journal_create(dir, "test.example/log", NULL);
    journal_open(dir, JOURNAL_WRITE, &j, NULL, NULL);
    int fd = open(log, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t want[SHA256_LEN], got[SHA256_LEN];
        scratch_append(j, sizes[i] - journal_size(j), &err);
        ok(journal_commit(j, &err) == 0 && journal_publish(j, &err) == 0);
        journal_root(j, want);
        struct tile_source *s = tile_source_open(fd, sizes[i]);
        struct merkle_source src = {tile_source_node, s};
        is_int(merkle_root(&src, sizes[i], got, &err), 0);
        ok(memcmp(want, got, SHA256_LEN) == 0, "root from the tiles");
        ok(tile_source_node(s, 0, sizes[i], got, &err) < 0, "nothing beyond the end");
        ok(tile_source_node(s, 64, 0, got, &err) < 0);
        tile_source_close(s);
    }
    ok(!scratch_exists(dir, "log/tile/0/000.p"), "old partial tiles are gone");
    ok(!scratch_exists(dir, "log/tile/entries/001.p"));
    ok(scratch_exists(dir, "log/tile/0/257.p/208"));
    ok(scratch_exists(dir, "log/tile/1/001.p/1"));
    ok(scratch_exists(dir, "log/tile/2/000.p/1"));
    journal_close(j, NULL);
    ok(scratch_verify(dir).holds);
    close(fd);
    scratch_free(dir);
}

int main(void)
{
    test_paths();
    test_widths();
    test_trim();
    test_source();
    return tap_done();
}
