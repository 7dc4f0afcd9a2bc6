#!/usr/bin/env bash
# Prints which share of the lines of include/ the unit and conformance tests run, by the counters of clang 19: a line a
# room, and one figure for the library. A line of a template that no test instantiates is no line for the compiler, so
# a header that no test includes is not in the figure.
#   scripts/coverage.sh [EXPRESSION]     only the test programs whose name matches, '^(unit|conformance)\.' unless said
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

expression=${1:-'^(unit|conformance)\.'}
build=build/coverage
require_tools python3 doctest-dev clang-19 libclang-rt-19-dev llvm-19
configure coverage -DMESHWISE_BUILD_TESTS=ON -DMESHWISE_BUILD_BENCHMARKS=OFF
mapfile -t names < <(ctest --test-dir $build -N -R "$expression" | sed -n 's/^ *Test *#[0-9]*: //p')
[ ${#names[@]} -gt 0 ] || stop "no test program matches $expression."
compile coverage "${names[@]}"
rm -rf $build/counts
mkdir $build/counts
export LLVM_PROFILE_FILE=$PWD/$build/counts/%m-%p.profraw
failed=0
run_ctest coverage -R "$expression" || failed=1
llvm-profdata-19 merge -sparse $build/counts/*.profraw -o $build/counts/all.profdata
llvm-cov-19 export -summary-only -instr-profile=$build/counts/all.profdata "$build/tests/${names[0]}" \
    "${names[@]/#/-object=$build/tests/}" > $build/counts/summary.json
python3 - $build/counts/summary.json "$PWD/include/meshwise/" << 'TEXT'
import collections, json, sys

rooms = collections.defaultdict(lambda: [0, 0])
for file in json.load(open(sys.argv[1]))["data"][0]["files"]:
    if file["filename"].startswith(sys.argv[2]):
        lines = file["summary"]["lines"]
        for room in (file["filename"][len(sys.argv[2]):].split("/")[0], ""):
            rooms[room][0] += lines["covered"]
            rooms[room][1] += lines["count"]
for room, (covered, count) in sorted(rooms.items(), reverse=True):
    print(f"{room or 'all':14} {covered:7} of {count:7} lines, {100 * covered / count:5.1f} %")
covered, count = rooms[""]
print(f"coverage: {100 * covered / count:.1f} % of the lines of include/")
TEXT
exit $failed
