# `cmake --install` puts down the headers and a package that find_package(meshwise) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/meshwise)
install(
    TARGETS meshwise
    EXPORT meshwiseTargets
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILE_SET edge_headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT meshwiseTargets NAMESPACE meshwise:: DESTINATION ${package_dir})

configure_package_config_file(cmake/meshwiseConfig.cmake.in ${PROJECT_BINARY_DIR}/meshwiseConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# ARCH_INDEPENDENT: headers serve every processor. Before 1.0 a minor version may break the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/meshwiseConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                                                                  ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/meshwiseConfig.cmake ${PROJECT_BINARY_DIR}/meshwiseConfigVersion.cmake
              cmake/portable_program.cmake cmake/portable_launcher.cpp
        DESTINATION ${package_dir})
