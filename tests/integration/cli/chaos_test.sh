#!/bin/bash
# mesos each while master and agents are killed with -9 at random, one a second: every line once, in order.
. "$(dirname "$0")/common.sh"
start_dev --agents 2
RANDOM=${SEED:-$$}
echo "SEED=${SEED:-$$}"

targets=(mesos-master "--port=$((PORT + 1)) " "--port=$((PORT + 2)) ")
RANDOM_START=$((RANDOM % 3))
seq 200 >"$WORK/200"
"$mesos" each -P 20 --progress -- bash -c 'read -t 0.05 x <> <(:); echo {}' <"$WORK/200" >"$WORK/out" 2>"$WORK/err" &
each=$!
for ((kills = 0; kills < 4; kills++)); do
    kill -0 $each 2>/dev/null || break
    # One after the other from a random one on: three deaths of the same one would end the cluster.
    target=${targets[(RANDOM_START + kills) % 3]}
    daemon=$(pgrep -P $dev -f -- "$target")
    [ -n "$daemon" ] && kill -9 "$daemon"
    timeout 1 tail --pid=$each -f /dev/null
done
wait $each
check "it ends well" 0 $?
check_file "every line once, in order" "$WORK/200" "$WORK/out"
[ $failures = 0 ] || { grep -v done "$WORK/err" | head; cat "$WORK/dev.out"; }
finish
