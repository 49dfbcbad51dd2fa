/*
 * oidc/ngx_http_aigc_identity.h — identifies the user of a request: by a
 * session cookie or, without a session, by a bearer token of the provider.
 * Verified credentials are cached in the zone: a cache hit costs a digest and a
 * lookup.
 */

#ifndef _NGX_HTTP_AIGC_IDENTITY_H_INCLUDED_
#define _NGX_HTTP_AIGC_IDENTITY_H_INCLUDED_

#include "base/ngx_http_aigc_challenge.h"
#include "base/ngx_http_aigc_code.h"
#include "base/ngx_http_aigc_conf.h"

#include "ngx_aigc_jwt.h"
#include "ngx_aigc_revocation.h"
#include "ngx_aigc_session.h"


typedef enum {
    NGX_HTTP_AIGC_ID_SIGNED_IN = 0,
    NGX_HTTP_AIGC_ID_NONE,              /* no credential, or a useless cookie */
    NGX_HTTP_AIGC_ID_EXPIRED,           /* a session that can be renewed */
    NGX_HTTP_AIGC_ID_RENEWING,          /* wait: ngx_http_aigc_renew_wait() */
    NGX_HTTP_AIGC_ID_UNRENEWED,         /* it could not be renewed, and grace=
                                           does not cover it */
    NGX_HTTP_AIGC_ID_MALFORMED,         /* what cannot be a token */
    NGX_HTTP_AIGC_ID_INVALID,           /* a token that is not good */
    NGX_HTTP_AIGC_ID_REVOKED,           /* a session or token that was good */
    NGX_HTTP_AIGC_ID_GONE,              /* … its user is suspended, deleted */
    NGX_HTTP_AIGC_ID_UNSCOPED,          /* a token without the scope= */
    NGX_HTTP_AIGC_ID_MACHINE,           /* an application's own token */
    NGX_HTTP_AIGC_ID_BUSY,              /* no keys yet, no revocations, or too
                                           many wrong signatures */
    NGX_HTTP_AIGC_ID_FAILED             /* no memory, or openssl */
} ngx_http_aigc_outcome_e;


/* What becomes of a request by its outcome. */
typedef struct {
    ngx_http_aigc_decision_e   decision;    /* on an instance's host */
    ngx_http_aigc_code_e       code;        /* of the API's problem */
    ngx_http_aigc_challenge_e  challenge;   /* if a token was shown */
    const char                *why;         /* its error_description; NULL: that
                                               of the user */
} ngx_http_aigc_outcome_t;


typedef enum {
    NGX_HTTP_AIGC_NO_CREDENTIAL = 0,
    NGX_HTTP_AIGC_COOKIE,
    NGX_HTTP_AIGC_BEARER
} ngx_http_aigc_credential_e;


typedef struct {
    ngx_http_aigc_credential_e  credential; /* that the outcome is about */
    ngx_str_t                sub;       /* from r->pool; len 0: nobody */
    const char              *why;       /* a token is INVALID */
    ngx_aigc_subject_t       subject;   /* by what it can be revoked */
    ngx_atomic_uint_t        revocations;   /* version checked against */
    ngx_atomic_uint_t        keys;      /* version from before it was verified:
                                           a key that is withdrawn meanwhile
                                           proves nothing under the next one */
    ngx_str_t               *host;      /* an instance's; NULL: the gateway's */
    ngx_str_t                token;     /* the JWT behind it; gateway only */
    ngx_aigc_session_t       session;   /* gateway only, by cookie */

    unsigned                 old:1;     /* it has version 1.0's cookie */

    /* of an EXPIRED session: see ngx_http_aigc_renew.h */
    unsigned                 genuine:1; /* its ID token was verified, … */
    time_t                   exp;       /* … until then */
    ngx_str_t                holder;    /* its "sub" */
    u_char                   key[NGX_AIGC_DIGEST_LEN];  /* of the session,
                                           whatever tokens it has by now */
} ngx_http_aigc_user_t;


/*
 * Fills mcf->rules: a digest of the configuration by which credentials are
 * verified (sealing keys, issuer, audiences, lifetime).  A reload that changes
 * one of them thereby makes all cached credentials unknown.
 */
ngx_int_t ngx_http_aigc_identity_init(ngx_pool_t *pool,
    ngx_http_aigc_main_conf_t *mcf);

/*
 * Who r is of, on the instance's host (normalized); user is zeroed by the
 * caller, host outlives it.  An expired session is renewed.  What is wrong with
 * a token is noted in r's context.
 */
ngx_http_aigc_outcome_e ngx_http_aigc_identify_instance(ngx_http_request_t *r,
    ngx_str_t *host, ngx_http_aigc_user_t *user);

/*
 * On the gateway: as above; token and session are filled, whatever the outcome,
 * if there is a session.  renew: an expired one is renewed; 0: EXPIRED.
 */
ngx_http_aigc_outcome_e ngx_http_aigc_identify_gateway(ngx_http_request_t *r,
    ngx_http_aigc_user_t *user, ngx_uint_t renew);

/* The table's row; never NULL. */
const ngx_http_aigc_outcome_t *ngx_http_aigc_outcome(
    ngx_http_aigc_outcome_e outcome);

/*
 * Parses and verifies a token of the provider's for audience: signature and
 * claims. NGX_AIGC_JWT_OK and the rest of the verdicts; *busy is set when there
 * are no keys at all.  jwt is filled for JWT_OK and claim verdicts.
 */
ngx_aigc_jwt_verdict_e ngx_http_aigc_verify(ngx_http_request_t *r,
    ngx_str_t *token, ngx_str_t *audience, ngx_aigc_jwt_t *jwt,
    ngx_uint_t *busy);


#endif /* _NGX_HTTP_AIGC_IDENTITY_H_INCLUDED_ */
