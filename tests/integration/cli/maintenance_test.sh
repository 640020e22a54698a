#!/bin/bash
# The maintenance schedule on a real cluster: set, shown, down, up, and over a death of the master.
. "$(dirname "$0")/common.sh"

show() {
    "$mesos" maintenance show | awk 'NR > 1 { print $1, $3 }'
}

wait_until() { # COMMAND...
    local end=$((SECONDS + 70))
    until "$@"; do
        if ((SECONDS > end)); then
            echo "FAILED: never came true: $*"
            failures=$((failures + 1))
            return
        fi
        timeout 0.1 tail -f /dev/null
    done
}

schedule() { # HOST
    echo '{"windows":[{"machine_ids":[{"hostname":"'"$1"'"}],
        "unavailability":{"start":{"nanoseconds":1900000000000000000},"duration":{"nanoseconds":3600000000000}}}]}'
}

has_an_agent() {
    "$mesos" agents | awk 'NR > 1' | grep -q active
}

is_down_again() {
    [ "$(show 2>/dev/null)" = "localhost down" ]
}

start_dev --agents 1
"$mesos" run --name sleeper --shell 'echo up; exec sleep 1000' >"$WORK/run.out" 2>"$WORK/run.err" &
task=$!
wait_for "$WORK/run.out" '^up' >/dev/null

schedule LocalHost | "$mesos" maintenance set - >"$WORK/out"
check "a schedule is set" "0 the schedule has 1 window; mesos maintenance show shows it" "$? $(cat "$WORK/out")"
check "and shown" "localhost scheduled" "$(show)"
is_asked() { "$mesos" maintenance show | grep -q '1 asked'; }
wait_until is_asked
schedule '' | "$mesos" maintenance set - 2>"$WORK/err"
check "nonsense is refused" "2 yes" "$? $(grep -q 'neither a hostname nor an ip' "$WORK/err" && echo yes)"
echo '{' | "$mesos" maintenance set - 2>/dev/null
check "and what is no JSON" 2 $?
is_refused() { # SCHEDULE WORDS
    echo "$1" >"$WORK/schedule.json"
    "$mesos" maintenance set "$WORK/schedule.json" 2>"$WORK/err"
    check "what lacks a field is refused with its place" "2 mesos maintenance: $WORK/schedule.json: $2" "$? $(cat "$WORK/err")"
}
is_refused '{"window":[]}' 'windows is missing, or no array; an empty one empties the schedule'
is_refused '{"windows":[{"machine_ids":[{"hostname":"n1"}]}]}' 'windows[0].unavailability is missing'
is_refused '{"windows":[{"machine_ids":[{"hostname":"n1"}],"unavailability":{"start":{}}}]}' \
    'windows[0].unavailability.start.nanoseconds is missing'
is_refused '{"windows":[{"unavailability":{"start":{"nanoseconds":1}}}]}' 'windows[0].machine_ids is missing'
is_refused '{"windows":[{"machine_ids":[{"hostname":"a/b"}],"unavailability":{"start":{"nanoseconds":1}}}]}' \
    "'a/b' is no hostname"
"$mesos" maintenance start elsewhere 2>/dev/null
check "only what is scheduled goes down" 4 $?

"$mesos" maintenance start localhost >/dev/null
check "a machine goes down" "0 localhost down" "$? $(show)"
wait $task
check "its task is lost" 125 $?
check "its agent is removed" 1 "$("$mesos" agents | wc -l)"
kill -9 "$(pgrep -P "$dev" -f -- mesos-master)"
wait_until is_down_again
check "it stays down when the master dies" "localhost down" "$(show)"
"$mesos" maintenance stop localhost >/dev/null
check "a machine comes up" "0 " "$? $(show)"
wait_until has_an_agent
"$mesos" run -- true
check "and is of use again" 0 $?
[ $failures = 0 ] || cat "$WORK/dev.out"
finish
