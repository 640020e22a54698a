/*
 * What an agent stores and reads of volumes, and the fault domain it tells: through bytes and back.
 */
#include "common/wire/messages.h"

#include "common/model/resources_text.h"
#include "common/wire/flags_json.h"
#include "common/wire/json.h"
#include "mesos/v1/mesos.pb-c.h"
#include "tests/support/unit.h"

struct fixture {
    struct arena *arena;
    struct kinds *kinds;
    struct wire wire;
};

static struct fixture begin(void) {
    struct fixture fixture = {.arena = arena_new(), .kinds = kinds_new()};
    fixture.wire = (struct wire){fixture.arena, fixture.kinds};
    return fixture;
}

static void end(struct fixture *fixture) {
    arena_free(fixture->arena);
    kinds_free(fixture->kinds);
}

#define FIXTURE(name) __attribute__((cleanup(end))) struct fixture name = begin()

#define VOLUME_JSON                                                                                \
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":64},\"reservations\":["          \
    "{\"type\":\"DYNAMIC\",\"role\":\"eng\",\"principal\":\"ops\"}],\"shared\":{},"                \
    "\"disk\":{\"persistence\":{\"id\":\"v1\",\"principal\":\"p\"},"                               \
    "\"volume\":{\"container_path\":\"data/db\",\"mode\":\"RO\"}}}"

static struct text bytes_of(struct fixture *fixture, const ProtobufCMessageDescriptor *type,
                            const char *json) {
    ProtobufCMessage *message;
    struct error error;
    if (!json_parse(type, text_of(json), fixture->arena, NULL, &message, &error))
        fail_msg("%s", error.message);
    size_t size = protobuf_c_message_get_packed_size(message);
    char *packed = arena_alloc(fixture->arena, size + 1);
    protobuf_c_message_pack(message, (uint8_t *)packed);
    return (struct text){packed, size};
}

static const struct resources *task_resources(struct fixture *fixture) {
    struct task_info info;
    struct error error;
    struct text bytes = bytes_of(fixture, &mesos__v1__task_info__descriptor,
                                 "{\"name\":\"n\",\"task_id\":{\"value\":\"t\"},\"agent_id\":{"
                                 "\"value\":\"a\"},\"resources\":[" VOLUME_JSON "]}");
    assert_true(task_info_decode(&fixture->wire, bytes, &info, &error));
    assert_int_equal(info.resources->count, 1);
    return info.resources;
}

TEST(a_stored_volume_comes_back_with_where_it_is_to_be_mounted) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf bytes = {0};
    struct agent_record record = {.kind = AGENT_RECORD_RESOURCES, .resources = task_resources(&f)};
    struct agent_record read;
    struct volume_mount mount;
    struct error error;

    agent_record_encode(&f.wire, &record, &bytes);
    assert_true(agent_record_decode(&f.wire, buf_text(&bytes), &read, &error));

    assert_int_equal(read.kind, AGENT_RECORD_RESOURCES);
    assert_true(resources_equal(read.resources, record.resources));
    struct text carried = kinds_text(f.kinds, read.resources->entries[0].carry);
    assert_true(volume_mount_decode(&f.wire, carried, &mount, &error));
    assert_text_equal(mount.path, "data/db");
    assert_true(mount.read_only);
    assert_false(mount.has_origin);
}

TEST(a_stored_record_is_read_by_an_agent_that_knows_no_kind_yet) {
    FIXTURE(writer);
    FIXTURE(reader);
    AUTO_FINI(buf_fini) struct buf bytes = {0}, before = {0}, after = {0};
    struct agent_record record = {.kind = AGENT_RECORD_RESOURCES,
                                  .resources = task_resources(&writer)};
    struct agent_record read;
    struct error error;

    agent_record_encode(&writer.wire, &record, &bytes);
    assert_true(agent_record_decode(&reader.wire, buf_text(&bytes), &read, &error));

    resources_print(record.resources, writer.kinds, &before);
    resources_print(read.resources, reader.kinds, &after);
    assert_string_equal(buf_string(&after), buf_string(&before));
    assert_string_equal(buf_string(&after), "disk(eng)[v1]{SHARED}:64");
}

TEST(a_volume_that_names_a_host_path_an_image_or_a_source_is_told_apart) {
    static const char *const origins[] = {
        "\"host_path\":\"/etc\"",
        "\"image\":{\"type\":\"DOCKER\",\"docker\":{\"name\":\"x\"}}",
        "\"source\":{\"type\":\"SANDBOX_PATH\"}",
    };
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        FIXTURE(f);
        struct volume_mount mount;
        struct error error;
        const char *json = arena_printf(
            f.arena, "{\"volume\":{\"container_path\":\"a\",\"mode\":\"RW\",%s}}", origins[i]);

        struct text bytes = bytes_of(&f, &mesos__v1__resource__disk_info__descriptor, json);
        assert_true(volume_mount_decode(&f.wire, bytes, &mount, &error));

        assert_true(mount.has_origin);
        assert_false(mount.read_only);
    }
}

TEST(a_disk_without_a_volume_or_that_is_no_message_is_refused) {
    FIXTURE(f);
    struct volume_mount mount;
    struct error error;

    assert_false(volume_mount_decode(&f.wire, (struct text){0}, &mount, &error));
    assert_string_equal(error.message, "a persistent volume without its field volume");
    assert_false(volume_mount_decode(&f.wire, TEXT("\xff\xff"), &mount, &error));
}

TEST(an_agent_tells_its_fault_domain_and_one_without_tells_none) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf with = {0}, without = {0};
    struct resources nothing = {0};
    struct agent_info info = {.hostname = TEXT("h"), .port = 1, .resources = &nothing}, read;
    struct error error;

    agent_info_encode(&f.wire, &info, &without);
    info.region = TEXT("eu");
    info.zone = TEXT("a");
    agent_info_encode(&f.wire, &info, &with);

    assert_true(agent_info_decode(&f.wire, buf_text(&with), &read, &error));
    assert_text_equal(read.region, "eu");
    assert_text_equal(read.zone, "a");
    assert_true(agent_info_decode(&f.wire, buf_text(&without), &read, &error));
    assert_int_equal(read.region.size + read.zone.size, 0);
}

TEST(an_agent_that_has_its_id_says_what_it_said_without_and_then_the_id) {
    FIXTURE(f);
    AUTO_FINI(buf_fini) struct buf without = {0}, with = {0};
    struct resources nothing = {0};
    struct agent_info info = {.hostname = TEXT("h"),
                              .port = 1,
                              .resources = &nothing,
                              .region = TEXT("eu"),
                              .zone = TEXT("a")};

    agent_info_encode(&f.wire, &info, &without);
    info.id.text = TEXT("S3");
    agent_info_encode(&f.wire, &info, &with);

    buf_append_string(&without, "\x32\x04\x0a\x02S3");
    assert_text_equal(buf_text(&with), buf_string(&without));
}

TEST(a_resource_of_a_flag_that_is_shared_is_refused) {
    FIXTURE(f);
    AUTO_FINI(resources_fini) struct resources total = {0};
    struct error error;
    uint32_t mentioned;

    assert_false(resources_from_json(&f.wire, TEXT("[" VOLUME_JSON "]"), TEXT("*"), &total,
                                     &mentioned, &error));

    assert_string_equal(error.message,
                        "'disk' is shared, which only frameworks and operators make");
}
