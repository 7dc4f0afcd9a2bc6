# meshwise::compiled: the same headers, with what is no template over the user's types compiled once (core/compiled.hpp).
# A program that links it compiles in a fraction of the time and has the same bits.
# The kernels' instruction set is part of their types: library and program are compiled with the same -march, or the linker
# says which kernels are missing. MESHWISE_COMPILED_OPTIONS and the -march=native of MESHWISE_NATIVE reach both.
set(MESHWISE_COMPILED_OPTIONS "" CACHE STRING "Options, such as -march=x86-64-v3, for meshwise::compiled and for all that links it")
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp)
add_library(meshwise_compiled STATIC EXCLUDE_FROM_ALL ${sources})
add_library(meshwise::compiled ALIAS meshwise_compiled)
set_target_properties(meshwise_compiled PROPERTIES EXPORT_NAME compiled POSITION_INDEPENDENT_CODE ON)
target_link_libraries(meshwise_compiled PUBLIC meshwise)
target_compile_definitions(meshwise_compiled PUBLIC MESHWISE_COMPILED)
target_compile_options(meshwise_compiled PUBLIC ${MESHWISE_COMPILED_OPTIONS})
# The library itself has this flag from its directory, as our programs have.
if(MESHWISE_NATIVE AND MESHWISE_HAS_MARCH_NATIVE)
    target_compile_options(meshwise_compiled INTERFACE -march=native)
endif()
# g++ 12 warns of a text in front of a std::string (its bug 105329).
target_compile_options(meshwise_compiled PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)

# What runs ranks in processes stands apart, so that meshwise::compiled needs no MPI. A program that links this includes
# no MPI header of its own.
if(TARGET meshwise_mpi)
    file(GLOB mpi_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/mpi/*.cpp)
    add_library(meshwise_compiled_mpi STATIC EXCLUDE_FROM_ALL ${mpi_sources})
    add_library(meshwise::compiled_mpi ALIAS meshwise_compiled_mpi)
    set_target_properties(meshwise_compiled_mpi PROPERTIES EXPORT_NAME compiled_mpi POSITION_INDEPENDENT_CODE ON)
    # Not meshwise_mpi, which adds only headers that meshwise has as well and is not exported (install.cmake).
    target_link_libraries(meshwise_compiled_mpi PUBLIC meshwise_compiled MPI::MPI_CXX)
endif()
