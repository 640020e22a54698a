#!/bin/bash
# mesos run: outputs, exit codes, users, interruption; logs, kill and the lists beside it.
. "$(dirname "$0")/common.sh"
start_dev --agents 2

out=$("$mesos" run --cpus 0.5 --mem 64 -- sh -c 'echo hello; exit 7' 2>"$WORK/err")
check "the exit code is the command's" 7 $?
check "stdout is streamed" hello "$out"
check "a plain failure says nothing of its own" "" "$(cat "$WORK/err")"
check "stderr is stderr" oops "$("$mesos" run -- sh -c 'echo oops >&2' 2>&1 >/dev/null)"
check "three megabytes arrive whole" "$(head -c 3000000 /dev/zero | md5sum)" \
    "$("$mesos" run -- head -c 3000000 /dev/zero | md5sum)"
check "tasks of root run as nobody" nobody "$("$mesos" run -- id -un)"
check "unless root is asked for" 0 "$("$mesos" run --user root -- id -u)"
check "--env and --shell" "a b" "$("$mesos" run --env X=a --env Y=b --shell 'echo $X $Y')"
"$mesos" run -- sh -c 'kill -9 $$' 2>/dev/null
check "a signal is 128 and its number" 137 $?
"$mesos" run --mem 16 -- sh -c 'head -c 200000000 /dev/zero | tail >/dev/null; exit 3' 2>"$WORK/err"
check "an exit code of a shell that outlived its memory limit is its own" 3 $?
check "and the limit is named" 1 "$(grep -c 'Memory limit exceeded' "$WORK/err")"
check "a task is called what it runs" 1 "$("$mesos" tasks --all | grep -c ' echo hello; exit 7\| sh -c echo hello; exit 7 ')"
"$mesos" run -- no-such-command 2>/dev/null
check "what cannot be executed is 126" 126 $?
"$mesos" run -- /etc 2>/dev/null
check "so is a directory" 126 $?
"$mesos" run --cpus=-1 -- true 2>/dev/null
check "a wrong flag is 2" 2 $?
"$mesos" run --master 127.0.0.1:1 -- true 2>/dev/null
check "no master is 3" 3 $?
"$mesos" run -- echo hello 2>"$WORK/err" >/dev/full
check "output that cannot be written is 1" 1 $?
check "and says why" "mesos run: write the output: No space left on device" "$(cat "$WORK/err")"
"$mesos" agents 2>"$WORK/err" >/dev/full
check "so is a list" 1 $?
check "which says why too" "mesos agents: write to stdout: No space left on device" "$(cat "$WORK/err")"
"$mesos" run -- yes 2>"$WORK/err" | head -n 1 >/dev/null
check "a reader that has seen enough is no fault to tell" "141 " "${PIPESTATUS[0]} $(cat "$WORK/err")"

"$mesos" run --cpus 500 -- true 2>"$WORK/err" &
run=$!
wait_for "$WORK/err" 'waiting: no agent could ever hold cpus:500;mem:32: the nearest, .*, has cpus:' >/dev/null
check "it says what it waits for" 0 $?
kill -INT $run
wait $run
check "and can be interrupted there" 130 $?

"$mesos" run --name long -- bash -c 'trap "echo ended; exit 3" TERM; echo begun; while :; do read -t 1 x <> <(:); done' \
    >"$WORK/out" 2>/dev/null &
run=$!
wait_for "$WORK/out" begun >/dev/null
id=$("$mesos" tasks | awk 'NR > 1 { print $1 }')
"$mesos" logs -f "$id" >"$WORK/logs" 2>&1 &
logs=$!
wait_for "$WORK/logs" begun >/dev/null
check "an id's beginning is enough" 0 "$("$mesos" task "${id%.*}" >/dev/null; echo $?)"
check "an unknown one is 4" 4 "$("$mesos" task nothing 2>/dev/null; echo $?)"
check "one that fits several is 5" 5 "$("$mesos" task run- 2>/dev/null; echo $?)"
check "tasks, agents, frameworks, state and version are JSON" "True True True True True" \
    "$(for c in tasks agents frameworks state version; do
        if [ $c = state ]; then "$mesos" $c; else "$mesos" $c --json; fi |
            python3 -c 'import json,sys; print(bool(json.load(sys.stdin)))'
    done | xargs)"
COMP_WORDS=(mesos kill run-) COMP_CWORD=2
PATH=$BIN:$PATH
. "$(dirname "$0")/../../../completions/mesos.bash"
_mesos
check "bash completes ids" "$id" "${COMPREPLY[*]}"
COMP_WORDS=(mesos ta) COMP_CWORD=1
_mesos
check "and commands" "tasks task" "${COMPREPLY[*]}"
COMP_WORDS=(mesos logs --fo) COMP_CWORD=2
_mesos
check "and flags" --follow "${COMPREPLY[*]}"
"$mesos" kill "$id" >/dev/null
check "kill says yes" 0 $?
wait $run
check "a killed task's own exit code counts" 3 $?
wait $logs
check "logs -f ends with the task" 0 $?
check "and has all of it" "begun ended" "$(xargs <"$WORK/logs")"
finish
