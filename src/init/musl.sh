#!/bin/sh
# In front of the compiler of mesos-init: musl's takes its place, and finds the kernel's headers.
shift
exec musl-gcc "$@" -idirafter /usr/include -idirafter "/usr/include/$(gcc -dumpmachine)"
