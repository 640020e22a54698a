#!/bin/busybox sh
# The first process of the virtual machine. It leaves the initial file system at once, since pivot_root,
# which containers need, does not work from there, and since files in memory would count against the memory
# of whoever writes them; then it runs /task and powers off.
export PATH=/bin
if [ ! -e /moved ]; then
    mount -t devtmpfs devtmpfs /dev
    for module in /modules/*; do insmod "$module"; done
    mke2fs -L root /dev/vda > /dev/null
    mount -t ext4 -o noatime /dev/vda /new || poweroff -f
    umount /dev
    for part in /*; do
        [ "$part" = /new ] || cp -a "$part" /new/
    done
    touch /new/moved
    exec switch_root /new /init
fi

mkdir -p /proc /sys /dev /tmp /run /var/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
chmod 1777 /tmp /var/tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -sf /proc/self/fd /dev/fd
ip link set lo up
# As on a machine run by systemd: every controller is there for whoever makes a group.
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done
stty -F /dev/ttyS1 raw
stty -F /dev/ttyS2 raw
HOME=/root sh /task < /dev/null > /dev/ttyS1 2>&1
status=$?
stty -F /dev/ttyS1 sane
echo "$status" > /dev/ttyS2
sync
poweroff -f
