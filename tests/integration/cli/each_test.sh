#!/bin/bash
# mesos each: order, failures, retries, input; and what is printed when its world is killed.
. "$(dirname "$0")/common.sh"
start_dev --agents 2

seq 100 >"$WORK/100"
"$mesos" each -P 20 -- echo {} <"$WORK/100" >"$WORK/out"
check "all well is 0" 0 $?
check_file "every line once, in order" "$WORK/100" "$WORK/out"
check "without {} the line comes last" "a x" "$(echo x | "$mesos" each -- echo a)"
check "input from a file" "$(seq 5)" "$(seq 5 >"$WORK/in"; "$mesos" each --input "$WORK/in" -- echo)"
check "no line, no output" 0 "$("$mesos" each -- echo </dev/null; echo $?)"
seq 3 | "$mesos" each -- sh -c 'echo {}; exit $(({} == 2 ? 9 : 0))' >"$WORK/out" 2>"$WORK/err"
check "a failed command is 123" 123 $?
check "its output is printed" "1 2 3" "$(xargs <"$WORK/out")"
check "and it is reported" "mesos each: line 2 (2): exit code 9" "$(cat "$WORK/err")"
check "--retries runs it again" 0 "$(mkdir -m 777 "$WORK/r"; chmod 755 "$WORK"; echo x |
    "$mesos" each --retries 1 -- sh -c "mkdir $WORK/r/x && exit 1; exit 0" 2>/dev/null; echo $?)"
printf 'a\0b\n' | "$mesos" each -- echo 2>/dev/null
check "zero bytes are refused" 2 $?

# Killed with -9 and started again with the same journal.
resume() { "$mesos" each --resume "$WORK/journal" -P 10 -- sh -c 'echo {}' <"$WORK/100" "$@"; }
"$mesos" each --resume "$WORK/journal" -P 10 -- sh -c 'echo {}' <"$WORK/100" >"$WORK/one" 2>/dev/null &
each=$!
wait_for "$WORK/one" '^30$' >/dev/null
kill -9 $each
wait $each 2>/dev/null
printf x >>"$WORK/journal" # a torn last record
resume >"$WORK/two"
check "the resumed one ends well" 0 $?
cat "$WORK/one" "$WORK/two" >"$WORK/both"
check_file "both together printed each line once" "$WORK/100" "$WORK/both"
check "once more prints nothing" "" "$(resume)"
"$mesos" each --resume "$WORK/journal" -- echo other {} <"$WORK/100" 2>/dev/null
check "a journal of another command is refused" 2 $?
finish
