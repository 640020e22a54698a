foreach(name framework_book agent_book accept status reconcile relay history role_book)
    house_test(master/core/${name}
        SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage.c
            ${PROJECT_SOURCE_DIR}/tests/unit/master/core/stage_print.c
        LINKS master_core)
endforeach()
