#include "common/runtime/connector.h"

#include "common/runtime/loop.h"
#include "common/runtime/socket.h"
#include "tests/support/unit.h"

#include <sys/socket.h>
#include <unistd.h>

static void keep_fd(void *self, int fd, const struct error *error) {
    assert_null(error);
    *(int *)self = fd;
}

TEST(a_connection_leaves_from_the_address_it_is_bound_to) {
    struct error error;
    AUTO(loop_free) struct loop *loop = loop_new(&error);
    int listening = socket_listen("127.0.0.1", 0, 1, &error), fd = -1;
    struct address address = {.host = "127.0.0.1", .port = socket_port(listening)};
    char peer[PEER_TEXT_SIZE];

    struct connector *connector = connector_new(loop, &address, keep_fd, &fd);
    connector_bind(connector, "127.9.0.7");
    while (fd < 0)
        loop_turn(loop, -1);

    int accepted = accept(listening, NULL, NULL);
    socket_peer(accepted, peer);
    assert_true(text_starts_with(text_of(peer), TEXT("127.9.0.7:")));
    connector_free(connector);
    close(accepted);
    close(fd);
    close(listening);
}
