#!/usr/bin/env bash
# Runs a program as root in a small virtual machine: Debian's kernel, busybox, a disk, and cgroup v2 alone
# on /sys/fs/cgroup with all its controllers. What the program writes is written here, and its exit status is
# ours; 124 when it did not end in time, 77 when there is no machine to be had. Needs no kvm and no root.
#
#   tests/vm/run.sh [--timeout SECONDS] [--file SOURCE[:PATH]]... [--env NAME=VALUE]... PROGRAM [ARGS...]
#
# The program and every --file are put at their own absolute path (or PATH) with the libraries they need.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

seconds=100
files=()
environment=()
while [ $# -gt 0 ]; do
    case "$1" in
    --timeout) seconds=$2 && shift 2 ;;
    --file) files+=("$2") && shift 2 ;;
    --env) environment+=("$2") && shift 2 ;;
    --*) echo "run.sh: unknown flag $1" >&2 && exit 64 ;;
    *) break ;;
    esac
done
if [ $# -eq 0 ]; then
    sed -n 's/^#   //p' "$0" >&2
    exit 64
fi
for tool in qemu-system-x86_64 busybox cpio ldd; do
    if ! command -v "$tool" > /dev/null; then
        echo "SKIPPED: no $tool; scripts/install-deps.sh test installs it" >&2
        exit 77
    fi
done
if ldd "$(command -v busybox)" > /dev/null 2>&1; then
    echo "SKIPPED: busybox is not static; install busybox-static" >&2
    exit 77
fi
kernel=$("$here/kernel.sh")

work=$(mktemp -d "${TMPDIR:-/tmp}/mesos-vm.XXXXXX")
qemu=
finish() {
    [ -z "$qemu" ] || kill "$qemu" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' INT TERM

root=$work/root
mkdir -p "$root"/{bin,etc,dev,proc,sys,tmp,root,run,usr,var,new}
cp "$(command -v busybox)" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' > "$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' > "$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files\n' > "$root/etc/nsswitch.conf"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
cp -r "$kernel/modules" "$root/modules"

# Puts a file at a path inside, with the libraries it needs.
put() {
    local source=$1 path=$2 library
    mkdir -p "$root$(dirname "$path")"
    cp -L "$source" "$root$path"
    for library in $(ldd "$source" 2> /dev/null | grep -o '/[^ ]*' || true); do
        [ -e "$root$library" ] && continue
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
}

program=$1
shift
case "$program" in
*/*) program=$(realpath "$program") && put "$program" "$program" ;;
esac
for file in ${files[@]+"${files[@]}"}; do
    source=$(realpath "${file%%:*}")
    case "$file" in *:*) put "$source" "${file#*:}" ;; *) put "$source" "$source" ;; esac
done
{
    echo "cd /root"
    for pair in ${environment[@]+"${environment[@]}"}; do printf 'export %q\n' "$pair"; done
    printf 'exec'
    printf ' %q' "$program" "$@"
    echo
} > "$root/task"
cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) > "$work/initramfs"

# Three serial lines: the kernel's console, what the program says, and its exit status.
: > "$work/console"
: > "$work/output"
: > "$work/status"
truncate -s 4G "$work/disk"
timeout --kill-after=1 "$seconds" qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 1024 \
    -nodefaults -no-user-config -no-reboot -display none \
    -kernel "$kernel/vmlinuz" -initrd "$work/initramfs" \
    -append 'console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off nokaslr random.trust_cpu=on cgroup_no_v1=all' \
    -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe,discard=unmap" \
    -serial "file:$work/console" -serial "file:$work/output" -serial "file:$work/status" \
    < /dev/null > "$work/qemu" 2>&1 &
qemu=$!
tail -q -n +1 -f --pid="$qemu" -s 0.2 "$work/output" &
reader=$!
ended=0
wait "$qemu" || ended=$?
qemu=
wait "$reader" || true

status=$(cat "$work/status")
[[ $status =~ ^[0-9]+$ ]] && exit "$status"
echo "run.sh: the machine said no exit status within $seconds seconds; its console:" >&2
tail -n 30 "$work/console" "$work/qemu" >&2
[ "$ended" != 124 ] || exit 124
exit 1
