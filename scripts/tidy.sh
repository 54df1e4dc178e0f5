#!/usr/bin/env bash
# Runs clang-tidy with the selection of .clang-tidy.
#
#   scripts/tidy.sh           the C++ files that differ from the main branch
#   scripts/tidy.sh --all     all of them: minutes
#   scripts/tidy.sh FILE...   these
#
# Needs the packages that ./test.sh installs, and clang-tidy-14. What is compiled is configured in
# build-debug, which has a command for each file.
set -euo pipefail
cd "$(dirname "$0")/.."
program=tidy.sh
source scripts/common.sh

command -v clang-tidy-14 >/dev/null || fail "install the package clang-tidy-14"
mkdir -p build-debug
cmake --preset debug >build-debug/configure.log 2>&1 ||
    fail_with_log build-debug/configure.log "cmake could not configure build-debug"

case ${1-} in
--all) files=$(git ls-files --cached --others --exclude-standard '*.cpp') ;;
'')
    files=$({
        git diff --name-only --diff-filter=d "$(git merge-base HEAD main)" -- '*.cpp'
        git ls-files --others --exclude-standard '*.cpp'
    } | sort -u)
    ;;
*) files=$(printf '%s\n' "$@") ;;
esac
# Those of the native build: the WebAssembly build has no list of its commands.
built=$(while read -r file; do
    grep -qF "$PWD/$file\"" build-debug/compile_commands.json && echo "$file"
done <<<"$files") || true
[ -n "$built" ] || fail "no C++ file to look at"

say "$(wc -l <<<"$built") files"
# The build's options are g++'s; clang does not know all of its warnings.
xargs -d '\n' -n 1 -P "$(nproc)" clang-tidy-14 -p build-debug --quiet \
    --extra-arg=-Wno-unknown-warning-option <<<"$built" 2> >(grep -v 'warnings\? generated' >&2) ||
    fail "clang-tidy has findings; they are above"
say "nothing found"
