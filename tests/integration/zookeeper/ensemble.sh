#!/usr/bin/env bash
# A ZooKeeper of one server or three on this machine, from Debian's jars, for tests and for scripts/ha-demo.sh.
# Member N listens at 127.0.0.N, all at the same port. What is known of them is in DIR: servers (h:p,h:p,h:p) and
# for each member N/pid, N/conf, N/log, N/data.
#
#   ensemble.sh start DIR 1|3 [LINE OF CONFIG...]   waits until it serves; prints the servers
#   ensemble.sh down|up|pause|resume DIR N          up waits until the member serves
#   ensemble.sh stop DIR                            ends it; DIR stays
#
#   OWNER=pid       the ensemble ends with that process
#   NET=10.0.0      members are at 10.0.0.N instead; say so with every command
#
# Exit status 77: no java or no jars (libzookeeper-java), said on stderr.
set -euo pipefail

jar=/usr/share/java/zookeeper.jar
ready_seconds=60

die() {
    echo "ensemble.sh: $*" >&2
    exit 1
}

if ! command -v java > /dev/null || [ ! -e $jar ]; then
    echo "SKIPPED: no java or no $jar (apt-get install default-jre-headless libzookeeper-java)" >&2
    exit 77
fi
[ $# -ge 2 ] || die "usage: ensemble.sh start|stop|down|up|pause|resume DIR ..."
command=$1
dir=$2
shift 2

# Free now; whoever takes one until the server does makes it fail to start.
free_ports() {
    python3 - "$1" << 'END'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for one in held:
    one.bind(("", 0))
print(*[one.getsockname()[1] for one in held])
END
}

port_of() { sed -n 's/^clientPort=//p' "$dir/$1/conf"; }
host_of() { echo "${NET:-127.0.0}.$1"; }

# What the member says of itself: standalone, leader, follower; nothing while it does not serve.
mode_of() {
    {
        exec 3<> "/dev/tcp/$(host_of "$1")/$(port_of "$1")" && printf srvr >&3 &&
            timeout 5 sed -n 's/^Mode: //p' <&3
    } 2> /dev/null || true
}

launch() {
    local member=$1
    # Small, quick to start, and without fsync: nobody needs the data after the test.
    setsid java -Xmx192m -Xms48m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto \
        -Dzookeeper.forceSync=no -Dzookeeper.admin.enableServer=false -Dzookeeper.skipACL=no \
        -cp "/etc/zookeeper/conf:$jar" org.apache.zookeeper.server.quorum.QuorumPeerMain "$dir/$member/conf" \
        > "$dir/$member/log" 2>&1 < /dev/null 9>&- &
    echo $! > "$dir/$member/pid"
}

wait_ready() {
    local member=$1 deadline=$((SECONDS + ready_seconds))
    until [ -n "$(mode_of "$member")" ]; do
        kill -0 "$(cat "$dir/$member/pid")" 2> /dev/null || return 1
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

end() {
    local file=$dir/$1/pid pid
    [ -e "$file" ] || return 0
    pid=$(cat "$file")
    rm -f "$file"
    kill -KILL "$pid" 2> /dev/null || return 0
    while grep -qs '^State:.[^Z]' "/proc/$pid/status"; do sleep 0.02; done
}

write_conf() {
    local member=$1 count=$2 ports=("${@:3}")
    mkdir -p "$dir/$member/data"
    {
        echo "tickTime=200"
        echo "minSessionTimeout=400"
        echo "maxSessionTimeout=60000"
        echo "initLimit=50"
        echo "syncLimit=25"
        echo "4lw.commands.whitelist=srvr,cons,dump"
        echo "maxClientCnxns=0"
        echo "dataDir=$dir/$member/data"
        echo "clientPortAddress=$(host_of "$member")"
        echo "clientPort=${ports[0]}"
        printf '%s\n' "${extra[@]}"
        if [ "$count" -gt 1 ]; then
            for i in $(seq "$count"); do
                echo "server.$i=$(host_of "$i"):${ports[1]}:${ports[2]}"
            done
        fi
    } > "$dir/$member/conf"
    echo "$member" > "$dir/$member/data/myid"
}

start_once() {
    local count=$1 ports servers=
    read -ra ports <<< "$(free_ports 3)"
    for member in $(seq "$count"); do
        write_conf "$member" "$count" "${ports[@]}"
        servers+=${servers:+,}$(host_of "$member"):${ports[0]}
    done
    echo "$count" > "$dir/count"
    echo "$servers" > "$dir/servers"
    for member in $(seq "$count"); do launch "$member"; done
    for member in $(seq "$count"); do wait_ready "$member" || return 1; done
}

members() { seq "$(cat "$dir/count")"; }

case $command in
start)
    count=$1
    extra=("${@:2}")
    mkdir -p "$dir"
    for try in 1 2 3; do
        if start_once "$count"; then
            if [ -n "${OWNER:-}" ]; then
                { tail --pid="$OWNER" -s 0.5 -f /dev/null && "$0" stop "$dir"; } > /dev/null 2>&1 < /dev/null 9>&- &
            fi
            cat "$dir/servers"
            exit 0
        fi
        for member in $(members); do end "$member"; done
    done
    tail -n 20 "$dir"/*/log >&2
    die "ZooKeeper does not start (its logs are above)"
    ;;
stop)
    for member in $(members); do end "$member"; done
    ;;
down) end "$1" ;;
up)
    launch "$1"
    wait_ready "$1" || die "member $1 does not come up: $dir/$1/log"
    ;;
pause) kill -STOP "$(cat "$dir/$1/pid")" ;;
resume) kill -CONT "$(cat "$dir/$1/pid")" ;;
*) die "what is $command?" ;;
esac
