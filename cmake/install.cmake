# `cmake --install` puts down the headers and a package that find_package(meshwise) finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/meshwise)
install(
    TARGETS meshwise
    EXPORT meshwiseTargets
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILE_SET edge_headers DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILE_SET bodies DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(MESHWISE_INSTALL_COMPILED)
    set_target_properties(meshwise_compiled PROPERTIES EXCLUDE_FROM_ALL OFF)
    install(TARGETS meshwise_compiled EXPORT meshwiseTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    # In a file of its own, which the package reads only where it has found MPI.
    if(TARGET meshwise_compiled_mpi)
        set_target_properties(meshwise_compiled_mpi PROPERTIES EXCLUDE_FROM_ALL OFF)
        install(TARGETS meshwise_compiled_mpi EXPORT meshwiseMpiTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
        install(EXPORT meshwiseMpiTargets NAMESPACE meshwise:: DESTINATION ${package_dir})
    endif()
endif()
install(EXPORT meshwiseTargets NAMESPACE meshwise:: DESTINATION ${package_dir})

set(meshwise_with_tbb OFF)
if(TARGET TBB::tbb)
    set(meshwise_with_tbb ON)
endif()
configure_package_config_file(cmake/meshwiseConfig.cmake.in ${PROJECT_BINARY_DIR}/meshwiseConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
# Headers serve every processor, a compiled library does not. Before 1.0 a minor version may break the interface.
set(any_processor ARCH_INDEPENDENT)
if(MESHWISE_INSTALL_COMPILED)
    set(any_processor)
endif()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/meshwiseConfigVersion.cmake COMPATIBILITY SameMinorVersion ${any_processor})
install(FILES ${PROJECT_BINARY_DIR}/meshwiseConfig.cmake ${PROJECT_BINARY_DIR}/meshwiseConfigVersion.cmake
              cmake/portable_program.cmake cmake/portable_launcher.cpp
        DESTINATION ${package_dir})
