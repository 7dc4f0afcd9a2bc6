# docs/generate/page.cpp or page.py is a program that prints docs/page.md. One in C++ is given the build folder of the pages,
# where it may draw in plots/. The target `generate_docs` runs all of them; scripts/generate_docs.sh compares or copies pages
# and drawings.
file(GLOB sources CONFIGURE_DEPENDS docs/generate/*.cpp docs/generate/*.py)
if(sources)
    find_package(Python3 COMPONENTS Interpreter REQUIRED)
    add_custom_target(generate_docs)
endif()
foreach(source IN LISTS sources)
    get_filename_component(page ${source} NAME_WE)
    if(source MATCHES "\\.py$")
        set(program Python3::Interpreter ${source})
        set(arguments)
    else()
        set(program docs_${page})
        set(arguments ${PROJECT_BINARY_DIR}/docs)
        add_executable(${program} EXCLUDE_FROM_ALL ${source})
        target_link_libraries(${program} PRIVATE meshwise::meshwise)
        target_compile_options(${program} PRIVATE $<$<CONFIG:Release>:-O0>)
    endif()
    add_custom_target(
        generate_${page}
        COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/docs
        COMMAND ${program} ${arguments} > ${PROJECT_BINARY_DIR}/docs/${page}.md
        VERBATIM)
    add_dependencies(generate_docs generate_${page})
endforeach()
