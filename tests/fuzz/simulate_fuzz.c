/*
 * A scenario of `mesos simulate`: whatever the text is, it is read or refused in one line, and what
 * is read passes its own check.
 */
#include "tests/fuzz/fuzz.h"

#include "cli/simulate_read.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct scenario scenario = {0};
    struct error error = {0};
    if (simulate_read((struct text){(const char *)data, size}, &scenario, &error)) {
        assert(scenario.agents.count > 0 && scenario.frameworks.count > 0);
        assert(scenario_check(&scenario, &error));
    } else {
        assert(error.code != ERROR_NONE && error.message[0] != '\0');
        assert(strchr(error.message, '\n') == NULL);
    }
    scenario_fini(&scenario);
    return 0;
}
