# examples/NN_name.cpp becomes the program `name`. An example checks itself and ends with 0, so it is also a test;
# train_gpt takes minutes and is run by `./run demo` instead.
file(GLOB sources CONFIGURE_DEPENDS examples/*.cpp)
foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "^[0-9]+_" "" name ${name})
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE meshwise::meshwise)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/examples)
    if(MESHWISE_BUILD_TESTS AND NOT name STREQUAL "train_gpt")
        add_test(NAME example.${name} COMMAND ${name})
        set_tests_properties(example.${name} PROPERTIES TIMEOUT 120 LABELS example)
    endif()
endforeach()
# its default text is the library itself
if(TARGET train_gpt)
    target_compile_definitions(train_gpt PRIVATE MESHWISE_SOURCES="${PROJECT_SOURCE_DIR}")
endif()
