#!/bin/sh
# check_interface.sh DESCRIPTOR_SET DIRECTORY: holds our protos against the facts of the Mesos v1 interface, which
# are in DIRECTORY or, before that, in $MESOS_INTERFACE. Without them it skips aloud (77), or fails when
# REQUIRE_INTERFACE=1.
set -eu
directory=${MESOS_INTERFACE:-$2}
if [ ! -r "$directory/check.py" ]; then
    if [ "${REQUIRE_INTERFACE:-0}" = 1 ]; then
        echo "REQUIRE_INTERFACE=1, and $directory/check.py is not there" >&2
        exit 1
    fi
    echo "SKIPPED: no interface data at $directory" >&2
    exit 77
fi
exec python3 "$directory/check.py" "$1" --complete
