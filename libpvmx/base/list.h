/* SPDX-License-Identifier: BSD-3-Clause */
/* Intrusive doubly linked list with a sentinel head. Header only. */
#ifndef PX_LIST_H
#define PX_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define px_container_of(ptr, type, member)                                               \
    ((type *)((char *)(ptr)-offsetof(type, member)))

struct px_list {
    struct px_list *next, *prev;
};

static inline void px_list_init(struct px_list *head)
{
    head->next = head->prev = head;
}

static inline bool px_list_empty(const struct px_list *head)
{
    return head->next == head;
}

static inline void px_list_push_back(struct px_list *head, struct px_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void px_list_push_front(struct px_list *head, struct px_list *node)
{
    node->next = head->next;
    node->prev = head;
    head->next->prev = node;
    head->next = node;
}

/* The node is left as an empty list of its own, so that removing twice is harmless. */
static inline void px_list_remove(struct px_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = node;
}

/* First node, taken off; NULL when empty. */
static inline struct px_list *px_list_pop(struct px_list *head)
{
    struct px_list *node = head->next;
    if (node == head)
        return NULL;
    px_list_remove(node);
    return node;
}

/* The body may remove `it`, nothing else. */
#define px_list_foreach(it, head)                                                        \
    for (struct px_list *it = (head)->next, *it##_next = it->next; it != (head);         \
         it = it##_next, it##_next = it->next)

#endif
