/*
 * kube/ngx_aigc_date.h — the date as the API server has it.  What is written
 * into the cluster is held against creationTimestamps, which are the API
 * server's: a clock of ours that is wrong by minutes must not matter there.
 */

#ifndef _NGX_AIGC_DATE_H_INCLUDED_
#define _NGX_AIGC_DATE_H_INCLUDED_

#include "base/ngx_aigc_zone.h"


extern ngx_aigc_part_t  ngx_aigc_date_part;


/* An answer of the API server's bore this date, just now; 0: it had none. */
void ngx_aigc_date_seen(ngx_aigc_zone_t *zone, time_t date);

/*
 * Its date now: what it was last, and what has passed since, whatever steps our
 * own has taken.  As long as there was none, our own.
 */
time_t ngx_aigc_date(ngx_aigc_zone_t *zone);


#endif /* _NGX_AIGC_DATE_H_INCLUDED_ */
