#!/usr/bin/env bash
# Shows that clang-format and clang-tidy, as configured here, refuse a bad sample.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in clang-format clang-tidy; do
    if ! command -v $tool > /dev/null; then
        echo "SKIPPED: no $tool; scripts/install-deps.sh test installs it" >&2
        exit 77
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp .clang-format .clang-tidy "$work/"
printf 'int twice(int a)\n{\n  return a*2;\n}\n' > "$work/layout.c"
printf '#include <stdlib.h>\nint leak(void);\nint leak(void) {\n    int *a = malloc(4);\n    return a == NULL ? *a : 0;\n}\n' > "$work/bug.c"
if clang-format --dry-run --Werror "$work/layout.c" 2> /dev/null; then
    echo "clang-format accepts a bad layout" >&2
    exit 1
fi
if clang-tidy --quiet "$work/bug.c" -- > "$work/log" 2>&1; then
    echo "clang-tidy accepts a null pointer" >&2
    exit 1
fi
clang-format -i "$work/layout.c"
clang-format --dry-run --Werror "$work/layout.c"
