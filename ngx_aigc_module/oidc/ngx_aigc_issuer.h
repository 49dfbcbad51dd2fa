/*
 * oidc/ngx_aigc_issuer.h — what the provider says of itself, fetched by one
 * worker for all: its endpoints (OIDC Discovery 1.0) and its keys (JWKS).  A
 * bad response never replaces a good one.
 */

#ifndef _NGX_AIGC_ISSUER_H_INCLUDED_
#define _NGX_AIGC_ISSUER_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_zone.h"

#include "ngx_aigc_jwks.h"


typedef struct {
    ngx_atomic_t                              seq;
    ngx_atomic_t                              keys;     /* version of jwks;
                                                           0: none yet */
    ngx_atomic_t                              wanted;   /* keys someone lacks */
    ngx_atomic_t                              away;     /* silent, lately */
    ngx_msec_t                                fetched;  /* ngx_current_msec */
    ngx_atomic_t                              announced;    /* bits, below */
    ngx_aigc_fixed_t(NGX_AIGC_ENDPOINT_MAX)   issuer;
    ngx_aigc_fixed_t(NGX_AIGC_ENDPOINT_MAX)   authorization;
    ngx_aigc_fixed_t(NGX_AIGC_ENDPOINT_MAX)   token;
    ngx_aigc_fixed_t(NGX_AIGC_ENDPOINT_MAX)   jwks_uri;
    ngx_aigc_fixed_t(NGX_AIGC_ENDPOINT_MAX)   revocation;
    ngx_aigc_fixed_t(NGX_AIGC_ENDPOINT_MAX)   end_session;
    ngx_aigc_fixed_t(NGX_AIGC_JWKS_MAX)       jwks;
} ngx_aigc_issuer_slot_t;


extern ngx_aigc_part_t  ngx_aigc_issuer_part;

#define ngx_aigc_issuer(zone)                                                 \
    ((ngx_aigc_issuer_slot_t *) ngx_aigc_part(zone, ngx_aigc_issuer_part))


#define NGX_AIGC_ANNOUNCED_KNOWN    1   /* discovery has succeeded */
#define NGX_AIGC_ANNOUNCED_ISS      2   /* responses name it (RFC 9207) */
#define NGX_AIGC_ANNOUNCED_POST     4   /* the client's secret is taken from the
                                           form, and not by Basic */
#define NGX_AIGC_ANNOUNCED_OFFLINE  8   /* the scope offline_access */


/* A copy without the keys, small enough for the stack. */
typedef struct {
    ngx_str_t     issuer;
    ngx_str_t     authorization;
    ngx_str_t     token;
    ngx_str_t     jwks_uri;
    ngx_str_t     revocation;           /* len 0: not offered */
    ngx_str_t     end_session;          /* len 0: not offered */
    ngx_uint_t    announced;            /* bits, above */
} ngx_aigc_endpoints_t;


/*
 * NGX_OK, strings from pool; NGX_DECLINED: discovery has not succeeded yet;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_aigc_issuer_endpoints(ngx_aigc_zone_t *zone, ngx_pool_t *pool,
    ngx_aigc_endpoints_t *ep);

/* What it has announced: bits; 0: discovery has not succeeded yet. */
ngx_uint_t ngx_aigc_issuer_announced(ngx_aigc_zone_t *zone);

/*
 * The process's parsed key set, made anew when another worker has published a
 * new one.  NULL: no keys yet.  *version is what tokens are remembered under.
 */
ngx_aigc_jwks_t *ngx_aigc_issuer_keys(ngx_aigc_zone_t *zone,
    ngx_atomic_uint_t *version, ngx_log_t *log);

/*
 * Publishing, by the table's writer.  keys: NGX_OK; NGX_DECLINED: the document
 * holds no usable key, or we are not the writer: the old set stays.
 */
ngx_int_t ngx_aigc_issuer_put_endpoints(ngx_aigc_zone_t *zone,
    ngx_aigc_endpoints_t *ep);
ngx_int_t ngx_aigc_issuer_put_keys(ngx_aigc_zone_t *zone, ngx_str_t *json,
    ngx_log_t *log);

/* Seconds since the provider last gave good keys; -1: it never has. */
time_t ngx_aigc_issuer_age(ngx_aigc_zone_t *zone);

/*
 * Asks the writer to fetch the keys soon: a token names one that is not there,
 * or the provider did not answer, and somebody wants to know whether it does
 * again.
 */
void ngx_aigc_issuer_want_keys(ngx_aigc_zone_t *zone);

/*
 * Whether the provider answers the writer.  here: NGX_OK; NGX_DECLINED: it has
 * not, several times in a row, so nobody can sign in.
 */
void ngx_aigc_issuer_put_away(ngx_aigc_zone_t *zone, ngx_uint_t away);
ngx_int_t ngx_aigc_issuer_here(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_ISSUER_H_INCLUDED_ */
