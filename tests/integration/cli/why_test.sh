#!/bin/bash
# Roles, shares, offers and reasons on a real cluster: what an operator asks and is told.
. "$(dirname "$0")/common.sh"

values() {
    python3 -c 'import json, sys
o = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

# Asks again until the answer is as wanted, for twenty seconds; each question goes to the master, which paces it.
ask_until() { # COMMAND...
    local end=$((SECONDS + 20))
    until "$@"; do
        if ((SECONDS > end)); then
            echo "FAILED: never came true: $*"
            failures=$((failures + 1))
            return
        fi
    done
}

start_dev --agents 2

# role set, roles
"$mesos" role set eng --weight 2 --limit cpus=100,mem=204800 --guarantee cpus=0.5 >"$WORK/out" 2>&1
check "a role is set" "0 role eng is set; mesos roles shows it" "$? $(cat "$WORK/out")"
check "roles shows it" "eng 2 cpus:0.5 cpus:100;mem:204800" \
    "$("$mesos" roles | awk '$1 == "eng" { print $1, $2, $5, $6 }')"
"$mesos" role set eng --limit none >/dev/null
check "what is not said stays" "2 cpus:0.5 -" "$("$mesos" roles | awk '$1 == "eng" { print $2, $5, $6 }')"
"$mesos" role set eng --weight 0 2>"$WORK/err"
check "a weight of 0 is refused" "2 yes" "$? $(grep -q '0.001 to 1000000' "$WORK/err" && echo yes)"
"$mesos" role set eng --weight nan 2>"$WORK/err"
check "and one that is no number" 2 $?
"$mesos" role set a//b --weight 2 2>"$WORK/err"
check "and a role that is no path" 2 $?
"$mesos" role set eng --limit cpus=x 2>"$WORK/err"
check "and an amount that is none" 2 $?
"$mesos" role set eng --limit cpus=0.1 2>"$WORK/err"
check "and a limit below the guarantee" 2 $?
"$mesos" role set eng --guarantee cpus=100000 --limit none 2>"$WORK/err"
check "a guarantee that cannot be met needs --force" 2 $?
"$mesos" role set eng --guarantee cpus=100000 --force >/dev/null
check "and has it" 0 $?
"$mesos" role set eng --guarantee none >/dev/null
check "a role without frameworks is known" "nobody wants resources in role eng: no framework is in it" "$("$mesos" why eng)"
"$mesos" role set eng --limit '' 2>"$WORK/err"
check "an empty limit is a slip" 2 $?
check "a quota is taken back" "- -" "$("$mesos" roles | awk '$1 == "eng" { print $5, $6 }')"

# why: infeasible
"$mesos" run --name giant --cpus 5000 -- true >/dev/null 2>"$WORK/giant.err" &
giant=$!
wait_for "$WORK/giant.err" '5000' >/dev/null
"$mesos" why giant --json >"$WORK/why"
check "a task that no agent could hold is infeasible" "INFEASIBLE" "$(values 'o["wishes"][0]["state"]' <"$WORK/why")"
check "the counts add up to the agents" 2 "$(values 'sum(c["agents"] for c in o["wishes"][0]["counts"])' <"$WORK/why")"
check "plain words name what is asked" yes "$("$mesos" why giant | grep -q 'no agent could ever hold it' && echo yes)"
is_told_so_in_history() {
    "$mesos" why giant --json >"$WORK/why" && [ "$(values '[c["reason"] for c in o["wishes"][0].get("history", [])]' <"$WORK/why")" = "['TOO_SMALL']" ]
}
ask_until is_told_so_in_history
kill -INT $giant
wait $giant

# why: nobody is there to be asked
for agent in $("$mesos" agents --json | values '" ".join(a["agent_info"]["id"]["value"] for a in o)'); do
    "$mesos" agent deactivate "$agent" >/dev/null
done
"$mesos" run --name shut_out -- true >/dev/null 2>&1 &
shut_out=$!
is_inactive_in_history() {
    "$mesos" why shut_out --json >"$WORK/why" 2>/dev/null &&
        [ "$(values '[c["reason"] for c in o["wishes"][0].get("history", [])]' <"$WORK/why")" = "['INACTIVE']" ]
}
ask_until is_inactive_in_history
check "agents that are deactivated are the reason, and the history says so" INACTIVE "$(values 'o["wishes"][0]["reason"]' <"$WORK/why")"
for agent in $("$mesos" agents --json | values '" ".join(a["agent_info"]["id"]["value"] for a in o)'); do
    "$mesos" agent reactivate "$agent" >/dev/null
done
wait $shut_out
check "and it runs when they are back" 0 $?

# why: quota
"$mesos" role set '*' --limit cpus=0 >/dev/null
"$mesos" run --name held --cpus 0.1 -- true >"$WORK/held.out" 2>"$WORK/held.err" &
held=$!
is_limited() {
    "$mesos" why held --json >"$WORK/why" 2>/dev/null && [ "$(values 'o["wishes"][0]["reason"]' <"$WORK/why")" = LIMIT ]
}
ask_until is_limited
check "a limit is the reason" "LIMIT" "$(values 'o["wishes"][0]["reason"]' <"$WORK/why")"
check "every agent says so when asked" "2 LIMIT" \
    "$("$mesos" why held --agents --json | values 'str(len(o["wishes"][0]["agents"])) + " " + o["wishes"][0]["agents"][0]["reason"]')"
"$mesos" role set '*' --limit none >/dev/null
wait $held
check "without the limit it runs" 0 $?

# share, offers
"$mesos" run --name sleeper --cpus 0.5 -- sleep 60 >/dev/null 2>&1 &
sleeper=$!
is_running() { "$mesos" tasks | grep -q RUNNING; }
ask_until is_running
check "share shows who holds what" yes "$("$mesos" share | grep -q 'cpus:0.5' && echo yes)"
check "a share is a part of the cluster" True \
    "$("$mesos" share --json | values 'all(0 <= s["share"] <= 1 for s in o["standings"]) and any(s["share"] > 0 for s in o["standings"])')"
check "offers is a list" True "$("$mesos" offers --json | values 'isinstance(o, list)')"
"$mesos" share nobody 2>"$WORK/err"
check "a role that nobody has is not found" 4 $?
"$mesos" why nobody 2>"$WORK/err"
check "neither is a name" 4 $?
kill -INT $sleeper
wait $sleeper

finish
