#!/usr/bin/env bash
# Passes the native tests under sanitizers: AddressSanitizer with UndefinedBehaviorSanitizer and the
# search for leaks, then ThreadSanitizer. Everything that is native: logic, simulator, stores,
# transports, and the integration tests over a master and workers that are built like this, but for
# what `left_out` names below, and with ThreadSanitizer only what several threads run.
#
#   scripts/sanitizers.sh                  both
#   scripts/sanitizers.sh asan|tsan        one of them
#   scripts/sanitizers.sh tsan OPTION...   with options of ctest: -R sim, --rerun-failed
#
# A report fails the run also where the test itself did not notice; reports are printed at the end.
#
# ZeroMQ is not instrumented, and tests/support/tsan.supp passes over what happens inside it. That
# our own races are seen all the same was tried: a counter without a lock, planted between the
# executor's threads and between the engine and its pool, was reported by executor_test, and by each
# Node test that made a master of that build prepare jobs.
set -euo pipefail
cd "$(dirname "$0")/.."
program=sanitizers.sh
source scripts/common.sh

sanitizers=(asan tsan)
case ${1-} in
-h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit
    ;;
asan | tsan)
    sanitizers=("$1")
    shift
    ;;
?*) fail "\"$1\" is neither asan nor tsan; see scripts/sanitizers.sh --help" ;;
esac

install_packages "${packages_to_build[@]}" "${packages_to_test[@]}" "${packages_to_sanitize[@]}"
unpack_packages "${packages_to_unpack[@]}"
install_node_packages
# The strangers of some tests compute in Node with the kernels for browsers, which are not native.
build ON netcompute_web
export NETCOMPUTE_WASM_DIR=$PWD/build/web/wasm

# What is repeated with other random numbers takes the same ways through the code.
export NETCOMPUTE_SIM_RUNS=300 NETCOMPUTE_KILLS=5 NETCOMPUTE_TROUBLES=10 NETCOMPUTE_STRANGERS=100
export NETCOMPUTE_PATIENCE=6

# These take long and go no new ways through the code: what is about time and shares, and floods,
# whose parsers are fuzzed; with ThreadSanitizer also those whose threads do what others' do.
declare -A left_out=(
    [asan]='floods|stuck_readers|networks|fairness'
    [tsan]='floods|stuck_readers|networks|fairness|web_limits|big_jobs|lost_workers|strangers'
)
left_out[tsan]+='|same_bits|malformed_peers|coming_and_going|full_disk|bad_input|endpoints'

# pass NAME OPTION...: builds everything with a sanitizer and passes the tests.
pass() {
    local name=$1 preset=$1 folder=$PWD/build-$1 reports=$PWD/build-$1/reports status=0
    shift
    [ "$name" = tsan ] || preset=asan-ubsan
    build_with_sanitizers "$preset" all
    rm -rf "$reports"
    mkdir -p "$reports"

    local everywhere=halt_on_error=1:log_path=$reports/report
    export ASAN_OPTIONS=$everywhere:detect_leaks=1:detect_stack_use_after_return=1
    ASAN_OPTIONS+=:strict_string_checks=1:check_initialization_order=1
    export UBSAN_OPTIONS=$everywhere:print_stacktrace=1
    export TSAN_OPTIONS=$everywhere:second_deadlock_stack=1
    TSAN_OPTIONS+=:suppressions=$PWD/tests/support/tsan.supp
    say "passing the tests of build-$name"
    without_random_addresses ctest --test-dir "$folder" --output-on-failure --no-tests=error \
        --parallel "$(tests_at_a_time)" --label-exclude '^(browser|wasm)$' \
        --exclude-regex "${left_out[$name]}" "$@" || status=$?

    local report
    for report in "$reports"/*; do
        [ -e "$report" ] || continue
        status=1
        cat "$report" >&2
        say "the report above is $report"
    done
    [ "$status" = 0 ] || fail "not everything passed in build-$name"
}

for sanitizer in "${sanitizers[@]}"; do pass "$sanitizer" "$@"; done
say "everything passed with: ${sanitizers[*]}"
