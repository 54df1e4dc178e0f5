#!/usr/bin/env bash
# Looks for inputs that break a promise: runs each target of tests/fuzz under libFuzzer, with
# AddressSanitizer and UndefinedBehaviorSanitizer, two at a time.
#
#   scripts/fuzz.sh               a minute for each target
#   scripts/fuzz.sh SECONDS       so many seconds for each
#   scripts/fuzz.sh SECONDS NAME  one target alone: frame, message, csv_reader, config, …
#   scripts/fuzz.sh --keep        adds to the kept corpus what earlier runs found and covers more
#   scripts/fuzz.sh --add NAME FILE...   adds these inputs to it
#
# Each starts from its kept corpus (tests/fuzz/corpus/NAME.tar.gz) and from what it found here
# before (build-asan/fuzz). An input that breaks a promise is kept in a file, which is named with
# the command that replays it; the exit status is then 1.
set -euo pipefail
cd "$(dirname "$0")/.."
program=fuzz.sh
source scripts/common.sh

targets=(http_routes job_request frame message zmtp csv_reader config gate)
at_a_time=2
input_bytes_max=16384
memory_megabytes_max=2048
input_seconds_max=10  # For one input: an answer that takes longer is a fault as well.
stack_kilobytes=1024  # An eighth of the usual: what recurses too deep is found by shorter inputs.
found=$PWD/build-asan/fuzz
corpus=$PWD/build-asan/fuzz-corpus  # As the build unpacks it.

added=()
case ${1-} in
-h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit
    ;;
--keep) seconds=0 ;;
--add)
    seconds=0
    [ $# -ge 3 ] || fail "--add: it needs a target and a file; see scripts/fuzz.sh --help"
    added=("${@:3}")
    set -- 0 "$2"
    ;;
*[!0-9]*) fail "\"$1\" is not a number of seconds; see scripts/fuzz.sh --help" ;;
*) seconds=${1:-60} ;;
esac
[ -z "${2-}" ] || targets=("$2")
for target in "${targets[@]}"; do
    [ -f "tests/fuzz/${target}_fuzz.cpp" ] ||
        fail "\"$target\" is not a target: there is no tests/fuzz/${target}_fuzz.cpp"
done

install_packages "${packages_to_build[@]}" "${packages_to_test[@]}" "${packages_to_sanitize[@]}"
build_with_sanitizers asan-ubsan netcompute_fuzz_targets

# pack TARGET: keeps its corpus; the same files give the same archive.
pack() {
    find "$corpus/$1" -type f -printf '%f\n' | LC_ALL=C sort |
        tar --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=644 --format=ustar \
            -C "$corpus/$1" -cf - -T - | gzip -n9 >"tests/fuzz/corpus/$1.tar.gz"
}

# fuzz TARGET: one target for its time; its report goes into a file.
fuzz() {
    local target=$1
    mkdir -p "$found/$target" "$found/broken"
    ulimit -s "$stack_kilobytes"
    without_random_addresses "build-asan/tests/${target}_fuzz" \
        -max_total_time="$seconds" -max_len="$input_bytes_max" -timeout="$input_seconds_max" \
        -rss_limit_mb="$memory_megabytes_max" -dict="tests/fuzz/dictionaries/$target.dict" \
        -artifact_prefix="$found/broken/$target-" -print_final_stats=1 \
        "$found/$target" "$corpus/$target" >"$found/$target.log" 2>&1
}

# tell TARGET STATUS: prints the result.
tell() {
    local target=$1 log=$found/$1.log file
    if [ "$2" = 0 ]; then
        say "$target: $(sed -n 's/^stat::number_of_executed_units: //p' "$log") inputs," \
            "$(sed -n 's/^#.*DONE *cov: \([0-9]*\).*/\1/p' "$log") edges covered; nothing found"
        return
    fi
    grep -v '^#' "$log" | tail -n 60 >&2
    file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    say "$target: FOUND: ${file:-no input was written; all of the report: $log}"
    [ -n "$file" ] || return 0
    say "  to replay it:   build-asan/tests/${target}_fuzz $file"
    say "  to make it a test, once it is put right:  scripts/fuzz.sh --add $target $file"
}

if [ "$seconds" = 0 ]; then
    for target in "${targets[@]}"; do
        mkdir -p "$found/$target"
        if [ ${#added[@]} != 0 ]; then
            cp -- "${added[@]}" "$corpus/$target/"
        else
            "build-asan/tests/${target}_fuzz" -set_cover_merge=1 -use_counters=0 \
                "$corpus/$target" "$found/$target" >"$found/$target.log" 2>&1 ||
                fail "see $found/$target.log"
        fi
        pack "$target"
        say "$target: $(find "$corpus/$target" -type f | wc -l) inputs are kept"
    done
    exit
fi

say "${#targets[@]} targets, $seconds seconds each, $at_a_time at a time"
status=0
while [ ${#targets[@]} != 0 ]; do
    running=("${targets[@]:0:at_a_time}")
    targets=("${targets[@]:at_a_time}")
    pids=()
    for target in "${running[@]}"; do
        fuzz "$target" &
        pids+=($!)
    done
    for i in "${!running[@]}"; do
        result=0
        wait "${pids[$i]}" || result=$?
        tell "${running[$i]}" "$result"
        [ "$result" = 0 ] || status=1
    done
done
exit "$status"
