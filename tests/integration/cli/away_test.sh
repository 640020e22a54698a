#!/bin/bash
# mesos each while an agent is stopped for longer than --patience: its lines are run again on the other one, and each is
# printed once, also when the agent is back with what it had.
. "$(dirname "$0")/common.sh"
# So long until the master takes a silent agent for unreachable.
export MESOS_AGENT_PING_TIMEOUT=300ms MESOS_MAX_AGENT_PING_TIMEOUTS=3
start_dev --agents 2 --cpus 2

chmod 755 "$WORK"
seq 60 >"$WORK/60"
# Each task tells that it has begun, and waits for the gate to be opened.
command="echo \$MESOS_EXECUTOR_ID >>$WORK/begun; while [ ! -e $WORK/gate ]; do read -t 0.1 x <> <(:); done; echo {}"
start_each() { # FLAGS...; when twelve tasks have begun
    : >"$WORK/begun"
    chmod 666 "$WORK/begun"
    rm -f "$WORK/gate"
    "$mesos" each "$@" --patience 2secs -P 12 -- bash -c "$command" <"$WORK/60" >"$WORK/out" 2>"$WORK/err" &
    each=$!
    timeout 20 tail -n +1 -F "$WORK/begun" 2>/dev/null | head -n 12 >/dev/null
}

both_are_there() {
    timeout 30 bash -c "until $mesos agents | grep -c ' active ' | grep -qx 2; do :; done"
}

# Ten tasks fill one agent, two are on the other: that one has room for most when the first is stopped.
stop_the_full_one() {
    port=$(
        "$mesos" tasks --json >"$WORK/tasks.json"
        "$mesos" agents --json | python3 -c "import collections, json, sys
count = collections.Counter(task['agent_id']['value'] for task in json.load(open('$WORK/tasks.json'))
                            if task['state'] == 'TASK_RUNNING')
agents = {agent['agent_info']['id']['value']: agent['pid'] for agent in json.load(sys.stdin)}
print(agents[count.most_common(1)[0][0]].rpartition(':')[2])"
    )
    away=$(pgrep -P $dev -f -- "--port=$port ")
    kill -STOP "$away"
}

start_each --json
stop_the_full_one
wait_for "$WORK/begun" '\.2$' >/dev/null
check "its lines are run again" 0 $?
: >"$WORK/gate"
wait $each
check "and all is well without it" 0 $?
python3 -c 'import json, sys
for line in sys.stdin:
    o = json.loads(line)
    assert o["stdout"] == o["input"] + "\n" and o["exit_code"] == 0, o
    print(o["line"])' <"$WORK/out" >"$WORK/lines"
check_file "each line once, in order" "$WORK/60" "$WORK/lines"
check "those that were run again say so" True "$(python3 -c 'import json, sys
attempts = [json.loads(line)["attempts"] for line in sys.stdin]
print(set(attempts) == {1, 2} and attempts.count(2) <= 10)' <"$WORK/out")"

# The agent comes back in the middle of a run, with tasks that were given up.
kill -CONT "$away"
both_are_there
check "it comes back" 0 $?
start_each
stop_the_full_one
wait_for "$WORK/begun" '\.2$' >/dev/null
check "as when it stays away" 0 $?
kill -CONT "$away"
both_are_there
: >"$WORK/gate"
wait $each
check "with the agent back it ends well" 0 $?
check_file "and each line is printed once" "$WORK/60" "$WORK/out"
[ $failures = 0 ] || head "$WORK/err"
finish
