/*
 * /weights and /roles as the older endpoints have them: amounts as an object of numbers, of ranges
 * and sets how many elements there are.
 */
#include "common/model/value_fixed.h"
#include "common/wire/json.h"
#include "master/shell/api_roles.h"

struct printing {
    const struct kinds *kinds;
    struct buf *out;
    bool has_one;
};

static void begin_element(struct printing *printing) {
    if (printing->has_one)
        buf_append_byte(printing->out, ',');
    printing->has_one = true;
}

static void print_weight(void *self, const struct role_view *view) {
    struct printing *printing = self;
    if (view->weight_milli == 1000)
        return;
    begin_element(printing);
    buf_append_string(printing->out, "{\"role\":");
    json_print_string(printing->out, view->path);
    buf_append_string(printing->out, ",\"weight\":");
    json_print_double(printing->out, milli_to_double(view->weight_milli));
    buf_append_byte(printing->out, '}');
}

void roles_print_weights(const struct master *master, struct buf *out) {
    struct printing printing = {.out = out};
    buf_append_byte(out, '[');
    master_each_setting(master, print_weight, &printing);
    buf_append_byte(out, ']');
}

/* --- roles --- */

static void print_amount(struct printing *printing, uint32_t name, int64_t milli) {
    begin_element(printing);
    json_print_string(printing->out, kinds_name_text(printing->kinds, name));
    buf_append_byte(printing->out, ':');
    json_print_double(printing->out, milli_to_double(milli));
}

static struct printing begin_object(const struct printing *printing, const char *key) {
    buf_printf(printing->out, ",\"%s\":{", key);
    return (struct printing){.kinds = printing->kinds, .out = printing->out};
}

static void print_amounts(const struct printing *printing, const char *key,
                          const struct quantities *amounts) {
    struct printing inner = begin_object(printing, key);
    for (size_t i = 0; i < amounts->count; i++)
        print_amount(&inner, amounts->items[i].name, amounts->items[i].milli);
    buf_append_byte(printing->out, '}');
}

static void print_quota(const struct printing *printing, const struct role_view *view) {
    buf_append_string(printing->out, ",\"quota\":{\"role\":");
    json_print_string(printing->out, view->path);
    struct printing guarantee = begin_object(printing, "guarantee");
    for (size_t i = 0; i < view->quota_count; i++) {
        if (view->quota[i].guarantee_milli > 0)
            print_amount(&guarantee, view->quota[i].name, view->quota[i].guarantee_milli);
    }
    buf_append_byte(printing->out, '}');
    struct printing limit = begin_object(printing, "limit");
    for (size_t i = 0; i < view->quota_count; i++) {
        if (view->quota[i].limit_milli != INT64_MAX)
            print_amount(&limit, view->quota[i].name, view->quota[i].limit_milli);
    }
    buf_append_byte(printing->out, '}');
    print_amounts(printing, "consumed", view->consumed);
    buf_append_byte(printing->out, '}');
}

static void print_role(void *self, const struct role_view *view) {
    struct printing *printing = self;
    struct buf *out = printing->out;
    AUTO_FINI(quantities_fini) struct quantities held = quantities_copy(view->allocated);
    quantities_add_all(&held, view->offered, 1);
    begin_element(printing);
    buf_append_string(out, "{\"name\":");
    json_print_string(out, view->path);
    buf_append_string(out, ",\"weight\":");
    json_print_double(out, milli_to_double(view->weight_milli));
    print_quota(printing, view);
    print_amounts(printing, "resources", &held);
    print_amounts(printing, "allocated", view->allocated);
    print_amounts(printing, "offered", view->offered);
    print_amounts(printing, "reserved", view->reserved);
    buf_append_string(out, ",\"frameworks\":[");
    for (size_t i = 0; i < view->framework_count; i++) {
        if (i > 0)
            buf_append_byte(out, ',');
        json_print_string(out, view->frameworks[i]);
    }
    buf_append_string(out, "]}");
}

void roles_print_roles(const struct kinds *kinds, const struct master *master, struct buf *out) {
    struct printing printing = {.kinds = kinds, .out = out};
    buf_append_string(out, "{\"roles\":[");
    size_t left_out = master_each_role(master, print_role, &printing);
    buf_append_byte(out, ']');
    if (left_out > 0)
        buf_printf(out, ",\"left_out\":%zu", left_out);
    buf_append_byte(out, '}');
}
