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

require_tools python3
# configure without options keeps whatever the folder was configured for.
configure default
rm -rf build/default/docs
compile default generate_docs

differ=""
for fresh in build/default/docs/*.md; do
    page=docs/${fresh##*/}
    if [ -z "$check" ]; then
        cmp -s "$fresh" "$page" || { cp "$fresh" "$page" && echo "$page is new"; }
    else
        diff -u "$page" "$fresh" || differ="$differ $page"
    fi
done
[ -z "$differ" ] || stop "not what their programs print:$differ; ./run docs rewrites them."
