foreach(name election zk_url)
    house_test(zookeeper/core/${name} LINKS zookeeper_core)
endforeach()
foreach(name journal journal_history)
    house_test(zookeeper/core/${name} LINKS zookeeper_core
        SOURCES ${PROJECT_SOURCE_DIR}/tests/unit/zookeeper/core/journal_rig.c)
endforeach()
house_test(zookeeper/shell/leader_finder LINKS zookeeper_shell)
