#include "common/storage/storage.h"
#include "common/base/buf.h"
#include "common/runtime/files.h"
#include "common/runtime/loop.h"
#include "tests/support/unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

struct bench {
    char directory[64];
    struct loop *loop;
    struct storage *storage;
    uint64_t stored;
    struct error trouble;
    uint64_t map_limit_bytes;
};

static void on_stored(void *self, uint64_t ticket) {
    struct bench *bench = self;
    assert_true(ticket > bench->stored);
    bench->stored = ticket;
}

static void on_trouble(void *self, const struct error *error) {
    struct bench *bench = self;
    bench->trouble = error != NULL ? *error : (struct error){0};
}

static struct storage *open_at(struct bench *bench, struct error *error) {
    struct storage_options options = {.directory = bench->directory,
                                      .map_limit_bytes = bench->map_limit_bytes,
                                      .on_stored = on_stored,
                                      .on_trouble = on_trouble,
                                      .self = bench};
    return storage_open(bench->loop, &options, error);
}

static struct bench bench_make(void) {
    struct bench bench = {.directory = "/tmp/storage-test-XXXXXX"};
    struct error error;
    assert_non_null(mkdtemp(bench.directory));
    bench.loop = loop_new(&error);
    return bench;
}

static void bench_open(struct bench *bench) {
    struct error error = {0};
    bench->storage = open_at(bench, &error);
    assert_string_equal(error.message, "");
}

static void bench_end(struct bench *bench) {
    storage_close(bench->storage);
    loop_free(bench->loop);
    assert_true(tree_remove(bench->directory, NULL));
}

static void wait_until_stored(struct bench *bench, uint64_t ticket) {
    while (bench->stored < ticket)
        loop_turn(bench->loop, -1);
}

static bool list(void *self, struct text key, struct text value, struct error *error) {
    (void)error;
    buf_printf(self, "%.*s=%.*s;", TEXT_ARGS(key), TEXT_ARGS(value));
    return true;
}

static void assert_holds(struct bench *bench, const char *expected) {
    AUTO_FINI(buf_fini) struct buf found = {0};
    struct error error;
    assert_true(storage_load(bench->storage, list, &found, &error));
    assert_string_equal(buf_string(&found), expected);
}

TEST(what_was_committed_is_there_after_a_restart) {
    struct bench bench = bench_make();
    bench_open(&bench);

    storage_put(bench.storage, TEXT("a"), TEXT("1"));
    storage_put(bench.storage, TEXT("b"), TEXT("2"));
    storage_put(bench.storage, TEXT("a"), TEXT("3"));
    storage_commit(bench.storage, 1);
    storage_remove(bench.storage, TEXT("b"));
    storage_remove(bench.storage, TEXT("never there"));
    storage_put(bench.storage, TEXT("c"), TEXT(""));
    storage_commit(bench.storage, 2);
    wait_until_stored(&bench, 2);
    storage_close(bench.storage);
    bench_open(&bench);

    assert_holds(&bench, "a=3;c=;");
    bench_end(&bench);
}

TEST(closing_commits_what_was_handed_over) {
    struct bench bench = bench_make();
    bench_open(&bench);

    storage_put(bench.storage, TEXT("k"), TEXT("v"));
    storage_commit(bench.storage, 1);
    storage_close(bench.storage);
    bench_open(&bench);

    assert_holds(&bench, "k=v;");
    bench_end(&bench);
}

TEST(a_directory_in_use_is_refused) {
    struct bench bench = bench_make();
    bench_open(&bench);
    struct error error;

    assert_null(open_at(&bench, &error));

    assert_int_equal(error.code, ERROR_EXISTS);
    bench_end(&bench);
}

TEST(keys_longer_than_lmdb_allows_are_told_apart) {
    struct bench bench = bench_make();
    bench_open(&bench);
    char long_key[700];
    memset(long_key, 'x', sizeof(long_key));

    storage_put(bench.storage, (struct text){long_key, 700}, TEXT("long"));
    storage_put(bench.storage, (struct text){long_key, 699}, TEXT("shorter"));
    storage_remove(bench.storage, (struct text){long_key, 699});
    storage_commit(bench.storage, 1);
    wait_until_stored(&bench, 1);

    AUTO_FINI(buf_fini) struct buf expected = {0};
    buf_printf(&expected, "%.700s=long;", long_key);
    assert_holds(&bench, buf_string(&expected));
    bench_end(&bench);
}

