#!/usr/bin/env bash
# Builds everything and runs every test; needs Debian 12 and root or sudo for what is missing. Two builds,
# each with warnings as errors: gcc as users get it (build/), and clang with ASan and UBSan (build/asan), which
# runs the unit tests, the simulator and the fuzz targets; then build/ runs everything else and those again.
# What cannot run here is skipped aloud. Ends with ctest's closing lines, of the runs that failed if any did.
#
#   scripts/test.sh [--long] [CTEST ARGS...]     --long: hours: more seeds, longer fuzzing, valgrind, an hour of failures
#
#   SEED=n                 replays one seed of the simulator and of the tests that draw
#   REQUIRE_INTERFACE=1    the reference data beside the tree must be there
set -euo pipefail
cd "$(dirname "$0")/.."

long=
if [ "${1:-}" = --long ]; then
    long=yes
    shift
fi
if [ -n "$long" ]; then
    export SIM_SEEDS=${SIM_SEEDS:-100000} FUZZ_SECONDS=${FUZZ_SECONDS:-300} HA_SECONDS=${HA_SECONDS:-1800} TIDY_ALL=1
    sanitized_seeds=5000
    seconds_a_test=3600
else
    # The simulator: at least so many seeds, and at least so long.
    export SIM_SEEDS=${SIM_SEEDS:-2000} SIM_SECONDS=${SIM_SECONDS:-120} FUZZ_SECONDS=${FUZZ_SECONDS:-10}
    sanitized_seeds=100
    seconds_a_test=600
fi
jobs=$(nproc)

stage_name=
stage_began=$SECONDS
stage() {
    [ -z "$stage_name" ] || echo "-- $stage_name: $((SECONDS - stage_began)) s"
    stage_name=$1
    stage_began=$SECONDS
    [ -z "$1" ] || printf '\n== %s\n' "$1"
}

# Configures and builds; its output is shown when it fails, and its warnings are errors.
build() {
    local preset=$1 directory=$2
    mkdir -p "$directory"
    if ! { cmake --preset "$preset" -DBUILD_TESTING=ON -DWERROR=ON && ninja -C "$directory" -j "$jobs"; } \
        > "$directory/build.log" 2>&1 < /dev/null; then
        grep -E 'FAILED:|error:|warning:' "$directory/build.log" | head -n 20 >&2 || true
        tail -n 40 "$directory/build.log" >&2
        echo "test.sh: the build of preset $preset failed" >&2
        exit 1
    fi
}

failed_logs=()
# Runs ctest in a build directory and remembers where it failed.
run_tests() {
    local directory=$1
    shift
    local log=$directory/ctest.log
    ctest --test-dir "$directory" -j "$jobs" --output-on-failure --timeout "$seconds_a_test" "$@" \
        < /dev/null 2>&1 | tee "$log" || failed_logs+=("$log")
}

stage "Installing what is missing"
scripts/install-deps.sh test
stage "Building with gcc into build/"
build release build
stage "Building with clang, ASan and UBSan into build/asan/"
build asan build/asan

stage "Unit tests, simulator and fuzz targets under ASan and UBSan"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
sanitized='unit|sim|fuzz'
[ -z "$long" ] || sanitized='unit|sim|fuzz|integration'
SIM_SEEDS=$sanitized_seeds SIM_SECONDS=0 run_tests build/asan -L "^($sanitized)\$" "$@"

if [ -n "$long" ]; then
    stage "Unit tests under valgrind"
    run_tests build -L '^unit$' -T memcheck --overwrite MemoryCheckCommandOptions="-q --error-exitcode=1 --leak-check=full"
fi

stage "Everything else, as users get it"
run_tests build "$@"
stage ""
grep -ah 'seeds, of which' build/Testing/Temporary/LastTest.log || true
echo "-- all: $SECONDS s"

echo
if [ ${#failed_logs[@]} -gt 0 ]; then
    for log in "${failed_logs[@]}"; do
        echo "test.sh: FAILED; the closing lines of $log:"
        sed -n '/tests passed, .* failed out of/,$p' "$log"
    done
    exit 1
fi
sed -n '/tests passed, .* failed out of/,$p' build/ctest.log
