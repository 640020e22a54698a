/*
 * What came out of a simulation: a table for people, JSON for programs.
 */
#pragma once

#include "allocator/simulate/simulation.h"

#include <stdio.h>

void simulate_print_tables(const struct scenario *scenario, const struct simulation_result *result,
                           FILE *out);
void simulate_print_json(const struct scenario *scenario, const struct simulation_result *result,
                         FILE *out);
