/*
 * Intrusive doubly linked list: the link is a member of what is listed, a node is in one list at a
 * time, and nothing is owned. A list head points to itself when empty; a zeroed link is in no list.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *previous;
    struct link *next;
};

#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct link *head) {
    head->previous = head->next = head;
}

static inline bool list_is_empty(const struct link *head) {
    return head->next == head;
}

static inline bool link_is_listed(const struct link *link) {
    return link->next != NULL;
}

static inline void list_insert_before(struct link *place, struct link *link) {
    link->previous = place->previous;
    link->next = place;
    place->previous->next = link;
    place->previous = link;
}

static inline void list_append(struct link *head, struct link *link) {
    list_insert_before(head, link);
}

static inline void list_prepend(struct link *head, struct link *link) {
    list_insert_before(head->next, link);
}

/* Does nothing for a link that is in no list. */
static inline void list_remove(struct link *link) {
    if (link->next == NULL)
        return;
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->previous = link->next = NULL;
}

static inline struct link *list_first(const struct link *head) {
    return list_is_empty(head) ? NULL : head->next;
}

/* `at` may be taken out of the list in the body. */
#define LIST_EACH(at, head)                                                                        \
    for (struct link *at = (head)->next, *next_##at = at->next; at != (head);                      \
         at = next_##at, next_##at = at->next)
