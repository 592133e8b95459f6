/* Runs each file of the folder argv[1] once through the fuzz target it is linked with: so that what a
 * fuzzer once found stays found, also where there is no libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { INPUT_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int run_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s cannot be read\n", path);
        return 1;
    }
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    size_t n = bytes ? fread(bytes, 1, INPUT_BYTES_MAX, f) : 0;
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1); /* no slack behind the end, so that reading past it is seen */
    for (size_t i = 0; exact && i < n; i++)
        exact[i] = bytes[i];
    if (exact)
        LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    free(bytes);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc > 1 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "no corpus\n");
        return 1;
    }
    int files_n = 0, failed = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        failed |= run_file(argv[1], entry->d_name);
        files_n++;
    }
    closedir(folder);
    printf("%d inputs\n", files_n);
    return failed || files_n == 0;
}
