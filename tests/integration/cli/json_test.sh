#!/bin/bash
# --json of run, each, logs and dev: for programs, so a program reads it.
. "$(dirname "$0")/common.sh"

# Values of each object on stdin, a line each: values EXPRESSION, with the object as o.
values() {
    python3 -c 'import json, sys
for line in sys.stdin:
    o = json.loads(line)
    print(eval(sys.argv[1]))' "$1"
}

"$mesos" dev --json --port "$PORT" --agent_port $((PORT + 1)) --agents 2 >"$WORK/dev.out" 2>&1 &
dev=$!
wait_for "$WORK/dev.out" '"event":"ready"' >"$WORK/ready"
check "dev's first line is an object" "ready 127.0.0.1:$PORT 2 True $dev" "$(values \
    'o["event"], o["master"], o["agents"], __import__("os").path.isdir(o["directory"]), o["pid"]' \
    <"$WORK/ready" | tr -d "(),'")"

# run
"$mesos" run --json -- sh -c 'printf "a\"\377b\n"; echo oops >&2; exit 7' >"$WORK/out" 2>"$WORK/err"
check "run ends with the command's code" 7 $?
check "its output is in the object, nothing beside it" 1 "$(wc -l <"$WORK/out")"
check "with all that is known" "('TASK_FAILED', 7, None, 'a\"\\ufffdb\\n', 'oops\\n', False)" \
    "$(values 'ascii((o["state"], o["exit_code"], o["signal"], o["stdout"], o["stderr"], o["truncated"]))' <"$WORK/out")"
check "and who, where and how long" True "$(values \
    'o["task_id"].startswith("run-") and o["agent_id"].startswith(o["framework_id"][:36]) and o["wall_ms"] >= 0' \
    <"$WORK/out")"
check "nothing on stderr" "" "$(cat "$WORK/err")"
check "a signal is no exit code" "(None, 9)" \
    "$("$mesos" run --json -- sh -c 'kill -9 $$' 2>/dev/null | values 'o["exit_code"], o["signal"]')"
check "what cannot be executed has a reason" "(None, 'REASON_CONTAINER_LAUNCH_FAILED')" \
    "$("$mesos" run --json -- no-such-command 2>/dev/null | values 'o["exit_code"], o["reason"]')"
check "an output is capped" "(1048576, True)" \
    "$("$mesos" run --json -- head -c 3000000 /dev/zero | values 'len(o["stdout"]), o["truncated"]')"
"$mesos" run --json --cpus=-1 -- true >"$WORK/out" 2>/dev/null
check "a wrong flag prints no object" "2 0" "$? $(wc -c <"$WORK/out")"
"$mesos" run --json --cpus 500 -- true >"$WORK/out" 2>"$WORK/err" &
run=$!
wait_for "$WORK/err" 'no agent could' >/dev/null
kill -INT $run
wait $run
check "one that never began has an object too" "130 (None, None, True)" \
    "$? $(values 'o["task_id"], o["state"], "no agent could" in o["message"]' <"$WORK/out")"

# each
seq 3 | "$mesos" each --json -- sh -c 'echo {}; echo e >&2; [ {} = 2 ] && exit 9; [ {} = 3 ] && kill -9 $$; exit 0' \
    >"$WORK/out" 2>"$WORK/err"
check "each ends as without" 123 $?
values 'o["line"], o["input"], o["state"], o["exit_code"], o["signal"], o["attempts"], o["stdout"], o["stderr"], o["truncated"]' \
    <"$WORK/out" >"$WORK/got"
cat >"$WORK/wanted" <<'END'
(1, '1', 'TASK_FINISHED', 0, None, 1, '1\n', 'e\n', False)
(2, '2', 'TASK_FAILED', 9, None, 1, '2\n', 'e\n', False)
(3, '3', 'TASK_FAILED', None, 9, 1, '3\n', 'e\n', False)
END
check_file "an object a line, in order" "$WORK/wanted" "$WORK/got"
check "each tells tasks apart by their ids" True "$(head -1 "$WORK/out" | values 'o["task_id"].endswith("-1.1")')"
check "retries are counted" 3 "$(echo x | "$mesos" each --json --retries 2 -- false 2>/dev/null | values 'o["attempts"]')"
check "outputs of each are capped too" "(1048576, True)" \
    "$(echo x | "$mesos" each --json -- sh -c 'head -c 3000000 /dev/zero' {} | values 'len(o["stdout"]), o["truncated"]')"

