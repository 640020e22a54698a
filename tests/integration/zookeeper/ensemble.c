#include "tests/integration/zookeeper/ensemble.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/child.h"
#include "common/runtime/files.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGUMENTS_LIMIT = 16, RUN_TIMEOUT_MS = 240000 };

static char directory[64];
static char servers[256];

/* ensemble.sh with these words, parted by spaces, behind the directory. */
static int run(const char *verb, const char *words) {
    const char *argv[ARGUMENTS_LIMIT] = {ENSEMBLE_SCRIPT, verb, directory};
    AUTO(mem_free) char *copy = mem_dup_string(words);
    char *rest = copy;
    for (size_t count = 3; rest != NULL && *rest != '\0' && count < ARGUMENTS_LIMIT - 1; count++)
        argv[count] = strsep(&rest, " ");
    struct child_options options = {.argv = argv, .output = CHILD_PIPE, .errors = CHILD_INHERIT};
    AUTO_FINI(buf_fini) struct buf output = {0};
    AUTO_FINI(buf_fini) struct buf errors = {0};
    struct child_exit exit = {0};
    struct error error;
    if (!child_call(&options, RUN_TIMEOUT_MS, 4096, &exit, &output, &errors, &error)) {
        fprintf(stderr, "%s %s: %s\n", ENSEMBLE_SCRIPT, verb, error.message);
        return 1;
    }
    if (exit.code != 0)
        fprintf(stderr, "%s", buf_string(&errors));
    return exit.was_signalled ? 1 : exit.code;
}

static void end_ensemble(void) {
    run("stop", "");
    tree_remove(directory, NULL);
}

static void read_servers(void) {
    char path[128];
    snprintf(path, sizeof(path), "%s/servers", directory);
    FILE *file = fopen(path, "r");
    assert(file != NULL);
    size_t size = fread(servers, 1, sizeof(servers) - 1, file);
    fclose(file);
    while (size > 0 && servers[size - 1] == '\n')
        servers[--size] = '\0';
}

void ensemble_start(int members, const char *config) {
    char words[512], owner[16];
    snprintf(directory, sizeof(directory), "/tmp/mesos-zookeeper-XXXXXX");
    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(owner, sizeof(owner), "%d", (int)getpid());
    setenv("OWNER", owner, 1);
    snprintf(words, sizeof(words), "%d%s%s", members, config != NULL ? " " : "",
             config != NULL ? config : "");
    int status = run("start", words);
    if (status == 77) {
        rmdir(directory);
        exit(77);
    }
    atexit(end_ensemble);
    if (status != 0)
        exit(1);
    read_servers();
}

void ensemble_do(const char *command) {
    AUTO(mem_free) char *verb = mem_dup_string(command);
    char *words = verb;
    strsep(&words, " ");
    if (run(verb, words != NULL ? words : "") != 0)
        abort();
}

const char *ensemble_servers(void) {
    return servers;
}

struct zk_url ensemble_url(const char *credentials, const char *path) {
    AUTO_FINI(buf_fini) struct buf text = {0};
    struct error error;
    struct zk_url url;
    buf_printf(&text, "zk://%s%s%s%s", credentials != NULL ? credentials : "",
               credentials != NULL ? "@" : "", servers, path);
    if (!zk_url_parse(buf_text(&text), &url, &error)) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return url;
}
