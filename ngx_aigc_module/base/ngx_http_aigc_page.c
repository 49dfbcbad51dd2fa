/*
 * base/ngx_http_aigc_page.c — the pages.
 */

#include "ngx_http_aigc_page.h"
#include "ngx_http_aigc_headers.h"
#include "ngx_http_aigc_reply.h"

#include <openssl/sha.h>


typedef struct {
    ngx_str_t                      refresh;     /* without scripts */
    ngx_str_t                      again;       /* with them */
    ngx_str_t                      now;
    ngx_str_t                      name;
    ngx_str_t                      title;
    ngx_str_t                      lead;
    ngx_str_t                      cluster;
    ngx_str_t                      start;
    const char                    *why;
    const ngx_http_aigc_labels_t  *labels;
} ngx_http_aigc_page_parts_t;


static ngx_int_t ngx_http_aigc_page_parts(ngx_http_request_t *r,
    ngx_http_aigc_page_t *page, ngx_http_aigc_page_parts_t *parts);
static ngx_int_t ngx_http_aigc_page_actions(ngx_pool_t *pool,
    ngx_str_t *origin, ngx_http_aigc_page_t *page, ngx_str_t *target,
    ngx_http_aigc_page_parts_t *parts);
static ngx_int_t ngx_http_aigc_page_cluster(ngx_http_request_t *r,
    ngx_http_aigc_page_t *page, ngx_http_aigc_page_parts_t *parts);
static ngx_int_t ngx_http_aigc_page_policy(ngx_pool_t *pool,
    ngx_str_t *policy);
static ngx_int_t ngx_http_aigc_page_digest(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *out);
static void ngx_http_aigc_page_problem(ngx_http_aigc_page_t *page,
    const ngx_http_aigc_code_t *code, const char *detail);
static ngx_int_t ngx_http_aigc_page_escape(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *html);


/* The dashboard's colours and forms (src/styles/base.css there). */
static ngx_str_t  ngx_http_aigc_page_style = ngx_string(
    ":root{color-scheme:light dark;--page:light-dark(#f5f6fa,#0c0e15);"
    "--glow:light-dark(#e7e9ff,#1a1a3a);--card:light-dark(#fff,#151823);"
    "--line:light-dark(#e3e5ee,#292e40);--text:light-dark(#14161f,#eceef6);"
    "--quiet:light-dark(#5b6275,#a3aabd);--accent:light-dark(#4f46e5,#5b54ea);"
    "--soft:light-dark(#fdf1dc,#33260f);--busy:light-dark(#8a4b07,#f2bd6b)}"
    "*{box-sizing:border-box}"
    "body{display:grid;place-items:center;margin:0;min-height:100vh;"
    "padding:1rem;background:radial-gradient(60rem 26rem at 50% -8rem,"
    "var(--glow),transparent) no-repeat,var(--page);color:var(--text);"
    "font:1rem/1.55 Inter,system-ui,-apple-system,'Segoe UI',Roboto,"
    "'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}"
    "main{width:100%;max-width:30rem;padding:2.25rem;text-align:center;"
    "border:1px solid var(--line);border-radius:1.4rem;"
    "background:var(--card);overflow-wrap:anywhere;"
    "box-shadow:0 14px 40px light-dark(rgb(20 22 40/.1),rgb(0 0 0/.5))}"
    "svg{display:block;width:4rem;height:4rem;margin:0 auto 1.25rem}"
    "h1{margin:0;font-size:1.6rem;line-height:1.25;letter-spacing:-.02em}"
    "p{margin:.6rem 0 0;color:var(--quiet)}"
    ".name{margin:0 0 .25rem;font-weight:600}"
    ".bar{height:.3rem;margin:1.5rem 0 0;overflow:hidden;"
    "border-radius:9rem;background:var(--line)}"
    ".bar::after{content:'';display:block;height:100%;border-radius:inherit;"
    "background:var(--accent);animation:go 1.5s ease-in-out infinite}"
    "@keyframes go{from{transform:translateX(-100%)}"
    "to{transform:translateX(100%)}}"
    "@media(prefers-reduced-motion:reduce){.bar::after{animation:none;"
    "opacity:.5}}"
    ".why{margin-top:1.5rem;padding:.8rem 1rem;text-align:left;"
    "border-radius:.8rem;background:var(--soft);color:var(--busy)}"
    ".why p{margin:0;color:inherit}"
    "summary{cursor:pointer;font-size:.85rem}code{font-size:.8rem}"
    "nav{display:flex;flex-wrap:wrap;gap:.6rem;justify-content:center;"
    "margin-top:1.75rem}"
    "a{display:inline-flex;align-items:center;min-height:2.75rem;"
    "padding:.5rem 1.2rem;border:1px solid var(--line);border-radius:.7rem;"
    "color:var(--text);font-weight:550;text-decoration:none}"
    "a.first{border-color:transparent;background:var(--accent);color:#fff}"
    ":focus-visible{outline:3px solid light-dark(#4f46e5,#a5a8ff);"
    "outline-offset:2px}");


