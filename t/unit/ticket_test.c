/* oidc/ngx_aigc_ticket.h: where a ticket stands, and that it is good once. */

#include "unit.h"
#include "oidc/ngx_aigc_ticket.h"


#define SETS  4
#define ROOM  (2 * NGX_AIGC_TICKET_WAYS)          /* of a session */


static void
ticket_cut(unit_t *u)
{
    ngx_str_t   uri, ticket;
    ngx_uint_t  i;

    /* left is NULL: there is no ticket, and uri stays as it is */

    static const struct {
        const char  *uri;
        ngx_uint_t   args;
        const char  *left, *ticket;
    } cases[] = {

        /* as the only and as the last argument */

        { "/?aigc_ticket=T", 0, "/", "T" },
        { "/a/b?aigc_ticket=T-_9", 0, "/a/b", "T-_9" },
        { "/a?x=1&aigc_ticket=T", 0, "/a?x=1", "T" },
        { "/a?x=1&y&aigc_ticket=T", 0, "/a?x=1&y", "T" },
        { "/a??aigc_ticket=x&aigc_ticket=T", 0, "/a??aigc_ticket=x", "T" },
        { "/a?&aigc_ticket=T", 0, "/a?", "T" },
        { "/a?x=1&&aigc_ticket=T", 0, "/a?x=1&", "T" },
        { "/a?aigc_ticket=1&aigc_ticket=T", 0, "/a?aigc_ticket=1", "T" },
        { "/a?aigc_ticket=a=b?c", 0, "/a", "a=b?c" },
        { "aigc_ticket=T", 1, "", "T" },
        { "x=1&aigc_ticket=T", 1, "x=1", "T" },
        { "x=?&aigc_ticket=T", 1, "x=?", "T" },
        { "&aigc_ticket=T", 1, "", "T" },
        { "aigc_ticket=a?b", 1, "", "a?b" },

        /* first or in the middle: the page's own, or somebody's who plays */

        { "/?aigc_ticket=T&x=1", 0, NULL, NULL },
        { "/?x=1&aigc_ticket=T&y=2", 0, NULL, NULL },
        { "/?aigc_ticket=T&", 0, NULL, NULL },
        { "aigc_ticket=T&x=1", 1, NULL, NULL },
        { "aigc_ticket=T&", 1, NULL, NULL },

        /* a "?" within a value begins no argument */

        { "/a?x=?aigc_ticket=T", 0, NULL, NULL },
        { "/a?x?aigc_ticket=T", 0, NULL, NULL },
        { "/a??aigc_ticket=T", 0, NULL, NULL },
        { "x=?aigc_ticket=T", 1, NULL, NULL },
        { "?aigc_ticket=T", 1, NULL, NULL },

        /* nothing in it */

        { "/?aigc_ticket=", 0, NULL, NULL },
        { "/?x=1&aigc_ticket=", 0, NULL, NULL },
        { "/?aigc_ticket", 0, NULL, NULL },
        { "aigc_ticket=", 1, NULL, NULL },
        { "aigc_ticket", 1, NULL, NULL },
        { "", 1, NULL, NULL },

        /* no query, or none with it */

        { "", 0, NULL, NULL },
        { "/", 0, NULL, NULL },
        { "/aigc_ticket=T", 0, NULL, NULL },
        { "aigc_ticket=T", 0, NULL, NULL },
        { "/a&aigc_ticket=T", 0, NULL, NULL },
        { "/a&aigc_ticket=T?x", 0, NULL, NULL },
        { "/a&x?aigc_ticket=T", 0, "/a&x", "T" },
        { "/?", 0, NULL, NULL },
        { "/?x=aigc_ticket=T", 0, NULL, NULL },
        { "/?xaigc_ticket=T", 0, NULL, NULL },
        { "/?AIGC_TICKET=T", 0, NULL, NULL },
        { "/?%61igc_ticket=T", 0, NULL, NULL },
        { "/?aigc_ticket%3DT", 0, NULL, NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uri = unit_str(u, cases[i].uri);
        ticket = unit_str(u, "before");

        if (!is_int(u, ngx_aigc_ticket_cut(&uri, cases[i].args, &ticket),
                    cases[i].left ? NGX_OK : NGX_DECLINED)
            || !is_str(u, &uri, cases[i].left ? cases[i].left
                                              : cases[i].uri)
            || !is_str(u, &ticket, cases[i].left ? cases[i].ticket
                                                 : "before"))
        {
            unit_note("in case %d: %s", (int) i, cases[i].uri);
        }
    }
}


/* a zone with this part alone, of that many sets */

static ngx_aigc_zone_t *
zone(unit_t *u)
{
    ngx_aigc_zone_t  *z;

    z = ngx_pcalloc(u->pool, sizeof(ngx_aigc_zone_t));
    z->shm = ngx_pcalloc(u->pool, sizeof(ngx_aigc_shm_t));
    z->shpool = ngx_pcalloc(u->pool, sizeof(ngx_slab_pool_t));

    is_int(u, ngx_shmtx_create(&z->shpool->mutex, &z->shpool->lock, NULL),
           NGX_OK);

    z->part[ngx_aigc_ticket_part.index] = ngx_pcalloc(u->pool,
                                             SETS * ngx_aigc_ticket_part.slot);
    z->shm->slots[ngx_aigc_ticket_part.index] = SETS;

    return z;
}


/* a session is known by its digest, whose first eight bytes say its two sets */

static ngx_int_t
once(ngx_aigc_zone_t *z, uint32_t session, u_char n, time_t now, time_t until)
{
    u_char  key[NGX_AIGC_TICKET_KEY], digest[NGX_AIGC_TICKET_KEY];

    ngx_memzero(key, sizeof(key));
    ngx_memcpy(key, &session, sizeof(session));
    key[4] = session / SETS;

    ngx_memzero(digest, sizeof(digest));
    digest[NGX_AIGC_TICKET_KEY - 1] = n;

    return ngx_aigc_ticket_once(z, key, digest, now, until);
}


static void
ticket_once(unit_t *u)
{
    u_char            i;
    uint32_t          session;
    ngx_aigc_zone_t  *z;

    z = zone(u);

    is_int(u, once(z, 0, 0, 100, 131), NGX_OK);
    is_int(u, once(z, 0, 0, 100, 131), NGX_DECLINED);
    is_int(u, once(z, 0, 0, 130, 131), NGX_DECLINED);
    is_int(u, once(z, 0, 1, 100, 131), NGX_OK);
    is_int(u, once(z, 1, 2, 100, 131), NGX_OK);
    is_int(u, once(z, SETS, 3, 100, 131), NGX_OK);

    /* from "until" on it may be forgotten: it is of no use any more */

    is_int(u, once(z, 0, 0, 131, 162), NGX_OK);
    is_int(u, once(z, 0, 0, 161, 162), NGX_DECLINED);

    /* a full set takes none in, and forgets none of those that it has */

    z = zone(u);

    is_int(u, ROOM, 64);

    for (i = 0; i < ROOM; i++) {
        is_int(u, once(z, 2, i, 100, 131 + i), NGX_OK);
    }

    is_int(u, once(z, 2, 200, 130, 161), NGX_BUSY);

    for (i = 0; i < ROOM; i++) {
        is_int(u, once(z, 2, i, 130, 161), NGX_DECLINED);
    }

    /* that keeps no other session out */

    for (session = 0; session < SETS; session++) {
        is_int(u, once(z, session, 210 + session, 130, 161),
               session == 2 ? NGX_BUSY : NGX_OK);
    }

    /* the first of them is past: its place is another's */

    is_int(u, once(z, 2, 200, 131, 162), NGX_OK);
    is_int(u, once(z, 2, 200, 131, 162), NGX_DECLINED);
    is_int(u, once(z, 2, 202, 131, 162), NGX_BUSY);

    for (i = 1; i < ROOM; i++) {
        is_int(u, once(z, 2, i, 131, 162), NGX_DECLINED);
    }
}


/* whatever the ticket is: only its session says where it is remembered */

static void
ticket_session(unit_t *u)
{
    u_char            i, key[NGX_AIGC_TICKET_KEY];
    u_char            digest[NGX_AIGC_TICKET_KEY];
    ngx_aigc_zone_t  *z;

    z = zone(u);

    ngx_memzero(key, sizeof(key));
    ngx_memzero(digest, sizeof(digest));

    for (i = 0; i < ROOM; i++) {
        digest[0] = i;
        is_int(u, ngx_aigc_ticket_once(z, key, digest, 100, 131), NGX_OK);
    }

    digest[0] = i;
    is_int(u, ngx_aigc_ticket_once(z, key, digest, 100, 131), NGX_BUSY);

    key[0] = 1;
    is_int(u, ngx_aigc_ticket_once(z, key, digest, 100, 131), NGX_OK);
}


/* sessions that have a set in common have another one each */

static void
ticket_shared(unit_t *u)
{
    u_char            i;
    uint32_t          session;
    ngx_aigc_zone_t  *z;

    z = zone(u);

    /* in sets 0 and 1, 0 and 2, 0 and 3 */

    for (session = 0; session < 3; session++) {
        for (i = 0; i < ROOM / 2; i++) {
            is_int(u, once(z, session * SETS, session * ROOM + i, 100, 131),
                   NGX_OK);
        }
    }

    for (i = 0; i < ROOM / 2; i++) {
        is_int(u, once(z, SETS, ROOM + i, 100, 131), NGX_DECLINED);
    }
}


/* what is known stands behind a place that is free again */

static void
ticket_behind_free(unit_t *u)
{
    ngx_aigc_zone_t  *z;

    z = zone(u);

    is_int(u, once(z, 3, 0, 100, 110), NGX_OK);
    is_int(u, once(z, 3, 1, 100, 131), NGX_OK);
    is_int(u, once(z, 3, 1, 120, 131), NGX_DECLINED);
}


unit_test_t  ticket_tests[] = {
    { "a ticket is the last argument, and leaves the rest", ticket_cut },
    { "a ticket is good once", ticket_once },
    { "each session has its own place", ticket_session },
    { "sessions that share a set have another one", ticket_shared },
    { "also where a place before it is free", ticket_behind_free },
    { NULL, NULL }
};
