/*
 * oidc/ngx_aigc_ticket.c — a set-associative memory of redeemed tickets, which
 * never drops one that could be shown again.
 */

#include "ngx_aigc_ticket.h"


/* a slot of the part is a set */
ngx_aigc_part_t  ngx_aigc_ticket_part = {
    0, NGX_AIGC_TICKET_WAYS * sizeof(ngx_aigc_ticket_slot_t), 64, 0, NULL, 0
};


ngx_int_t
ngx_aigc_ticket_cut(ngx_str_t *uri, ngx_uint_t args, ngx_str_t *ticket)
{
    size_t   len;
    u_char  *p, *last, *query;

    len = sizeof(NGX_AIGC_TICKET_ARG) - 1;
    last = uri->data + uri->len;
    query = uri->data;

    /* the query begins at the first "?"; later ones are a value's */

    if (!args) {
        query = ngx_strlchr(uri->data, last, '?');
        if (query == NULL) {
            return NGX_DECLINED;
        }

        query++;
    }

    for (p = last; p > query && p[-1] != '&'; p--) { /* void */ }

    if ((size_t) (last - p) <= len
        || ngx_memcmp(p, NGX_AIGC_TICKET_ARG, len) != 0)
    {
        return NGX_DECLINED;
    }

    ticket->data = p + len;
    ticket->len = last - ticket->data;

    uri->len = (p == uri->data) ? 0 : p - 1 - uri->data;

    return NGX_OK;
}


ngx_int_t
ngx_aigc_ticket_once(ngx_aigc_zone_t *zone, u_char *session, u_char *digest,
    time_t now, time_t until)
{
    uint32_t                 hash[2], n, sets;
    ngx_uint_t               i, k, room, most;
    ngx_aigc_ticket_slot_t  *set, *slot, *best;

    ngx_memcpy(hash, session, sizeof(hash));

    sets = ngx_aigc_part_slots(zone, ngx_aigc_ticket_part);

    /* two sets that differ: who shares one with many others has the other */

    n = hash[0] % sets;
    best = NULL;
    most = 0;

    ngx_aigc_lock(zone);

    for (k = 0; k < 2; k++) {
        set = ngx_aigc_part(zone, ngx_aigc_ticket_part);
        set += n * NGX_AIGC_TICKET_WAYS;
        slot = NULL;
        room = 0;

        for (i = 0; i < NGX_AIGC_TICKET_WAYS; i++) {

            if (set[i].until <= now) {
                slot = &set[i];
                room++;

            } else if (ngx_memcmp(set[i].key, digest, NGX_AIGC_TICKET_KEY)
                       == 0)
            {
                ngx_aigc_unlock(zone);
                return NGX_DECLINED;
            }
        }

        if (room > most) {
            most = room;
            best = slot;
        }

        n = (n + 1 + hash[1] % (sets - 1)) % sets;
    }

    if (best) {
        ngx_memcpy(best->key, digest, NGX_AIGC_TICKET_KEY);
        best->until = until;
    }

    ngx_aigc_unlock(zone);

    return best ? NGX_OK : NGX_BUSY;
}
