#!/usr/bin/env bash
# From a clone to a cluster that does real work: installs what is missing, builds, starts a master and two
# agents on this machine, has them checksum every file under /usr/share/doc in containers, compares the result with
# sha256sum run directly, and stops everything. What stays is build/, the packages, and one result file in
# the current directory. Needs Debian 12 and root or sudo; ports 5050 to 5052 must be free.
set -euo pipefail
export LC_ALL=C

top=$(cd "$(dirname "$0")/.." && pwd)
bin=$top/build/bin
mesos=$bin/mesos
documents=/usr/share/doc
result=$PWD/quickstart.sha256
ready_limit_s=30
stop_limit_s=20

die() {
    echo "quickstart: $*" >&2
    exit 1
}
step() { printf '\n== %s\n' "$*"; }

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "run as root, or install sudo: containers need root"
    as_root=(sudo)
fi

# Connecting is the test that needs no tools.
for port in 5050 5051 5052; do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
        die "port $port is taken, so something that is not ours may run there; stop it first"
    fi
done

# What of ours is on this machine, a line each: processes, cgroups, mounts, directories.
processes() {
    # Daemons have our TMPDIR, containers are in our groups.
    { "${as_root[@]}" grep -lsF "TMPDIR=$work/tmp" /proc/[0-9]*/environ || true
        grep -lsF mesos-dev-5051- /proc/[0-9]*/cgroup || true; } | cut -d/ -f3 | sort -u
}
traces() {
    processes | sed 's/^/process /'
    # What `mesos dev` names its groups after the first agent's port; other clusters here have other names.
    find /sys/fs/cgroup -type d -name 'mesos-dev-5051-*' -printf 'cgroup %p\n' 2> /dev/null || true
    sed -n "s|^[^ ]* [^ ]* [^ ]* [^ ]* \\($work[^ ]*\\) .*|mount \\1|p" /proc/self/mountinfo
    find "$work/tmp" /tmp /run /var/lib -mindepth 1 -maxdepth 1 -name 'mesos-dev-*' -printf 'directory %p\n' 2> /dev/null || true
}
new_traces() { traces | sort | comm -13 "$work/before" - | grep -vxF "directory $work" || true; }

work=$(mktemp -d /var/tmp/mesos-quickstart.XXXXXX)
mkdir "$work/tmp"
chmod 755 "$work"
chmod 1777 "$work/tmp"
traces | sort > "$work/before"
dev=

# Stops what we started; what does not listen is killed. Only processes that were not there before are ours.
stop_cluster() {
    local pid deadline=$((SECONDS + stop_limit_s))
    [ -n "$dev" ] || return 0
    "${as_root[@]}" kill -TERM "$dev" 2> /dev/null || true
    while [ -d "/proc/$dev" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
    if [ -d "/proc/$dev" ]; then
        echo "quickstart: mesos dev did not stop in $stop_limit_s seconds, so it is killed" >&2
        for pid in $(new_traces | sed -n 's/^process //p'); do
            "${as_root[@]}" kill -KILL "$pid" 2> /dev/null || true
        done
    fi
    wait "$dev" 2> /dev/null || true
    dev=
}
# Tells what is left, if anything; the kernel may take a moment to let go.
nothing_left() {
    local deadline=$((SECONDS + 5)) left
    while left=$(new_traces) && [ -n "$left" ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            printf 'quickstart: left behind:\n%s\n' "$left" >&2
            return 1
        fi
        sleep 0.1
    done
}
finish() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    stop_cluster
    nothing_left || status=1
    if [ "$status" != 0 ] && [ -s "$work/dev.log" ]; then
        echo "quickstart: the last lines of mesos dev:" >&2
        tail -n 15 "$work/dev.log" >&2
    fi
    "${as_root[@]}" rm -rf "$work"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

step "Installing what is missing"
"$top/scripts/install-deps.sh" build

step "Building into build/"
# The tests need tools that a user does not, so a new build directory is made without them.
configure=()
[ -e "$top/build/CMakeCache.txt" ] || configure=(-DBUILD_TESTING=OFF)
if ! { cmake -S "$top" -B "$top/build" -G Ninja "${configure[@]}" && ninja -C "$top/build"; } \
    > "$work/build.log" 2>&1 < /dev/null; then
    tail -n 30 "$work/build.log" >&2
    die "the build failed; its last lines are above"
fi
echo "built in $SECONDS seconds"

step "Starting a master and two agents: mesos dev --agents=2"
"${as_root[@]}" env TMPDIR="$work/tmp" setsid "$mesos" dev --agents=2 > "$work/dev.log" 2>&1 < /dev/null &
dev=$!
export MESOS_MASTER=127.0.0.1:5050
agent_count() { "$mesos" agents --json 2> /dev/null | grep -o '"hostname"' | wc -l || true; }
deadline=$((SECONDS + ready_limit_s))
until [ "$(agent_count)" -ge 2 ]; do
    [ -d "/proc/$dev" ] || die "mesos dev ended"
    [ "$SECONDS" -lt "$deadline" ] || die "two agents did not register in $ready_limit_s seconds"
    sleep 0.1
done
"$mesos" agents

step "A checksum of every file under $documents, one task for each of its entries"
began=$SECONDS
# `each` puts a line in the place of {}, so the shell in the task gets it as an argument and not as code.
find "$documents" -mindepth 1 -maxdepth 1 | sort > "$work/entries"
# Eight at a time, each with a twelfth of the processors: more than one agent's half.
cpus=$(awk "BEGIN { printf \"%.3f\", $(nproc) / 12 }")
"$mesos" each --progress -P 8 --cpus "$cpus" --mem 32 -- \
    sh -c 'find "$1" -type f -print0 | xargs -0 -r sha256sum --' sh '{}' < "$work/entries" > "$work/by-cluster"
sort "$work/by-cluster" > "$work/by-cluster.sorted"
echo "$(wc -l < "$work/by-cluster") files by $(wc -l < "$work/entries") tasks in $((SECONDS - began)) seconds"

step "The same by sha256sum run directly"
find "$documents" -type f -print0 | xargs -0 -r sha256sum -- | sort > "$work/directly"
if ! cmp -s "$work/by-cluster.sorted" "$work/directly"; then
    diff "$work/by-cluster.sorted" "$work/directly" | head -n 10 >&2 || true
    die "the cluster's checksums differ from sha256sum's"
fi
[ -s "$work/directly" ] || die "no file under $documents"
echo "equal: $(wc -l < "$work/directly") checksums"

step "The cluster: mesos agents, mesos tasks --all"
"$mesos" agents
"$mesos" tasks --all > "$work/tasks"
head -n 10 "$work/tasks"
echo "... $(wc -l < "$work/tasks") lines in all"
used=$("$mesos" tasks --all --json | tr -d ' \n' | grep -oE '"agent_id":(\{"value":)?"[^"]+"' | sort | uniq -c | wc -l)
[ "$used" -ge 2 ] || die "the tasks ran on $used of two agents"
echo "the tasks ran on both agents"

step "Stopping it"
stop_cluster
nothing_left || exit 1
cp "$work/by-cluster.sorted" "$result"
echo "no process, cgroup, mount or directory of ours is left"

sudo=${as_root[*]:+sudo }
cat << END

The checksums are in $result. To go on:

    $sudo$mesos dev                                 # a cluster, until Ctrl-C; then in another terminal:
    $mesos run --cpus 0.5 --mem 64 -- sh -c 'echo hello; exit 7'
    seq 1000 | $mesos each -P 50 -- echo {}
    $mesos tasks --all
    $mesos --help
END
