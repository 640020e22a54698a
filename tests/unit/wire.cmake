foreach(name agent_record demand json messages recordio scan vectors volumes)
    house_test(common/wire/${name} LINKS wire)
    target_compile_options(unit_common_wire_${name} PRIVATE -Wno-deprecated-declarations)
endforeach()
house_test(common/wire/operations
    SOURCES ${PROJECT_SOURCE_DIR}/tests/support/resources_said.c LINKS wire m)
target_compile_options(unit_common_wire_operations PRIVATE -Wno-deprecated-declarations)