TEST(a_full_disk_is_told_and_nothing_is_reported_as_stored) {
    struct bench bench = bench_make();
    bench.map_limit_bytes = 64 * 1024;
    bench_open(&bench);
    static char large[256 * 1024];

    storage_put(bench.storage, TEXT("k"), (struct text){large, sizeof(large)});
    storage_commit(bench.storage, 1);
    while (bench.trouble.code == ERROR_NONE)
        loop_turn(bench.loop, -1);

    assert_int_equal(bench.trouble.code, ERROR_LIMIT);
    assert_int_equal(bench.stored, 0);
    bench_end(&bench);
}

/* LMDB's own, which finds this one: a disk that takes data, and not the page that makes it count.
 */
enum { META_BYTES = 2 * 4096 };
static bool meta_cannot_be_written;

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t size,
                                                      off_t at) {
    struct iovec all = {(void *)(uintptr_t)bytes, size};
    if (!meta_cannot_be_written || at >= META_BYTES)
        return pwritev(fd, &all, 1, at);
    errno = ENOSPC;
    return -1;
}

TEST(a_disk_that_fails_at_the_last_page_of_a_commit_and_works_again_takes_it) {
    struct bench bench = bench_make();
    bench_open(&bench);
    storage_put(bench.storage, TEXT("a"), TEXT("1"));
    storage_commit(bench.storage, 1);
    wait_until_stored(&bench, 1);

    meta_cannot_be_written = true;
    storage_put(bench.storage, TEXT("b"), TEXT("2"));
    storage_commit(bench.storage, 2);
    while (bench.trouble.code == ERROR_NONE)
        loop_turn(bench.loop, -1);
    meta_cannot_be_written = false;
    wait_until_stored(&bench, 2);

    assert_int_equal(bench.trouble.code, ERROR_NONE);
    storage_put(bench.storage, TEXT("c"), TEXT("3"));
    storage_commit(bench.storage, 3);
    wait_until_stored(&bench, 3);
    storage_close(bench.storage);
    bench_open(&bench);
    assert_holds(&bench, "a=1;b=2;c=3;");
    bench_end(&bench);
}

TEST(a_record_that_changed_often_needs_the_room_of_one) {
    struct bench bench = bench_make();
    bench.map_limit_bytes = 512 * 1024;
    bench_open(&bench);
    static char large[100 * 1024];

    for (size_t i = 0; i < 40; i++)
        storage_put(bench.storage, TEXT("k"), (struct text){large, 60 * 1024 + i * 1024});
    storage_put(bench.storage, TEXT("k"), TEXT("last"));
    storage_commit(bench.storage, 1);
    wait_until_stored(&bench, 1);

    assert_int_equal(bench.trouble.code, ERROR_NONE);
    assert_holds(&bench, "k=last;");
    bench_end(&bench);
}

TEST(a_damaged_file_is_an_error_and_no_crash) {
    struct bench bench = bench_make();
    char path[128];
    snprintf(path, sizeof(path), "%s/state.mdb", bench.directory);
    assert_true(file_write(path, TEXT("this is not a database"), 0600, NULL));
    struct error error = {0};

    assert_null(open_at(&bench, &error));

    assert_string_not_equal(error.message, "");
    bench_end(&bench);
}

/* Wherever it is cut: an error that names the file, when it is opened or when it is read. */
TEST(a_file_that_was_cut_short_is_an_error_and_no_crash) {
    struct bench bench = bench_make();
    char path[128], key[16];
    AUTO_FINI(buf_fini) struct buf whole = {0};
    snprintf(path, sizeof(path), "%s/state.mdb", bench.directory);
    bench_open(&bench);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        storage_put(bench.storage, text_of(key), TEXT("a value of some length"));
    }
    storage_commit(bench.storage, 1);
    wait_until_stored(&bench, 1);
    storage_close(TAKE(bench.storage));
    assert_true(file_read(path, 1 << 24, &whole, NULL));

    for (size_t size = 0; size < whole.size - 4096; size += size < 8192 ? 1365 : 8192) {
        AUTO_FINI(buf_fini) struct buf found = {0};
        struct error error = {0};
        assert_true(file_write(path, text_sub(buf_text(&whole), 0, size), 0600, NULL));
        bench.storage = open_at(&bench, &error);
        if (bench.storage != NULL)
            assert_false(storage_load(bench.storage, list, &found, &error));
        if (strstr(error.message, path) == NULL)
            fail_msg("cut to %zu: %s", size, error.message);
        storage_close(TAKE(bench.storage));
    }
    bench_end(&bench);
}
