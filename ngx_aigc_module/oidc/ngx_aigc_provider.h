/*
 * oidc/ngx_aigc_provider.h — the OpenID provider: discovery and keys (one
 * worker, for all), and the token endpoint (any worker).
 */

#ifndef _NGX_AIGC_PROVIDER_H_INCLUDED_
#define _NGX_AIGC_PROVIDER_H_INCLUDED_

#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_fetch.h"

#include "ngx_aigc_issuer.h"
#include "ngx_aigc_jwt.h"


#define NGX_AIGC_KEYS_EVERY      300    /* s between fetches of good keys */
#define NGX_AIGC_KEYS_WANTED     5000   /* ms between fetches of keys because a
                                           token names an unknown one */
#define NGX_AIGC_PROVIDER_POLL     200  /* ms between checks for such a token */
#define NGX_AIGC_PROVIDER_BACKOFF  500  /* ms after a failed fetch */
#define NGX_AIGC_PROVIDER_BACKOFF_MAX  15000  /* ms to which that is doubled */
#define NGX_AIGC_PROVIDER_SAY     10000 /* ms between two log lines */
#define NGX_AIGC_PROVIDER_TIMEOUT 10000 /* ms for a call */
#define NGX_AIGC_SCOPE           "aigc" /* what a program's token needs */


/* What log lines say about the provider. */
typedef struct {
    const char  *name;                  /* "Logto", "the provider" */
    const char  *kind;                  /* after "this": "Logto", "provider" */
    const char  *directive;             /* "aigc_logto" */
    const char  *client;                /* the parameters that give client id
                                           and secret */
    const char  *tls;                   /* what to do about an endpoint without
                                           TLS */
    const char  *host;                  /* what to do about an endpoint at
                                           another host */
    const char  *roles;                 /* what to do about ID tokens without
                                           roles */
    const char  *rotates;               /* what to do about a refresh token that
                                           was replaced; NULL: the provider
                                           replaces it at every use */
    const char  *role;                  /* admin_role= is "a Logto role" */
} ngx_aigc_provider_words_t;


/* The provider as aigc_logto or aigc_oidc configures it. */
typedef struct ngx_aigc_provider_s {
    ngx_aigc_provider_words_t  *words;
    ngx_str_t                   issuer;
    ngx_str_t                   client_id;
    ngx_str_t                   client_secret;
    ngx_str_t                   audience;   /* of bearer tokens; len 0:
                                               client_id */
    ngx_str_t                   scope;      /* that a token for audience
                                               needs; len 0: none */
    ngx_str_t                   ca_file;    /* len 0: the system's */
    ngx_str_t                   admin_role; /* role of administrators */
    ngx_str_t                   roles_claim;    /* as it is configured */
    ngx_aigc_claims_t          *claims;     /* see ngx_aigc_jwt_read() */
    ngx_str_t                   ask;        /* scope of a sign-in */
    ngx_uint_t                  offline;    /* 1: ask for offline_access, too,
                                               if the provider announces it */
    ngx_str_t                   prompt;     /* of a sign-in; len 0: none */
    ngx_flag_t                  hint;       /* sign-out sends the ID token */
} ngx_aigc_provider_t;


typedef enum {
    NGX_AIGC_TOKENS_OK = 0,
    NGX_AIGC_TOKENS_INVALID_GRANT,      /* this code or token is not good */
    NGX_AIGC_TOKENS_REFUSED,            /* another error of RFC 6749 5.2, or one
                                           of its own: access_denied, … */
    NGX_AIGC_TOKENS_NO_ID,              /* tokens, but no ID token */
    NGX_AIGC_TOKENS_TOO_LARGE,          /* an ID token over NGX_AIGC_JWT_MAX */
    NGX_AIGC_TOKENS_UNAVAILABLE,        /* no response, 5xx, 429 */
    NGX_AIGC_TOKENS_GARBAGE             /* a response that makes no sense */
} ngx_aigc_tokens_e;

typedef struct {
    ngx_aigc_tokens_e   result;
    ngx_str_t           id_token;       /* borrowed: copy it in done() */
    ngx_str_t           refresh_token;  /* len 0: none */
} ngx_aigc_tokens_t;

typedef void (*ngx_aigc_tokens_pt)(void *data, ngx_aigc_tokens_t *tokens);


/*
 * Start and stop the fetching of endpoints and keys, in the one worker that
 * does it for all.
 */
ngx_int_t ngx_aigc_provider_start(ngx_cycle_t *cycle,
    ngx_aigc_provider_t *provider, ngx_aigc_zone_t *zone);
void ngx_aigc_provider_stop(void);

/*
 * Creates a POST of a form to url.  The caller sets body, done and ctx, calls
 * ngx_aigc_provider_authenticate(), and starts it.  NULL: no memory.
 */
ngx_aigc_fetch_t *ngx_aigc_provider_form(ngx_aigc_provider_t *provider,
    ngx_str_t *url, ngx_log_t *log);

/*
 * Adds a client's id and secret to f, by HTTP Basic or in the form, as the
 * provider's discovery announces (RFC 6749 2.3.1).  The form is complete but
 * for these.  NGX_OK; NGX_ERROR: no memory.
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
 * The refresh token grant (RFC 6749 6), in the same way.  The caller must not
 * send the same token twice at one time, and must keep the response, which may
 * hold the token's successor.
 */
ngx_aigc_fetch_t *ngx_aigc_provider_refresh(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *refresh_token,
    ngx_aigc_tokens_pt done, void *data, ngx_log_t *log);

/*
 * Counts whether jwt, a good ID token from a sign-in or a renewal, has the
 * claim with roles.  Logs once that it has none, if no ID token before had
 * one.
 */
void ngx_aigc_provider_roles(ngx_aigc_provider_t *provider,
    ngx_aigc_zone_t *zone, ngx_aigc_jwt_t *jwt, ngx_log_t *log);

/*
 * Revokes a refresh token (RFC 7009); nobody waits for the response.
 */
void ngx_aigc_provider_revoke(ngx_aigc_provider_t *provider,
    ngx_aigc_endpoints_t *ep, ngx_str_t *refresh_token, ngx_log_t *log);


#endif /* _NGX_AIGC_PROVIDER_H_INCLUDED_ */
