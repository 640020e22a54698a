#!/bin/sh
# Runs inside the virtual machine and holds it to what the container tests count on.
failed=0
check() {
    what=$1
    shift
    if "$@"; then echo "ok: $what"; else echo "FAILED: $what" && failed=1; fi
}
has() { case " $(cat "$2") " in *" $1 "*) true ;; *) false ;; esac; }
group=/sys/fs/cgroup/self_check
mkdir "$group"

check "we are root" [ "$(id -u)" = 0 ]
for controller in cpu memory pids; do
    check "cgroup v2 gives $controller" has "$controller" /sys/fs/cgroup/cgroup.controllers
    check "a group is given $controller" has "$controller" "$group/cgroup.controllers"
done
check "there is no cgroup v1" [ "$(grep -c ' cgroup ' /proc/mounts)" = 0 ]
check "overlay is there" grep -q overlay /proc/filesystems
check "the root can be pivoted" [ "$(stat -f -c %T /)" != ramfs ]
check "nobody exists" id nobody
mkdir -p /tmp/new/old
check "pivot_root works" unshare -m sh -c 'mount --bind /tmp/new /tmp/new && pivot_root /tmp/new /tmp/new/old'
rmdir "$group"
exit "$failed"
