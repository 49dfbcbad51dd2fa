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
 * Notes in r's context what is wrong with its token: description is a static
 * string, scope what the token lacks, of the configuration, or NULL.
 */
void ngx_http_aigc_challenge_note(ngx_http_request_t *r,
    ngx_http_aigc_challenge_e error, const char *description,
    ngx_str_t *scope);

/*
 * Adds WWW-Authenticate to a response with that status: to every 401, with the
 * noted error if there is one; to a 400 or 403 only if an error that belongs to
 * that status was noted.  With 401 a malformed token is called invalid_token,
 * too: on an instance's host the token may be the application's, and
 * auth_request knows no 400.  NGX_OK; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_aigc_challenge_header(ngx_http_request_t *r,
    ngx_uint_t status);


#endif /* _NGX_HTTP_AIGC_CHALLENGE_H_INCLUDED_ */
