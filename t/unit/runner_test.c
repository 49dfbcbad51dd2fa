/* The runner's own promises: that a wrong thing is seen to be wrong. */

#include "unit.h"


static void
runner_sees_failures(unit_t *u)
{
    unit_t     probe;
    ngx_str_t  s;

    probe = *u;
    s = unit_str(u, "abc");

    unit_note("the next three complaints are wanted");

    ok(u, !ok(&probe, 1 == 2));
    ok(u, !is_int(&probe, 1, 2));
    ok(u, !is_str(&probe, &s, "abd"));
    is_int(u, probe.failed, 3);

    ok(u, is_str(u, &s, "abc"));
}


static void
runner_gives_each_allocation_its_own_memory(unit_t *u)
{
    u_char  *p;

    p = ngx_pnalloc(u->pool, 2);

    ok(u, p != NULL);
    ok(u, u->pool->large != NULL && u->pool->large->alloc == p);
}


unit_test_t  runner_tests[] = {
    { "a failed check fails the test", runner_sees_failures },
    { "allocations stand alone", runner_gives_each_allocation_its_own_memory },
    { NULL, NULL }
};
