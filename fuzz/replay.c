/* Runs a fuzz target over the files of its seed corpus: what `make check` does with it. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
        return 2;
    }
    unsigned files = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[FILE_PATH_MAX];
        struct buf data = {0};
        struct err err;
        if (e->d_name[0] == '.' || file_path(path, NULL, "%s/%s", argv[1], e->d_name) < 0)
            continue;
        if (file_read(path, 64u << 20, &data, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        /* an exact-size copy, so that a sanitizer sees reads past the end */
        uint8_t *copy = malloc(data.n ? data.n : 1);
        if (!copy)
            abort();
        if (data.n)
            memcpy(copy, data.p, data.n);
        LLVMFuzzerTestOneInput(copy, data.n);
        free(copy);
        buf_free(&data);
        files++;
    }
    closedir(dir);
    printf("%u files\n", files);
    return files ? 0 : 1;
}
