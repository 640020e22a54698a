/*
 * The agent is killed again and again while an operator makes and destroys volumes: whatever the
 * master and the agent agree on afterwards, each volume has its directory, nobody's data is gone,
 * and nothing of the others is left.
 */
#include "common/base/buf.h"
#include "tests/integration/cluster/cluster.h"
#include "tests/integration/cluster/raw.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 12, VOLUMES_LIMIT = 100 };

static struct cluster cluster;

/* What the test knows of volume "vN". */
struct volume {
    bool has_data; /* it was seen, and a file written into it */
    bool may_go;   /* its end was asked for */
};

struct scene {
    char agent[128]; /* its id */
    struct volume volumes[VOLUMES_LIMIT];
    unsigned volume_count;
    struct buf said; /* the master's answer to GET_AGENTS */
};

#define DISK                                                                                       \
    "\"name\":\"disk\",\"type\":\"SCALAR\",\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":"      \
    "\"eng\"}]"

static void post(const struct scene *scene, const char *type, const char *what,
                 const char *resource) {
    AUTO_FINI(buf_fini) struct buf body = {0};
    char name[40];
    snprintf(name, sizeof(name), "%s", type);
    for (char *at = name; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    buf_printf(&body, "{\"type\":\"%s\",\"%s\":{\"agent_id\":{\"value\":\"%s\"},\"%s\":[%s]}}",
               type, name, scene->agent, what, resource);
    int status = raw_post(cluster.master_port, "/api/v1", "application/json", buf_text(&body));
    if (status != 202 && status != 409)
        cluster_fail(&cluster, "%s was answered with %d", type, status);
}

static void change_volume(struct scene *scene, const char *type, unsigned which) {
    char resource[400];
    snprintf(resource, sizeof(resource),
             "{" DISK ",\"scalar\":{\"value\":1},\"disk\":{\"persistence\":{\"id\":\"v%u\"},"
             "\"volume\":{\"container_path\":\"data\",\"mode\":\"RW\"}}}",
             which);
    post(scene, type, "volumes", resource);
}

/* Some operations, the last of them while the agent dies. */
static void disturb(struct scene *scene, struct rng *rng) {
    for (uint64_t i = rng_below(rng, 4); i < 5; i++) {
        unsigned which = (unsigned)rng_below(rng, scene->volume_count + 1);
        if (which < scene->volume_count && scene->volumes[which].has_data) {
            scene->volumes[which].may_go = true;
            change_volume(scene, "DESTROY_VOLUMES", which);
        } else if (scene->volume_count < VOLUMES_LIMIT) {
            change_volume(scene, "CREATE_VOLUMES", scene->volume_count++);
        }
    }
}

static void ask_agents(struct scene *scene) {
    static const char request[] =
        "POST /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
        "application/json\r\n"
        "Accept: application/json\r\nContent-Length: 21\r\n\r\n{\"type\":\"GET_AGENTS\"}";
    buf_clear(&scene->said);
    raw_request(cluster.master_port, text_of(request), &scene->said);
}

static bool is_known(struct scene *scene, unsigned which) {
    char part[64];
    snprintf(part, sizeof(part), "\"persistence\":{\"id\":\"v%u\"}", which);
    return strstr(buf_string(&scene->said), part) != NULL;
}

static const char *path_of(unsigned which, const char *file) {
    static char path[200];
    snprintf(path, sizeof(path), "%s/agent0/volumes/roles/eng/v%u%s", cluster.directory, which,
             file);
    return path;
}

static void check_volume(struct scene *scene, unsigned which) {
    struct volume *volume = &scene->volumes[which];
    bool is_there = access(path_of(which, ""), F_OK) == 0;
    bool has_data = access(path_of(which, "/data"), F_OK) == 0;
    if (is_known(scene, which) != is_there)
        cluster_fail(&cluster, "volume v%u has %s directory", which, is_there ? "a" : "no");
    if (volume->has_data && !volume->may_go && !has_data)
        cluster_fail(&cluster, "the data of volume v%u is gone", which);
    if (is_there && volume->has_data && !has_data)
        cluster_fail(&cluster, "volume v%u has lost its data", which);
    volume->has_data = is_there;
    volume->may_go = false;
    if (!is_there || has_data)
        return;
    int file = open(path_of(which, "/data"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(file >= 0);
    close(file);
}

static void begin(struct scene *scene) {
    cluster_open(&cluster);
    cluster_start(&cluster);
    ask_agents(scene);
    const char *id = strstr(buf_string(&scene->said), "\"id\":{\"value\":\"");
    assert_non_null(id);
    sscanf(id, "\"id\":{\"value\":\"%127[^\"]", scene->agent);
    post(scene, "RESERVE_RESOURCES", "resources", "{" DISK ",\"scalar\":{\"value\":200}}");
}

TEST(volumes_and_their_data_survive_an_agent_that_is_killed_again_and_again) {
    static struct scene scene;
    struct rng rng = rng_for_test();
    begin(&scene);

    for (int round = 0; round < ROUNDS; round++) {
        disturb(&scene, &rng);
        assert_int_equal(process_end(&cluster.agents[0], SIGKILL), 1000 + SIGKILL);
        cluster_start_agent(&cluster, 0, NULL);
        process_wait_log(&cluster.agents[0], " registered ");
        ask_agents(&scene);
        for (unsigned which = 0; which < scene.volume_count; which++)
            check_volume(&scene, which);
    }

    assert_true(scene.volume_count > ROUNDS);
    buf_fini(&scene.said);
    cluster_close(&cluster);
}
