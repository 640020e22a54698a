#!/usr/bin/env bash
# High availability on one machine: three ZooKeeper servers, three masters, three agents. In the middle of a job
# of 400 tasks the leading master is killed, then an agent, then one ZooKeeper server; then the new leader is
# ended politely. It shows what happened, when, and that no line of the job is missing or there twice. Needs
# Debian 12 and root or sudo; installs what is missing, builds into build/, and leaves nothing else behind.
#
#   scripts/ha-demo.sh [--keep]      --keep: leaves the logs, and says where
set -euo pipefail
export LC_ALL=C

top=$(cd "$(dirname "$0")/.." && pwd)
bin=$top/build/bin
ensemble=$top/tests/integration/zookeeper/ensemble.sh
master_ports=(5150 5151 5152)
agent_ports=(5160 5161 5162)
lines=400
session_timeout_s=4
keep=
[ "${1:-}" != --keep ] || keep=yes

die() {
    echo "ha-demo: $*" >&2
    exit 1
}
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "run as root, or install sudo: containers need root"
    exec sudo --preserve-env=MESOS_DEBUG "$0" "$@"
fi
for port in "${master_ports[@]}" "${agent_ports[@]}"; do
    if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
        die "port $port is taken; stop what runs there first"
    fi
done

began_ms=$(date +%s%3N)
since() { echo $(($(date +%s%3N) - $1)); }
seconds() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)); }
step() { printf '\n== %s\n' "$*"; }
say() { printf '[%7s s] %s\n' "$(seconds "$(since "$began_ms")")" "$*"; }

work=$(mktemp -d /var/tmp/mesos-ha-demo.XXXXXX)
chmod 755 "$work"
declare -A pid_of=()

end_process() {
    local pid=${pid_of[$1]:-}
    [ -n "$pid" ] || return 0
    kill "-${2:-TERM}" "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
    unset "pid_of[$1]"
}
finish() {
    local status=$?
    trap - EXIT
    trap '' INT TERM HUP
    # Agents last but the masters, so that what runs is ended by those who know it.
    for name in "${!pid_of[@]}"; do [[ $name != job ]] || end_process "$name"; done
    for name in "${!pid_of[@]}"; do [[ $name != agent* ]] || end_process "$name"; done
    for name in "${!pid_of[@]}"; do end_process "$name"; done
    "$ensemble" stop "$work/zookeeper" > /dev/null 2>&1 || true
    # Containers that an agent which was killed could not end any more.
    for group in $(find /sys/fs/cgroup -type d -name 'mesos-ha-demo-*' -prune 2> /dev/null); do
        find "$group" -depth -name cgroup.procs -exec cat {} + 2> /dev/null | xargs -r kill -KILL 2> /dev/null || true
        sleep 0.2
        find "$group" -depth -type d -exec rmdir {} + 2> /dev/null || true
    done
    if [ "$status" != 0 ] || [ -n "$keep" ]; then
        echo "ha-demo: the logs are in $work" >&2
    else
        rm -rf "$work"
    fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# /ready of a master: leader, standby, recovering or electing; nothing while it does not answer.
state_of() {
    local port=${master_ports[$1]}
    {
        exec 3<> "/dev/tcp/127.0.0.1/$port" &&
            printf 'GET /ready HTTP/1.0\r\n\r\n' >&3 &&
            timeout 2 sed -n 's/.*"state":"\([a-z]*\)".*/\1/p' <&3
    } 2> /dev/null || true
}
leader=
find_leader() {
    local i
    leader=
    for i in 0 1 2; do
        [ "$(state_of "$i")" != leader ] || leader=$i
    done
    [ -n "$leader" ]
}
wait_for() {
    local limit=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $limit ] || die "this did not come true in time: $*"
        sleep 0.05
    done
}
agents_are_there() { [ "$("$bin/mesos" agents 2> /dev/null | grep -c ' active ')" -ge "$1" ]; }
done_count() { wc -l < "$work/output"; }
is_beyond() { [ "$(done_count)" -gt "$1" ]; }

