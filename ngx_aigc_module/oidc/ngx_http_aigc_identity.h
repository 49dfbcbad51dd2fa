/*
 * oidc/ngx_http_aigc_identity.h — identifies the user of a request: by a
 * session cookie or, without a session, by a bearer token of the provider.
 * Verified credentials are cached in the zone: a cache hit costs a digest and a
 * lookup.
 */

#ifndef _NGX_HTTP_AIGC_IDENTITY_H_INCLUDED_
#define _NGX_HTTP_AIGC_IDENTITY_H_INCLUDED_

#include "ngx_aigc_revocation.h"
#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_jwt.h"
#include "ngx_aigc_session.h"


typedef struct {
    ngx_str_t                sub;       /* from r->pool; len 0: nobody */
    unsigned                 cookie:1;  /* by session cookie */
    unsigned                 bearer:1;  /* by token: it is consumed */
    unsigned                 ambiguous:1;   /* several session cookies */
    unsigned                 busy:1;    /* no keys yet, or no revocations:
                                           nobody can tell */
    unsigned                 revoked:1; /* it was good, but is revoked */
    unsigned                 unscoped:1;    /* a genuine token, but without the
                                           scope= that it needs */
    unsigned                 machine:1; /* … of an application, not a user */
    ngx_aigc_subject_t       subject;   /* by what it can be revoked */
    ngx_atomic_uint_t        revocations;   /* version checked against */
    ngx_atomic_uint_t        keys;      /* version from before it was verified:
                                           a key that is withdrawn meanwhile
                                           proves nothing under the next one */
    ngx_str_t                token;     /* the JWT behind it */
    ngx_aigc_session_t       session;   /* gateway only, by cookie */

    /* a session that the provider may renew: see ngx_http_aigc_renew.h */
    unsigned                 expired:1; /* session is filled, and … */
    unsigned                 genuine:1; /* its ID token has been good */
    time_t                   exp;       /* … until then */
    ngx_str_t                holder;    /* its "sub" */
    u_char                   key[NGX_AIGC_DIGEST_LEN];  /* of the session,
                                           whatever tokens it has by now */
} ngx_http_aigc_who_t;


/*
 * Fills mcf->rules: a digest of the configuration by which credentials are
 * verified (sealing keys, issuer, audiences, lifetime).  A reload that changes
 * one of them thereby makes all cached credentials unknown.
 */
ngx_int_t ngx_http_aigc_identity_init(ngx_pool_t *pool,
    ngx_http_aigc_main_conf_t *mcf);

/*
 * On an instance's host, with who zeroed: NGX_OK: who->sub is signed in;
 * NGX_DECLINED: nobody is, see ambiguous, busy, expired, unscoped and machine;
 * NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_identify(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who);

/*
 * On the gateway: as above, but a session counts only with the bind cookie that
 * its sign-in set, so that a cookie tossed by an instance is nobody's; token
 * and session are filled.  NGX_DECLINED with session filled: that session is
 * the browser's own, but its ID token is not good (any more).
 */
ngx_int_t ngx_http_aigc_identify_bound(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who);

/*
 * Parts of the above, for a session that is being renewed: by this cookie; by
 * a bearer token alone; and, for an expired session, whether a newer one of the
 * same sign-in and user has been here and is good (NGX_OK; who stays as it is).
 */
ngx_int_t ngx_http_aigc_identify_cookie(ngx_http_request_t *r,
    ngx_str_t *value, ngx_http_aigc_who_t *who);
ngx_int_t ngx_http_aigc_identify_bearer(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who);
ngx_int_t ngx_http_aigc_identify_newer(ngx_http_request_t *r,
    ngx_http_aigc_who_t *who);

/*
 * Parses and verifies a token of the provider's for audience: signature and
 * claims. NGX_AIGC_JWT_OK and the rest of the verdicts; *busy is set when there
 * are no keys at all.  jwt is filled for JWT_OK and claim verdicts.
 */
ngx_aigc_jwt_verdict_e ngx_http_aigc_verify(ngx_http_request_t *r,
    ngx_str_t *token, ngx_str_t *audience, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy);


#endif /* _NGX_HTTP_AIGC_IDENTITY_H_INCLUDED_ */
