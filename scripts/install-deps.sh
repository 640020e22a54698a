#!/usr/bin/env bash
# Puts what the project needs on a Debian machine, and only what is missing: nothing is asked, nothing is
# upgraded, and a machine that has everything is left alone at once.
#
#   scripts/install-deps.sh [build|ha|test]   build: to build and run (default); ha: and a ZooKeeper server, for
#                                             scripts/ha-demo.sh; test: and the tests' tools
set -euo pipefail

build_packages=(
    gcc libc6-dev cmake ninja-build pkg-config
    protobuf-compiler protobuf-c-compiler libprotobuf-c-dev
    libevent-dev libssl-dev libzookeeper-mt-dev libcgroup-dev liblmdb-dev musl-tools libjansson-dev
    libpcre2-dev
    libseccomp-dev libcap-dev libnl-route-3-dev libcurl4-openssl-dev libarchive-dev
)
ha_packages=(default-jre-headless libzookeeper-java python3)
test_packages=(
    git clang clang-format clang-tidy libclang-rt-14-dev libcmocka-dev valgrind
    qemu-system-x86 busybox-static cpio debootstrap iproute2
)

case "${1:-build}" in
build) wanted=("${build_packages[@]}") ;;
ha) wanted=("${build_packages[@]}" "${ha_packages[@]}") ;;
test) wanted=("${build_packages[@]}" "${ha_packages[@]}" "${test_packages[@]}") ;;
*)
    echo "usage: scripts/install-deps.sh [build|ha|test]" >&2
    exit 64
    ;;
esac

if ! command -v dpkg-query > /dev/null; then
    echo "install-deps: this is not Debian; install by hand: ${wanted[*]}" >&2
    exit 1
fi

have=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2> /dev/null || true)
missing=()
for package in "${wanted[@]}"; do
    [[ $'\n'$have$'\n' == *$'\nii '"$package"$'\n'* ]] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo > /dev/null; then
        echo "install-deps: run as root, or install sudo; missing: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

apt() {
    # A busy package manager is waited for, and a broken download tried again.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 \
        -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 "$@" < /dev/null
}

echo "installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    tail -n 25 "$log" >&2
    echo "install-deps: apt-get failed; the lines above say why" >&2
    exit 1
fi