static ngx_str_t  ngx_http_aigc_page_script = ngx_string(
    "const d=document.querySelector('main').dataset,go=()=>d.sent?"
    "location.replace(location.pathname+location.search):location.reload();"
    "if(d.again)setInterval(async()=>{"
    "if(!d.now)return go();"
    "try{const r=await fetch(location,{redirect:'manual',cache:'no-store',"
    "headers:{accept:'application/json'}});"
    "const t=r.headers.get('content-type')||'';"
    "if(r.status<502||!t.includes('problem+json')"
    "||(await r.json()).detail!=d.now)go()"
    "}catch{}},d.again*1000)");


static const char  ngx_http_aigc_page_html[] =
    "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width, "
    "initial-scale=1\">%V"
    "<title>%V%s%V</title><style>%V</style></head>"
    "<body><main data-code=\"%s\" data-now=\"%V\"%V><svg viewBox=\"0 0 32 32\" aria-hidden=\"true\">"
    "<rect width=\"32\" height=\"32\" rx=\"9\" fill=\"#5a4df0\"/>"
    "<path d=\"M9 23V14a7 7 0 0 1 14 0v9\" fill=\"none\" stroke=\"#fff\" "
    "stroke-width=\"2.8\" stroke-linecap=\"round\"/><path d=\"M16 13.2l1.2 "
    "3.1 3.1 1.2-3.1 1.2L16 21.8l-1.2-3.1-3.1-1.2 3.1-1.2z\" fill=\"#fff\"/>"
    "</svg><p class=\"name\">%V</p><h1 id=\"state\">%V</h1>"
    "<p id=\"lead\">%V</p>%s%V<nav>%V<a href=\"%V/\">%s</a></nav></main>"
    "<script>%V</script></body></html>\n";


