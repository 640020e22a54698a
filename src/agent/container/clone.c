/*
 * As vfork does, the child borrows the caller's memory and runs on a stack of its own, with every
 * signal blocked, making system calls only. mesos-init starts with signals still blocked and takes
 * them from a descriptor, so that a signal that is sent early is not lost.
 */
#include "agent/container/clone.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { CHILD_STACK_BYTES = 64 * 1024 };

struct child {
    const struct clone_plan *plan;
    char uid_map[64], gid_map[64];
    int error; /* errno of what failed, in memory that both see */
};

/* clone3 on a new stack: the child runs fn(child) there and never returns from it. */
static long clone3_run(struct clone_args *args, void (*fn)(struct child *), struct child *child) {
#if defined(__x86_64__)
    register long result __asm__("rax") = SYS_clone3;
    register struct clone_args *first __asm__("rdi") = args;
    register size_t second __asm__("rsi") = sizeof(*args);
    register void (*entry)(struct child *) __asm__("r8") = fn;
    register struct child *argument __asm__("r9") = child;
    __asm__ volatile("syscall\n\t"
                     "testq %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xorl %%ebp, %%ebp\n\t"
                     "movq %%r9, %%rdi\n\t"
                     "callq *%%r8\n\t"
                     "hlt\n"
                     "1:"
                     : "+r"(result)
                     : "r"(first), "r"(second), "r"(entry), "r"(argument)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long result __asm__("x0") = (long)args;
    register size_t second __asm__("x1") = sizeof(*args);
    register void (*entry)(struct child *) __asm__("x2") = fn;
    register struct child *argument __asm__("x3") = child;
    register long number __asm__("x8") = SYS_clone3;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, 0\n\t"
                     "mov x0, x3\n\t"
                     "blr x2\n\t"
                     "brk 1\n"
                     "1:"
                     : "+r"(result)
                     : "r"(second), "r"(entry), "r"(argument), "r"(number)
                     : "memory");
    return result;
#else
#error "clone3_run must be written for this processor"
#endif
}

static bool write_file(const char *path, const char *content) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    return file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content);
}

/* Without root: this user is mapped to himself, and what a new user namespace gives is carried over
 * exec. */
static bool become_own_master(const struct child *child) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    if (!write_file("/proc/self/setgroups", "deny") ||
        !write_file("/proc/self/uid_map", child->uid_map) ||
        !write_file("/proc/self/gid_map", child->gid_map) ||
        syscall(SYS_capget, &header, sets) != 0)
        return false;
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        sets[i].inheritable = sets[i].permitted;
    if (syscall(SYS_capset, &header, sets) != 0)
        return false;
    for (unsigned long i = 0; prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) == 0; i++)
        continue;
    return true;
}

__attribute__((no_sanitize("address", "undefined", "thread"))) static void run_child(
    struct child *child) {
    const struct clone_plan *plan = child->plan;
    char *arguments[] = {"mesos-init", (char *)plan->name, NULL};
    char *environment[] = {NULL};
    int image = 3 + (int)plan->file_count;

    if (plan->rootless && !become_own_master(child))
        goto failed;
    for (int i = 0; i < 3; i++) {
        if (dup2(plan->null, i) < 0)
            goto failed;
    }
    for (size_t i = 0; i < plan->file_count; i++) {
        if (dup2(plan->files[i], 3 + (int)i) < 0)
            goto failed;
    }
    if (dup3(plan->image, image, O_CLOEXEC) < 0 || syscall(SYS_close_range, image + 1, ~0U, 0) != 0)
        goto failed;
    syscall(SYS_execveat, image, "", arguments, environment, AT_EMPTY_PATH);
failed:
    child->error = errno;
    _exit(1);
}

static long clone_blocked(struct clone_args *args, struct child *child) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    long pid = clone3_run(args, run_child, child);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

bool clone_container(const struct clone_plan *plan, pid_t *pid, int *pidfd, struct error *error) {
    static _Alignas(
        64) char stack[CHILD_STACK_BYTES]; /* one thread launches, one launch at a time */
    struct child child = {.plan = plan};
    int handle = -1;
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | CLONE_NEWPID |
                 CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC,
        .pidfd = (uint64_t)(uintptr_t)&handle,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
        .stack_size = sizeof(stack),
    };
    if (plan->cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)plan->cgroup;
    }
    if (plan->rootless) {
        args.flags |= CLONE_NEWUSER;
        snprintf(child.uid_map, sizeof(child.uid_map), "%u %u 1", geteuid(), geteuid());
        snprintf(child.gid_map, sizeof(child.gid_map), "%u %u 1", getegid(), getegid());
    }

    long result = clone_blocked(&args, &child);
    if (result < 0) {
        errno = (int)-result;
        return fail(error, ERROR_IO, "clone a container: %m");
    }
    int failed = *(const volatile int *)&child.error;
    if (failed != 0) {
        waitid(P_PIDFD, (id_t)handle, NULL, WEXITED);
        close(handle);
        errno = failed;
        return fail(error, ERROR_IO, "execute mesos-init: %m");
    }
    *pid = (pid_t)result;
    *pidfd = handle;
    return true;
}

int clone_raise_fd(int fd) {
    if (fd < 0 || fd >= CLONE_FD_LEAST)
        return fd;
    int raised = fcntl(fd, F_DUPFD_CLOEXEC, CLONE_FD_LEAST);
    int why = errno;
    close(fd);
    errno = why;
    return raised;
}

static bool write_fully(int file, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

int clone_image(const void *bytes, size_t size) {
    int image = memfd_create("mesos-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (image < 0 && errno == EINVAL) /* before Linux 6.3 all are executable */
        image = memfd_create("mesos-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    image = clone_raise_fd(image);
    if (image < 0)
        return -1;
    if (write_fully(image, bytes, size) &&
        fcntl(image, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return image;
    int why = errno;
    close(image);
    errno = why;
    return -1;
}
