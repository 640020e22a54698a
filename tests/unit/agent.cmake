# The core alone: events in, effects out. The rig holds what a shell would.
set(agent_rig ${PROJECT_SOURCE_DIR}/tests/unit/agent/core/rig.c)
foreach(name agent drain executor kill launch partition recovery registration sandbox status_stream task)
    house_test(agent/core/${name} LINKS agent_core SOURCES ${agent_rig})
endforeach()
foreach(name operation shrink volume)
    house_test(agent/core/${name} LINKS agent_core
        SOURCES ${agent_rig} ${PROJECT_SOURCE_DIR}/tests/unit/agent/core/operation_rig.c)
endforeach()