ngx_int_t
ngx_http_aigc_page(ngx_http_request_t *r, ngx_http_aigc_page_t *page)
{
    ngx_str_t                    body, policy, *style, *script;
    ngx_http_aigc_main_conf_t   *mcf;
    ngx_http_aigc_page_parts_t   parts;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    page->sent = (ngx_http_aigc_is_safe(r) != NGX_OK);

    if (ngx_http_aigc_page_parts(r, page, &parts) != NGX_OK
        || ngx_http_aigc_page_policy(r->pool, &policy) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    style = &ngx_http_aigc_page_style;
    script = &ngx_http_aigc_page_script;

    body.len = sizeof(ngx_http_aigc_page_html) + parts.refresh.len
               + parts.again.len + parts.now.len + 2 * parts.name.len
               + 2 * parts.title.len + style->len + script->len
               + parts.lead.len + parts.cluster.len + parts.start.len
               + mcf->origin.len + ngx_strlen(page->id) + 128;

    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = ngx_snprintf(body.data, body.len, ngx_http_aigc_page_html,
                            parts.labels->tag, &parts.refresh, &parts.name,
                            parts.name.len ? ": " : "", &parts.title, style,
                            page->id, &parts.now, &parts.again,
                            &parts.name, &parts.title, &parts.lead,
                            page->busy ? "<div class=\"bar\"></div>" : "",
                            &parts.cluster, &parts.start, &mcf->origin,
                            parts.labels->dashboard, script)
               - body.data;

    return ngx_http_aigc_html(r, page->status, &body, &policy, page->retry);
}


/* Each part as HTML, in the browser's language. */
static ngx_int_t
ngx_http_aigc_page_parts(ngx_http_request_t *r, ngx_http_aigc_page_t *page,
    ngx_http_aigc_page_parts_t *parts)
{
    ngx_str_t                   accept, lead, title, target;
    ngx_table_elt_t            *h;
    ngx_aigc_language_e         language;
    ngx_http_aigc_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_aigc_module);

    ngx_memzero(parts, sizeof(ngx_http_aigc_page_parts_t));

    ngx_str_null(&accept);

    h = ngx_http_aigc_header(r, "accept-language");
    if (h) {
        accept = h->value;
    }

    language = ngx_aigc_language(&accept);
    parts->labels = ngx_http_aigc_labels(language);

    title.data = (u_char *) (page->words ? page->words->title[language]
                                         : parts->labels->trouble);
    title.len = ngx_strlen(title.data);

    lead = page->detail;

    if (page->words) {
        lead.data = (u_char *) page->words->lead[language];
        lead.len = ngx_strlen(lead.data);
    }

    parts->why = ngx_http_aigc_why(language, &page->code, &page->text);

    if (ngx_http_aigc_page_escape(r->pool, &page->name, &parts->name)
        != NGX_OK
        || ngx_http_aigc_page_escape(r->pool, &title, &parts->title) != NGX_OK
        || ngx_http_aigc_page_escape(r->pool, &lead, &parts->lead) != NGX_OK
        || ngx_http_aigc_page_escape(r->pool, &page->start, &target) != NGX_OK
        || ngx_http_aigc_page_escape(r->pool, &page->now, &parts->now)
           != NGX_OK
        || ngx_http_aigc_page_cluster(r, page, parts) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_aigc_page_actions(r->pool, &mcf->origin, page, &target,
                                      parts);
}


/* What it does by itself, and the button. */
static ngx_int_t
ngx_http_aigc_page_actions(ngx_pool_t *pool, ngx_str_t *origin,
    ngx_http_aigc_page_t *page, ngx_str_t *target,
    ngx_http_aigc_page_parts_t *parts)
{
    static const char  again[] = " data-again=\"%T\"%s";
    static const char  sent[] = " data-sent=\"1\"";
    static const char  refresh[] =
        "<noscript><meta http-equiv=\"refresh\" content=\"%T\"></noscript>";
    static const char  start[] =
        "<a class=\"first\" href=\"%V/?start=%V\">%s</a>";
    static const char  sign_in[] =
        "<a class=\"first\" id=\"sign-in\" href=\"%V/sign-in?rd=%V\">%s</a>";

    if (page->again) {
        parts->again.data = ngx_pnalloc(pool, sizeof(again) + NGX_TIME_T_LEN
                                              + sizeof(sent));
        parts->refresh.data = ngx_pnalloc(pool, sizeof(refresh)
                                                + NGX_TIME_T_LEN);

        if (parts->again.data == NULL || parts->refresh.data == NULL) {
            return NGX_ERROR;
        }

        parts->again.len = ngx_sprintf(parts->again.data, again, page->again,
                                       page->sent ? sent : "")
                           - parts->again.data;
        parts->refresh.len = ngx_sprintf(parts->refresh.data, refresh,
                                         page->again)
                             - parts->refresh.data;
    }

    if (target->len) {
        parts->start.data = ngx_pnalloc(pool, sizeof(start) + origin->len
                                        + target->len
                                        + ngx_strlen(parts->labels->start));
        if (parts->start.data == NULL) {
            return NGX_ERROR;
        }

        parts->start.len = ngx_sprintf(parts->start.data, start, origin,
                                       target, parts->labels->start)
                           - parts->start.data;

    } else if (page->sign_in.len) {

        /* percent-encoded, it needs no escapes of HTML's */

        if (ngx_aigc_url_encode(pool, &page->sign_in, target) != NGX_OK) {
            return NGX_ERROR;
        }

        parts->start.data = ngx_pnalloc(pool, sizeof(sign_in) + origin->len
                                        + target->len
                                        + ngx_strlen(parts->labels->sign_in));
        if (parts->start.data == NULL) {
            return NGX_ERROR;
        }

        parts->start.len = ngx_sprintf(parts->start.data, sign_in, origin,
                                       target, parts->labels->sign_in)
                           - parts->start.data;
    }

    return NGX_OK;
}


/* Why: in our words, and the cluster's below them. */
static ngx_int_t
ngx_http_aigc_page_cluster(ngx_http_request_t *r, ngx_http_aigc_page_t *page,
    ngx_http_aigc_page_parts_t *parts)
{
    ngx_str_t    code, text;
    const char  *details;

    static const char  html[] =
        "<div class=\"why\"><p id=\"why\">%s</p><details%s><summary>%s"
        "</summary><code lang=\"en\" id=\"reason\">%V%s%V</code></details>"
        "</div>";

    if (page->code.len == 0) {
        return NGX_OK;
    }

    if (ngx_http_aigc_page_escape(r->pool, &page->code, &code) != NGX_OK
        || ngx_http_aigc_page_escape(r->pool, &page->text, &text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    details = parts->labels->details;

    parts->cluster.data = ngx_pnalloc(r->pool, sizeof(html) + code.len
                                      + text.len + ngx_strlen(details) + 8
                                      + (parts->why ? ngx_strlen(parts->why)
                                                    : 0));
    if (parts->cluster.data == NULL) {
        return NGX_ERROR;
    }

    parts->cluster.len = ngx_sprintf(parts->cluster.data, html,
                                     parts->why ? parts->why : "",
                                     parts->why ? "" : " open", details,
                                     &code, text.len ? ": " : "", &text)
                         - parts->cluster.data;

    return NGX_OK;
}


/* The style, the script, a look at its own address; nobody frames it. */
static ngx_int_t
ngx_http_aigc_page_policy(ngx_pool_t *pool, ngx_str_t *policy)
{
    ngx_str_t  style, script;

    static const char  format[] =
        "default-src 'none'; style-src 'sha256-%V'; script-src 'sha256-%V'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'";

    if (ngx_http_aigc_page_digest(pool, &ngx_http_aigc_page_style, &style)
        != NGX_OK
        || ngx_http_aigc_page_digest(pool, &ngx_http_aigc_page_script, &script)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    policy->data = ngx_pnalloc(pool, sizeof(format) + style.len + script.len);
    if (policy->data == NULL) {
        return NGX_ERROR;
    }

    policy->len = ngx_sprintf(policy->data, format, &style, &script)
                  - policy->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_page_digest(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *out)
{
    u_char     digest[SHA256_DIGEST_LENGTH];
    ngx_str_t  raw;

    (void) SHA256(text->data, text->len, digest);

    raw.data = digest;
    raw.len = SHA256_DIGEST_LENGTH;

    out->data = ngx_pnalloc(pool, ngx_base64_encoded_length(raw.len));
    if (out->data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(out, &raw);

    return NGX_OK;
}


static ngx_int_t
ngx_http_aigc_page_escape(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *html)
{
    html->len = text->len + ngx_escape_html(NULL, text->data, text->len);
    html->data = ngx_pnalloc(pool, html->len + 1);
    if (html->data == NULL) {
        return NGX_ERROR;
    }

    (void) ngx_escape_html(html->data, text->data, text->len);

    return NGX_OK;
}


ngx_int_t
ngx_http_aigc_refusal(ngx_http_request_t *r, ngx_http_aigc_code_e code,
    const char *detail)
{
    ngx_http_aigc_page_t         page;
    const ngx_http_aigc_code_t  *c;

    if (ngx_http_aigc_is_person(r) != NGX_OK) {
        return ngx_http_aigc_problem(r, code, detail);
    }

    c = ngx_http_aigc_code(code);

    ngx_http_aigc_page_problem(&page, c, detail);

    page.again = c->retry;
    page.retry = c->retry;

    return ngx_http_aigc_page(r, &page);
}


ngx_int_t
ngx_http_aigc_refusal_sign_in(ngx_http_request_t *r, ngx_http_aigc_code_e code,
    const char *detail, ngx_str_t *rd)
{
    ngx_http_aigc_page_t  page;

    static ngx_str_t  front = ngx_string("/");

    if (ngx_http_aigc_is_person(r) != NGX_OK) {
        return ngx_http_aigc_problem(r, code, detail);
    }

    ngx_http_aigc_page_problem(&page, ngx_http_aigc_code(code), detail);

    page.sign_in = rd ? *rd : front;

    return ngx_http_aigc_page(r, &page);
}


static void
ngx_http_aigc_page_problem(ngx_http_aigc_page_t *page,
    const ngx_http_aigc_code_t *code, const char *detail)
{
    ngx_memzero(page, sizeof(ngx_http_aigc_page_t));

    page->status = code->status;
    page->id = (char *) code->text.data;
    page->words = ngx_http_aigc_problem_words(page->id);
    page->detail.data = (u_char *) (detail ? detail : code->detail);
    page->detail.len = ngx_strlen(page->detail.data);
}
