# The three shapes of target: a library of a folder, a program, a unit test.

# house_library(name SOURCES ... LINKS ...): one folder of src/ as a static library.
function(house_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(${name} PRIVATE ${HOUSE_FLAGS})
    target_link_libraries(${name} PUBLIC ${arg_LINKS})
endfunction()

# house_program(name SOURCES ... LINKS ...)
function(house_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(${name} PRIVATE ${HOUSE_FLAGS})
    target_link_libraries(${name} PRIVATE ${arg_LINKS})
endfunction()

# house_test(src/path/without_test LINKS ...): tests/unit/PATH_test.c, run by ctest under the name unit/PATH.
function(house_test path)
    cmake_parse_arguments(arg "" "" "LINKS;SOURCES" ${ARGN})
    string(REPLACE "/" "_" name "unit_${path}")
    add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/unit/${path}_test.c ${arg_SOURCES})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src
                               ${PROJECT_SOURCE_DIR}/include)
    target_compile_options(${name} PRIVATE ${HOUSE_FLAGS})
    target_link_libraries(${name} PRIVATE ${arg_LINKS} test_support)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME unit/${path} COMMAND ${name})
    set_tests_properties(unit/${path} PROPERTIES TIMEOUT 120 LABELS unit SKIP_RETURN_CODE 77)
endfunction()
