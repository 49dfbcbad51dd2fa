/*
 * t/fuzz/answer.h — calls without a network: answer.c stands for
 * base/ngx_aigc_fetch.c, and a target gives the answers.
 */

#ifndef _FUZZ_ANSWER_H_INCLUDED_
#define _FUZZ_ANSWER_H_INCLUDED_

#include "fuzz.h"

#include "oidc/ngx_aigc_provider.h"


/* The call that was started last, and not answered yet; NULL: there is none. */
ngx_aigc_fetch_t *fuzz_call(void);

/* Answers it, as the loop does: done() is called, and the call is freed. */
void fuzz_answer(ngx_uint_t status, ngx_str_t *body);

/*
 * The zone, with an issuer whose endpoints are not known; this process writes
 * it.  Its slot is zeroed each time.
 */
ngx_aigc_zone_t *fuzz_zone(fuzz_t *f);

/* A provider at FUZZ_ISSUER, and endpoints that it may have. */
ngx_aigc_provider_t *fuzz_provider(void);
ngx_aigc_endpoints_t *fuzz_endpoints(void);


#endif /* _FUZZ_ANSWER_H_INCLUDED_ */
