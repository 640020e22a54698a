/*
 * The operator API: /api/v1 and the read endpoints beside it, on the master's HTTP server.
 */
#pragma once

struct daemon;

void api_serve(struct daemon *daemon); /* adds the routes to daemon->http */
