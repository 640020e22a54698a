#!/bin/bash
# Agents taken out of use on a real cluster: tasks that do not want to end, and deaths of the master and the agent in the
# middle of a drain.
. "$(dirname "$0")/common.sh"

stubborn='trap "" TERM; echo up; while :; do sleep 0.2; done'

state_of() { # AGENT
    "$mesos" agents | awk -v id="$1" '$1 == id { print $3 }'
}

wait_until() { # COMMAND...; for thirty seconds, each question going to the master
    local end=$((SECONDS + 30))
    until "$@"; do
        if ((SECONDS > end)); then
            echo "FAILED: never came true: $*"
            failures=$((failures + 1))
            return
        fi
        timeout 0.1 tail -f /dev/null
    done
}

is_state() { # AGENT STATE
    [ "$(state_of "$1")" = "$2" ]
}

# A task that ignores SIGTERM, and its agent in $agent.
start_stubborn() { # NAME [COMMAND]
    : >"$WORK/$1.out"
    "$mesos" run --name "$1" --shell "${2:-$stubborn}" >"$WORK/$1.out" 2>"$WORK/$1.err" &
    task=$!
    wait_for "$WORK/$1.out" '^up' >/dev/null
    agent=$("$mesos" tasks --json | python3 -c 'import json, sys
print([t["agent_id"]["value"] for t in json.load(sys.stdin) if t["name"] == sys.argv[1]][0])' "$1")
}

kill_daemon() { # WORDS OF ITS COMMAND LINE
    kill -9 "$(pgrep -P "$dev" -f -- "$1")"
}

start_dev --agents 2

# drain, reactivate
start_stubborn first
begin=$SECONDS
"$mesos" agent drain "$agent" --deadline 2s --wait >"$WORK/out" 2>&1
check "a drain ends when its deadline is over" "0 $agent is drained" "$? $(cat "$WORK/out")"
check "and not much later" yes "$( ((SECONDS - begin < 15)) && echo yes)"
wait $task
check "the task was killed" 137 $?
check "agents shows it" drained "$(state_of "$agent")"
check "nothing of it is offered" 0 "$("$mesos" agents | awk -v id="$agent" '$1 == id { print $5 }')"
"$mesos" run -- true
check "others take the work" 0 $?
"$mesos" agent reactivate "$agent" >/dev/null
check "it comes back" "0 active" "$? $(state_of "$agent")"

# one that takes SIGTERM well is not done all the same
start_stubborn polite 'trap "exit 0" TERM; echo up; while :; do sleep 0.2; done'
"$mesos" agent drain "$agent" --wait >/dev/null
wait $task
check "a polite task was ended" 143 $?
check "and that is said" 1 "$(grep -c 'TASK_KILLED: .*drained' "$WORK/polite.err")"
"$mesos" agent reactivate "$agent" >/dev/null

# the same without a master: --stop_after
chmod 755 "$WORK"
: >"$WORK/begun"
chmod 666 "$WORK/begun"
echo line | "$mesos" each --stop_after 5s -- bash -c "
    trap 'echo ended >>$WORK/begun; exit 0' TERM
    echo up >>$WORK/begun
    while [ \$(grep -c up $WORK/begun) = 1 ]; do sleep 0.2; done
    echo {}" >"$WORK/cut.out" 2>"$WORK/cut.err" &
each=$!
wait_until grep -q up "$WORK/begun"
master=$(pgrep -P "$dev" -f mesos-master)
kill -STOP "$master"
wait_until grep -q ended "$WORK/begun"
kill -CONT "$master"
wait $each
check "each begins a line anew that was ended without a master" "0 line" "$? $(cat "$WORK/cut.out")"

# lines of each go on elsewhere
seq 40 >"$WORK/lines"
"$mesos" each -P 8 --progress -- bash -c 'read -t 0.3 x <> <(:); echo {}' \
    <"$WORK/lines" >"$WORK/each.out" 2>"$WORK/each.err" &
each=$!
is_busy() { [ "$(wc -l <"$WORK/each.out")" -ge 3 ]; }
wait_until is_busy
"$mesos" agent drain "$agent" --deadline 100ms --wait >/dev/null
check "an agent is drained under each" 0 $?
wait $each
check "each ends well all the same" 0 $?
check_file "and has every line once" "$WORK/lines" "$WORK/each.out"
"$mesos" agent reactivate "$agent" >/dev/null

# deactivate
"$mesos" agent deactivate "$agent" >/dev/null
check "a deactivated agent is shown" "0 deactivated" "$? $(state_of "$agent")"
kill_daemon mesos-master
wait_until is_state "$agent" deactivated
check "and stays so when the master has died" deactivated "$(state_of "$agent")"
"$mesos" agent reactivate "$agent" >/dev/null 2>&1
check "until it is reactivated" 0 $?

# the master dies in the middle of a drain
start_stubborn second
"$mesos" agent drain "$agent" --deadline 6s --wait >"$WORK/drain.out" 2>"$WORK/drain.err" &
drain=$!
wait_until is_state "$agent" draining
kill_daemon mesos-master
wait $drain
check "who waits for it waits on" "0 $agent is drained" "$? $(cat "$WORK/drain.out")"
wait $task
check "the drain went on over the master's death" 137 $?
"$mesos" agent reactivate "$agent" >/dev/null

# the agent dies in the middle of a drain
start_stubborn third
"$mesos" agent drain "$agent" --deadline 6s >/dev/null
port=$("$mesos" agents | awk -v id="$agent" '$1 == id { sub(".*:", "", $NF); print $NF }')
kill_daemon "--port=$port "
"$mesos" agent drain "$agent" --deadline 6s --wait >"$WORK/out" 2>&1
check "the drain went on over the agent's death" "0 $agent is drained" "$? $(cat "$WORK/out")"
wait $task
check "and its task with it" yes "$( (($? > 128)) && echo yes)"
"$mesos" agent reactivate "$agent" >/dev/null

# gone
start_stubborn fourth
"$mesos" agent gone "$agent" >/dev/null
check "an agent is gone" "0 " "$? $(state_of "$agent")"
wait $task
check "its task is lost" 125 $?
wait_until grep -q 'is gone, as an operator said' "$WORK/dev.out"
check "and does not run on" 0 "$(pgrep -fc 'trap .. TERM; echo up' || true)"

# drain --gone; the other one
other=$("$mesos" agents | awk 'NR == 2 { print $1 }')
"$mesos" agent drain "$other" --gone --wait >"$WORK/out" 2>&1
check "a drained agent may be gone at once" "0 $other is drained and gone" "$? $(cat "$WORK/out")"

# what makes no sense
"$mesos" agent drain nosuch 2>/dev/null
check "an unknown agent" 4 $?
"$mesos" agent drain 2>/dev/null
check "no agent" 2 $?
"$mesos" agent deactivate x --wait 2>/dev/null
check "--wait is for drain" 2 $?
[ $failures = 0 ] || cat "$WORK/dev.out"
finish
