#include "zookeeper/shell/zk_url_file.h"

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/runtime/files.h"

enum { URL_FILE_BYTES_LIMIT = 8192 };

bool zk_url_read(struct text text, struct zk_url *out, struct error *error) {
    struct text file = TEXT("file://");
    if (!text_starts_with(text, file))
        return zk_url_parse(text, out, error);
    AUTO_FINI(buf_fini) struct buf content = {0};
    AUTO(mem_free) char *path = text_dup(text_sub(text, file.size, text.size));
    if (!file_read(path, URL_FILE_BYTES_LIMIT, &content, error))
        return false;
    return zk_url_parse(text_trim(buf_text(&content)), out, error) ||
           fail_context(error, "%s", path);
}
