/*
 * instances/ngx_aigc_given.h — does a GameServerSet say that an id is somebody's?
 */

#ifndef _NGX_AIGC_GIVEN_H_INCLUDED_
#define _NGX_AIGC_GIVEN_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * text is a GameServerSet as the API server gives it.  NGX_DECLINED: it is the
 * one with this uid, stays, is written by a gateway, is not younger than
 * created (a disk's), and has no annotation of id; *top is the highest id that
 * it ever gave.  NGX_OK: anything else, half an object included: the id may be
 * somebody's.
 */
ngx_int_t ngx_aigc_given(ngx_str_t *text, ngx_str_t *uid, ngx_int_t id,
    time_t created, ngx_int_t *top);


#endif /* _NGX_AIGC_GIVEN_H_INCLUDED_ */
