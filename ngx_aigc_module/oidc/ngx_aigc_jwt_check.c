/*
 * oidc/ngx_aigc_jwt_check.c — whether a parsed token's claims fit, and the
 * words for it.
 */

#include "ngx_aigc_jwt.h"
#include "base/ngx_aigc_text.h"


static ngx_aigc_jwt_verdict_e ngx_aigc_jwt_check_party(ngx_aigc_jwt_t *jwt,
    ngx_str_t *iss, ngx_str_t *aud);
static ngx_uint_t ngx_aigc_jwt_text_bad(ngx_str_t *text, size_t max);
static ngx_uint_t ngx_aigc_jwt_typ_is(ngx_aigc_jwt_t *jwt, const char *typ);


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
    ngx_aigc_jwt_verdict_e  verdict;

    verdict = ngx_aigc_jwt_check_party(jwt, iss, aud);

    if (verdict != NGX_AIGC_JWT_OK) {
        return verdict;
    }

    if (ngx_aigc_jwt_text_bad(&jwt->sub, NGX_AIGC_SUB_MAX)) {
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


ngx_aigc_jwt_verdict_e
ngx_aigc_jwt_check_logout(ngx_aigc_jwt_t *jwt, ngx_str_t *iss,
    ngx_str_t *aud, time_t now, time_t skew)
{
    ngx_aigc_jwt_verdict_e  verdict;

    if (!jwt->logout || jwt->nonce.data != NULL || jwt->jti.len == 0
        || !(jwt->typ.len == 0 || ngx_aigc_jwt_typ_is(jwt, "JWT")
             || ngx_aigc_jwt_typ_is(jwt, "logout+jwt")
             || ngx_aigc_jwt_typ_is(jwt, "application/logout+jwt")))
    {
        return NGX_AIGC_JWT_MALFORMED;
    }

    verdict = ngx_aigc_jwt_check_party(jwt, iss, aud);

    if (verdict != NGX_AIGC_JWT_OK) {
        return verdict;
    }

    if ((jwt->sub.len == 0 && jwt->sid.len == 0)
        || (jwt->sub.len && ngx_aigc_jwt_text_bad(&jwt->sub, NGX_AIGC_SUB_MAX))
        || (jwt->sid.len && ngx_aigc_jwt_text_bad(&jwt->sid, NGX_AIGC_SID_MAX)))
    {
        return NGX_AIGC_JWT_BAD_SUBJECT;
    }

    if (jwt->nbf > now + skew || jwt->iat > now + skew) {
        return NGX_AIGC_JWT_NOT_YET;
    }

    if (jwt->iat <= now - skew - NGX_AIGC_LOGOUT_AGE
        || (jwt->exp && jwt->exp <= now - skew))
    {
        return NGX_AIGC_JWT_EXPIRED;
    }

    return NGX_AIGC_JWT_OK;
}


/* Whose it is, and for whom. */
static ngx_aigc_jwt_verdict_e
ngx_aigc_jwt_check_party(ngx_aigc_jwt_t *jwt, ngx_str_t *iss, ngx_str_t *aud)
{
    ngx_str_t   *s;
    ngx_uint_t   i;

    if (jwt->iss.len == 0 || !ngx_aigc_text_eq(&jwt->iss, iss)) {
        return NGX_AIGC_JWT_BAD_ISSUER;
    }

    s = jwt->aud.elts;

    for (i = 0; i < jwt->aud.nelts; i++) {
        if (s[i].len && ngx_aigc_text_eq(&s[i], aud)) {
            return NGX_AIGC_JWT_OK;
        }
    }

    return NGX_AIGC_JWT_BAD_AUDIENCE;
}


static ngx_uint_t
ngx_aigc_jwt_text_bad(ngx_str_t *text, size_t max)
{
    size_t  i;

    if (text->len == 0 || text->len > max) {
        return 1;
    }

    for (i = 0; i < text->len; i++) {
        if (text->data[i] < 0x20 || text->data[i] == 0x7f) {
            return 1;
        }
    }

    return 0;
}


/* a media type, in any case (RFC 7515 4.1.9) */
static ngx_uint_t
ngx_aigc_jwt_typ_is(ngx_aigc_jwt_t *jwt, const char *typ)
{
    return jwt->typ.len == ngx_strlen(typ)
           && ngx_strncasecmp(jwt->typ.data, (u_char *) typ, jwt->typ.len)
              == 0;
}


ngx_int_t
ngx_aigc_jwt_has_scope(ngx_aigc_jwt_t *jwt, ngx_str_t *scope)
{
    u_char  *p, *last, *end;

    p = jwt->scope.data;
    last = p + jwt->scope.len;

    while (p < last) {
        end = ngx_strlchr(p, last, ' ');
        end = end ? end : last;

        if ((size_t) (end - p) == scope->len
            && ngx_memcmp(p, scope->data, scope->len) == 0)
        {
            return NGX_OK;
        }

        p = end + 1;
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_aigc_jwt_is_machine(ngx_aigc_jwt_t *jwt)
{
    return ngx_aigc_text_eq(&jwt->client_id, &jwt->sub)
           ? NGX_OK : NGX_DECLINED;
}


ngx_str_t *
ngx_aigc_jwt_verdict_text(ngx_aigc_jwt_verdict_e verdict)
{
    if ((ngx_uint_t) verdict > NGX_AIGC_JWT_BAD_SUBJECT) {
        verdict = NGX_AIGC_JWT_MALFORMED;
    }

    return &ngx_aigc_jwt_verdicts[verdict];
}
