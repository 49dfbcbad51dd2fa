/* gateway/ngx_aigc_clear.h: what a pod may clear of a browser's. */

#include "unit.h"
#include "gateway/ngx_aigc_clear.h"


static void
clear_strip(unit_t *u)
{
    ngx_str_t   value;
    ngx_uint_t  i, n;

    static const struct {
        const char  *in;
        const char  *out;
        ngx_uint_t   n;
    } cases[] = {
        { "", "", 0 },
        { "\"cookies\"", "", 0 },
        { "\"*\"", "", 0 },
        { "*", "", 0 },
        { "cookies", "", 0 },
        { "cache", "", 0 },
        { "\"Cookies\"", "", 0 },
        { "\"cache\"", "\"cache\"", 1 },
        { "\"cache\", \"cookies\", \"storage\"", "\"cache\",\"storage\"", 2 },
        { "\"cookies\",\"executionContexts\"", "\"executionContexts\"", 1 },
        { "\"storage\"\t,  \"*\"", "\"storage\"", 1 },
        { ",,\"cache\",,", "\"cache\"", 1 },
        { "\"cache\"\"cookies\"", "", 0 },
        { "\"cache, \"cookies\"", "", 0 },
        { "\"cook\\ies\"", "", 0 },
        { "\" cookies \"", "", 0 },
        { "\"cookies\";a=\"cache\"", "", 0 },
        { "\"\"", "", 0 },
        { "\"", "", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = unit_str(u, cases[i].in);
        n = ngx_aigc_clear_strip(&value);

        if (!is_int(u, n, cases[i].n) || !is_str(u, &value, cases[i].out)) {
            unit_note("in case %d: %s", (int) i, cases[i].in);
        }
    }
}


unit_test_t  clear_tests[] = {
    { "what belongs to the site stays, what is the origin's may go",
      clear_strip },
    { NULL, NULL }
};
