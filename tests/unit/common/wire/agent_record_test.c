/*
 * What the registry keeps of an agent: with its name, and small enough for a node of ZooKeeper.
 */
#include "common/wire/convert.h"
#include "common/wire/messages.h"
#include "common/wire/put.h"
#include "tests/support/unit.h"

struct fixture {
    struct arena *arena;
    struct kinds *kinds;
    struct wire wire;
    struct buf out;
};

static struct fixture begin(void) {
    struct fixture fixture = {.arena = arena_new(), .kinds = kinds_new()};
    fixture.wire = (struct wire){fixture.arena, fixture.kinds};
    return fixture;
}

static void end(struct fixture *fixture) {
    buf_fini(&fixture->out);
    arena_free(fixture->arena);
    kinds_free(fixture->kinds);
}

#define FIXTURE(name) __attribute__((cleanup(end))) struct fixture name = begin()

static struct registry_record there_and_back(struct fixture *f,
                                             const struct registry_record *record) {
    struct registry_record back;
    registry_record_encode(&f->wire, record, &f->out);
    assert_true(registry_record_decode(&f->wire, buf_text(&f->out), &back, NULL));
    return back;
}

/* An AgentInfo with so many attributes, each of 1 KB. */
static void put_info(size_t attributes, struct buf *out) {
    char value[1024];
    memset(value, 'x', sizeof(value));
    put_bytes(out, 1, TEXT("n17"));
    for (size_t i = 0; i < attributes; i++) {
        size_t place = put_begin(out, 5);
        put_bytes(out, 1, TEXT("rack"));
        put_int(out, 2, 3);
        put_id(out, 5, (struct text){value, sizeof(value)});
        put_end(out, place);
    }
    put_int(out, 8, 5052);
    put_id(out, 6, TEXT("M-S0"));
}

TEST(the_record_of_an_agent_tells_its_hostname) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf info = {0};
    put_info(1, &info);

    struct registry_record back = there_and_back(
        &f, &(struct registry_record){.kind = REGISTRY_AGENT, .agent_info = buf_text(&info)});

    assert_text_equal(back.hostname, "n17");
    assert_true(text_equal(back.agent_info, buf_text(&info)));
}

TEST(the_records_of_agents_that_are_away_or_gone_have_their_hostname) {
    static const enum registry_record_kind kinds[] = {REGISTRY_UNREACHABLE, REGISTRY_GONE};
    for (size_t i = 0; i < 2; i++) {
        FIXTURE(f);

        struct registry_record back = there_and_back(
            &f, &(struct registry_record){
                    .kind = kinds[i], .hostname = TEXT("n17"), .agent = {{TEXT("M-S0")}, 5}});

        assert_text_equal(back.hostname, "n17");
        assert_int_equal(back.agent.since_ns, 5);
    }
}

TEST(of_an_agent_with_too_much_to_say_the_record_has_who_and_where_it_is) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf info = {0};
    put_info(1000, &info);
    struct agent_info agent;

    struct registry_record back = there_and_back(
        &f, &(struct registry_record){.kind = REGISTRY_AGENT, .agent_info = buf_text(&info)});

    assert_true(f.out.size < 200);
    assert_true(agent_info_decode(&f.wire, back.agent_info, &agent, NULL));
    assert_text_equal(agent.hostname, "n17");
    assert_text_equal(agent.id.text, "M-S0");
    assert_int_equal(agent.port, 5052);
}
