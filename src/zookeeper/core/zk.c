#include "zookeeper/core/zk.h"

const char *zk_result_text(enum zk_result result) {
    switch (result) {
    case ZK_OK: return "ok";
    case ZK_NO_NODE: return "no such node";
    case ZK_NODE_EXISTS: return "the node exists";
    case ZK_BAD_VERSION: return "the node has changed meanwhile";
    case ZK_NOT_EMPTY: return "the node has children";
    case ZK_NO_AUTH: return "no permission (credentials or ACL)";
    case ZK_LOST: return "the connection was lost";
    case ZK_OVER: return "the session has ended";
    case ZK_FAILED: return "failed";
    }
    return "unknown";
}
