/*
 * Directories of volumes, really made and removed. The core and the remover are lines here.
 */
#include "agent/shell/volumes.h"

#include "agent/shell/daemon.h"
#include "agent/shell/remover.h"
#include "common/runtime/files.h"
#include "tests/support/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static struct daemon daemon_;
static char directory[64];
static struct buf said;       /* events: "made:1:" and why */
static struct buf given_away; /* to the remover, relative to the directory */

void daemon_feed(struct daemon *daemon, struct agent_event event) {
    (void)daemon;
    buf_printf(&said, "%s:%u:%.*s ", event.kind == AGENT_EVENT_VOLUMES_MADE ? "made" : "removed",
               (unsigned)event.volumes.order, TEXT_ARGS(event.volumes.why));
}

void remover_add(struct remover *remover, const char *path) {
    (void)remover;
    buf_printf(&given_away, "%s ", path + strlen(directory) + 1);
}

bool remover_has(const struct remover *remover, const char *path) {
    (void)remover;
    return buf_text(&given_away).size > 0 &&
           strstr(buf_string(&given_away), path + strlen(directory) + 1) != NULL;
}

static void begin(void) {
    struct error error;
    snprintf(directory, sizeof(directory), "/tmp/volumes-test-XXXXXX");
    assert_non_null(mkdtemp(directory));
    daemon_ = (struct daemon){.flags = {.work_dir = directory}};
    daemon_.kinds = kinds_new();
    daemon_.loop = loop_new(&error);
    daemon_.volumes = volumes_new(&daemon_);
}

static void end(void) {
    volumes_free(daemon_.volumes);
    kinds_free(daemon_.kinds);
    loop_free(daemon_.loop);
    buf_fini(&said);
    buf_fini(&given_away);
    assert_true(tree_remove(directory, NULL));
}

static const char *path_of(const char *relative) {
    static char path[300];
    snprintf(path, sizeof(path), "%s/%s", directory, relative);
    return path;
}

static bool exists(const char *relative) {
    return access(path_of(relative), F_OK) == 0;
}

static void put_file(const char *relative) {
    assert_true(file_write(path_of(relative), TEXT("data"), 0644, NULL));
}

static void order(enum agent_effect_kind kind, uint64_t number, const struct volume_place *places,
                  size_t count) {
    struct agent_effect effect = {.kind = kind};
    buf_clear(&said);
    effect.volumes.order = number;
    effect.volumes.places = places;
    effect.volumes.count = count;
    if (kind == AGENT_EFFECT_MAKE_VOLUMES)
        volumes_make(daemon_.volumes, volume_order_new(&effect));
    else
        volumes_remove(daemon_.volumes, volume_order_new(&effect));
    while (said.size == 0)
        loop_turn(daemon_.loop, 1000);
}

static struct volume_place place(const char *relative) {
    return (struct volume_place){text_of(directory), text_of(relative)};
}

TEST(a_volume_is_made_with_its_parents_and_for_nobody_yet) {
    struct stat stat_;
    begin();
    struct volume_place v1 = place("volumes/roles/eng db/v1");

    order(AGENT_EFFECT_MAKE_VOLUMES, 1, &v1, 1);

    assert_string_equal(buf_string(&said), "made:1: ");
    assert_int_equal(stat(path_of("volumes/roles/eng db/v1"), &stat_), 0);
    assert_int_equal(stat_.st_mode & 07777, 0750);
    end();
}

TEST(a_volume_that_is_there_keeps_its_content) {
    begin();
    struct volume_place v1 = place("volumes/roles/a/v1");
    order(AGENT_EFFECT_MAKE_VOLUMES, 1, &v1, 1);
    put_file("volumes/roles/a/v1/file");

    order(AGENT_EFFECT_MAKE_VOLUMES, 2, &v1, 1);

    assert_true(exists("volumes/roles/a/v1/file"));
    end();
}

TEST(when_one_volume_cannot_be_made_the_others_of_its_order_go_again_unless_they_were_there) {
    begin();
    struct volume_place old = place("volumes/roles/a/old");
    order(AGENT_EFFECT_MAKE_VOLUMES, 1, &old, 1);
    put_file("volumes/roles/a/file");
    struct volume_place places[] = {old, place("volumes/roles/a/new"),
                                    place("volumes/roles/a/file")};

    order(AGENT_EFFECT_MAKE_VOLUMES, 2, places, 3);

    assert_non_null(strstr(buf_string(&said), "made:2:open "));
    assert_non_null(strstr(buf_string(&said), "volumes/roles/a/file: Not a directory"));
    assert_true(exists("volumes/roles/a/old"));
    assert_false(exists("volumes/roles/a/new"));
    end();
}

