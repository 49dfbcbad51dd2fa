/*
 * base/ngx_http_aigc_words.h — what the module's pages say, in each of their
 * languages.
 */

#ifndef _NGX_HTTP_AIGC_WORDS_H_INCLUDED_
#define _NGX_HTTP_AIGC_WORDS_H_INCLUDED_

#include "ngx_aigc_language.h"


typedef struct {
    const char  *code;
    const char  *title[NGX_AIGC_LANGUAGES];
    const char  *lead[NGX_AIGC_LANGUAGES];
} ngx_http_aigc_words_t;

typedef struct {
    const char  *tag;           /* of <html lang> */
    const char  *start;
    const char  *sign_in;
    const char  *dashboard;
    const char  *details;
    const char  *trouble;       /* a heading where a code has none */
} ngx_http_aigc_labels_t;


/* By a state of an instance; by the code of a problem.  NULL: no words. */
const ngx_http_aigc_words_t *ngx_http_aigc_state_words(const char *state);
const ngx_http_aigc_words_t *ngx_http_aigc_problem_words(const char *code);

const ngx_http_aigc_labels_t *ngx_http_aigc_labels(
    ngx_aigc_language_e language);

/*
 * Why an instance does not start, as a sentence: by the reason's code, and by
 * what its text speaks of where the code alone says too little.  NULL: no
 * words.
 */
const char *ngx_http_aigc_why(ngx_aigc_language_e language, ngx_str_t *code,
    ngx_str_t *text);


#endif /* _NGX_HTTP_AIGC_WORDS_H_INCLUDED_ */
