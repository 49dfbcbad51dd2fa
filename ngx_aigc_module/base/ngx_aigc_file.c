/*
 * base/ngx_aigc_file.c — opening what the configuration names.
 */

#include "ngx_aigc_file.h"


static const char *ngx_aigc_file_secret(ngx_file_info_t *fi);
static ngx_uint_t ngx_aigc_file_own_group(gid_t gid);


ngx_int_t
ngx_aigc_file_open(u_char *path, ngx_uint_t secret, ngx_fd_t *fd, off_t *size,
    const char **why, ngx_err_t *err)
{
    ngx_file_info_t  fi;

    *err = 0;

    /* nonblocking: not to wait for the writer of a FIFO */

    *fd = ngx_open_file(path, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                        NGX_FILE_OPEN, 0);

    if (*fd == NGX_INVALID_FILE) {
        *err = ngx_errno;
        *why = "cannot be opened: check the path and that nginx may read it";
        return NGX_ERROR;
    }

    if (ngx_fd_info(*fd, &fi) == NGX_FILE_ERROR) {
        *err = ngx_errno;
        *why = "cannot be examined";

    } else if (!ngx_is_file(&fi)) {
        *why = "is not a regular file";

    } else {
        *size = ngx_file_size(&fi);
        *why = secret ? ngx_aigc_file_secret(&fi) : NULL;

        if (*why == NULL) {
            return NGX_OK;
        }
    }

    /* only read: close has nothing to lose */

    (void) ngx_close_file(*fd);
    *fd = NGX_INVALID_FILE;

    return NGX_ERROR;
}


/* NULL: nobody reads it who should not. */
static const char *
ngx_aigc_file_secret(ngx_file_info_t *fi)
{
    ngx_uint_t  mode;

    mode = ngx_file_access(fi);

    if (fi->st_uid != 0 && fi->st_uid != geteuid()) {
        return "belongs to another user: chown it to root or to the user that "
               "starts nginx";
    }

    if ((mode & 037)
        || ((mode & 040) && !ngx_aigc_file_own_group(fi->st_gid)))
    {
        return "is readable by others: chmod 600, or 440 with a group of the "
               "user that starts nginx";
    }

    return NULL;
}


static ngx_uint_t
ngx_aigc_file_own_group(gid_t gid)
{
    int         n;
    gid_t      *groups;
    ngx_uint_t  found;

    if (gid == getegid()) {
        return 1;
    }

    n = getgroups(0, NULL);
    if (n <= 0) {
        return 0;
    }

    groups = ngx_alloc(n * sizeof(gid_t), ngx_cycle->log);
    if (groups == NULL) {
        return 0;
    }

    found = 0;

    for (n = getgroups(n, groups); n > 0 && !found; n--) {
        found = (groups[n - 1] == gid);
    }

    ngx_free(groups);

    return found;
}
