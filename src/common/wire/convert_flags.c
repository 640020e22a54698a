/*
 * What people write in JSON on a command line: an agent's resources and its fault domain. A field
 * that does not exist is a mistake here, and is said.
 */
#include "common/wire/convert.h"
#include "common/wire/flags_json.h"
#include "common/wire/json.h"

#include "internal/agent.pb-c.h"

static bool parse(const ProtobufCMessageDescriptor *descriptor, struct text json,
                  struct arena *arena, ProtobufCMessage **out, struct error *error) {
    AUTO_FINI(buf_fini) struct buf unknown = {0};
    if (!json_parse(descriptor, json, arena, &unknown, out, error))
        return false;
    struct text rest = buf_text(&unknown), first;
    if (unknown.size == 0 || !text_split(&rest, '\n', &first))
        return true;
    return fail(error, ERROR_INVALID, "there is no field %.*s", TEXT_ARGS(text_sub(first, 0, 200)));
}

static bool has_role(const Mesos__V1__Resource *resource) {
    return (resource->role != NULL && resource->role != mesos__v1__resource__role__default_value) ||
           resource->n_reservations > 0;
}

/* Of the flag: a role or persistence would have to come from an operation, which a master stores.
 */
static bool check_configured(const struct kind_info *info, struct error *error) {
    const char *fault = NULL;
    for (size_t i = 0; i < info->reservation_count; i++) {
        if (info->reservations[i].type == RESERVATION_DYNAMIC)
            fault = "a dynamic reservation";
    }
    if (info->has_disk && info->disk.persistence_id.data != NULL)
        fault = "a persistent volume";
    if (info->is_shared)
        fault = "shared";
    if (info->is_revocable)
        fault = "revocable";
    if (fault != NULL)
        return fail(error, ERROR_INVALID, "'%.*s' is %s, which only frameworks and operators make",
                    TEXT_ARGS(info->name), fault);
    return true;
}

static bool check_all(struct kinds *kinds, const struct resources *set, struct error *error) {
    for (uint32_t i = 0; i < set->count; i++) {
        const struct resource *one = &set->entries[i];
        const struct kind_info *info = kinds_info(kinds, one->kind);
        if (!check_configured(info, error))
            return false;
        if (kinds_name(kinds, one->kind) == NAME_GPUS && one->milli % 1000 != 0)
            return fail(error, ERROR_INVALID, "gpus are whole");
        for (uint32_t j = 0; j < i; j++) {
            const struct kind_info *other = kinds_info(kinds, set->entries[j].kind);
            if (other->type != info->type && text_equal(other->name, info->name))
                return fail(error, ERROR_INVALID, "'%.*s' is of two types", TEXT_ARGS(info->name));
        }
    }
    return true;
}

bool resources_from_json(struct wire *wire, struct text json, struct text default_role,
                         struct resources *out, uint32_t *mentioned, struct error *error) {
    AUTO_FINI(buf_fini) struct buf whole = {0};
    Mesos__Internal__AgentMessage__Resources *message;
    const struct resources *set;
    buf_printf(&whole, "{\"resources\":%.*s}", TEXT_ARGS(json));
    if (!parse(&mesos__internal__agent_message__resources__descriptor, buf_text(&whole),
               wire->arena, (ProtobufCMessage **)&message, error))
        return false;
    *mentioned = 0;
    for (size_t i = 0; i < message->n_resources; i++) {
        Mesos__V1__Resource *resource = message->resources[i];
        uint32_t name;
        if (kinds_find_name(wire->kinds, text_of(resource->name), &name) && name <= NAME_PORTS)
            *mentioned |= 1u << name;
        if (!has_role(resource))
            resource->role = arena_string(wire->arena, default_role);
    }
    if (!resources_decode(wire, message->resources, message->n_resources, &set, NULL, NULL,
                          error) ||
        !check_all(wire->kinds, set, error))
        return false;
    resources_fini(out);
    *out = resources_copy(set);
    return true;
}

bool domain_from_json(struct arena *arena, struct text json, struct text *region, struct text *zone,
                      struct error *error) {
    Mesos__V1__DomainInfo *message;
    if (!parse(&mesos__v1__domain_info__descriptor, json, arena, (ProtobufCMessage **)&message,
               error))
        return false;
    if (message->fault_domain == NULL)
        return fail(error, ERROR_INVALID, "there is no fault_domain");
    *region = text_of(message->fault_domain->region->name);
    *zone = text_of(message->fault_domain->zone->name);
    return true;
}

static bool check_name(struct text name, const char *what, struct error *error) {
    const char *why;
    return id_is_valid(name, &why) || fail(error, ERROR_INVALID, "--domain: its %s %s", what, why);
}

bool domain_from_flag(struct arena *arena, const char *value, struct text *region,
                      struct text *zone, struct error *error) {
    *region = *zone = (struct text){0};
    if (value == NULL)
        return true;
    struct text text = arena_text(arena, text_trim(text_of(value)));
    if (text.size > 0 && text.data[0] == '{') {
        if (!domain_from_json(arena, text, region, zone, error))
            return fail_context(error, "--domain");
    } else {
        text_split(&text, '/', region);
        *zone = text;
    }
    return check_name(*region, "region", error) && check_name(*zone, "zone", error);
}
