/*
 * instances/ngx_aigc_reason.c — why an instance does not start, from its pod's
 * status: not scheduled, then what its containers wait for, then how they
 * ended.
 */

#include "ngx_aigc_reason.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"


static ngx_aigc_progress_e ngx_aigc_reason_progress(json_t *status);
static ngx_uint_t ngx_aigc_reason_prepared(json_t *statuses);
static ngx_int_t ngx_aigc_reason_unscheduled(ngx_pool_t *pool, json_t *status,
    ngx_aigc_pod_t *pod);
static ngx_int_t ngx_aigc_reason_waiting(ngx_pool_t *pool, json_t *statuses,
    ngx_aigc_pod_t *pod);
static ngx_int_t ngx_aigc_reason_crash(ngx_pool_t *pool, json_t *status,
    ngx_aigc_pod_t *pod);
static json_t *ngx_aigc_reason_ended(json_t *container);
static ngx_int_t ngx_aigc_reason_exit_code(json_t *ended);
static ngx_int_t ngx_aigc_reason_set(ngx_pool_t *pool, ngx_aigc_pod_t *pod,
    ngx_str_t *code, json_t *container, json_t *ended, ngx_str_t *message);


ngx_int_t
ngx_aigc_reason_read(ngx_pool_t *pool, json_t *status, ngx_aigc_pod_t *pod)
{
    ngx_int_t  rc;

    pod->progress = ngx_aigc_reason_progress(status);

    if (pod->ready || pod->deleting) {
        return NGX_OK;
    }

    rc = ngx_aigc_reason_unscheduled(pool, status, pod);

    if (rc == NGX_DECLINED) {
        rc = ngx_aigc_reason_waiting(pool,
                          json_object_get(status, "initContainerStatuses"),
                          pod);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_aigc_reason_waiting(pool,
                              json_object_get(status, "containerStatuses"),
                              pod);
    }

    if (rc == NGX_DECLINED && pod->failed) {
        rc = ngx_aigc_reason_crash(pool, status, pod);
    }

    return (rc == NGX_DECLINED) ? NGX_OK : rc;
}


static ngx_aigc_progress_e
ngx_aigc_reason_progress(json_t *status)
{
    size_t      i;
    json_t     *conditions, *item;
    ngx_str_t   type, value;

    if (ngx_aigc_reason_prepared(json_object_get(status,
                                                 "initContainerStatuses"))
        || ngx_aigc_reason_prepared(json_object_get(status,
                                                    "containerStatuses")))
    {
        return NGX_AIGC_PROGRESS_PREPARED;
    }

    conditions = json_object_get(status, "conditions");

    json_array_foreach(conditions, i, item) {

        type = ngx_aigc_json_text(item, "type");
        value = ngx_aigc_json_text(item, "status");

        if (ngx_aigc_text_is(&type, "PodScheduled")
            && ngx_aigc_text_is(&value, "True"))
        {
            return NGX_AIGC_PROGRESS_SCHEDULED;
        }
    }

    return NGX_AIGC_PROGRESS_NONE;
}


/* one of them runs, has run, or waits for something of its own */

