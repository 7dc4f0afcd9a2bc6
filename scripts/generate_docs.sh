#!/usr/bin/env bash
# Rewrites the pages of docs/ that are printed by programs: docs/generate/*.cpp and *.py. The messages in
# troubleshooting.md are those of g++ 12 and clang 19; of one that is not installed, the page keeps what it has.
#   scripts/generate_docs.sh           writes them
#   scripts/generate_docs.sh --check   fails, with the difference, when a page is not what its program prints
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

check=""
case ${1:-} in
    "") ;;
    --check) check=1 ;;
    *) refuse "scripts/generate_docs.sh knows no option '$1'; it takes --check only." ;;
esac

# shellcheck disable=SC2119  # No further packages.
require_tools
if [ -z "$(find docs/generate -name '*.cpp' -print -quit 2> /dev/null)" ]; then
    echo "no page is generated (docs/generate/ is empty)"
    exit 0
fi

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp -R docs/. "$before"
# configure without options keeps whatever the folder was configured for.
configure default
compile default generate_docs
for program in docs/generate/*.py; do
    [ -e "$program" ] || continue
    page=docs/$(basename "$program" .py).md
    python3 "$program" > "$before/fresh" # by way of a second file: a program that fails leaves the page as it was
    cmp -s "$before/fresh" "$page" || cp "$before/fresh" "$page"
    rm "$before/fresh"
done
[ -n "$check" ] || exit 0
if ! diff -r -u "$before" docs; then
    cp -R "$before/." docs
    stop "the pages above are not what their programs print; ./run docs rewrites them."
fi
