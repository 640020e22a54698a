/*
 * clone with CLONE_VFORK: the caller stands still until the child has executed or is gone, so the
 * child's failure is simply a variable. The child has a stack of its own and shares no descriptors.
 */
#include "init/task.h"

#include "init/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TASK_STACK_BYTES = 32 * 1024,
    TASK_PATH_BYTES = 4096,
};

struct start {
    const struct spec *spec;
    int out, err;
    struct init_failure failure;
};

/* Signals that were ignored stay ignored over exec, and the agent ignores some. */
static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int number = 1; number < NSIG; number++)
        sigaction(number, &standard, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static const char *find_variable(const struct spec *spec, const char *name) {
    size_t size = strlen(name);
    for (char **at = spec->variables; *at != NULL; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
            return *at + size + 1;
    }
    return "";
}

/* execve says EACCES for a directory; the user is told what it is. */
static int execute(const struct spec *spec, const char *path) {
    struct stat stat_;
    execve(path, spec->arguments, spec->variables);
    int error = errno;
    if (error == EACCES && stat(path, &stat_) == 0 && S_ISDIR(stat_.st_mode))
        return EISDIR;
    return error;
}

/* Looks through PATH. What is there and cannot be executed tells more than what is not there. */
static int execute_from_path(const struct spec *spec, const char *name) {
    char path[TASK_PATH_BYTES];
    size_t name_size = strlen(name);
    int told = ENOENT;
    const char *at = find_variable(spec, "PATH");
    while (*at != '\0') {
        size_t size = strcspn(at, ":");
        if (size > 0 && size + 1 + name_size < sizeof(path)) {
            memcpy(path, at, size);
            path[size] = '/';
            memcpy(path + size + 1, name, name_size + 1);
            int error = execute(spec, path);
            if (error != ENOENT && error != ENOTDIR)
                told = error;
        }
        at += size + (at[size] == ':');
    }
    return told;
}

/* An agent that the kernel is asked to spare must not hand that on; without root it cannot have. */
static void reset_oom_score(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, "0", 1); /* refused: it stays, and concerns the task alone */
    (void)written;
    close(file);
}

static enum init_stage prepare(const struct start *start) {
    reset_signals();
    reset_oom_score();
    if (setsid() < 0 || dup2(start->out, STDOUT_FILENO) < 0 || dup2(start->err, STDERR_FILENO) < 0)
        return INIT_STAGE_FORK;
    enum init_stage stage = setup_limits(start->spec);
    if (stage == INIT_STAGE_NONE)
        stage = setup_drop_privileges(start->spec);
    if (stage == INIT_STAGE_NONE)
        stage = setup_seccomp(start->spec);
    return stage;
}

static int run_task(void *argument) {
    struct start *start = argument;
    const char *name = start->spec->arguments[0];
    enum init_stage stage = prepare(start);
    int error = errno;
    if (stage == INIT_STAGE_NONE) {
        stage = INIT_STAGE_EXEC;
        error = strchr(name, '/') != NULL ? execute(start->spec, name)
                                          : execute_from_path(start->spec, name);
    }
    start->failure = (struct init_failure){stage, error};
    _exit(EXIT_FAILURE);
}

pid_t task_start(const struct spec *spec, int out, int err, struct init_failure *failure) {
    static _Alignas(64) char stack[TASK_STACK_BYTES];
    struct start start = {.spec = spec, .out = out, .err = err};
    pid_t pid = clone(run_task, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    if (pid < 0) {
        *failure = (struct init_failure){INIT_STAGE_FORK, errno};
        return -1;
    }
    /* Written by the other side of clone, which the compiler does not see. */
    const volatile struct init_failure *reported = &start.failure;
    if (reported->stage == INIT_STAGE_NONE)
        return pid;
    failure->stage = reported->stage;
    failure->error = reported->error;
    waitpid(pid, NULL, 0);
    return -1;
}
