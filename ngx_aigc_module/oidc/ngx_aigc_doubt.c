/*
 * oidc/ngx_aigc_doubt.c — a stack of a few subs, under the zone's lock.
 */

#include "ngx_aigc_doubt.h"
#include "base/ngx_aigc_text.h"


#define NGX_AIGC_DOUBTS  32             /* users to be asked for */


typedef struct {
    ngx_atomic_t      n;
    ngx_aigc_fixed_t(NGX_AIGC_SUB_MAX)  subs[NGX_AIGC_DOUBTS];
} ngx_aigc_doubt_t;


ngx_aigc_part_t  ngx_aigc_doubt_part = {
    sizeof(ngx_aigc_doubt_t), 0, 0, 0, NULL, 0
};


void
ngx_aigc_doubt_put(ngx_aigc_zone_t *zone, ngx_str_t *sub)
{
    ngx_uint_t         i;
    ngx_aigc_doubt_t  *d;

    if (sub->len == 0 || sub->len > NGX_AIGC_SUB_MAX) {
        return;
    }

    d = ngx_aigc_part(zone, ngx_aigc_doubt_part);

    ngx_aigc_lock(zone);

    for (i = 0; i < d->n; i++) {
        if (ngx_aigc_fixed_eq(&d->subs[i], sub)) {
            break;
        }
    }

    if (i == d->n && i < NGX_AIGC_DOUBTS) {
        ngx_aigc_fixed_set(&d->subs[i], sub);

        /* last: a worker that dies in here leaves no half of one */

        ngx_memory_barrier();
        d->n++;
    }

    ngx_aigc_unlock(zone);
}


ngx_int_t
ngx_aigc_doubt_take(ngx_aigc_zone_t *zone, ngx_str_t *sub)
{
    ngx_int_t          rc;
    ngx_aigc_doubt_t  *d;

    d = ngx_aigc_part(zone, ngx_aigc_doubt_part);

    if (d->n == 0) {
        return NGX_DECLINED;            /* without the lock, mostly */
    }

    rc = NGX_DECLINED;

    ngx_aigc_lock(zone);

    if (d->n) {
        d->n--;
        sub->len = d->subs[d->n].len;
        ngx_memcpy(sub->data, d->subs[d->n].data, sub->len);
        rc = NGX_OK;
    }

    ngx_aigc_unlock(zone);

    return rc;
}
