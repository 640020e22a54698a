#include "init/lease.h"

#include "init/record.h"
#include "tests/support/unit.h"
#include "tests/support/clock.h"

#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FAR_MS = 3600 * 1000, WAIT_MS = 10000 };

static void write_stop_at(int file, int64_t stop_at_ms) {
    assert_int_equal(
        pwrite(file, &stop_at_ms, sizeof(stop_at_ms), offsetof(struct record_head, stop_at_ms)),
        sizeof(stop_at_ms));
}

/* A status file that says this. */
static int status_file(int64_t stop_at_ms) {
    int file = memfd_create("status", MFD_CLOEXEC);
    assert_true(file >= 0);
    write_stop_at(file, stop_at_ms);
    return file;
}

static struct lease begin(int64_t stop_at_ms, int64_t grace_ms) {
    struct lease lease;
    assert_true(lease_open(&lease, status_file(stop_at_ms), grace_ms));
    return lease;
}

/* One that is over. */
static struct lease begin_over(int64_t grace_ms) {
    return begin(boot_clock_ms() - FAR_MS, grace_ms);
}

static bool goes_off(const struct lease *lease, int within_ms) {
    struct pollfd timer = {.fd = lease->timer, .events = POLLIN};
    return poll(&timer, 1, within_ms) == 1;
}

static void end(const struct lease *lease) {
    close(lease->timer);
    close(lease->status);
}

TEST(a_lease_that_is_over_goes_off_at_once_and_says_so_once) {
    struct lease lease = begin_over(FAR_MS);

    assert_true(goes_off(&lease, WAIT_MS));
    assert_int_equal(lease_look(&lease), LEASE_OVER);

    assert_false(goes_off(&lease, 0));
    end(&lease);
}

TEST(after_the_grace_there_is_one_more_word) {
    struct lease lease = begin_over(0);

    assert_int_equal(lease_look(&lease), LEASE_OVER);
    assert_true(goes_off(&lease, WAIT_MS));
    assert_int_equal(lease_look(&lease), LEASE_OUTLIVED);

    assert_false(goes_off(&lease, 0));
    end(&lease);
}

TEST(a_lease_that_was_renewed_goes_on) {
    struct lease lease = begin_over(0);
    assert_true(goes_off(&lease, WAIT_MS));

    write_stop_at(lease.status, boot_clock_ms() + FAR_MS);
    assert_int_equal(lease_look(&lease), LEASE_GOES_ON);

    assert_false(goes_off(&lease, 0));
    end(&lease);
}

TEST(a_renewal_that_comes_after_the_first_word_changes_nothing) {
    struct lease lease = begin_over(0);
    assert_int_equal(lease_look(&lease), LEASE_OVER);

    write_stop_at(lease.status, boot_clock_ms() + FAR_MS);

    assert_true(goes_off(&lease, WAIT_MS));
    assert_int_equal(lease_look(&lease), LEASE_OUTLIVED);
    end(&lease);
}

TEST(the_agent_has_a_moment_to_do_it_itself) {
    struct lease lease = begin(boot_clock_ms(), 0);

    int64_t from_ms = lease.stop_at_ms;
    assert_true(goes_off(&lease, WAIT_MS));

    assert_true(boot_clock_ms() >= from_ms + LEASE_AGENT_FIRST_MS);
    assert_int_equal(lease_look(&lease), LEASE_OVER);
    end(&lease);
}

TEST(no_time_and_a_time_beyond_all_clocks_are_never) {
    static const int64_t never[] = {0, INT64_MAX, INT64_MAX - 1};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        struct lease lease = begin(never[i], FAR_MS);

        assert_int_equal(lease_look(&lease), LEASE_GOES_ON);

        assert_false(goes_off(&lease, 0));
        end(&lease);
    }
}

TEST(a_status_file_that_says_nothing_more_has_not_put_it_off) {
    struct lease lease = begin_over(FAR_MS);

    assert_int_equal(ftruncate(lease.status, 0), 0);

    assert_int_equal(lease_look(&lease), LEASE_OVER);
    end(&lease);
}