static ngx_uint_t
ngx_aigc_reason_prepared(json_t *statuses)
{
    size_t      i;
    json_t     *container, *state;
    ngx_str_t   reason;

    json_array_foreach(statuses, i, container) {

        state = json_object_get(container, "state");
        reason = ngx_aigc_json_text(json_object_get(state, "waiting"),
                                    "reason");

        if (json_object_get(state, "running")
            || json_object_get(state, "terminated")
            || json_object_get(json_object_get(container, "lastState"),
                               "terminated")
            || (reason.len
                && !ngx_aigc_text_is(&reason, "ContainerCreating")
                && !ngx_aigc_text_is(&reason, "PodInitializing")))
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_aigc_reason_passing(ngx_str_t *code)
{
    return ngx_aigc_text_is(code, "apiCallError")
           || ngx_aigc_text_is(code, "internalError");
}


ngx_uint_t
ngx_aigc_reason_over(ngx_str_t *code, ngx_aigc_progress_e progress)
{
    ngx_uint_t  i;

    /* what is not here lasts until the instance is ready */

    static struct {
        const char           *code;
        ngx_aigc_progress_e   over;
    } matters[] = {
        { "FailedScheduling", NGX_AIGC_PROGRESS_SCHEDULED },
        { "FailedBinding", NGX_AIGC_PROGRESS_SCHEDULED },
        { "FailedAttachVolume", NGX_AIGC_PROGRESS_PREPARED },
        { "FailedMapVolume", NGX_AIGC_PROGRESS_PREPARED },
        { "FailedMount", NGX_AIGC_PROGRESS_PREPARED },
        { "FailedCreatePodSandBox", NGX_AIGC_PROGRESS_PREPARED },
        { "NetworkNotReady", NGX_AIGC_PROGRESS_PREPARED },
        { "BackOff", NGX_AIGC_PROGRESS_NONE },
        { "Failed", NGX_AIGC_PROGRESS_NONE },
        { "InspectFailed", NGX_AIGC_PROGRESS_NONE },
        { "ErrImageNeverPull", NGX_AIGC_PROGRESS_NONE }
    };

    for (i = 0; i < sizeof(matters) / sizeof(matters[0]); i++) {
        if (ngx_aigc_text_is(code, matters[i].code)) {
            return progress >= matters[i].over;
        }
    }

    return 0;
}


ngx_aigc_ending_e
ngx_aigc_reason_ending(time_t deadline, time_t now)
{
    if (deadline == 0 || now <= deadline + NGX_AIGC_ENDING_LATE) {
        return NGX_AIGC_ENDING_IN_TIME;
    }

    return (now <= deadline + NGX_AIGC_ENDING_STUCK)
           ? NGX_AIGC_ENDING_IS_LATE : NGX_AIGC_ENDING_IS_STUCK;
}


time_t
ngx_aigc_reason_worse(time_t deadline, time_t now)
{
    if (deadline == 0) {
        return 0;
    }

    switch (ngx_aigc_reason_ending(deadline, now)) {

    case NGX_AIGC_ENDING_IN_TIME:
        return deadline + NGX_AIGC_ENDING_LATE;

    case NGX_AIGC_ENDING_IS_LATE:
        return deadline + NGX_AIGC_ENDING_STUCK;

    default: /* NGX_AIGC_ENDING_IS_STUCK */
        return 0;
    }
}


static ngx_int_t
ngx_aigc_reason_unscheduled(ngx_pool_t *pool, json_t *status,
    ngx_aigc_pod_t *pod)
{
    size_t      i;
    json_t     *conditions, *item;
    ngx_str_t   type, value, reason, message;

    conditions = json_object_get(status, "conditions");

    json_array_foreach(conditions, i, item) {

        type = ngx_aigc_json_text(item, "type");
        value = ngx_aigc_json_text(item, "status");
        reason = ngx_aigc_json_text(item, "reason");
        message = ngx_aigc_json_text(item, "message");

        if (reason.len
            && ngx_aigc_text_is(&type, "PodScheduled")
            && ngx_aigc_text_is(&value, "False"))
        {
            return ngx_aigc_reason_set(pool, pod, &reason, NULL, NULL,
                                       &message);
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_aigc_reason_waiting(ngx_pool_t *pool, json_t *statuses, ngx_aigc_pod_t *pod)
{
    size_t      i;
    json_t     *container, *waiting, *ended;
    ngx_str_t   reason, message;

    json_array_foreach(statuses, i, container) {

        waiting = json_object_get(json_object_get(container, "state"),
                                  "waiting");
        reason = ngx_aigc_json_text(waiting, "reason");

        if (reason.len == 0
            || ngx_aigc_text_is(&reason, "ContainerCreating")
            || ngx_aigc_text_is(&reason, "PodInitializing"))
        {
            continue;
        }

        message = ngx_aigc_json_text(waiting, "message");
        ended = NULL;

        if (ngx_aigc_text_is(&reason, "CrashLoopBackOff")) {
            ended = ngx_aigc_reason_ended(container);
        }

        return ngx_aigc_reason_set(pool, pod, &reason, container, ended,
                                   &message);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_aigc_reason_crash(ngx_pool_t *pool, json_t *status,
    ngx_aigc_pod_t *pod)
{
    size_t      i;
    json_t     *statuses, *container, *ended;
    ngx_str_t   code, reason, message;

    ngx_str_set(&code, "Crash");

    reason = ngx_aigc_json_text(status, "reason");
    message = ngx_aigc_json_text(status, "message");

    if (reason.len) {                   /* "Evicted" */
        return ngx_aigc_reason_set(pool, pod, &reason, NULL, NULL, &message);
    }

    statuses = json_object_get(status, "containerStatuses");

    json_array_foreach(statuses, i, container) {

        ended = ngx_aigc_reason_ended(container);

        if (ended) {
            return ngx_aigc_reason_set(pool, pod, &code, container, ended,
                                       &message);
        }
    }

    return ngx_aigc_reason_set(pool, pod, &code, NULL, NULL, &message);
}


/* how a container ended, last or the time before, unless it ended well */

static json_t *
ngx_aigc_reason_ended(json_t *container)
{
    json_t  *ended;

    ended = json_object_get(json_object_get(container, "state"), "terminated");

    if (ended == NULL) {
        ended = json_object_get(json_object_get(container, "lastState"),
                                "terminated");
    }

    return ngx_aigc_reason_exit_code(ended) ? ended : NULL;
}


static ngx_int_t
ngx_aigc_reason_exit_code(json_t *ended)
{
    return ngx_aigc_json_int(ended, "exitCode",
                             -(int64_t) NGX_MAX_INT32_VALUE,
                             NGX_MAX_INT32_VALUE, 0);
}


/* 'container "sd" ended with code 137 (OOMKilled): back-off 5m0s restarting' */

static ngx_int_t
ngx_aigc_reason_set(ngx_pool_t *pool, ngx_aigc_pod_t *pod, ngx_str_t *code,
    json_t *container, json_t *ended, ngx_str_t *message)
{
    u_char     *p, *last;
    ngx_str_t   name, why, cut, sentence;

    u_char      buf[NGX_AIGC_REASON_TEXT_MAX * 2];

    p = buf;
    last = buf + sizeof(buf);

    name = ngx_aigc_json_text(container, "name");

    if (name.len && name.len <= NGX_AIGC_CONTAINER_MAX) {
        p = ngx_slprintf(p, last, "container \"%V\"", &name);

    } else if (container) {
        p = ngx_slprintf(p, last, "a container");
    }

    if (ended) {
        p = ngx_slprintf(p, last, " ended with code %i",
                         ngx_aigc_reason_exit_code(ended));

        why = ngx_aigc_json_text(ended, "reason");

        if (why.len && why.len <= NGX_AIGC_REASON_CODE_MAX) {
            p = ngx_slprintf(p, last, " (%V)", &why);
        }
    }

    if (message->len) {
        cut.data = message->data;
        cut.len = ngx_aigc_text_cut(cut.data, message->len,
                                    NGX_AIGC_REASON_TEXT_MAX);

        p = ngx_slprintf(p, last, "%s%V", p == buf ? "" : ": ", &cut);
    }

    sentence.data = buf;
    sentence.len = p - buf;

    if (ngx_aigc_text_copy(pool, code, NGX_AIGC_REASON_CODE_MAX,
                           &pod->reason_code)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_aigc_text_copy(pool, &sentence, NGX_AIGC_REASON_TEXT_MAX,
                              &pod->reason);
}
