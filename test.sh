#!/usr/bin/env bash
# Installs what is missing, builds, and passes every test.
#
#   ./test.sh                 every test
#   ./test.sh NAME            those whose name matches NAME, a regular expression
#   ./test.sh -L unit         those of a label; CONTRIBUTING.md lists them
#   ./test.sh OPTION...       any other options of ctest
#
# The last line is "N passed, N failed", with ", N skipped" where there are some.
set -euo pipefail
cd "$(dirname "$0")"
program=test.sh
source scripts/common.sh

case ${1-} in
-h | --help)
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit
    ;;
-* | '') ;;
*) set -- -R "$@" ;;
esac

# count ATTRIBUTE: what ctest's report says of all its tests.
count() { sed -n "/<testsuite /,/>/s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -n 1; }

install_packages "${packages_to_build[@]}" "${packages_to_test[@]}"
unpack_packages "${packages_to_unpack[@]}"
install_node_packages
build ON

# Tests that run side by side wait longer for what must come.
export NETCOMPUTE_PATIENCE=${NETCOMPUTE_PATIENCE-3}
report=$PWD/build/test-report.xml
rm -f "$report"
status=0
ctest --test-dir build --output-on-failure --no-tests=error --output-junit "$report" \
    --parallel "$(tests_at_a_time)" "$@" ||
    status=$?
[ -f "$report" ] || fail "ctest wrote no report; its message is above"

total=$(count tests) failed=$(count failures) skipped=$(($(count skipped) + $(count disabled)))
[ "$failed" = 0 ] || status=1
summary="$((total - failed - skipped)) passed, $failed failed"
[ "$skipped" = 0 ] || summary+=", $skipped skipped"
echo
echo "$summary"
exit "$status"
