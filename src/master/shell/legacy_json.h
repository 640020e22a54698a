/*
 * What the older endpoints share: they are told apart by method and answer JSON, as ?jsonp= asks
 * for it.
 */
#pragma once

#include "common/base/text.h"

#include <stdbool.h>

struct http_request;

bool legacy_is_method(struct http_request *request, const char *method);
void legacy_answer_method(struct http_request *request, const char *allowed); /* 405 */
void legacy_answer_json(struct http_request *request, struct text json);
