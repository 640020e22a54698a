#include "common/base/arena.h"
#include "tests/support/unit.h"

TEST(allocations_are_aligned_and_do_not_overlap) {
    AUTO(arena_free) struct arena *arena = arena_new();

    char *first = arena_alloc(arena, 3);
    char *second = arena_alloc(arena, 5);

    assert_int_equal((uintptr_t)first % 16, 0);
    assert_int_equal((uintptr_t)second % 16, 0);
    assert_true(second >= first + 3);
}

TEST(more_than_a_block_is_given_and_a_reset_takes_it_back) {
    AUTO(arena_free) struct arena *arena = arena_new();

    char *large = arena_alloc(arena, 3000000);
    memset(large, 1, 3000000);
    assert_true(arena_used_bytes(arena) >= 3000000);
    arena_reset(arena);

    assert_int_equal(arena_used_bytes(arena), 0);
}

TEST(copies_of_text_end_with_a_nul) {
    AUTO(arena_free) struct arena *arena = arena_new();

    assert_string_equal(arena_string(arena, TEXT("task")), "task");
    assert_string_equal(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    assert_text_equal(arena_text(arena, (struct text){0}), "");
}

TEST(what_is_printed_is_whole_wherever_a_block_ends) {
    for (size_t left = 0; left < 64; left++) {
        AUTO(arena_free) struct arena *arena = arena_new();
        arena_alloc(arena, 16 * 1024 - left);

        const char *made = arena_printf(arena, "%s-%d", "thirty-two bytes are in this one", 7);

        assert_string_equal(made, "thirty-two bytes are in this one-7");
    }
}

static void note(void *what) {
    int **next = what;
    *(*next)++ = 1;
}

TEST(what_is_deferred_is_called_once_when_the_arena_is_reset) {
    AUTO(arena_free) struct arena *arena = arena_new();
    int calls[4] = {0};
    int *next = calls;

    arena_defer(arena, note, &next);
    arena_defer(arena, note, &next);
    assert_ptr_equal(next, calls);
    arena_reset(arena);
    arena_reset(arena);

    assert_int_equal(next - calls, 2);
}
