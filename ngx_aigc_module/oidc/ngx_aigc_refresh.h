/*
 * oidc/ngx_aigc_refresh.h — the call that renews a session.  It belongs to the
 * worker and to no request: whoever waits for it may go away, and what the
 * provider answers (a rotated refresh token, perhaps) is kept all the same, in
 * the session's flight.
 */

#ifndef _NGX_AIGC_REFRESH_H_INCLUDED_
#define _NGX_AIGC_REFRESH_H_INCLUDED_

#include "ngx_aigc_provider.h"

#include "ngx_aigc_flight.h"
#include "ngx_aigc_session.h"


typedef struct {
    ngx_aigc_zone_t        *zone;
    ngx_aigc_provider_t    *provider;
    ngx_aigc_seal_keys_t   *keys;
    time_t                  skew;       /* s between the provider's clock and
                                           ours */
    time_t                  lifetime;   /* s of a session */
} ngx_aigc_refresh_conf_t;


/*
 * Leads flight: asks the provider for new tokens of session, whose user is sub
 * and whose ID token ends at before, and ends the flight with what comes: the
 * session with the new tokens, its sid and start unchanged, sealed; or REFUSED,
 * or FAILED.  session and sub are copied.  Does not keep an exiting worker for
 * longer than the calls take.
 *
 * Where the provider replaces refresh tokens, the newest one that any gateway
 * got for this session is sent, and by one gateway at a time
 * (ngx_aigc_rotation_turn.h).
 */
void ngx_aigc_refresh(ngx_aigc_refresh_conf_t *conf,
    ngx_aigc_flight_t *flight, ngx_aigc_session_t *session, ngx_str_t *sub,
    time_t before);


#endif /* _NGX_AIGC_REFRESH_H_INCLUDED_ */
