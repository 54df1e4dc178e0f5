#!/usr/bin/env bash
# Puts every C++ file into the form that tests/tidy asks for.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files -z --cached --others --exclude-standard '*.cpp' '*.hpp' |
    xargs -0 clang-format-14 -i
