/*
 * oidc/ngx_aigc_ticket.h — tickets: where they stand in a URL, and that each is
 * redeemed once.  What is in one is in ngx_aigc_host_session.h.
 */

#ifndef _NGX_AIGC_TICKET_H_INCLUDED_
#define _NGX_AIGC_TICKET_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_zone.h"


#define NGX_AIGC_TICKET_ARG   "aigc_ticket="
#define NGX_AIGC_TICKET_TIME  30        /* s for which a ticket is good */
#define NGX_AIGC_TICKET_KEY   16        /* bytes of a digest that tell one from
                                           another */


/* In the zone: a redeemed one. */
typedef struct {
    u_char                key[NGX_AIGC_TICKET_KEY];
    time_t                until;        /* it may be forgotten then */
} ngx_aigc_ticket_slot_t;


extern ngx_aigc_part_t  ngx_aigc_ticket_part;


/*
 * Cuts the ticket off uri (a path with its query) or, with args, off a query
 * alone: it is the last argument.  NGX_OK: uri is as it was before the ticket
 * was added, ticket points to what stood there; NGX_DECLINED: there is none.
 */
ngx_int_t ngx_aigc_ticket_cut(ngx_str_t *uri, ngx_uint_t args,
    ngx_str_t *ticket);

/*
 * Remembers that the ticket with this digest (of NGX_AIGC_TICKET_KEY bytes and
 * more) is redeemed, until the time until.  session: the digest of its session,
 * of at least 8 bytes, which has two sets of slots and no more, so that it
 * keeps nobody else out.  NGX_OK: for the first time; NGX_DECLINED: it was
 * before; NGX_BUSY: too many are remembered.
 */
ngx_int_t ngx_aigc_ticket_once(ngx_aigc_zone_t *zone, u_char *session,
    u_char *digest, time_t now, time_t until);


#endif /* _NGX_AIGC_TICKET_H_INCLUDED_ */
