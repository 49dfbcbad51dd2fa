/*
 * t/fuzz/language_fuzz.c — Accept-Language: what follows and does not count
 * changes nothing.
 */

#include "fuzz.h"
#include "base/ngx_aigc_language.h"


FUZZ(language)
{
    size_t               i;
    ngx_str_t            header, other;
    ngx_aigc_language_e  language;

    header = fuzz_rest(f);
    language = ngx_aigc_language(&header);

    must(language < NGX_AIGC_LANGUAGES);

    other = fuzz_fmt(f, "%V,en;q=0,zh;q=0,zhx,fr", &header);
    must(ngx_aigc_language(&other) == language);

    for (i = 0; i < header.len; i++) {
        header.data[i] = ngx_toupper(header.data[i]);
    }

    must(ngx_aigc_language(&header) == language);

    if (language == NGX_AIGC_CHINESE) {
        must(ngx_strlcasestrn(header.data, header.data + header.len,
                              (u_char *) "zh", 1) != NULL);
    }
}