start_master() {
    "$bin/mesos-master" --zk="$url" --zk_session_timeout=${session_timeout_s}secs --port="${master_ports[$1]}" \
        --hostname=127.0.0.1 --work_dir="$work/master$1" >> "$work/master$1.log" 2>&1 < /dev/null &
    pid_of[master$1]=$!
}
start_agent() {
    "$bin/mesos-agent" --master="$url" --port="${agent_ports[$1]}" --hostname="machine$1" \
        --resources='cpus:2;mem:1024' --work_dir="$work/agent$1" --runtime_dir="$work/run$1" \
        --cgroups_root="mesos-ha-demo-$1" >> "$work/agent$1.log" 2>&1 < /dev/null &
    pid_of[agent$1]=$!
}

step "Installing what is missing, building into build/"
"$top/scripts/install-deps.sh" ha
configure=()
[ -e "$top/build/CMakeCache.txt" ] || configure=(-DBUILD_TESTING=OFF)
if ! { cmake -S "$top" -B "$top/build" -G Ninja "${configure[@]}" && ninja -C "$top/build"; } \
    > "$work/build.log" 2>&1 < /dev/null; then
    tail -n 30 "$work/build.log" >&2
    die "the build failed; its last lines are above"
fi

step "Three ZooKeeper servers, three masters, three agents"
servers=$("$ensemble" start "$work/zookeeper" 3 2> "$work/zookeeper.log") || {
    cat "$work/zookeeper.log" >&2
    die "ZooKeeper does not start"
}
url=zk://$servers/mesos
export MESOS_MASTER=$url
began_ms=$(date +%s%3N)
say "ZooKeeper serves at $servers"
for i in 0 1 2; do start_master "$i"; done
wait_for 30 find_leader
say "master $leader leads, the others stand by"
for i in 0 1 2; do start_agent "$i"; done
wait_for 30 agents_are_there 3
say "three agents have registered"
"$bin/mesos" agents

step "A job of $lines tasks of half a second each"
seq "$lines" > "$work/input"
: > "$work/output"
"$bin/mesos" each --input="$work/input" --cpus=0.2 --mem=16 --patience=5secs -- \
    sh -c 'sleep 0.5; echo "line $0 is done"' '{}' > "$work/output" 2> "$work/job.log" < /dev/null &
pid_of[job]=$!
wait_for 30 is_beyond $((lines / 8))

before=$(done_count)
moment=$(date +%s%3N)
say "$before lines are done. kill -9 of master $leader, the leader"
old=$leader
end_process "master$leader" KILL
wait_for 60 find_leader
elected=$(since "$moment")
say "master $leader leads, $(seconds "$elected") s after the kill (the session timeout is $session_timeout_s s)"
wait_for 30 agents_are_there 3
back=$(since "$moment")
say "all agents are back with their tasks, $(seconds "$back") s after the kill"
start_master "$old"
say "master $old is started again, and stands by"

wait_for 60 is_beyond $((lines * 3 / 8))
say "$(done_count) lines are done. kill -9 of the agent on machine0; its tasks go on without it"
end_process agent0 KILL
sleep 1
start_agent 0
wait_for 60 agents_are_there 3
say "the agent is back and has found its tasks again"

wait_for 60 is_beyond $((lines / 2))
say "$(done_count) lines are done. kill -9 of ZooKeeper server 2"
"$ensemble" down "$work/zookeeper" 2
sleep 1
find_leader || die "the loss of one of three servers has cost the leader"
say "master $leader leads as before"

wait_for 60 is_beyond $((lines * 5 / 8))
moment=$(date +%s%3N)
say "$(done_count) lines are done. SIGTERM to master $leader, the leader: it hands over"
old=$leader
end_process "master$leader" TERM
wait_for 60 find_leader
handed=$(since "$moment")
say "master $leader leads, $(seconds "$handed") s later"

status=0
wait "${pid_of[job]}" || status=$?
unset 'pid_of[job]'
say "the job has ended with status $status"

step "What came of it"
[ "$status" = 0 ] || die "the job failed: $(tail -n 3 "$work/job.log")"
seq "$lines" | sed 's/.*/line & is done/' | cmp - "$work/output" ||
    die "its output is not what it should be"
echo "$lines lines, each once, in order."
echo "killed leader:      the next led after $(seconds "$elected") s, and had all agents after $(seconds "$back") s"
echo "leader handed over: the next led after $(seconds "$handed") s"
