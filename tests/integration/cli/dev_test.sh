#!/bin/bash
# mesos dev: restarts, gives up, refuses, and leaves nothing behind.
. "$(dirname "$0")/common.sh"
start_dev --agents 1

"$mesos" dev --port "$PORT" --agent_port $((PORT + 5)) >"$WORK/second" 2>&1
check "a taken port is refused" 1 $?
check "in one line" "mesos dev: port $PORT is taken" "$(cat "$WORK/second")"

master=$(pgrep -P "$dev" -f mesos-master)
kill -SEGV "$master"
wait_for "$WORK/dev.out" 'master is started again' >/dev/null
check "a daemon that dies is started again" 0 $?
check "and the cluster works" ok "$("$mesos" run -- echo ok)"

for i in 1 2; do
    master=$(pgrep -P "$dev" -f mesos-master)
    kill -SEGV "$master"
    timeout 20 tail --pid="$master" -f /dev/null
    timeout 1 tail --pid="$dev" -f /dev/null
done
timeout 30 tail --pid="$dev" -f /dev/null
wait "$dev"
check "three deaths in ten seconds end it" 1 $?
dev=
grep -q 'master died 3 times within 10 seconds; its last lines:' "$WORK/dev.out"
check "with a reason" 0 $?
check "no directory is left" "" "$(ls "$TMPDIR")"
check "no group is left" "" "$(find /sys/fs/cgroup -maxdepth 3 -name "mesos-dev-$((PORT + 1))-*" 2>/dev/null)"

start_dev --agents 1 --keep="$WORK/kept"
check "what is to be kept is used" ok "$("$mesos" run -- echo ok)"
stop_dev
check "and is kept" yes "$([ -n "$(ls "$WORK/kept")" ] && echo yes)"
finish
