#!/usr/bin/env bash
# clang-tidy on what changed since the last commit but one, and on a tenth of the rest, another tenth after
# every commit, within a time limit; TIDY_ALL=1 takes all. What was not looked at is said.
#
#   tests/tidy/clang_tidy.sh BUILD_DIRECTORY [FILES...]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
shift
limit_s=${TIDY_SECONDS:-150}
if ! command -v clang-tidy > /dev/null; then
    echo "SKIPPED: no clang-tidy; scripts/install-deps.sh test installs it" >&2
    exit 77
fi

# Only what is compiled here, since clang-tidy needs the command line of each file.
mapfile -t compiled < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" |
    sed "s#^$PWD/##" | grep -E '^(src|tests|bench)/' | sort -u)
if [ $# -gt 0 ]; then
    chosen=("$@")
elif [ -n "${TIDY_ALL:-}" ]; then
    chosen=("${compiled[@]}")
    limit_s=3000
else
    turn=$(git rev-list --count HEAD 2> /dev/null || echo 0)
    changed=$({ git diff --name-only HEAD~1 && git ls-files --others --exclude-standard; } 2> /dev/null || true)
    chosen=()
    for i in "${!compiled[@]}"; do
        if [ $((i % 10)) = $((turn % 10)) ] || [[ $'\n'$changed$'\n' == *$'\n'"${compiled[$i]}"$'\n'* ]]; then
            chosen+=("${compiled[$i]}")
        fi
    done
fi
echo "${#chosen[@]} of ${#compiled[@]} files"
[ ${#chosen[@]} -gt 0 ] || exit 0

# Flags that only gcc knows are no fault of the code. The analyzer cannot see that cmocka's assertions end a test.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
printf '%s\0' "${chosen[@]}" | timeout "$limit_s" xargs -0 -P "$(nproc)" -n 1 sh -c '
    checks=
    case "$1" in tests/*) checks=-clang-analyzer-core.NullDereference,-clang-analyzer-core.CallAndMessage ;; esac
    clang-tidy --quiet ${checks:+"--checks=$checks"} -p "$0" --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-error "$1" 2> /dev/null ||
        { echo "refused: $1"; exit 1; }; echo "done: $1"' "$build" > "$log" 2>&1 || status=$?
grep -v '^done: ' "$log" || true
looked_at=$(grep -cE '^(done|refused): ' "$log" || true)
if grep -q '^refused: ' "$log"; then
    exit 1
fi
if [ "$status" = 124 ]; then
    echo "NOT ALL: $looked_at of ${#chosen[@]} files looked at in $limit_s seconds"
    exit 0
fi
exit "$status"
