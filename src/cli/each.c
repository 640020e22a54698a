#include "cli/cli.h"
int cli_each(int argc, char **argv) { (void)argc; (void)argv; return CLI_FAILED; }