TEST(a_disk_that_is_not_there_is_not_made) {
    begin();
    char root[100];
    snprintf(root, sizeof(root), "%s/disk", directory);
    struct volume_place v1 = {text_of(root), TEXT("volumes/roles/a/v1")};

    order(AGENT_EFFECT_MAKE_VOLUMES, 1, &v1, 1);

    assert_non_null(strstr(buf_string(&said), "disk: No such file or directory"));
    assert_false(exists("disk"));
    end();
}

TEST(a_link_where_a_volume_should_be_is_refused) {
    begin();
    assert_true(directory_make(path_of("volumes/roles/a"), 0755, NULL));
    assert_int_equal(symlink("/etc", path_of("volumes/roles/a/v1")), 0);
    struct volume_place v1 = place("volumes/roles/a/v1");

    order(AGENT_EFFECT_MAKE_VOLUMES, 1, &v1, 1);

    assert_non_null(strstr(buf_string(&said), "Not a directory"));
    end();
}

TEST(a_removed_volume_is_gone_at_once_and_its_content_is_given_to_the_remover) {
    begin();
    struct volume_place v1 = place("volumes/roles/a/v1"), v2 = place("volumes/roles/a/v2");
    order(AGENT_EFFECT_MAKE_VOLUMES, 1, &v1, 1);
    order(AGENT_EFFECT_MAKE_VOLUMES, 2, &v2, 1);
    put_file("volumes/roles/a/v1/file");
    put_file("volumes/roles/a/v2/file");

    order(AGENT_EFFECT_REMOVE_VOLUME, 3, &v1, 1);

    assert_string_equal(buf_string(&said), "removed:3: ");
    assert_false(exists("volumes/roles/a/v1"));
    assert_true(exists("volumes/roles/a/v2/file"));
    assert_non_null(strstr(buf_string(&given_away), "volumes/destroyed/"));
    end();
}

TEST(a_volume_that_was_never_made_is_removed_already) {
    begin();
    struct volume_place v1 = place("volumes/roles/a/v1");

    order(AGENT_EFFECT_REMOVE_VOLUME, 1, &v1, 1);

    assert_string_equal(buf_string(&said), "removed:1: ");
    end();
}

TEST(the_root_of_a_mount_disk_is_emptied_and_stays) {
    begin();
    char root[100];
    snprintf(root, sizeof(root), "%s/mount", directory);
    struct volume_place whole = {.root = text_of(root)};
    assert_true(directory_make(path_of("mount/deep/er"), 0755, NULL));
    put_file("mount/deep/er/file");
    put_file("mount/.hidden");
    put_file("beside");
    char link[200], target[200];
    snprintf(link, sizeof(link), "%s/mount/link", directory);
    snprintf(target, sizeof(target), "%s/beside", directory);
    assert_int_equal(symlink(target, link), 0);

    order(AGENT_EFFECT_REMOVE_VOLUME, 1, &whole, 1);

    assert_string_equal(buf_string(&said), "removed:1: ");
    assert_int_equal(rmdir(root), 0);
    assert_true(exists("beside"));
    end();
}

TEST(a_mount_root_that_is_missing_is_told) {
    begin();
    struct volume_place whole = {.root = TEXT("/no/such/root")};

    order(AGENT_EFFECT_REMOVE_VOLUME, 1, &whole, 1);

    assert_non_null(strstr(buf_string(&said), "removed:1:find /no/such/root -delete ended with 1"));
    end();
}

TEST(what_was_moved_aside_before_a_crash_is_swept_and_nothing_else) {
    begin();
    assert_true(directory_make(path_of("volumes/destroyed/x"), 0755, NULL));
    assert_true(directory_make(path_of("disk/volumes/destroyed/y"), 0755, NULL));
    assert_true(directory_make(path_of("volumes/roles/a/v1"), 0755, NULL));
    struct kind_info info = {.name = TEXT("disk"), .has_disk = true};
    info.disk.has_source = info.disk.source.has_place = true;
    info.disk.source.type = DISK_SOURCE_PATH;
    info.disk.source.root = TEXT("disk");
    struct resource one = {.copies = 1, .milli = 1000};
    AUTO_FINI(resources_fini) struct resources total = {0};
    assert_true(kinds_intern(daemon_.kinds, &info, &one.kind, NULL));
    assert_true(resources_put(&total, &one));

    volumes_sweep(daemon_.volumes, &total);

    assert_string_equal(buf_string(&given_away), "volumes/destroyed/x disk/volumes/destroyed/y ");
    end();
}
