/* t/fuzz/clear_fuzz.c — Clear-Site-Data of a pod: our cookies stay. */

#include "fuzz.h"
#include "gateway/ngx_aigc_clear.h"


FUZZ(clear)
{
    size_t      i;
    ngx_str_t   header, value, again;
    ngx_uint_t  n, quotes;

    header = fuzz_rest(f);
    value = fuzz_copy(f, header.data, header.len);

    n = ngx_aigc_clear_strip(&value);
    must(value.len <= header.len);
    must((n == 0) == (value.len == 0));

    /* words in quotes between commas, and nothing else */

    quotes = 0;

    for (i = 0; i < value.len; i++) {
        must(value.data[i] == '"' || value.data[i] == ','
             || (ngx_tolower(value.data[i]) >= 'a'
                 && ngx_tolower(value.data[i]) <= 'z'));
        quotes += (value.data[i] == '"');
    }

    must(quotes == 2 * n);
    must(ngx_strlcasestrn(value.data, value.data + value.len,
                          (u_char *) "\"cookies\"", 8) == NULL);

    again = fuzz_copy(f, value.data, value.len);
    must(ngx_aigc_clear_strip(&again) == n);
    must(fuzz_eq(&again, &value));
}
