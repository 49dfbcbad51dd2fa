/*
 * t/fuzz/date_fuzz.c — RFC 3339 beside libc's timegm().  The first line is a
 * date, the second a number of seconds.
 */

#include "fuzz.h"
#include "instances/ngx_aigc_claim.h"

#include <time.h>


#define DATE_END  253402300800          /* the year 10000 */


FUZZ(date)
{
    char       buf[64];
    time_t     t, sec;
    ngx_str_t  text, out;
    struct tm  tm;

    text = fuzz_line(f);
    sec = fuzz_number(f);

    t = ngx_aigc_time_read(&text);
    must(t >= -1);

    if (t != -1 && t < DATE_END) {
        must(ngx_aigc_time_write(f->pool, t, &out) == NGX_OK);
        must(out.len == 20);
        must(ngx_aigc_time_read(&out) == t);
    }

    /* the seconds of a date in UTC are timegm()'s, but for a leap second */

    if (t != -1 && text.len == 20 && text.data[17] != '6') {
        ngx_memcpy(buf, text.data, 19);
        buf[10] = 'T';
        buf[19] = '\0';
        ngx_memzero(&tm, sizeof(struct tm));
        must(strptime(buf, "%Y-%m-%dT%H:%M:%S", &tm) == buf + 19);
        must(timegm(&tm) == t);
    }

    if (ngx_aigc_time_write(f->pool, sec, &out) == NGX_OK) {
        must(sec < DATE_END && gmtime_r(&sec, &tm) != NULL);
        must(strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &tm) == 20);
        must(ngx_memcmp(buf, out.data, 20) == 0);
        must(ngx_aigc_time_read(&out) == sec);

    } else {
        must(sec >= DATE_END);
    }
}
