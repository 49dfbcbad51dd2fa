/*
 * kube/ngx_aigc_date.h — the time by the API server's clock.  Times that the
 * gateway writes into the cluster are compared with creationTimestamps, which
 * the API server sets, so an error of the gateway's own clock must not matter.
 */

#ifndef _NGX_AIGC_DATE_H_INCLUDED_
#define _NGX_AIGC_DATE_H_INCLUDED_

#include "base/ngx_aigc_zone.h"


extern ngx_aigc_part_t  ngx_aigc_date_part;


/* Notes the Date of a response that has just come; 0: it has none. */
void ngx_aigc_date_seen(ngx_aigc_zone_t *zone, time_t date);

/*
 * Returns the API server's time: its last Date plus the time since then, which
 * steps of our own clock do not change.  Before the first Date: our own time.
 */
time_t ngx_aigc_date(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_DATE_H_INCLUDED_ */
