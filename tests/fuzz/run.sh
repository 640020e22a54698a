#!/bin/sh
# run.sh SECONDS [BUILD [NAME]]: runs every fuzz target of a build made with -DFUZZ=ON, or one, for that long each,
# and fails on the first crash, leaving the input that did it in BUILD/fuzz/. No SECONDS: $FUZZ_SECONDS, or 10.
set -eu
seconds=${1:-${FUZZ_SECONDS:-10}}
build=${2:-build}
only=${3:-*}
source=$(cd "$(dirname "$0")" && pwd)
found=0
for target in "$build"/fuzz/fuzz_$only; do
    [ -x "$target" ] || continue
    found=1
    name=$(basename "$target" | sed 's/^fuzz_//')
    work=$(mktemp -d)
    for seed in "$source"/corpus/"$name"_*; do
        [ -e "$seed" ] && cp "$seed" "$work"
    done
    echo "fuzz $name for $seconds s"
    "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -verbosity=0 -artifact_prefix="$build/fuzz/" "$work" || { rm -rf "$work"; exit 1; }
    rm -rf "$work"
done
[ "$found" = 1 ] || { echo "no fuzz target in $build/fuzz" >&2; exit 1; }
