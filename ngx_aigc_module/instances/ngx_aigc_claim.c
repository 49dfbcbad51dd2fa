/*
 * instances/ngx_aigc_claim.c — whose an instance is: one annotation of a
 * GameServerSet.
 */

#include "ngx_aigc_claim.h"
#include "ngx_aigc_ids.h"
#include "base/ngx_aigc_bounds.h"
#include "base/ngx_aigc_text.h"

#include <jansson.h>


typedef struct {
    ngx_str_t   owner;
    ngx_str_t   state;
    ngx_str_t   since;
    ngx_str_t   gss;
    ngx_str_t   disk;                   /* data NULL: there is none */
} ngx_aigc_claim_texts_t;


static ngx_int_t ngx_aigc_claim_scan(ngx_str_t *raw,
    ngx_aigc_claim_texts_t *texts);
static ngx_int_t ngx_aigc_claim_scan_text(u_char **pos, u_char *last,
    const char *before, ngx_str_t *text);
static ngx_int_t ngx_aigc_claim_set(ngx_pool_t *pool,
    ngx_aigc_claim_texts_t *texts, ngx_aigc_claim_t *claim);
static void ngx_aigc_claim_put(ngx_aigc_writer_t *w, ngx_aigc_claim_t *claim);
static ngx_int_t ngx_aigc_time_digits(u_char *p, size_t n, ngx_int_t max);
static ngx_int_t ngx_aigc_time_zone(u_char *p, u_char *last, int64_t *offset);
static int64_t ngx_aigc_time_days(ngx_int_t year, ngx_int_t month,
    ngx_int_t day);


static ngx_str_t  ngx_aigc_state_names[] = {
    ngx_null_string,
    ngx_string("running"),
    ngx_string("released"),
    ngx_string("uninstalling"),
    ngx_null_string
};


ngx_int_t
ngx_aigc_claim_read(ngx_pool_t *pool, ngx_int_t id, ngx_str_t *raw,
    ngx_aigc_claim_t *claim)
{
    json_t                  *root, *disk;
    ngx_int_t                rc;
    ngx_str_t                text, cut;
    json_error_t             err;
    ngx_aigc_claim_texts_t   texts;

    text = *raw;                        /* raw may be &claim->raw */

    ngx_memzero(claim, sizeof(ngx_aigc_claim_t));

    claim->id = id;
    claim->state = NGX_AIGC_UNREADABLE;

    if (text.len == 0) {
        return NGX_OK;
    }

    cut.data = text.data;
    cut.len = ngx_aigc_text_cut(text.data, text.len, NGX_AIGC_ANNOTATION_MAX);

    claim->raw.len = cut.len;
    claim->raw.data = ngx_pstrdup(pool, &cut);
    if (claim->raw.data == NULL) {
        return NGX_ERROR;
    }

    if (text.len > NGX_AIGC_ANNOTATION_MAX) {
        return NGX_OK;
    }

    if (ngx_aigc_claim_scan(&claim->raw, &texts) == NGX_OK) {
        return ngx_aigc_claim_set(pool, &texts, claim);
    }

    root = json_loadb((char *) claim->raw.data, claim->raw.len,
                      JSON_REJECT_DUPLICATES, &err);

    if (root == NULL) {
        return json_error_code(&err) == json_error_out_of_memory ? NGX_ERROR
                                                                 : NGX_OK;
    }

    texts.owner = ngx_aigc_json_text(root, "owner");
    texts.state = ngx_aigc_json_text(root, "state");
    texts.since = ngx_aigc_json_text(root, "since");
    texts.gss = ngx_aigc_json_text(root, "gss");
    texts.disk = ngx_aigc_json_text(root, "disk");

    disk = json_object_get(root, "disk");

    if (disk && texts.disk.data == NULL) {
        ngx_str_set(&texts.disk, "?");  /* no string */
    }

    rc = ngx_aigc_claim_set(pool, &texts, claim);

    json_decref(root);

    return rc;
}


/*
 * An annotation as ngx_aigc_claim_put() writes it, of plain characters: the
 * texts, borrowed.  A watch brings hundreds of them with each event; all
 * others go through jansson, to the same result.
 */

