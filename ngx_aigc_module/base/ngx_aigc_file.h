/*
 * base/ngx_aigc_file.h — opens a file that the configuration names, and sees
 * who else may read a secret one.
 */

#ifndef _NGX_AIGC_FILE_H_INCLUDED_
#define _NGX_AIGC_FILE_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Opens the regular file path (a NUL follows its bytes) for reading; the caller
 * closes *fd, whose size is *size in bytes.  Of a secret one only root or this
 * process is the owner, and nobody but the owner and a group of this process
 * may read it: that is how Kubernetes mounts a Secret with fsGroup (root and
 * the group, 0440).  NGX_OK; or NGX_ERROR: nothing is open, *why is what to
 * mend, in words that follow the path, and *err is errno or 0.
 */
ngx_int_t ngx_aigc_file_open(u_char *path, ngx_uint_t secret, ngx_fd_t *fd,
    off_t *size, const char **why, ngx_err_t *err);


#endif /* _NGX_AIGC_FILE_H_INCLUDED_ */
