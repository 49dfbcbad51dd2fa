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
 * Adds the header to an answer of that status: to every 401, with an error
 * where one was noted; to 400 and 403 where theirs was.  A 401 says
 * invalid_token of a malformed one, too: on an instance's host it may have been
 * for the application, and auth_request knows no 400.  NGX_OK or NGX_ERROR.
 */
ngx_int_t ngx_http_aigc_challenge_header(ngx_http_request_t *r,
    ngx_uint_t status);


#endif /* _NGX_HTTP_AIGC_CHALLENGE_H_INCLUDED_ */
