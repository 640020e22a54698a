foreach(name attributes constraints ids kinds quantities resources resources_text roles task_state value_fixed)
    house_test(common/model/${name} LINKS model)
endforeach()
target_compile_definitions(unit_common_model_task_state PRIVATE
                           DOCS_DIRECTORY="${PROJECT_SOURCE_DIR}/docs")
target_link_libraries(unit_common_model_value_fixed PRIVATE m)
house_test(common/model/operation
    SOURCES ${PROJECT_SOURCE_DIR}/tests/support/resources_said.c LINKS model m)
