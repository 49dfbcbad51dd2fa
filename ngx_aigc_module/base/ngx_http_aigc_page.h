/*
 * base/ngx_http_aigc_page.h — the module's own pages, on an instance's host
 * and at the sign-in, in Chinese and English.  They look like the dashboard.
 * A page contains its style and its script, which its Content-Security-Policy
 * allows by their digests.  The script asks whether the state has changed, and
 * reloads the page only then, so that a reader is not disturbed.
 */

#ifndef _NGX_HTTP_AIGC_PAGE_H_INCLUDED_
#define _NGX_HTTP_AIGC_PAGE_H_INCLUDED_

#include "ngx_http_aigc_code.h"
#include "ngx_http_aigc_conf.h"

#include "ngx_http_aigc_words.h"


/* Texts are UTF-8 and become HTML here; len 0, NULL: there is none. */
typedef struct {
    ngx_uint_t    status;
    const char   *id;       /* state or problem: a word for programs */
    const ngx_http_aigc_words_t  *words;    /* heading and sentence */
    ngx_str_t     detail;   /* the sentence where there are no words */
    ngx_str_t     name;     /* what it is about, above the heading */
    ngx_str_t     code;     /* why, for programs: what ngx_http_aigc_why()
                               takes; it stands below "details" */
    ngx_str_t     text;
    ngx_str_t     start;    /* "namespace/template/id" of a button that leads
                               to the dashboard, which asks and starts it */
    ngx_str_t     sign_in;  /* the page that a button leads to, by a sign-in */
    ngx_uint_t    busy;     /* something is under way */
    time_t        again;    /* s until it looks again; 0: never */
    ngx_str_t     now;      /* the detail of the problem that a program gets
                               now: while it is the same, the page stays; len 0:
                               it is loaded again whatever there is */
    time_t        retry;    /* s, Retry-After; 0: none */
    ngx_uint_t    sent;     /* set by ngx_http_aigc_page(): it answers a form,
                               which is not to be sent again by itself */
} ngx_http_aigc_page_t;


/* The whole response; returns what a content handler returns. */
ngx_int_t ngx_http_aigc_page(ngx_http_request_t *r,
    ngx_http_aigc_page_t *page);

/*
 * A refusal: for a person, who goes to a page or sends a form, such a page; for
 * a program problem details.  Parameters as of ngx_http_aigc_problem().
 */
ngx_int_t ngx_http_aigc_refusal(ngx_http_request_t *r,
    ngx_http_aigc_code_e code, const char *detail);

/*
 * The same, with a button that leads to a sign-in and to rd; NULL: the
 * gateway.
 */
ngx_int_t ngx_http_aigc_refusal_sign_in(ngx_http_request_t *r,
    ngx_http_aigc_code_e code, const char *detail, ngx_str_t *rd);


#endif /* _NGX_HTTP_AIGC_PAGE_H_INCLUDED_ */
