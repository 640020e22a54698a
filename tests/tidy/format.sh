#!/usr/bin/env bash
# Names the C files that are not laid out as .clang-format says; with --fix, lays them out instead.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v clang-format > /dev/null; then
    echo "SKIPPED: no clang-format; scripts/install-deps.sh test installs it" >&2
    exit 77
fi
files() { find src include tests bench \( -name '*.c' -o -name '*.h' \) -print0; }
if [ "${1:-}" = --fix ]; then
    files | xargs -0 -r -P "$(nproc)" -n 16 clang-format -i
    exit
fi
wrong=$(files | xargs -0 -r -P "$(nproc)" -n 1 sh -c 'clang-format "$1" | cmp -s - "$1" || echo "$1"' sh | sort)
if [ -n "$wrong" ]; then
    printf '%s\n' "$wrong"
    echo "to be laid out by tests/tidy/format.sh --fix"
    exit 1
fi
