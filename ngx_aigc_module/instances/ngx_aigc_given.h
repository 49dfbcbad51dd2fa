/*
 * instances/ngx_aigc_given.h — has a GameServerSet given an id to anybody?
 */

#ifndef _NGX_AIGC_GIVEN_H_INCLUDED_
#define _NGX_AIGC_GIVEN_H_INCLUDED_

#include <ngx_config.h>
#include <ngx_core.h>


/*
 * text is a GameServerSet, as the API server sends it.
 * NGX_DECLINED: id belongs to nobody.  The object has this uid, is not being
 * deleted, is written by a gateway, is not younger than created (the time of a
 * disk), and has no annotation of id; *top is the highest id that it ever gave.
 * NGX_OK: id may belong to somebody: any other text, a truncated one included.
 */
ngx_int_t ngx_aigc_given(ngx_str_t *text, ngx_str_t *uid, ngx_int_t id,
    time_t created, ngx_int_t *top);


#endif /* _NGX_AIGC_GIVEN_H_INCLUDED_ */
