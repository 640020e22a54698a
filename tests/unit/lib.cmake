foreach(name demand dialer executor found_master operation reader scheduler scheduler_end)
    house_test(lib/core/${name} LINKS lib_core)
endforeach()
foreach(name executor_driver output_reader scheduler_driver)
    house_test(lib/shell/${name} LINKS lib_shell)
endforeach()
# Holds the library itself against tests/unit/lib/abi.txt and exports.txt; `ABI_UPDATE=1 ctest -R unit/lib/abi` writes them.
house_test(lib/abi LINKS runtime mesos_shared)
target_compile_definitions(unit_lib_abi PRIVATE ABI_DIRECTORY="${PROJECT_SOURCE_DIR}/tests/unit/lib"
                           LIBMESOS="$<TARGET_FILE:mesos_shared>")