static ngx_int_t
ngx_aigc_claim_scan(ngx_str_t *raw, ngx_aigc_claim_texts_t *texts)
{
    u_char  *p, *last;

    p = raw->data;
    last = p + raw->len;

    if (ngx_aigc_claim_scan_text(&p, last, "{\"owner\":\"", &texts->owner)
        != NGX_OK
        || ngx_aigc_claim_scan_text(&p, last, ",\"state\":\"", &texts->state)
           != NGX_OK
        || ngx_aigc_claim_scan_text(&p, last, ",\"since\":\"", &texts->since)
           != NGX_OK
        || ngx_aigc_claim_scan_text(&p, last, ",\"gss\":\"", &texts->gss)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_str_null(&texts->disk);

    if (last - p > 1
        && ngx_aigc_claim_scan_text(&p, last, ",\"disk\":\"", &texts->disk)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return (last - p == 1 && *p == '}') ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_aigc_claim_scan_text(u_char **pos, u_char *last, const char *before,
    ngx_str_t *text)
{
    size_t   len;
    u_char  *p;

    p = *pos;
    len = ngx_strlen(before);

    if ((size_t) (last - p) < len || ngx_memcmp(p, before, len) != 0) {
        return NGX_DECLINED;
    }

    p += len;
    text->data = p;

    while (p < last && *p != '"') {
        if (*p < 0x20 || *p > 0x7e || *p == '\\') {
            return NGX_DECLINED;
        }

        p++;
    }

    if (p == last) {
        return NGX_DECLINED;
    }

    text->len = p - text->data;
    *pos = p + 1;

    return NGX_OK;
}


/* NGX_OK also when the texts are no good: then claim stays unreadable */

static ngx_int_t
ngx_aigc_claim_set(ngx_pool_t *pool, ngx_aigc_claim_texts_t *texts,
    ngx_aigc_claim_t *claim)
{
    time_t             since;
    ngx_str_t         *name;
    ngx_aigc_state_e   state;

    if (ngx_aigc_text_check(&texts->owner, NGX_AIGC_SUB_MAX) != NGX_OK
        || ngx_aigc_text_check(&texts->gss, NGX_AIGC_UID_MAX) != NGX_OK)
    {
        return NGX_OK;
    }

    if (texts->disk.data && !ngx_aigc_text_is(&texts->disk, "keep")) {
        return NGX_OK;
    }

    since = ngx_aigc_time_read(&texts->since);

    if (since == -1) {
        return NGX_OK;
    }

    for (state = NGX_AIGC_RUNNING; state < NGX_AIGC_UNREADABLE; state++) {
        name = ngx_aigc_state_name(state);

        if (ngx_aigc_text_eq(&texts->state, name)) {
            break;
        }
    }

    if (state == NGX_AIGC_UNREADABLE) {
        return NGX_OK;
    }

    if (ngx_aigc_text_copy(pool, &texts->owner, texts->owner.len,
                           &claim->owner)
        != NGX_OK
        || ngx_aigc_text_copy(pool, &texts->since, texts->since.len,
                              &claim->since)
           != NGX_OK
        || ngx_aigc_text_copy(pool, &texts->gss, texts->gss.len, &claim->gss)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    claim->since_sec = since;
    claim->state = state;
    claim->keep = (texts->disk.data != NULL);

    return NGX_OK;
}


ngx_int_t
ngx_aigc_claim_write(ngx_pool_t *pool, ngx_aigc_claim_t *claim)
{
    ngx_str_t          raw;
    ngx_aigc_claim_t   back;
    ngx_aigc_writer_t  w;

    ngx_aigc_writer_init(&w, pool);
    ngx_aigc_claim_put(&w, claim);

    if (ngx_aigc_writer_text(&w, &raw) != NGX_OK) {
        return NGX_ERROR;
    }

    if (raw.len > NGX_AIGC_ANNOTATION_MAX) {
        return NGX_DECLINED;
    }

    /* an annotation that nobody could read would lock its instance for ever */

    if (ngx_aigc_claim_read(pool, claim->id, &raw, &back) != NGX_OK) {
        return NGX_ERROR;
    }

    if (back.state != claim->state || back.state == NGX_AIGC_UNREADABLE) {
        return NGX_DECLINED;
    }

    claim->raw = raw;

    return NGX_OK;
}


static void
ngx_aigc_claim_put(ngx_aigc_writer_t *w, ngx_aigc_claim_t *claim)
{
    ngx_aigc_put_literal(w, "{\"owner\":");
    ngx_aigc_put_string(w, &claim->owner);
    ngx_aigc_put_literal(w, ",\"state\":");
    ngx_aigc_put_string(w, ngx_aigc_state_name(claim->state));
    ngx_aigc_put_literal(w, ",\"since\":");
    ngx_aigc_put_string(w, &claim->since);
    ngx_aigc_put_literal(w, ",\"gss\":");
    ngx_aigc_put_string(w, &claim->gss);

    if (claim->keep) {
        ngx_aigc_put_literal(w, ",\"disk\":\"keep\"");
    }

    ngx_aigc_put_literal(w, "}");
}


ngx_str_t *
ngx_aigc_state_name(ngx_aigc_state_e state)
{
    if (state > NGX_AIGC_UNREADABLE) {
        state = NGX_AIGC_NO_STATE;
    }

    return &ngx_aigc_state_names[state];
}


ngx_int_t
ngx_aigc_time_write(ngx_pool_t *pool, time_t t, ngx_str_t *out)
{
    ngx_tm_t  tm;

    if (t < 0 || (int64_t) t >= NGX_AIGC_TIME_END) {
        return NGX_ERROR;
    }

    out->len = sizeof("1970-01-01T00:00:00Z") - 1;
    out->data = ngx_pnalloc(pool, out->len);
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    ngx_gmtime(t, &tm);

    (void) ngx_snprintf(out->data, out->len, "%04d-%02d-%02dT%02d:%02d:%02dZ",
                        tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                        tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    return NGX_OK;
}


time_t
ngx_aigc_time_read(ngx_str_t *text)
{
    u_char     *p, *last;
    int64_t     t, offset;
    ngx_int_t   year, month, day, hour, min, sec;

    static ngx_int_t  mdays[] = { 31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31 };

    if (text->len < sizeof("1970-01-01T00:00:00Z") - 1
        || text->len > NGX_AIGC_SINCE_MAX)
    {
        return -1;
    }

    p = text->data;
    last = p + text->len;

    year = ngx_aigc_time_digits(p, 4, 9999);
    month = ngx_aigc_time_digits(p + 5, 2, 12);
    day = ngx_aigc_time_digits(p + 8, 2, 31);
    hour = ngx_aigc_time_digits(p + 11, 2, 23);
    min = ngx_aigc_time_digits(p + 14, 2, 59);
    sec = ngx_aigc_time_digits(p + 17, 2, 60);      /* 60: a leap second */

    if (year < 1970 || month < 1 || day < 1 || hour < 0 || min < 0 || sec < 0
        || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != 't')
        || p[13] != ':' || p[16] != ':')
    {
        return -1;
    }

    if (day > mdays[month - 1]
        && !(month == 2 && day == 29 && year % 4 == 0
             && (year % 100 != 0 || year % 400 == 0)))
    {
        return -1;
    }

    if (ngx_aigc_time_zone(p + 19, last, &offset) != NGX_OK) {
        return -1;
    }

    t = ngx_aigc_time_days(year, month, day) * 86400
        + hour * 3600 + min * 60 + sec - offset;

    /* what could not be written again would hold up its template's patches */

    return (t < 0 || t >= NGX_AIGC_TIME_END) ? -1 : (time_t) t;
}


/* n digits up to max, else NGX_ERROR */

static ngx_int_t
ngx_aigc_time_digits(u_char *p, size_t n, ngx_int_t max)
{
    ngx_int_t  value;

    value = ngx_atoi(p, n);

    return (value > max) ? NGX_ERROR : value;
}


/* what follows the seconds: a fraction, which is dropped, and Z or +hh:mm */

static ngx_int_t
ngx_aigc_time_zone(u_char *p, u_char *last, int64_t *offset)
{
    ngx_int_t  hour, min;

    if (*p == '.') {
        if (++p == last || *p < '0' || *p > '9') {
            return NGX_DECLINED;
        }

        while (p < last && *p >= '0' && *p <= '9') {
            p++;
        }
    }

    if (last - p == 1 && (*p == 'Z' || *p == 'z')) {
        *offset = 0;
        return NGX_OK;
    }

    if (last - p != sizeof("+00:00") - 1
        || (*p != '+' && *p != '-') || p[3] != ':')
    {
        return NGX_DECLINED;
    }

    hour = ngx_aigc_time_digits(p + 1, 2, 23);
    min = ngx_aigc_time_digits(p + 4, 2, 59);

    if (hour < 0 || min < 0) {
        return NGX_DECLINED;
    }

    *offset = (hour * 60 + min) * 60;

    if (*p == '-') {
        *offset = -*offset;
    }

    return NGX_OK;
}


/* days since 1970-01-01, by Gauss' formula: years begin in March */

static int64_t
ngx_aigc_time_days(ngx_int_t year, ngx_int_t month, ngx_int_t day)
{
    month -= 2;

    if (month <= 0) {
        month += 12;
        year--;
    }

    return (int64_t) 365 * year + year / 4 - year / 100 + year / 400
           + 367 * month / 12 - 30
           + day - 1
           - 719527 + 31 + 28;
}