# each --resume: killed, torn in the middle of an object, started again into the same file.
seq 100 >"$WORK/100"
resume() { "$mesos" each --json --resume "$WORK/journal" -P 10 -- echo {} <"$WORK/100" >>"$WORK/one" 2>/dev/null; }
"$mesos" each --json --resume "$WORK/journal" -P 10 -- echo {} <"$WORK/100" >>"$WORK/one" 2>/dev/null &
each=$!
wait_for "$WORK/one" '"line":30,' >/dev/null
kill -9 $each
wait $each 2>/dev/null
truncate -s -50 "$WORK/one"
resume
check "the resumed one ends well" 0 $?
check_file "each line's object once, whole" "$WORK/100" <(values 'o["line"] if o["stdout"] == o["input"] + "\n" else o' <"$WORK/one")
cp "$WORK/one" "$WORK/before"
resume
check_file "once more prints nothing" "$WORK/before" "$WORK/one"
"$mesos" each --resume "$WORK/journal" -- echo {} <"$WORK/100" >/dev/null 2>&1
check "a journal of --json is not gone on with without it" 2 $?

# What comes out of a journal is what was printed at first, byte by byte.
ends() {
    seq 3 | "$mesos" each --json --resume "$WORK/ends.journal" -- \
        sh -c 'echo {}; [ {} = 2 ] && exit 9; [ {} = 3 ] && kill -9 $$; exit 0' >"$WORK/ends" 2>/dev/null
}
ends
check "with a journal it ends as without" 123 $?
cp "$WORK/ends" "$WORK/before"
ends
check "so it does when all is done" 123 $?
check_file "and an emptied file is filled again" "$WORK/before" "$WORK/ends"

# logs
"$mesos" run -- bash -c 'printf "x\xe2\x82"; read -t 0.3 x <> <(:); printf "\xac\n\xff"' >/dev/null
id=$("$mesos" tasks --all | awk '/^run-/ && /bash/ { print $1 }' | head -1)
"$mesos" logs --json -f "$id" >"$WORK/out"
check "logs ends well" 0 $?
check "its pieces are one after the other and never part a character" "x€:�:" "$(python3 -c '
import json, sys
pieces = [json.loads(line) for line in sys.stdin]
assert all(p["stream"] == "stdout" for p in pieces) and pieces[0]["offset"] == 0, pieces
print("".join(p["data"] for p in pieces).replace("\n", ":") + ":")' <"$WORK/out")"
"$mesos" logs "$id" 2>"$WORK/err" >/dev/full
check "logs that cannot be written are 1, with a line" "1 mesos logs: write the output: No space left on device" \
    "$? $(cat "$WORK/err")"
"$mesos" logs --json "$id" 2>"$WORK/err" >/dev/full
check "nor can their objects" "1 mesos logs: write the output: No space left on device" "$? $(cat "$WORK/err")"
"$mesos" run --json -- true 2>"$WORK/err" >/dev/full
check "nor can the object of run" "1 mesos run: write the output: No space left on device" "$? $(cat "$WORK/err")"
check "without output there is none" "" "$("$mesos" logs --json --stderr "$id")"

COMP_WORDS=(mesos each --js) COMP_CWORD=2
PATH=$BIN:$PATH
. "$(dirname "$0")/../../../completions/mesos.bash"
_mesos
check "bash completes --json" --json "${COMPREPLY[*]}"

kill -TERM $dev
wait $dev
dev=
check "dev says that it stops" stopping "$(tail -1 "$WORK/dev.out" | values 'o["event"]')"
finish
