# What the tests of the CLI share: a cluster of `mesos dev` on ports of the test's own, and checks.
# Sourced; expects $BIN (the build's bin/) and the first of ten ports as arguments of the test.
set -u
BIN=$1
PORT=$2
# Not in /tmp: tasks have one of their own, and some meet the test through files here.
WORK=$(mktemp -d /var/tmp/mesos-cli-test.XXXXXX)
export TMPDIR
TMPDIR=$(mktemp -d /var/tmp/mesos-cli-test.XXXXXX)
chmod 755 "$TMPDIR"
export MESOS_MASTER=127.0.0.1:$PORT
mesos=$BIN/mesos
dev=
failures=0

if [ "$(id -u)" != 0 ]; then
    echo "SKIPPED: containers with all their isolation need root"
    exit 77
fi

# The first line of FILE that has the words, as soon as it is there; 20 seconds are the limit.
wait_for() { # FILE WORDS
    timeout 20 tail -n +1 -F "$1" 2>/dev/null | grep -m1 -- "$2"
}

start_dev() { # FLAGS...
    : >"$WORK/dev.out"
    "$mesos" dev --port "$PORT" --agent_port $((PORT + 1)) "$@" >"$WORK/dev.out" 2>&1 &
    dev=$!
    wait_for "$WORK/dev.out" '^ready' >/dev/null || {
        echo "the cluster did not start:"
        cat "$WORK/dev.out"
        exit 1
    }
}

stop_dev() {
    [ -n "$dev" ] || return 0
    kill -TERM "$dev" 2>/dev/null
    wait "$dev"
    dev=
}

cleanup() {
    stop_dev
    rm -rf "$TMPDIR" "$WORK"
}
trap cleanup EXIT

check() { # WHAT WANTED GOT
    if [ "$2" != "$3" ]; then
        echo "FAILED: $1"
        echo "  wanted: $2"
        echo "  got:    $3"
        failures=$((failures + 1))
    fi
}

check_file() { # WHAT WANTED GOT
    cmp -s "$2" "$3" || {
        echo "FAILED: $1"
        diff "$2" "$3" | head -10
        failures=$((failures + 1))
    }
}

finish() {
    stop_dev
    [ "$failures" = 0 ] && echo "all is well"
    exit $((failures > 0))
}
