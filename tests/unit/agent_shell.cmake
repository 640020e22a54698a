# The parts of the agent's shell that need no cluster. outputs.c is built into its test, which stands for the rest.
house_test(agent/shell/detect LINKS agent_shell)
house_test(agent/shell/outputs SOURCES ${PROJECT_SOURCE_DIR}/src/agent/shell/outputs.c LINKS wire runtime)
target_compile_options(unit_agent_shell_outputs PRIVATE ${HOUSE_FLAGS})
