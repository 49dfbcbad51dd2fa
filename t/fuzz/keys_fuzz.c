/*
 * t/fuzz/keys_fuzz.c — the key file of "aigc_session": the input is the file.
 * An error shows no key.
 */

#include "sign.h"


FUZZ(keys)
{
    int                    fd;
    ngx_int_t              rc;
    ngx_str_t              text, path, err;
    ngx_uint_t             i;
    ngx_aigc_seal_keys_t   keys;

    text = fuzz_rest(f);

    path = fuzz_fmt(f, "%s/keys.%P%Z", getenv("TMPDIR"), ngx_pid);
    path.len--;

    fd = open((char *) path.data, O_CREAT|O_WRONLY|O_TRUNC, 0600);
    must(fd != -1);
    must(write(fd, text.data, text.len) == (ssize_t) text.len);
    close(fd);

    ngx_str_null(&err);
    rc = ngx_aigc_seal_keys_load(f->pool, &path, &keys, &err);

    unlink((char *) path.data);

    if (rc == NGX_OK) {
        must(keys.n > 0 && keys.n <= NGX_AIGC_SEAL_KEYS_MAX);
        return;
    }

    must(rc == NGX_ERROR && err.len > 0 && fuzz_plain(&err));

    /* no eight digits of the file are in the sentence */

    for (i = 0; i + 8 <= text.len; i += 4) {
        must(ngx_hextoi(text.data + i, 8) == NGX_ERROR
             || memmem(err.data, err.len, text.data + i, 8) == NULL);
    }
}
