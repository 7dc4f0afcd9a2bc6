# cmake -DWAY=find_package|compiled|add_subdirectory|fetch_content -DMESHWISE_SOURCE=... -DWORK=... -DCXX=... -DGENERATOR=...
#       -P check.cmake
# Configures, builds and runs one consumer project, with the warnings a strict consumer would have.
function(step)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}\n${output}")
    endif()
endfunction()

set(common -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX})
file(REMOVE_RECURSE ${WORK})

set(prefix ${WORK}/prefix)
if(WAY MATCHES "^(find_package|compiled)$")
    set(options -DMESHWISE_BUILD_TESTS=OFF -DMESHWISE_BUILD_EXAMPLES=OFF -DMESHWISE_BUILD_BENCHMARKS=OFF
                -DCMAKE_INSTALL_PREFIX=${prefix})
    if(WAY STREQUAL "compiled")
        list(APPEND options -DMESHWISE_INSTALL_COMPILED=ON)
    endif()
    step(${CMAKE_COMMAND} -S ${MESHWISE_SOURCE} -B ${WORK}/library ${common} ${options})
    if(WAY STREQUAL "compiled")
        step(${CMAKE_COMMAND} --build ${WORK}/library)
    endif()
    step(${CMAKE_COMMAND} --install ${WORK}/library)
    # The package may be moved as a whole: nothing in it may name the place it was installed to.
    file(RENAME ${prefix} ${WORK}/moved)
    set(prefix ${WORK}/moved)
endif()

step(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${WAY} -B ${WORK}/consumer ${common}
     -DCMAKE_PREFIX_PATH=${prefix} -DMESHWISE_SOURCE=${MESHWISE_SOURCE}
     -DFETCHCONTENT_SOURCE_DIR_MESHWISE=${MESHWISE_SOURCE} "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
step(${CMAKE_COMMAND} --build ${WORK}/consumer)
step(${WORK}/consumer/consumer)
