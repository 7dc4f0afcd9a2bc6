# Third parties. A package of the system serves first (FIND_PACKAGE_ARGS); only what is absent is downloaded.
include(FetchContent)
find_package(Threads REQUIRED)

# Headers of others are system headers: their warnings are not ours. (The keyword is known from CMake 3.25 on.)
set(system_headers)
if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.25)
    set(system_headers SYSTEM)
endif()

# The cache entries keep a downloaded package from building its own tests.
set(EIGEN_BUILD_DOC OFF CACHE BOOL "")
set(TBB_TEST OFF CACHE BOOL "")
set(TBB_STRICT OFF CACHE BOOL "")

FetchContent_Declare(
    Eigen3
    GIT_REPOSITORY https://gitlab.com/libeigen/eigen.git
    GIT_TAG 3.4.0
    GIT_SHALLOW ON ${system_headers}
    FIND_PACKAGE_ARGS 3.4 CONFIG)
FetchContent_Declare(
    TBB
    GIT_REPOSITORY https://github.com/uxlfoundation/oneTBB.git
    GIT_TAG v2021.13.0
    GIT_SHALLOW ON ${system_headers}
    FIND_PACKAGE_ARGS 2021.5 CONFIG)
FetchContent_MakeAvailable(Eigen3 TBB)

if(MESHWISE_BUILD_TESTS)
    FetchContent_Declare(
        doctest
        GIT_REPOSITORY https://github.com/doctest/doctest.git
        GIT_TAG v2.4.11
        GIT_SHALLOW ON ${system_headers}
        FIND_PACKAGE_ARGS CONFIG)
    FetchContent_MakeAvailable(doctest)
endif()

if(MESHWISE_BUILD_BENCHMARKS)
    set(BENCHMARK_ENABLE_TESTING OFF CACHE BOOL "")
    FetchContent_Declare(
        benchmark
        GIT_REPOSITORY https://github.com/google/benchmark.git
        GIT_TAG v1.8.5
        GIT_SHALLOW ON ${system_headers}
        FIND_PACKAGE_ARGS CONFIG)
    FetchContent_MakeAvailable(benchmark)
endif()
