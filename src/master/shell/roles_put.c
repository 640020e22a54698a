/*
 * The numbers are those of mesos.proto (Role, WeightInfo) and quota.proto.
 */
#include "common/model/value_fixed.h"
#include "common/wire/convert.h"
#include "common/wire/put.h"
#include "master/shell/api_roles.h"

struct writing {
    struct wire *wire;
    struct buf *out;
};

static void put_role(void *self, const struct role_view *view) {
    struct writing *writing = self;
    struct buf *out = writing->out;
    size_t place = put_begin(out, 1);
    put_bytes(out, 1, view->path);
    put_double(out, 2, milli_to_double(view->weight_milli));
    for (size_t i = 0; i < view->framework_count; i++)
        put_id(out, 3, view->frameworks[i]);
    resources_encode(writing->wire, view->held, 4, (struct text){0}, RESERVATIONS_NEW, out);
    put_end(out, place);
}

void roles_put_roles(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {wire, out};
    size_t left_out = master_each_role(master, put_role, &writing);
    if (left_out > 0)
        put_varint(out, 1000, left_out);
}

static void put_weight(void *self, const struct role_view *view) {
    struct writing *writing = self;
    if (view->weight_milli == 1000)
        return;
    size_t place = put_begin(writing->out, 1);
    put_double(writing->out, 1, milli_to_double(view->weight_milli));
    put_bytes(writing->out, 2, view->path);
    put_end(writing->out, place);
}

void roles_put_weights(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {wire, out};
    master_each_setting(master, put_weight, &writing);
}

/* --- quota: QuotaStatus, with QuotaInfo the old way and QuotaConfig --- */

static void put_scalar(struct buf *out, uint32_t number, int64_t milli) {
    size_t place = put_begin(out, number);
    put_double(out, 1, milli_to_double(milli));
    put_end(out, place);
}

static void put_info(struct writing *writing, const struct role_view *view) {
    struct buf *out = writing->out;
    size_t place = put_begin(out, 1);
    put_bytes(out, 1, view->path);
    for (size_t i = 0; i < view->quota_count; i++) {
        const struct quota_line *line = &view->quota[i];
        if (line->guarantee_milli == 0)
            continue;
        size_t resource = put_begin(out, 3);
        put_bytes(out, 1, kinds_name_text(writing->wire->kinds, line->name));
        put_varint(out, 2, VALUE_SCALAR);
        put_scalar(out, 3, line->guarantee_milli);
        put_end(out, resource);
    }
    put_end(out, place);
}

static void put_entry(struct writing *writing, uint32_t number, uint32_t name, int64_t milli) {
    size_t place = put_begin(writing->out, number);
    put_bytes(writing->out, 1, kinds_name_text(writing->wire->kinds, name));
    put_scalar(writing->out, 2, milli);
    put_end(writing->out, place);
}

static void put_config(struct writing *writing, const struct role_view *view) {
    size_t place = put_begin(writing->out, 2);
    put_bytes(writing->out, 1, view->path);
    for (size_t i = 0; i < view->quota_count; i++) {
        const struct quota_line *line = &view->quota[i];
        if (line->guarantee_milli > 0)
            put_entry(writing, 2, line->name, line->guarantee_milli);
        if (line->limit_milli != INT64_MAX)
            put_entry(writing, 3, line->name, line->limit_milli);
    }
    put_end(writing->out, place);
}

static void put_quota(void *self, const struct role_view *view) {
    if (view->quota_count == 0)
        return;
    put_info(self, view);
    put_config(self, view);
}

void roles_put_quota(struct wire *wire, const struct master *master, struct buf *out) {
    struct writing writing = {wire, out};
    size_t status = put_begin(out, 1);
    master_each_setting(master, put_quota, &writing);
    put_end(out, status);
}
