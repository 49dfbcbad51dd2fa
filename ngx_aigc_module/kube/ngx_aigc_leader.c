/*
 * kube/ngx_aigc_leader.c — a few words, under the zone's lock.
 */

#include "ngx_aigc_leader.h"

#include <openssl/rand.h>


#define NGX_AIGC_IDENTITY_RANDOM  8     /* bytes */


ngx_aigc_part_t  ngx_aigc_leader_part = {
    sizeof(ngx_aigc_leadership_t), 0, 0, 0, NULL, 0
};


ngx_int_t
ngx_aigc_leader_identity(ngx_aigc_zone_t *zone, ngx_str_t *hostname,
    ngx_str_t *dst)
{
    u_char                *p, c;
    u_char                 random[NGX_AIGC_IDENTITY_RANDOM];
    size_t                 i, len;
    ngx_aigc_leadership_t *l;

    l = ngx_aigc_leadership(zone);

    if (RAND_bytes(random, sizeof(random)) != 1) {
        return NGX_ERROR;
    }

    ngx_aigc_lock(zone);

    if (l->identity.len == 0) {

        p = l->identity.data;
        len = ngx_min(hostname->len,
                      NGX_AIGC_HOLDER_MAX - 1 - 2 * sizeof(random));

        for (i = 0; i < len; i++) {
            c = hostname->data[i];

            *p++ = ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                    || (c >= '0' && c <= '9') || c == '-' || c == '.')
                   ? c : '-';
        }

        *p++ = '_';
        p = ngx_hex_dump(p, random, sizeof(random));

        /* last: a worker that dies in here leaves no half identity */

        ngx_memory_barrier();
        l->identity.len = (uint16_t) (p - l->identity.data);
    }

    dst->len = l->identity.len;
    ngx_memcpy(dst->data, l->identity.data, dst->len);

    ngx_aigc_unlock(zone);

    return NGX_OK;
}


ngx_msec_t
ngx_aigc_leader_left(ngx_aigc_zone_t *zone)
{
    ngx_msec_int_t  left;

    if (!ngx_aigc_leadership(zone)->leads) {
        return 0;
    }

    left = (ngx_msec_int_t) ((ngx_msec_t) ngx_aigc_leadership(zone)->until
                             - ngx_current_msec);

    return (left > 0) ? (ngx_msec_t) left : 0;
}


ngx_int_t
ngx_aigc_leader_leads(ngx_aigc_zone_t *zone)
{
    return ngx_aigc_leader_left(zone) ? NGX_OK : NGX_DECLINED;
}


ngx_int_t
ngx_aigc_leader_lead(ngx_aigc_zone_t *zone, ngx_msec_t until)
{
    ngx_int_t               rc;
    ngx_aigc_leadership_t  *l;

    rc = NGX_DECLINED;
    l = ngx_aigc_leadership(zone);

    ngx_aigc_lock(zone);

    if (ngx_aigc_zone_is_writer(zone) == NGX_OK) {

        rc = l->leads ? NGX_DECLINED : NGX_OK;

        l->until = until;
        ngx_memory_barrier();
        l->leads = 1;
    }

    ngx_aigc_unlock(zone);

    return rc;
}


ngx_int_t
ngx_aigc_leader_lose(ngx_aigc_zone_t *zone)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    ngx_aigc_lock(zone);

    if (ngx_aigc_leadership(zone)->leads
        && ngx_aigc_zone_is_writer(zone) == NGX_OK)
    {
        ngx_aigc_leadership(zone)->leads = 0;
        rc = NGX_OK;
    }

    ngx_aigc_unlock(zone);

    return rc;
}


void
ngx_aigc_leader_seen(ngx_aigc_zone_t *zone, ngx_str_t *holder)
{
    ngx_aigc_lock(zone);

    if (ngx_aigc_zone_is_writer(zone) == NGX_OK) {
        ngx_aigc_fixed_set(&ngx_aigc_leadership(zone)->holder, holder);
    }

    ngx_aigc_unlock(zone);
}


void
ngx_aigc_leader_holder(ngx_aigc_zone_t *zone, ngx_str_t *dst)
{
    ngx_aigc_lock(zone);

    dst->len = ngx_aigc_leadership(zone)->holder.len;
    ngx_memcpy(dst->data, ngx_aigc_leadership(zone)->holder.data, dst->len);

    ngx_aigc_unlock(zone);
}
