/*
 * gateway/ngx_aigc_clear.c — a list of quoted words.  A browser may read an odd
 * one in its own way, so that only plain ones are kept.
 */

#include "ngx_aigc_clear.h"


static ngx_uint_t ngx_aigc_clear_keeps(u_char *p, size_t len);


ngx_uint_t
ngx_aigc_clear_strip(ngx_str_t *value)
{
    u_char      *p, *end, *last, *out, *word;
    size_t       len;
    ngx_uint_t   n;

    n = 0;
    p = value->data;
    out = value->data;
    last = value->data + value->len;

    while (p < last) {

        end = ngx_strlchr(p, last, ',');
        if (end == NULL) {
            end = last;
        }

        word = p;
        p = end + 1;

        while (word < end && (*word == ' ' || *word == '\t')) {
            word++;
        }

        while (word < end && (end[-1] == ' ' || end[-1] == '\t')) {
            end--;
        }

        len = end - word;

        if (!ngx_aigc_clear_keeps(word, len)) {
            continue;
        }

        /* what is written never gets ahead of what is read */

        if (n++) {
            *out++ = ',';
        }

        out = ngx_movemem(out, word, len);
    }

    value->len = out - value->data;

    return n;
}


static ngx_uint_t
ngx_aigc_clear_keeps(u_char *p, size_t len)
{
    size_t  i;

    static const char  cookies[] = "\"cookies\"";

    if (len < 3 || p[0] != '"' || p[len - 1] != '"') {
        return 0;
    }

    for (i = 1; i < len - 1; i++) {

        if (!((p[i] >= 'a' && p[i] <= 'z') || (p[i] >= 'A' && p[i] <= 'Z'))) {
            return 0;
        }
    }

    return len != sizeof(cookies) - 1
           || ngx_strncasecmp(p, (u_char *) cookies, len) != 0;
}
