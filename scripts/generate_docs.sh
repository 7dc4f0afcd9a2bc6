#!/usr/bin/env bash
# Rewrites the pages of docs/ that are printed by programs, and their drawings: docs/generate/*.cpp and *.py, and the
# reference (scripts/reference.py, from the comments of the headers). The messages in troubleshooting.md are those of g++ 12 and
# clang 19; of one that is not installed, the page keeps what it has.
#   scripts/generate_docs.sh           writes them
#   scripts/generate_docs.sh --check   fails, with the difference, when a page is not what its program prints
#   scripts/generate_docs.sh [--check] --reference   only docs/reference, which needs no compiler
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

check=""
only_reference=""
for option in "$@"; do
    case $option in
        --check) check=1 ;;
        --reference) only_reference=1 ;;
        *) refuse "scripts/generate_docs.sh knows no option '$option'; it takes --check and --reference." ;;
    esac
done

command -v python3 > /dev/null || stop "python3 is needed."
fresh_pages=build/fresh_docs
rm -rf "$fresh_pages"
python3 scripts/public_names.py --self-test
python3 scripts/reference.py --self-test
python3 scripts/reference.py "$fresh_pages/reference"
python3 scripts/performance_table.py --self-test
if [ -z "$check" ]; then python3 scripts/performance_table.py --ratios; else python3 scripts/performance_table.py --ratios --check; fi
if [ -z "$only_reference" ]; then
    require_tools python3
    # configure without options keeps whatever the folder was configured for.
    configure default
    rm -rf build/default/docs
    compile default generate_docs
    cp -r build/default/docs/. "$fresh_pages"
fi

differ=""
for fresh in "$fresh_pages"/*.md "$fresh_pages"/reference/*.md "$fresh_pages"/plots/*.svg; do
    [ -f "$fresh" ] || continue
    page=docs/${fresh#"$fresh_pages"/}
    if [ -z "$check" ]; then
        mkdir -p "${page%/*}"
        cmp -s "$fresh" "$page" || { cp "$fresh" "$page" && echo "$page is new"; }
    else
        diff -u "$page" "$fresh" || differ="$differ $page"
    fi
done
for page in docs/reference/*.md; do
    [ -f "$fresh_pages/${page#docs/}" ] && continue
    if [ -z "$check" ]; then rm "$page" && echo "$page is gone"; else differ="$differ $page"; fi
done
[ -z "$differ" ] || stop "not what their programs print:$differ; ./run docs rewrites them."
python3 scripts/reference.py --missing || [ -z "$check" ] || stop "a public name has a comment and an example: see above."
