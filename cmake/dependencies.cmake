# Third parties. A package of the system serves first (FIND_PACKAGE_ARGS); only what is absent is downloaded.
include(FetchContent)
find_package(Threads REQUIRED)

# Headers of others are system headers: their warnings are not ours. (The keyword is known from CMake 3.25 on.)
set(system_headers)
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.25)
    set(system_headers SYSTEM)
endif()

find_package(Eigen3 3.4 CONFIG QUIET)
# A project that uses meshwise takes the oneTBB of the system, or does without. Our own programs are tested with it.
FetchContent_Declare(
    TBB
    GIT_REPOSITORY https://github.com/uxlfoundation/oneTBB.git
    GIT_TAG v2021.13.0
    GIT_SHALLOW ON ${system_headers}
    FIND_PACKAGE_ARGS 2021.5 CONFIG)
option(MESHWISE_TBB "Use oneTBB: found, or downloaded where meshwise is the top project" ON)
set(dependencies)
if(MESHWISE_TBB AND PROJECT_IS_TOP_LEVEL)
    list(APPEND dependencies TBB)
elseif(MESHWISE_TBB)
    find_package(TBB 2021.5 CONFIG QUIET)
endif()

if(MESHWISE_BUILD_TESTS)
    FetchContent_Declare(
        doctest
        GIT_REPOSITORY https://github.com/doctest/doctest.git
        GIT_TAG v2.4.11
        GIT_SHALLOW ON ${system_headers}
        FIND_PACKAGE_ARGS CONFIG)
    list(APPEND dependencies doctest)
endif()

if(MESHWISE_BUILD_BENCHMARKS)
    FetchContent_Declare(
        benchmark
        GIT_REPOSITORY https://github.com/google/benchmark.git
        GIT_TAG v1.8.5
        GIT_SHALLOW ON ${system_headers}
        FIND_PACKAGE_ARGS CONFIG)
    list(APPEND dependencies benchmark)
endif()

# A function, because these settings are for what is downloaded alone: not its tests, not its warnings.
function(meshwise_find_or_download)
    set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
    set(BUILD_TESTING OFF)
    set(TBB_TEST OFF)
    set(TBB_STRICT OFF)
    set(DOCTEST_WITH_TESTS OFF)
    set(BENCHMARK_ENABLE_TESTING OFF)
    set(BENCHMARK_ENABLE_WERROR OFF)
    set(BENCHMARK_ENABLE_INSTALL OFF)
    FetchContent_MakeAvailable(${ARGN})
endfunction()
meshwise_find_or_download(${dependencies})
