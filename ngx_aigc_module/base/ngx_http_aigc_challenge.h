/*
 * base/ngx_http_aigc_challenge.h — what is wrong with a program's bearer token,
 * for WWW-Authenticate (RFC 6750 3).  All words are fixed: nothing that came
 * with the request goes back.
 */

#ifndef _NGX_HTTP_AIGC_CHALLENGE_H_INCLUDED_
#define _NGX_HTTP_AIGC_CHALLENGE_H_INCLUDED_

#include "ngx_http_aigc_conf.h"


typedef enum {
    NGX_HTTP_AIGC_NO_TOKEN = 0,         /* none was shown, or it is good */
    NGX_HTTP_AIGC_INVALID_REQUEST,
    NGX_HTTP_AIGC_INVALID_TOKEN,
    NGX_HTTP_AIGC_INSUFFICIENT_SCOPE
} ngx_http_aigc_challenge_e;


/*
 * Notes in r's context that token (what follows "Bearer") is refused: why, a
 * static string, or because it could not be one at all (RFC 6750 2.1).
 */
void ngx_http_aigc_challenge_token(ngx_http_request_t *r, ngx_str_t *token,
    const char *why);

/* Notes that a token lacks scope, which is the configuration's. */
void ngx_http_aigc_challenge_scope(ngx_http_request_t *r, ngx_str_t *scope);

/* Notes an error with its description, a static string. */
void ngx_http_aigc_challenge_note(ngx_http_request_t *r,
    ngx_http_aigc_challenge_e error, const char *description);

/*
 * Adds the header to an answer of that status: to every 401, with an error
 * where one was noted; to 400 and 403 where theirs was.  A 401 says
 * invalid_token of a malformed one, too: on an instance's host it may have been
 * for the application, and auth_request knows no 400.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_challenge_header(ngx_http_request_t *r,
    ngx_uint_t status);


#endif /* _NGX_HTTP_AIGC_CHALLENGE_H_INCLUDED_ */
