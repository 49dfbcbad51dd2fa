/*
 * instances/ngx_aigc_address.c — claims on addresses, and who has one.
 */

#include "ngx_aigc_address.h"
#include "ngx_aigc_index.h"
#include "ngx_aigc_observe.h"
#include "ngx_aigc_record.h"


static ngx_uint_t ngx_aigc_address_keeps(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_aigc_pod_t *pod);
static ngx_uint_t ngx_aigc_address_wanted(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, in_port_t *port);
static void ngx_aigc_address_claim(ngx_aigc_zone_t *zone, uint32_t slot,
    in_port_t port);
static void ngx_aigc_address_drop(ngx_aigc_zone_t *zone, uint32_t slot);
static void ngx_aigc_address_settle(ngx_aigc_zone_t *zone,
    struct sockaddr *sa, socklen_t socklen);
static void ngx_aigc_address_route(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *r, ngx_uint_t routed);
static ngx_uint_t ngx_aigc_address_newer(ngx_aigc_zone_t *zone,
    ngx_aigc_record_slot_t *a, ngx_aigc_record_slot_t *b);
static socklen_t ngx_aigc_sockaddr(ngx_str_t *text,
    ngx_aigc_sockaddr_t *addr);


void
ngx_aigc_address_before(ngx_aigc_zone_t *zone, uint32_t slot,
    ngx_aigc_pod_t *pod)
{
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    if (r->in_addr && (pod == NULL || !ngx_aigc_address_keeps(zone, r, pod))) {
        ngx_aigc_address_drop(zone, slot);
    }
}


static ngx_uint_t
ngx_aigc_address_keeps(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_aigc_pod_t *pod)
{
    return pod->ready && !pod->deleting
           && ngx_aigc_slot_eq(zone, r->pod_uid, &pod->uid)
           && ngx_aigc_address_same(r, pod);
}


ngx_uint_t
ngx_aigc_address_same(ngx_aigc_record_slot_t *r, ngx_aigc_pod_t *pod)
{
    uint32_t             owner;
    socklen_t            socklen;
    ngx_aigc_sockaddr_t  addr;

    owner = pod->owner.len ? ngx_aigc_uid_hash(&pod->owner) : 0;
    socklen = pod->ip.len ? ngx_aigc_sockaddr(&pod->ip, &addr) : 0;

    return owner == r->pod_owner && socklen == r->socklen
           && (socklen == 0
               || ngx_cmp_sockaddr(&addr.sockaddr, socklen,
                                   &r->addr.sockaddr, r->socklen, 0)
                  == NGX_OK);
}


void
ngx_aigc_address_note(ngx_aigc_record_slot_t *r, ngx_aigc_pod_t *pod)
{
    in_port_t  port;

    /* one that is linked stands in a chain of its port, too */

    port = r->in_addr ? ngx_inet_get_port(&r->addr.sockaddr) : 0;

    r->socklen = pod->ip.len ? ngx_aigc_sockaddr(&pod->ip, &r->addr) : 0;

    if (r->socklen) {
        ngx_inet_set_port(&r->addr.sockaddr, port);
    }

    r->pod_owner = pod->owner.len ? ngx_aigc_uid_hash(&pod->owner) : 0;
}


void
ngx_aigc_address_update(ngx_aigc_zone_t *zone, uint32_t slot)
{
    in_port_t                port;
    ngx_uint_t               wanted;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];
    port = 0;

    wanted = ngx_aigc_address_wanted(zone, r, &port);

    if (r->in_addr
        && (!wanted || ngx_inet_get_port(&r->addr.sockaddr) != port))
    {
        ngx_aigc_address_drop(zone, slot);
    }

    if (!wanted) {
        return;
    }

    if (!r->in_addr) {
        ngx_aigc_address_claim(zone, slot, port);
    }

    /* also where nothing has changed: a writer may have died in between */

    ngx_aigc_address_settle(zone, &r->addr.sockaddr, r->socklen);
}


static ngx_uint_t
ngx_aigc_address_wanted(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    in_port_t *port)
{
    ngx_aigc_template_t  *t;

    if (r->tmpl == NGX_AIGC_NONE || !r->pod || r->pod_deleting
        || !r->pod_ready || r->socklen == 0)
    {
        return 0;
    }

    t = &ngx_aigc_templates(zone)[r->tmpl];
    *port = t->port;

    /*
     * Label and name were looked at when it was read.  Which StatefulSet is
     * this template's, is known as long as these can be watched.
     */

    return t->port && r->pod_owner
           && (t->workload == 0 || t->workload == r->pod_owner);
}


