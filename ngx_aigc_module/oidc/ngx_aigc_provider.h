/*
 * oidc/ngx_aigc_provider.h — the OpenID provider: discovery and keys (one
 * worker, for all), and the token endpoint (any worker).
 */

#ifndef _NGX_AIGC_PROVIDER_H_INCLUDED_
#define _NGX_AIGC_PROVIDER_H_INCLUDED_

#include "base/ngx_aigc_fetch.h"

#include "ngx_aigc_issuer.h"
#include "ngx_aigc_jwt.h"


#define NGX_AIGC_KEYS_EVERY      300    /* s between fetches of good keys */
#define NGX_AIGC_KEYS_WANTED     5000   /* ms at least, when one is unknown */
#define NGX_AIGC_PROVIDER_POLL     200  /* ms: is a key wanted? */
#define NGX_AIGC_PROVIDER_BACKOFF  500  /* ms, doubled up to … */
#define NGX_AIGC_PROVIDER_BACKOFF_MAX  15000
#define NGX_AIGC_PROVIDER_SAY     10000 /* ms between two lines */
#define NGX_AIGC_PROVIDER_TIMEOUT 10000 /* ms for a call */
#define NGX_AIGC_PROVIDER_ANSWER  65536 /* bytes of discovery, keys */
#define NGX_AIGC_PROVIDER_TOKENS  65536 /* bytes of tokens: too large a token
                                           is told from an answer that is
                                           none */
#define NGX_AIGC_SECRET_MAX      512    /* bytes */
#define NGX_AIGC_SCOPE           "aigc" /* what a program's token needs */
#define NGX_AIGC_SCOPE_MAX       128    /* bytes */


/* How the log calls the provider, and what it says to do. */
typedef struct {
    const char  *name;                  /* "Logto", "the provider" */
    const char  *kind;                  /* "this …": "Logto", "provider" */
    const char  *directive;             /* "aigc_logto" */
    const char  *client;                /* parameters: client id and secret */
    const char  *tls;                   /* an endpoint is without TLS */
    const char  *host;                  /* … at another host */
    const char  *roles;                 /* ID tokens have no roles */
    const char  *rotates;               /* a refresh token was replaced; NULL:
                                           it does that at every use */
    const char  *role;                  /* admin_role= is "a Logto role" */
} ngx_aigc_provider_words_t;


/* What a directive says of it. */
typedef struct ngx_aigc_provider_s {
    ngx_aigc_provider_words_t  *words;
    ngx_str_t                   issuer;
    ngx_str_t                   client_id;
    ngx_str_t                   client_secret;
    ngx_str_t                   audience;   /* of bearer tokens; len 0:
                                               client_id */
    ngx_str_t                   scope;      /* that they need then; len 0:
                                               none */
    ngx_str_t                   ca_file;    /* len 0: the system's */
    ngx_str_t                   admin_role; /* of those who may administrate */
    ngx_str_t                   roles_claim;    /* as it is written */
    ngx_aigc_claims_t          *claims;     /* see ngx_aigc_jwt_read() */
    ngx_str_t                   ask;        /* scope of a sign-in */
    ngx_uint_t                  offline;    /* … and offline_access, where that
                                               is announced */
    ngx_str_t                   prompt;     /* of a sign-in; len 0: none */
    ngx_flag_t                  hint;       /* sign-out shows the ID token */
} ngx_aigc_provider_t;


typedef enum {
    NGX_AIGC_TOKENS_OK = 0,
    NGX_AIGC_TOKENS_INVALID_GRANT,      /* this code or token is not good */
    NGX_AIGC_TOKENS_REFUSED,            /* another error of RFC 6749 5.2, or one
                                           of its own: access_denied, … */
    NGX_AIGC_TOKENS_NO_ID,              /* tokens, but no ID token */
    NGX_AIGC_TOKENS_TOO_LARGE,          /* an ID token over NGX_AIGC_JWT_MAX */
    NGX_AIGC_TOKENS_UNAVAILABLE,        /* no answer, 5xx, 429 */
    NGX_AIGC_TOKENS_GARBAGE             /* an answer that makes no sense */
} ngx_aigc_tokens_e;

typedef struct {
    ngx_aigc_tokens_e   result;
    ngx_str_t           id_token;       /* borrowed: copy it in done() */
    ngx_str_t           refresh_token;  /* len 0: none */
} ngx_aigc_tokens_t;

typedef void (*ngx_aigc_tokens_pt)(void *data, ngx_aigc_tokens_t *tokens);


/* The one worker that keeps endpoints and keys fresh. */
ngx_int_t ngx_aigc_provider_start(ngx_cycle_t *cycle,
    ngx_aigc_provider_t *provider, ngx_aigc_zone_t *zone);
void ngx_aigc_provider_stop(void);

/*
 * A POST of a form to url.  The caller sets body, done and ctx, authenticates
 * it and starts it.  NULL: no memory.
 */
ngx_aigc_fetch_t *ngx_aigc_provider_form(ngx_aigc_provider_t *provider,
    ngx_str_t *url, ngx_log_t *log);

/*
 * Shows a client's secret as the provider has announced that it takes it (RFC
 * 6749 2.3.1): by HTTP Basic, or in the form, which is complete but for that.
 * NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_aigc_provider_authenticate(ngx_aigc_fetch_t *f,
    ngx_aigc_endpoints_t *ep, ngx_str_t *client_id, ngx_str_t *client_secret);

/*
 * The authorization code grant (RFC 6749 4.1.3, RFC 7636 4.5).  done is called
 * once with data, unless the call is cancelled by ngx_aigc_fetch_cancel().
 * NULL: it could not be started.
 */
ngx_aigc_fetch_t *ngx_aigc_provider_code(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *code, ngx_str_t *verifier,
    ngx_str_t *redirect_uri, ngx_aigc_tokens_pt done, void *data,
    ngx_log_t *log);

/*
 * The refresh token grant (RFC 6749 6), likewise.  Whoever starts one sees to
 * it that the same token is not sent twice at one time, and that an answer is
 * not lost: it may hold the token's successor.
 */
ngx_aigc_fetch_t *ngx_aigc_provider_refresh(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *refresh_token,
    ngx_aigc_tokens_pt done, void *data, ngx_log_t *log);

/*
 * A good ID token came at a sign-in or a renewal: counts whether it has a claim
 * "roles"; at the first one that has none, where none had, the log says so.
 */
void ngx_aigc_provider_roles(ngx_aigc_provider_t *provider,
    ngx_aigc_zone_t *zone, ngx_aigc_jwt_t *jwt, ngx_log_t *log);

/*
 * Revokes a refresh token (RFC 7009); nobody waits for the answer.
 */
void ngx_aigc_provider_revoke(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *refresh_token, ngx_log_t *log);


#endif /* _NGX_AIGC_PROVIDER_H_INCLUDED_ */
