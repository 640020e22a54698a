#!/usr/bin/env bash
# mesos registry against a real ZooKeeper: what a master alone has kept goes there and back, and nothing is lost.
#
#   registry_test.sh BIN PORT
set -u
bin=$1
port=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d /var/tmp/mesos-registry-test.XXXXXX)
mesos="$bin/mesos"
failures=0
master=

cleanup() {
    [ -z "$master" ] || kill -KILL "$master" 2> /dev/null
    "$here/ensemble.sh" stop "$work/zk" 2> /dev/null
    rm -rf "$work"
}
trap cleanup EXIT

OWNER=$$ "$here/ensemble.sh" start "$work/zk" 1 > "$work/servers" || exit $?
zk=zk://$(cat "$work/servers")/mesos

# CODE WORDS COMMAND...: it ends with the code and says the words.
expect() {
    local code=$1 words=$2 got
    shift 2
    "$@" > "$work/out" 2>&1 < /dev/null
    got=$?
    if [ "$got" != "$code" ] || ! { [ -z "$words" ] || grep -q -- "$words" "$work/out"; }; then
        echo "FAILED: $*: exit $got, not $code, or '$words' is not said:"
        cat "$work/out"
        failures=$((failures + 1))
    fi
}

registry() { "$mesos" registry "$@"; }
zkcli() {
    java -cp "/etc/zookeeper/conf:/usr/share/java/zookeeper.jar" org.apache.zookeeper.ZooKeeperMain \
        -server "$(cat "$work/servers")" "$@"
}

start_master() {
    "$bin/mesos-master" --work_dir="$1" --ip=127.0.0.1 --port="$port" > "$work/master.log" 2>&1 &
    master=$!
    timeout 20 tail -n +1 -F "$work/master.log" 2> /dev/null | grep -qm1 master_recovered ||
        cat "$work/master.log"
}
stop_master() {
    kill -TERM "$master"
    wait "$master"
    master=
}

expect 4 "there is no registry" registry check "$work/nobody"
expect 4 "there is no registry" registry check "$zk"
expect 4 "there is no registry" registry dump "$zk"
expect 4 "there is no registry" registry move "$zk" "$work/e"
expect 3 "no answer within 1 s" registry check zk://127.0.0.1:1/mesos --timeout 1secs
expect 2 "no host:port" registry check zk:///mesos

start_master "$work/a"
expect 0 "is set" "$mesos" role set eng --weight 2.5 --limit cpus=10 --master "127.0.0.1:$port"
expect 1 "a master runs on it" registry dump "$work/a"
stop_master

expect 0 "records, 1 master, 1 role; 0 wrong" registry check "$work/a"
registry dump "$work/a" > "$work/first" || failures=$((failures + 1))
expect 0 '"weight_milli":2500' cat "$work/first"
expect 0 "2 records moved to" registry move "$work/a" "$zk"
expect 0 "^0 records" registry check "$work/a"
expect 0 "1 role; 0 wrong" registry check "$zk"
registry dump "$zk" > "$work/second"
expect 0 "" cmp "$work/first" "$work/second"

expect 1 "2 records are there already" registry restore "$zk" "$work/first"
expect 1 "force replaces" registry restore "$zk" "$work/first"
expect 0 "2 records written to" registry restore "$zk" "$work/first" --force
head -n 1 "$work/first" > "$work/cut"
expect 2 "not the whole dump" registry restore "$work/c" "$work/cut"
expect 4 "no registry" registry check "$work/c"

# A file that is none, and a disk that cannot be read, are not a silent ZooKeeper.
mkdir -p "$work/bad/registry" && head -c 8192 /dev/urandom > "$work/bad/registry/state.mdb"
expect 1 "state.mdb" registry check "$work/bad"

# A byte that changed behind the master's back is found by the record's sum; nothing is moved, and no master begins on it.
start_master "$work/flipped"
expect 0 "is set" "$mesos" role set engineering --weight 2.5 --master "127.0.0.1:$port"
stop_master
flip='import sys; p = sys.argv[1]; b = open(p, "rb").read(); open(p, "wb").write(b.replace(b"\x0bengineering\x10", b"\x0benginearing\x10"))'
python3 -c "$flip" "$work/flipped/registry/state.mdb"
cp "$work/flipped/registry/state.mdb" "$work/before"
expect 1 "role/engineering: damaged: CRC32C" registry check "$work/flipped"
expect 1 "record 'role/engineering': damaged: CRC32C" registry move "$work/flipped" "$work/e"
expect 1 "record 'role/engineering': damaged: CRC32C" registry dump "$work/flipped"
registry dump "$work/flipped" > "$work/flipped.dump" 2> /dev/null
expect 1 "record 'role/engineering': damaged: CRC32C" registry restore "$work/e" "$work/flipped.dump"
expect 1 "registry record 'role/engineering': damaged: CRC32C" timeout 20 "$bin/mesos-master" \
    --work_dir="$work/flipped" --ip=127.0.0.1 --port="$port"
expect 0 "" cmp "$work/before" "$work/flipped/registry/state.mdb"

# Nothing is moved, too.
printf '{"end":true,"records":0,"crc32c":"00000000"}\n' > "$work/nothing"
expect 0 "^0 records written to" registry restore "$zk-empty" "$work/nothing"
expect 4 "there is no registry" registry check "$zk-empty"

# Back, and a master has its role again.
expect 0 "2 records moved to" registry move "$zk" "$work/b"
expect 0 "^0 records" registry check "$zk"
start_master "$work/b"
expect 0 "eng *2.5" "$mesos" roles --master "127.0.0.1:$port"
stop_master

# Many records, in many nodes.
python3 - > "$work/many" << 'END'
import base64, json, struct
table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
    table.append(i)
def crc32c(data):
    sum = 0xffffffff
    for byte in data:
        sum = table[(sum ^ byte) & 0xff] ^ sum >> 8
    return sum ^ 0xffffffff
def varint(value):
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)
def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data
all = b""
for n in range(5000):
    name = b"%06d" % n
    value = b"\x08\x01" + field(7, field(1, name) + b"\x10\x05" + field(1000, b"x" * 900))
    all += b"role/" + name + value
    print(json.dumps({"key": "role/" + name.decode(), "value": base64.b64encode(value).decode()}))
print(json.dumps({"end": True, "records": 5000, "crc32c": "%08x" % crc32c(all)}))
END
expect 0 "5000 records written to" registry restore "$zk" "$work/many"
expect 0 "5000 records, 5000 role; 0 wrong" registry check "$zk"
expect 0 "5000 records copied to" registry move "$zk" "$work/d" --keep
registry dump "$work/d" > "$work/d.dump"
registry dump "$zk" > "$work/zk.dump"
expect 0 "" cmp "$work/d.dump" "$work/zk.dump"

# Masters are there: no word is written.
zkcli create /mesos/json.info_0000000007 '{}' > "$work/zkcli" 2>&1
expect 1 "1 master is there" registry restore "$zk" "$work/first" --force
expect 1 "1 master is there" registry restore "$zk" "$work/first"
! grep -H force "$work/out" || failures=$((failures + 1))
expect 1 "1 master is there" registry move "$zk" "$work/e"
expect 0 "5000 role; 0 wrong" registry check "$zk"

# Damage is named.
zkcli set /mesos/registry/changes-0000000001-0000000002 damaged > "$work/zkcli" 2>&1
expect 1 "changes-0000000001-0000000002 is not a node of a registry of ours" registry check "$zk"
expect 1 "is not a node of a registry of ours" registry dump "$zk"

[ "$failures" = 0 ] || exit 1
echo "all is well"
