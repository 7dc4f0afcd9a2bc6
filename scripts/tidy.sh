#!/usr/bin/env bash
# Runs clang-tidy 19 with the checks of .clang-tidy over every header: two programs that include the headers of half the
# rooms each. Those that need a library which is not installed are left out.
#   scripts/tidy.sh              the findings; fails when there is one
#   scripts/tidy.sh --self-test  that a planted fault is found
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/machine.sh
. scripts/machine.sh

install clang-tidy-19
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
flags=(-std=c++20 -Iinclude -isystem /usr/include/eigen3)

# tidy FILE [flags]: clang-tidy's findings in a program.
tidy() { clang-tidy-19 --quiet "$1" --config-file=.clang-tidy "${@:2}" -- "${flags[@]}" 2> /dev/null; }

case ${1:-} in
    "")
        headers=$(cd include && find meshwise -name '*.hpp' -not -path '*/mpi/*' -not -path '*/cuda/*' -not -path '*/nccl/*' \
            -not -name 'mpi*.hpp' -not -name 'cuda*.hpp' -not -name 'nccl*.hpp' -not -name '*.inl.hpp' | sort)
        if command -v mpicxx > /dev/null; then
            headers+=$'\n'meshwise/communicator/mpi.hpp
            # shellcheck disable=SC2207  # flags of a compiler: without spaces inside
            flags+=($(mpicxx --showme:compile 2> /dev/null || mpicxx -compile_info | grep -o -- '-I[^ ]*'))
        fi
        ground='^meshwise/(core|scalar|parse|backend|communicator|tensor|autodiff|ops)/'
        grep -E "$ground" <<< "$headers" | sed 's/.*/#include <&>/' > "$folder/ground.cpp"
        grep -vE "$ground" <<< "$headers" | sed 's/.*/#include <&>/' > "$folder/above.cpp"
        failed=0
        tidy "$folder/ground.cpp" > "$folder/ground.txt" & first=$!
        tidy "$folder/above.cpp" > "$folder/above.txt" || failed=1
        wait $first || failed=1
        # A header of the ground that is included by both is reported by both.
        sort -u "$folder/ground.txt" "$folder/above.txt" | grep -E ': (warning|error): ' | sed "s|$PWD/||" || true
        exit $failed
        ;;
    --self-test)
        cat > "$folder/planted.cpp" << 'TEXT'
#include <string>
#include <utility>
int main() {
    std::string first = "a";
    std::string const second = std::move(first);
    return static_cast<int>(first.size() + second.size());
}
TEXT
        if tidy "$folder/planted.cpp" > /dev/null; then
            echo "a planted fault was not found"
            echo "0 passed, 1 failed"
            exit 1
        fi
        echo "1 passed, 0 failed"
        ;;
    *) refuse "scripts/tidy.sh knows no option '$1'; it takes --self-test only." ;;
esac
