# Sourced by ./run and .ci/run: what this machine has, what it lacks, and how to build here.
# shellcheck shell=bash

# stop SENTENCE: something is missing or broken (exit 1); refuse SENTENCE: the call itself is wrong (exit 2).
stop() { echo "run: $1" >&2; exit 1; }
refuse() { echo "run: $1" >&2; exit 2; }

# newer_or_equal A B: version A >= version B.
newer_or_equal() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# has PACKAGE: the tool runs, or dpkg knows the library. A machine without dpkg leaves libraries to CMake, which
# finds or downloads them.
has() {
    case $1 in
        libopenmpi-dev) command -v mpicxx > /dev/null ;;
        openmpi-bin) command -v mpirun > /dev/null ;;
        libmpich-dev) command -v mpicxx.mpich > /dev/null ;;
        mpich) command -v mpirun.mpich > /dev/null ;;
        *-dev) ! command -v dpkg-query > /dev/null || dpkg-query -W -f='${Status}' "$1" 2> /dev/null | grep -q 'ok installed' ;;
        llvm-[0-9]*) command -v "llvm-cov-${1#llvm-}" > /dev/null ;;
        ninja-build) command -v ninja > /dev/null ;;
        clang-[0-9]*) command -v "clang++-${1#clang-}" > /dev/null ;;
        *) command -v "$1" > /dev/null ;;
    esac
}

# install PACKAGE...: by apt-get, only those that are missing.
install() {
    local package missing=() root=()
    for package in "$@"; do has "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get > /dev/null || stop "please install ${missing[*]} (this machine has no apt-get, so ./run cannot)."
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo > /dev/null || stop "please install as root: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    echo "installing ${missing[*]}"
    { "${root[@]}" apt-get update -qq && "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null; } ||
        stop "apt-get could not install ${missing[*]}; please install them by hand and call ./run again."
}

# install_if_possible PACKAGE...: the same for what can be done without.
install_if_possible() { (install "$@") || echo "going on without $*"; }

# What meshwise::mpi needs. Where it cannot be had, everything else is built.
mpi_packages=(libopenmpi-dev openmpi-bin)

# choose_compiler: exports CXX unless it is set: the first g++ that is at least 12.
choose_compiler() {
    [ -z "${CXX:-}" ] || return 0
    local name
    for name in g++ g++-14 g++-13 g++-12; do
        if command -v "$name" > /dev/null && newer_or_equal "$("$name" -dumpversion)" 12; then
            export CXX=$name
            return 0
        fi
    done
    return 1
}

# require_tools [PACKAGE...]: everything needed to build, and the packages named.
require_tools() {
    if choose_compiler; then
        install cmake ninja-build libtbb-dev "$@"
    else
        install g++-12 cmake ninja-build libtbb-dev "$@"
        export CXX=g++-12
    fi
    local version
    version=$(cmake --version | sed -n '1s/[^0-9]*//p')
    newer_or_equal "$version" 3.24 ||
        stop "CMake 3.24 or newer is needed, this is $version; python3 -m pip install cmake brings a newer one."
}

# jobs: one a core, but the largest compilation takes 2.5 GB.
jobs() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/MemAvailable/ { print int($2 / 2621440) }' /proc/meminfo 2> /dev/null || echo "$cores")
    local count=$((memory < cores ? memory : cores))
    echo "${MESHWISE_JOBS:-$((count > 0 ? count : 1))}"
}

# use_ccache: compiles through ccache where it is installed; it is never required. Paths below this folder count relative
# to it, so that another checkout, in another folder, finds what this one has compiled.
use_ccache() {
    command -v ccache > /dev/null || return 0
    export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER:-ccache} CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} \
        CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-pch_defines,time_macros}
}

# configure PRESET [cmake options]: silent unless it fails. The environment's generator counts only the first time.
configure() {
    local log
    ! command -v ninja > /dev/null || export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
    use_ccache
    echo "configuring $1"
    log=$(cmake --preset "$@" 2>&1) || { echo "$log"; stop "CMake could not configure the preset '$1': see above."; }
}

# compile PRESET TARGET...: goes on after an error, so that one call shows all of them.
compile() {
    local preset=$1 keep_going=(-k)
    shift
    [ ! -f "build/$preset/build.ninja" ] || keep_going=(-k 0)
    echo "building $* ($(jobs) jobs)"
    cmake --build "build/$preset" --parallel "$(jobs)" --target "$@" -- "${keep_going[@]}"
}

# run_ctest PRESET [ctest options]: ends by the plain line `N passed, N failed`, which counts test cases. One test
# more than cores: most compute on one thread, some wait.
run_ctest() {
    local preset=$1
    shift
    local report=$PWD/build/$preset/tests.xml
    rm -f "$report"
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --output-junit "$report" \
        --parallel "$(($(nproc) + 1))" --test-output-size-passed 1000000 "$@" || true
    python3 scripts/count_tests.py "$report"
}

# sources_to_format: zero-separated, for clang-format.
sources_to_format() {
    find include tests examples benchmarks -type f \( -name '*.hpp' -o -name '*.cpp' \) -print0 2> /dev/null
}
