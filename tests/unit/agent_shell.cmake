# The parts of the agent's shell that need no cluster. What says what it asks for (outputs.c, effects.c) is built
# into its test, which stands for the rest.
house_test(agent/shell/detect LINKS agent_shell)
house_test(agent/shell/disks LINKS agent_shell)
foreach(name effects outputs volumes)
    house_test(agent/shell/${name} SOURCES ${PROJECT_SOURCE_DIR}/src/agent/shell/${name}.c LINKS wire runtime)
endforeach()
