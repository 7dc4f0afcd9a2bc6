# docs/generate/page.cpp is a program that prints docs/page.md; the target `generate_docs` runs all of them
# (scripts/generate_docs.sh, which also checks that the pages are up to date).
file(GLOB sources CONFIGURE_DEPENDS docs/generate/*.cpp)
if(sources)
    add_custom_target(generate_docs)
endif()
foreach(source IN LISTS sources)
    get_filename_component(page ${source} NAME_WE)
    add_executable(docs_${page} EXCLUDE_FROM_ALL ${source})
    target_link_libraries(docs_${page} PRIVATE meshwise::meshwise)
    # By way of a second file: a program that fails leaves the page as it was.
    set(fresh ${PROJECT_BINARY_DIR}/docs_${page}.md)
    add_custom_target(
        generate_${page}
        COMMAND docs_${page} > ${fresh}
        COMMAND ${CMAKE_COMMAND} -E copy_if_different ${fresh} ${PROJECT_SOURCE_DIR}/docs/${page}.md
        VERBATIM)
    add_dependencies(generate_docs generate_${page})
endforeach()
