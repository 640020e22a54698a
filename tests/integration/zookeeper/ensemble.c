#include "tests/integration/zookeeper/ensemble.h"

#include "common/base/buf.h"
#include "common/base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[64];
static char servers[256];

static int run(const char *command) {
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void end_ensemble(void) {
    char command[512];
    snprintf(command, sizeof(command), ENSEMBLE_SCRIPT " stop %s; rm -rf %s", directory, directory);
    run(command);
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
    char command[512];
    snprintf(directory, sizeof(directory), "/tmp/mesos-zookeeper-XXXXXX");
    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(command, sizeof(command), "OWNER=%d " ENSEMBLE_SCRIPT " start %s %d %s >/dev/null",
             (int)getpid(), directory, members, config != NULL ? config : "");
    int status = run(command);
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
    char line[512];
    int verb = (int)strcspn(command, " ");
    snprintf(line, sizeof(line), ENSEMBLE_SCRIPT " %.*s %s%s", verb, command, directory,
             command + verb);
    if (run(line) != 0)
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
