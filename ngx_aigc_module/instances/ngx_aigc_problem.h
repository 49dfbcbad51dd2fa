/*
 * instances/ngx_aigc_problem.h — where annotations do not tell the truth, or
 * cannot be followed: what only an administrator can mend.  Told by an Event
 * (instances/ngx_aigc_problem_events.c) and counted in /metrics.
 */

#ifndef _NGX_AIGC_PROBLEM_H_INCLUDED_
#define _NGX_AIGC_PROBLEM_H_INCLUDED_

#include "ngx_aigc_table.h"


/* How a kind is called: kind= of the metric, reason and text of the Event. */
typedef struct {
    const char      *kind;
    const char      *reason;
    const char      *message;
} ngx_aigc_problem_t;

extern ngx_aigc_problem_t  ngx_aigc_problems[NGX_AIGC_PROBLEMS];


/*
 * What is wrong with an instance / a template: a bit for each kind,
 * 1 << ngx_aigc_problem_e.  No lock.
 */
ngx_uint_t ngx_aigc_problem_record(ngx_aigc_zone_t *zone,
    ngx_aigc_record_t *record);
ngx_uint_t ngx_aigc_problem_template(ngx_aigc_template_t *tmpl);

/* How many there are of each kind, in all templates.  No lock. */
void ngx_aigc_problem_count(ngx_aigc_zone_t *zone,
    ngx_uint_t count[NGX_AIGC_PROBLEMS]);

/* An Event has reported n of a kind (the table's writer). */
void ngx_aigc_problem_reported(ngx_aigc_zone_t *zone, uint32_t tmpl,
    ngx_aigc_problem_e kind, ngx_uint_t n);


#endif /* _NGX_AIGC_PROBLEM_H_INCLUDED_ */
