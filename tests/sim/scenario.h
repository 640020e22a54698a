/*
 * A scenario: a text file of commands for a world without chance. Its transcript goes to stdout.
 */
#pragma once

int scenario_run(const char *path); /* an exit code */
