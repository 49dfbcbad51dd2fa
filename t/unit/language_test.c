/* base/ngx_aigc_language.h: which language a browser wants to read. */

#include "unit.h"
#include "base/ngx_aigc_language.h"


static void
language_choice(unit_t *u)
{
    ngx_str_t   header;
    ngx_uint_t  i;

    static const struct {
        const char           *header;
        ngx_aigc_language_e   language;
    } cases[] = {
        { "", NGX_AIGC_ENGLISH },
        { "zh", NGX_AIGC_CHINESE },
        { "zh-CN,zh;q=0.9,en;q=0.8", NGX_AIGC_CHINESE },
        { "ZH-Hant-TW", NGX_AIGC_CHINESE },
        { "en-US,en;q=0.9,zh;q=0.8", NGX_AIGC_ENGLISH },
        { "en;q=0.5, zh;q=0.8", NGX_AIGC_CHINESE },
        { "en;q=0.8,zh;q=0.8", NGX_AIGC_ENGLISH },
        { "zh;q=0.8,en;q=0.8", NGX_AIGC_CHINESE },
        { "fr, de;q=0.9, zh;q=0.1", NGX_AIGC_CHINESE },
        { "fr", NGX_AIGC_ENGLISH },
        { "*", NGX_AIGC_ENGLISH },
        { " \tzh \t; \tq=1.000 \t, en;q=0.999", NGX_AIGC_CHINESE },
        { "zh;q=0", NGX_AIGC_ENGLISH },
        { "zh;q=0,en;q=0.001", NGX_AIGC_ENGLISH },

        /* what is none */

        { "zhx", NGX_AIGC_ENGLISH },
        { "z", NGX_AIGC_ENGLISH },
        { "zh_CN", NGX_AIGC_ENGLISH },
        { ",,,;,", NGX_AIGC_ENGLISH },
        { ",zh", NGX_AIGC_CHINESE },
        { "zh;", NGX_AIGC_CHINESE },
        { "zh;q", NGX_AIGC_ENGLISH },
        { "zh;q=", NGX_AIGC_ENGLISH },
        { "zh;q=x", NGX_AIGC_ENGLISH },
        { "zh;q=2", NGX_AIGC_ENGLISH },
        { "zh;q=-1", NGX_AIGC_ENGLISH },
        { "zh;q=0.99999999999999999999", NGX_AIGC_ENGLISH },
        { "zh;q=99999999999999999999", NGX_AIGC_ENGLISH },
        { "zh;level=1;q=0.3", NGX_AIGC_ENGLISH }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        /* of its own, without an end: ASan sees a byte too far */

        header.len = ngx_strlen(cases[i].header);
        header.data = ngx_pnalloc(u->pool, header.len ? header.len : 1);
        ngx_memcpy(header.data, cases[i].header, header.len);

        is_int(u, ngx_aigc_language(&header), cases[i].language);
    }
}


unit_test_t  language_tests[] = {
    { "the language with the highest weight, of those that there are",
      language_choice },
    { NULL, NULL }
};
