/*
 * core/ngx_aigc_jwt_check.c — whether a parsed token's claims fit, and the
 * words for it.
 */

#include "ngx_aigc_jwt.h"


static ngx_uint_t ngx_aigc_jwt_sub_bad(ngx_str_t *sub);


static ngx_str_t  ngx_aigc_jwt_verdicts[] = {
    ngx_string("valid"),
    ngx_string("malformed token"),
    ngx_string("algorithm not allowed"),
    ngx_string("unknown signing key"),
    ngx_string("wrong signature"),
    ngx_string("wrong issuer"),
    ngx_string("wrong audience"),
    ngx_string("token expired"),
    ngx_string("token not valid yet"),
    ngx_string("unusable subject")
};


ngx_aigc_jwt_verdict_e
ngx_aigc_jwt_check_claims(ngx_aigc_jwt_t *jwt, ngx_str_t *iss,
    ngx_str_t *aud, time_t now, time_t skew)
{
    ngx_str_t   *s;
    ngx_uint_t   i;

    if (jwt->iss.len == 0
        || jwt->iss.len != iss->len
        || ngx_memcmp(jwt->iss.data, iss->data, iss->len) != 0)
    {
        return NGX_AIGC_JWT_BAD_ISSUER;
    }

    s = jwt->aud.elts;

    for (i = 0; i < jwt->aud.nelts; i++) {
        if (s[i].len && s[i].len == aud->len
            && ngx_memcmp(s[i].data, aud->data, aud->len) == 0)
        {
            break;
        }
    }

    if (i == jwt->aud.nelts) {
        return NGX_AIGC_JWT_BAD_AUDIENCE;
    }

    if (ngx_aigc_jwt_sub_bad(&jwt->sub)) {
        return NGX_AIGC_JWT_BAD_SUBJECT;
    }

    if (jwt->nbf > now + skew || jwt->iat > now + skew) {
        return NGX_AIGC_JWT_NOT_YET;
    }

    /* the last one, so that "expired" means that all the rest is right */

    if (jwt->exp == 0 || jwt->exp <= now - skew) {
        return NGX_AIGC_JWT_EXPIRED;
    }

    return NGX_AIGC_JWT_OK;
}


static ngx_uint_t
ngx_aigc_jwt_sub_bad(ngx_str_t *sub)
{
    size_t  i;

    if (sub->len == 0 || sub->len > NGX_AIGC_SUB_MAX) {
        return 1;
    }

    for (i = 0; i < sub->len; i++) {
        if (sub->data[i] < 0x20 || sub->data[i] == 0x7f) {
            return 1;
        }
    }

    return 0;
}


ngx_str_t *
ngx_aigc_jwt_verdict_text(ngx_aigc_jwt_verdict_e verdict)
{
    if ((ngx_uint_t) verdict > NGX_AIGC_JWT_BAD_SUBJECT) {
        verdict = NGX_AIGC_JWT_MALFORMED;
    }

    return &ngx_aigc_jwt_verdicts[verdict];
}
