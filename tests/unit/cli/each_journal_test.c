#include "cli/each_journal.h"

#include "tests/support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char path[64];
    struct spool spool;
    struct error error;
    struct each_journal_record last;
    size_t count;
};

static void visit(void *self, const struct each_journal_record *record) {
    struct fixture *f = self;
    f->last = *record;
    f->count++;
}

static void begin(struct fixture *f) {
    *f = (struct fixture){0};
    snprintf(f->path, sizeof(f->path), "/tmp/journal-test-XXXXXX");
    close(mkstemp(f->path));
}

static struct each_journal *reopen(struct fixture *f, struct each_journal *journal) {
    each_journal_free(journal);
    f->count = 0;
    journal = each_journal_open(f->path, TEXT("what"), visit, f, &f->error);
    assert_non_null(journal);
    return journal;
}

/* A journal with the output "out" and "err" of line 7. */
static struct each_journal *with_one_line(struct fixture *f) {
    struct spooled out = {0}, err = {0};
    begin(f);
    struct each_journal *journal = reopen(f, NULL);
    spooled_add(&out, &f->spool, TEXT("out"), NULL);
    spooled_add(&err, &f->spool, TEXT("err"), NULL);
    assert_true(each_journal_append_done(journal, 7, 3, &out, &err, &f->spool, &f->error));
    spooled_fini(&out, &f->spool);
    spooled_fini(&err, &f->spool);
    return journal;
}

TEST(what_was_appended_is_there_when_it_is_opened_again) {
    struct fixture f;
    AUTO_FINI(buf_fini) struct buf payload = {0};
    struct each_journal *journal = reopen(&f, with_one_line(&f));

    assert_int_equal(f.count, 1);
    assert_int_equal(f.last.kind, JOURNAL_DONE);
    assert_int_equal(f.last.line, 7);
    assert_int_equal(f.last.value, 3);
    assert_int_equal(f.last.extra, 3);
    assert_true(each_journal_read(journal, &f.last, &payload, &f.error));
    assert_string_equal(buf_string(&payload), "outerr");
    each_journal_free(journal);
    unlink(f.path);
}

TEST(wherever_the_last_record_is_cut_off_the_ones_before_it_stay) {
    struct fixture f;
    struct stat whole, longer;
    struct each_journal *journal = with_one_line(&f);
    stat(f.path, &whole);
    struct each_journal_record record = {.kind = JOURNAL_POSITION, .line = 8};
    assert_true(each_journal_append(journal, &record, TEXT("xyz"), &f.error));
    stat(f.path, &longer);

    for (off_t size = longer.st_size - 1; size >= whole.st_size; size--) {
        assert_int_equal(truncate(f.path, size), 0);
        journal = reopen(&f, journal);
        assert_int_equal(f.count, 1);
        assert_int_equal(f.last.line, 7);
    }
    each_journal_free(journal);
    unlink(f.path);
}

TEST(a_journal_of_something_else_is_refused) {
    struct fixture f;
    each_journal_free(with_one_line(&f));

    assert_null(each_journal_open(f.path, TEXT("other"), visit, &f, &f.error));

    assert_int_equal(f.error.code, ERROR_INVALID);
    unlink(f.path);
}

TEST(a_file_that_is_no_journal_is_refused_and_left_alone) {
    struct fixture f;
    struct stat info;
    begin(&f);
    FILE *file = fopen(f.path, "w");
    fputs("a letter to a friend", file);
    fclose(file);

    assert_null(each_journal_open(f.path, TEXT("what"), visit, &f, &f.error));

    assert_int_equal(f.error.code, ERROR_INVALID);
    stat(f.path, &info);
    assert_int_equal(info.st_size, 20);
    unlink(f.path);
}

TEST(two_cannot_have_it_at_once) {
    struct fixture f;
    struct each_journal *journal = with_one_line(&f);

    assert_null(each_journal_open(f.path, TEXT("what"), visit, &f, &f.error));

    assert_int_equal(f.error.code, ERROR_EXISTS);
    each_journal_free(journal);
    unlink(f.path);
}
