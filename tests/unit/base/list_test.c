/* SPDX-License-Identifier: BSD-3-Clause */
/* The intrusive list. */
#include "base/list.h"
#include <criterion/criterion.h>

struct item {
    int n;
    struct px_list node;
};

static int first(struct px_list *head)
{
    struct px_list *node = px_list_pop(head);
    return node != NULL ? px_container_of(node, struct item, node)->n : -1;
}

Test(list, keeps_order_and_lets_the_loop_remove)
{
    struct px_list head;
    struct item items[5];
    px_list_init(&head);
    cr_assert(px_list_empty(&head));
    cr_assert_null(px_list_pop(&head));
    for (int i = 1; i < 5; i++) {
        items[i].n = i;
        px_list_push_back(&head, &items[i].node);
    }
    items[0].n = 0;
    px_list_push_front(&head, &items[0].node);
    int sum = 0;
    px_list_foreach(it, &head) {
        int n = px_container_of(it, struct item, node)->n;
        sum = sum * 10 + n;
        if (n % 2)
            px_list_remove(it);
    }
    cr_assert_eq(sum, 1234);
    px_list_remove(&items[1].node); /* a second time: harmless */
    cr_assert_eq(first(&head), 0);
    cr_assert_eq(first(&head), 2);
    cr_assert_eq(first(&head), 4);
    cr_assert_eq(first(&head), -1);
}