static void
ngx_aigc_address_claim(ngx_aigc_zone_t *zone, uint32_t slot, in_port_t port)
{
    u_char                   buf[NGX_AIGC_ADDRESS_MAX];
    ngx_str_t                address;
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_seq_begin(&r->seq);

    ngx_inet_set_port(&r->addr.sockaddr, port);

    address.data = buf;
    address.len = ngx_sock_ntop(&r->addr.sockaddr, r->socklen, buf,
                                NGX_AIGC_ADDRESS_MAX, 1);

    r->claimed = (uint32_t) ++ngx_aigc_table(zone)->claims;
    r->in_addr = (ngx_aigc_record_set(zone, r, address, &address) == NGX_OK);

    ngx_aigc_seq_end(&r->seq);

    if (!r->in_addr) {
        return;                         /* no room: it is not routed */
    }

    ngx_aigc_link(zone,
                  ngx_aigc_bucket(zone, NGX_AIGC_BY_ADDR,
                                  ngx_aigc_hash_addr(&r->addr.sockaddr)),
                  slot, ngx_aigc_next_addr);
}


static void
ngx_aigc_address_drop(ngx_aigc_zone_t *zone, uint32_t slot)
{
    ngx_aigc_record_slot_t  *r;

    r = &ngx_aigc_records(zone)[slot];

    ngx_aigc_address_route(zone, r, 0);

    ngx_aigc_unlink(zone,
                    ngx_aigc_bucket(zone, NGX_AIGC_BY_ADDR,
                                    ngx_aigc_hash_addr(&r->addr.sockaddr)),
                    slot, ngx_aigc_next_addr);

    ngx_aigc_seq_begin(&r->seq);
    r->in_addr = 0;
    ngx_aigc_seq_end(&r->seq);

    ngx_aigc_address_settle(zone, &r->addr.sockaddr, r->socklen);
}


/* Never do two have it, not even for a moment: the others lose it first. */
static void
ngx_aigc_address_settle(ngx_aigc_zone_t *zone, struct sockaddr *sa,
    socklen_t socklen)
{
    uint32_t                 i, *head, newest;
    ngx_aigc_record_slot_t  *r;

    r = ngx_aigc_records(zone);
    head = ngx_aigc_bucket(zone, NGX_AIGC_BY_ADDR, ngx_aigc_hash_addr(sa));

#define ngx_aigc_claims(record)                                               \
    (ngx_cmp_sockaddr(&(record)->addr.sockaddr, (record)->socklen, sa,        \
                      socklen, 1)                                             \
     == NGX_OK)

    newest = NGX_AIGC_NONE;

    for (i = *head; i != NGX_AIGC_NONE; i = r[i].next_addr) {
        if (ngx_aigc_claims(&r[i])
            && (newest == NGX_AIGC_NONE
                || ngx_aigc_address_newer(zone, &r[i], &r[newest])))
        {
            newest = i;
        }
    }

    for (i = *head; i != NGX_AIGC_NONE; i = r[i].next_addr) {
        if (i != newest && ngx_aigc_claims(&r[i])) {
            ngx_aigc_address_route(zone, &r[i], 0);
        }
    }

    if (newest != NGX_AIGC_NONE) {
        ngx_aigc_address_route(zone, &r[newest], 1);
    }

#undef ngx_aigc_claims
}


static void
ngx_aigc_address_route(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *r,
    ngx_uint_t routed)
{
    if (r->routed == routed) {
        return;
    }

    ngx_aigc_seq_begin(&r->seq);

    r->routed = routed;
    ngx_aigc_record_observe(zone, r);

    ngx_aigc_seq_end(&r->seq);
}


/* Started later; in the same second, it claimed the address later. */
static ngx_uint_t
ngx_aigc_address_newer(ngx_aigc_zone_t *zone, ngx_aigc_record_slot_t *a,
    ngx_aigc_record_slot_t *b)
{
    ngx_int_t  rc;
    ngx_str_t  one, two;

    ngx_aigc_slot_get(zone, a->pod_start, &one);
    ngx_aigc_slot_get(zone, b->pod_start, &two);

    rc = ngx_memn2cmp(one.data, two.data, one.len, two.len);

    return rc ? rc > 0 : (int32_t) (a->claimed - b->claimed) > 0;
}


/* An address literal; the port is 0.  Its length, or 0 for none. */
static socklen_t
ngx_aigc_sockaddr(ngx_str_t *text, ngx_aigc_sockaddr_t *addr)
{
    ngx_memzero(addr, sizeof(ngx_aigc_sockaddr_t));

#if (NGX_HAVE_INET6)
    if (ngx_inet6_addr(text->data, text->len, addr->in6.sin6_addr.s6_addr)
        == NGX_OK)
    {
        addr->in6.sin6_family = AF_INET6;
        return sizeof(struct sockaddr_in6);
    }

    ngx_memzero(addr, sizeof(ngx_aigc_sockaddr_t));
#endif

    addr->in.sin_addr.s_addr = ngx_inet_addr(text->data, text->len);

    if (addr->in.sin_addr.s_addr == INADDR_NONE) {
        return 0;
    }

    addr->in.sin_family = AF_INET;

    return sizeof(struct sockaddr_in);
}


/*
 * 32 bits are enough: who can write owner references can write the right one,
 * too, so nobody gains by finding another of the same hash.
 */
uint32_t
ngx_aigc_uid_hash(ngx_str_t *uid)
{
    uint32_t  hash;

    hash = ngx_murmur_hash2(uid->data, uid->len);

    return hash ? hash : 1;
}
