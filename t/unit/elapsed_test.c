/* base/ngx_aigc_elapsed.h: intervals, also where the counter comes round. */

#include "unit.h"
#include "base/ngx_aigc_elapsed.h"


#define HALF  ((ngx_msec_t) -1 / 2)


static void
elapsed_since(unit_t *u)
{
    ngx_msec_t  was;

    was = ngx_current_msec;

    ngx_current_msec = 5000;
    is_int(u, ngx_aigc_since(4000), 1000);
    is_int(u, ngx_aigc_reached(5000), 1);
    is_int(u, ngx_aigc_reached(5001), 0);
    is_int(u, ngx_aigc_since_sec(2500), 2);
    is_int(u, ngx_aigc_since_sec(5001), 0);     /* another process's clock */

    /* it has come round: (ngx_msec_t) -1000 was 1,500 ms ago */

    ngx_current_msec = 500;
    is_int(u, ngx_aigc_since((ngx_msec_t) -1000), 1500);
    is_int(u, ngx_aigc_reached((ngx_msec_t) -1000), 1);
    is_int(u, ngx_aigc_since_sec((ngx_msec_t) -1000), 1);

    ngx_current_msec = (ngx_msec_t) -1000;
    is_int(u, ngx_aigc_reached(500), 0);

    ngx_current_msec = 0;
    is_int(u, ngx_aigc_now() != 0, 1);

    ngx_current_msec = was;
}


static void
elapsed_seldom(unit_t *u)
{
    ngx_msec_t         was;
    ngx_aigc_seldom_t  seldom = { 0, 0 };

    was = ngx_current_msec;

    ngx_current_msec = HALF + 10;               /* up for long before the first */
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 1);
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 0);

    ngx_current_msec += 999;
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 0);

    ngx_current_msec += 1;
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 1);

    ngx_current_msec = (ngx_msec_t) -500;
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 1);

    ngx_current_msec = 499;
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 0);

    ngx_current_msec = 500;
    is_int(u, ngx_aigc_seldom(&seldom, 1000), 1);

    ngx_current_msec = was;
}


/* What was never taken, or long ago, is all there, whatever the counter says. */
static void
elapsed_share(unit_t *u)
{
    is_int(u, ngx_aigc_share_taken(0, 1000, 100), 0);
    is_int(u, ngx_aigc_share_taken(1040, 1000, 100), 40);
    is_int(u, ngx_aigc_share_taken(1100, 1000, 100), 100);
    is_int(u, ngx_aigc_share_taken(960, 1000, 100), 0);

    /* 24.8 days after a start, where a millisecond has 32 bits: half way */

    is_int(u, ngx_aigc_share_taken(0, HALF + 1, 100), 0);
    is_int(u, ngx_aigc_share_taken(0, HALF + 2000, 100), 0);
    is_int(u, ngx_aigc_share_taken(5000, HALF + 6001, 100), 0);

    /* across the end of the counter */

    is_int(u, ngx_aigc_share_taken(20, (ngx_msec_t) -20, 100), 40);
    is_int(u, ngx_aigc_share_taken((ngx_msec_t) -20, 20, 100), 0);
}


static void
elapsed_backoff(unit_t *u)
{
    ngx_uint_t          i, n;
    ngx_msec_t          wait, expected;
    ngx_aigc_backoff_t  backoff = { 0 };

    for (n = 0; n < 50; n++) {
        expected = 200;

        for (i = 0; i < 8; i++) {
            wait = ngx_aigc_backoff_next(&backoff, 200, 1000);

            is_int(u, backoff.wait, expected);
            is_int(u, wait >= expected / 2, 1);
            is_int(u, wait < expected / 2 + expected, 1);

            expected = ngx_min(2 * expected, 1000);
        }

        ngx_aigc_backoff_reset(&backoff);
        is_int(u, backoff.wait, 0);
    }
}


unit_test_t  elapsed_tests[] = {
    { "time that has passed", elapsed_since },
    { "at most once in a while", elapsed_seldom },
    { "a share that is given back", elapsed_share },
    { "backoff doubles up to its limit, with jitter", elapsed_backoff },
    { NULL, NULL }
};
