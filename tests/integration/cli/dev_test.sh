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

history() { # of the task "long": states and times, to the millisecond
    "$mesos" tasks --all --json | python3 -c '
import json, sys
for task in json.load(sys.stdin):
    if task["name"] == "long":
        print(*["%s %.3f" % (s["state"], s["timestamp"]) for s in task.get("statuses", [])])'
}
"$mesos" run --name long -- sh -c 'echo begun; exec sleep 100' >"$WORK/long" 2>/dev/null &
run=$!
wait_for "$WORK/long" begun >/dev/null
id=$("$mesos" tasks | awk '$2 == "long" { print $1 }')
before=$(history)
shown=$("$mesos" task "$id" | grep -A9 '^history' | grep RUNNING)
check "a running task has a history" RUNNING "$(echo "$shown" | grep -o RUNNING)"
master=$(pgrep -P "$dev" -f mesos-master)
kill -KILL "$master"
wait_for "$WORK/dev.out" 'master is started again' >/dev/null
timeout 20 bash -c 'until "$0" tasks 2>/dev/null | grep -q " long "; do read -r -t 0.1 <> <(:); done' "$mesos"
check "it has the same when its master is another" "$before" "$(history)"
check "and shows it" "$shown" "$("$mesos" task "$id" | grep -A9 '^history' | grep RUNNING)"
check "how long it ran is known" 0 "$("$mesos" tasks | grep -c ' 0.00s \| - ')"
"$mesos" kill "$id" >/dev/null
wait $run
check "with its end too" "$before TASK_KILLING TASK_KILLED" \
    "$(history | sed 's/ TASK_KILLING [0-9.]* TASK_KILLED [0-9.]*$/ TASK_KILLING TASK_KILLED/')"
check "and for how long it ran" 0 "$("$mesos" tasks --all | grep ' long ' | grep -c ' 0.00s \| - ')"
stop_dev
check "and is kept" yes "$([ -n "$(ls "$WORK/kept")" ] && echo yes)"
finish
