#!/bin/sh
# Builds the modules as a user would, with a compiler and include/ alone, and runs the test on them.
#
#     run.sh TEST_PROGRAM
set -eu
here=$(dirname "$(readlink -f "$0")")
include=$here/../../../include
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

module() { # name source options...
    name=$1 source=$2
    shift 2
    ${CC:-cc} -shared -fPIC -Wall -Wextra -Werror -I "$include" "$@" -o "$made/$name.so" "$here/$source"
}

module first_come first_come.c
for does in PICKS_A_GHOST PICKS_A_GHOST_AGENT PICKS_WHAT_IS_NOT_FREE PICKS_LESS_THAN_NOTHING \
    PICKS_NOTHING PICKS_THE_SATED ANSWERS_NONSENSE PUTS_OFF_FOR_EVER HAS_ANOTHER_VERSION \
    HAS_ANOTHER_SIZE HAS_NO_NAME HAS_NO_CHOOSE GIVES_NO_STRUCT; do
    module "$does" wrong.c "-DDOES=$does"
done
echo 'int nothing_of_the_kind;' | ${CC:-cc} -shared -fPIC -x c -o "$made/exports_nothing.so" -
echo 'hello' > "$made/text.so"
cd "$made"
"$1"
