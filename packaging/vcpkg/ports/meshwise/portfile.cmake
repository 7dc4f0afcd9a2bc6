# From the checkout that holds this port: vcpkg install meshwise --overlay-ports=packaging/vcpkg/ports
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../../.." ABSOLUTE)

# Headers alone: nothing is built, and there is no debug form.
set(VCPKG_BUILD_TYPE release)

vcpkg_check_features(
    OUT_FEATURE_OPTIONS features
    FEATURES tbb MESHWISE_TBB)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${features}
        -DMESHWISE_BUILD_TESTS=OFF
        -DMESHWISE_BUILD_EXAMPLES=OFF
        -DMESHWISE_BUILD_BENCHMARKS=OFF
        -DMESHWISE_MPI=OFF
        -DMESHWISE_NATIVE=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/meshwise)
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
