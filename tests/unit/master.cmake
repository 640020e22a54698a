foreach(name demand_book framework_book agent_book accept status reconcile relay history operation_book operation_history operate usage role_book drain maintenance removal old_book)
    house_test(master/core/${name}
        SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage.c
            ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage_print.c
            ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage_operations.c
            ${PROJECT_SOURCE_DIR}/tests/support/resources_said.c
        LINKS master_core m)
endforeach()
house_test(master/core/constraint_book LINKS master_core)
house_test(master/core/role_cut LINKS master_core)
