/*
 * base/ngx_aigc_language.c — Accept-Language.
 */

#include "ngx_aigc_language.h"


#define NGX_AIGC_WEIGHT_ONE  1000       /* q=1, in thousandths */


static ngx_uint_t ngx_aigc_language_is(u_char *start, u_char *end,
    const char *tag);
static ngx_uint_t ngx_aigc_language_weight(u_char *p, u_char *end);


ngx_aigc_language_e
ngx_aigc_language(ngx_str_t *header)
{
    u_char               *p, *last, *end, *tag;
    ngx_uint_t            weight, best;
    ngx_aigc_language_e   language, chosen;

    p = header->data;
    last = p + header->len;
    best = 0;
    chosen = NGX_AIGC_ENGLISH;

    while (p < last) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        tag = p;

        while (p < end && *p != ';' && *p != ' ' && *p != '\t') {
            p++;
        }

        if (ngx_aigc_language_is(tag, p, "zh")) {
            language = NGX_AIGC_CHINESE;

        } else if (ngx_aigc_language_is(tag, p, "en")) {
            language = NGX_AIGC_ENGLISH;

        } else {
            p = end + 1;
            continue;
        }

        weight = ngx_aigc_language_weight(p, end);

        if (weight > best) {
            best = weight;
            chosen = language;
        }

        p = end + 1;
    }

    return chosen;
}


/* "zh", "zh-CN"; not "zhx" */
static ngx_uint_t
ngx_aigc_language_is(u_char *start, u_char *end, const char *tag)
{
    return end - start >= 2
           && ngx_strncasecmp(start, (u_char *) tag, 2) == 0
           && (end - start == 2 || start[2] == '-');
}


/* Of "; q=0.7" in thousandths; what is no weight is none: 0. */
static ngx_uint_t
ngx_aigc_language_weight(u_char *p, u_char *end)
{
    ngx_int_t  weight;

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    while (p < end && (*p == ' ' || *p == '\t' || *p == ';')) {
        p++;
    }

    if (p == end) {
        return NGX_AIGC_WEIGHT_ONE;
    }

    if (end - p < 3 || (*p != 'q' && *p != 'Q') || p[1] != '=') {
        return 0;
    }

    p += 2;

    /* a number with three digits behind the point, at most */

    if (end - p > 5) {
        return 0;
    }

    weight = ngx_atofp(p, end - p, 3);

    return (weight == NGX_ERROR || weight > NGX_AIGC_WEIGHT_ONE)
           ? 0 : (ngx_uint_t) weight;
}
