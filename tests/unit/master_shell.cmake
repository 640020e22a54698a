# The parts of the master's shell that need no cluster.
house_test(master/shell/master_flags LINKS master_shell)
house_test(master/shell/allocation_options LINKS master_shell)
house_test(master/shell/api_views
    SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage.c
        ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage_print.c
        ${PROJECT_SOURCE_DIR}/tests/support/resources_said.c
    LINKS master_shell)
target_compile_options(unit_master_shell_api_views PRIVATE -Wno-deprecated-declarations)
