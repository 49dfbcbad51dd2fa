/*
 * base/ngx_http_aigc_words.c — the words; src/i18n of the dashboard has the
 * same ones for its own pages.
 */

#include "ngx_http_aigc_words.h"

#include "ngx_aigc_text.h"


typedef struct {
    const char  *codes[6];
    const char  *text;          /* what the text has to speak of; NULL: any */
    const char  *why[NGX_AIGC_LANGUAGES];
} ngx_http_aigc_why_t;


static const ngx_http_aigc_words_t *ngx_http_aigc_words_of(
    const ngx_http_aigc_words_t *words, ngx_uint_t n, const char *code);
static ngx_uint_t ngx_http_aigc_why_is(const ngx_http_aigc_why_t *why,
    ngx_str_t *code, ngx_str_t *text);


static const ngx_http_aigc_words_t  ngx_http_aigc_states[] = {
    { "pending",
      { "Starting", "启动中" },
      { "This page goes on by itself.", "页面会自动继续。" } },
    { "starting",
      { "Starting", "启动中" },
      { "This page goes on by itself.", "页面会自动继续。" } },
    { "failing",
      { "It does not start", "无法启动" },
      { "Restart or release it on the dashboard.",
        "可以在控制台重启或释放它。" } },
    { "stopping",
      { "Stopping", "停止中" },
      { "It is being stopped.", "正在停止。" } },
    { "released",
      { "Released", "已释放" },
      { "It does not run, and its disk is kept. Start it, and it is back "
        "under this address.",
        "它没有运行，数据盘已保留。启动后仍使用此网址。" } },
    { "uninstalling",
      { "Being uninstalled", "卸载中" },
      { "This address will be gone in a moment.", "此网址即将失效。" } },
    { "ready",
      { "Almost there", "即将就绪" },
      { "This page goes on by itself.", "页面会自动继续。" } }
};


static const ngx_http_aigc_words_t  ngx_http_aigc_problems[] = {
    { "not-owner",
      { "Not yours", "不属于你" },
      { "This application belongs to somebody else, and only its owner gets "
        "in.",
        "此应用属于其他用户，只有其所有者可以访问。" } },
    { "foreign-disk",
      { "Its disk is not yours", "数据盘不在你名下" },
      { "The disk of this application is not recorded as yours. Tell your "
        "administrator.",
        "此应用的数据盘没有登记在你名下，请告知管理员。" } },
    { "host-collision",
      { "Two claim this address", "网址冲突" },
      { "Two applications claim this address. Tell your administrator.",
        "两个应用同时占用此网址，请告知管理员。" } },
    { "unknown-host",
      { "There is nothing here", "这里什么也没有" },
      { "There is no application with this address. It may have been "
        "uninstalled.",
        "没有使用此网址的应用，它可能已被卸载。" } },
    { "starting",
      { "The cluster cannot be reached", "无法连接集群" },
      { "The gateway has not seen the cluster yet. This page tries again by "
        "itself.",
        "网关尚未获取集群状态，页面会自动重试。" } },
    { "stale",
      { "The cluster cannot be reached", "无法连接集群" },
      { "The gateway has not heard from the cluster for too long. This page "
        "tries again by itself.",
        "网关已太久没有收到集群的消息，页面会自动重试。" } },
    { "busy",
      { "One moment", "请稍候" },
      { "The gateway cannot decide right now. This page tries again by "
        "itself.",
        "网关暂时无法处理，页面会自动重试。" } },
    { "no-answer",
      { "It does not answer", "应用没有响应" },
      { "The application runs, but gives no answer: it may be starting anew. "
        "This page tries again by itself.",
        "应用正在运行，但没有响应，可能正在重启。页面会自动重试。" } },
    { "late-answer",
      { "It takes too long", "响应超时" },
      { "The application has not answered in time. This page tries again by "
        "itself.",
        "应用没有及时响应，页面会自动重试。" } },
    { "no-answer-form",
      { "It does not answer", "应用没有响应" },
      { "The application gave no answer. What you have sent may have arrived, "
        "or not: go back and look before you send it again.",
        "应用没有响应。你提交的内容可能已送达，也可能没有。请返回确认后再提交。" } },
    { "sign-in-unavailable",
      { "The sign-in service cannot be reached", "无法连接登录服务" },
      { "Nobody can sign in right now. This page tries again by itself.",
        "目前无法登录，页面会自动重试。" } },
    { "ticket-refused",
      { "Once more, please", "请再试一次" },
      { "This way in was used already, is too old, or is for another browser.",
        "此入口已被使用、已过期，或属于另一浏览器。" } },
    { "not-signed-in",
      { "Sign in again", "请重新登录" },
      { "Your session is over, and what you sent was not passed on. Open the "
        "page anew, which signs you in, and send it again.",
        "会话已结束，你提交的内容没有送达。请重新打开页面（会自动登录）后再提交。" } },
    { "cross-origin",
      { "Not from this page", "请求被拒绝" },
      { "It was sent from a page of another address, and was not passed on.",
        "请求来自其他网址的页面，没有送达。" } },
    { "not-ready",
      { "One moment", "请稍候" },
      { "The application is not ready. This page tries again by itself.",
        "应用尚未就绪，页面会自动重试。" } },
    { "sign-in-refused",
      { "You cannot sign in", "无法登录" },
      { "The sign-in service has refused. Ask your administrator.",
        "登录服务拒绝了请求，请联系管理员。" } },
    { "sign-in-cancelled",
      { "You are not signed in", "尚未登录" },
      { "The sign-in was cancelled. You can begin again whenever you like.",
        "登录已取消，可随时重新登录。" } },
    { "sign-in-failed",
      { "The sign-in did not work", "登录失败" },
      { "It was not begun in this browser, or this browser keeps no cookies of "
        "this site. Begin again.",
        "登录不是从此浏览器发起，或浏览器没有保留本站的 Cookie。"
        "请重新登录。" } },
    { "sign-in-framed",
      { "Sign in in a window of its own", "请在单独的窗口中登录" },
      { "This was asked for by a part of another page. Open this site in a "
        "window of its own.",
        "登录请求来自另一个页面的一部分。请在单独的窗口中打开本站。" } },
    { "rd-too-long",
      { "This address is too long", "网址过长" },
      { "It cannot be kept through a sign-in. You will come to its front page; "
        "open the address once more from there.",
        "登录过程中无法保留此网址。登录后将进入首页，请在那里再次打开它。" } },
    { "session-too-large",
      { "Your account has too much in it", "账户信息过多" },
      { "Your ID token does not fit a cookie. Ask your administrator for fewer "
        "custom claims or roles, or a shorter picture address or profile.",
        "你的 ID Token 超过 Cookie 的容量。请联系管理员减少自定义声明或角色，"
        "或缩短头像网址和个人资料。" } }
};


static const ngx_http_aigc_why_t  ngx_http_aigc_all_why[] = {
    { { "Unschedulable", "FailedScheduling" }, "gpu",
      { "No GPU is free right now. It starts by itself as soon as somebody "
        "releases one.",
        "目前没有空闲的 GPU。一旦有人释放，应用会自动启动。" } },
    { { "Unschedulable", "FailedScheduling" }, "volume",
      { "Its disk cannot be attached yet.", "数据盘暂时无法挂载。" } },
    { { "Unschedulable", "FailedScheduling" }, NULL,
      { "The cluster has no room for it right now. It starts by itself as "
        "soon as there is some.",
        "集群目前没有空余资源。有空余后会自动启动。" } },
    { { "FailedBinding", "FailedAttachVolume", "FailedMount",
        "FailedMapVolume" }, NULL,
      { "Its disk cannot be attached yet. Mostly that is over in a minute or "
        "two.",
        "数据盘暂时无法挂载，通常一两分钟内会恢复。" } },
    { { "ImagePullBackOff", "ErrImagePull", "InvalidImageName",
        "ErrImageNeverPull", "InspectFailed" }, NULL,
      { "Its image cannot be loaded. If that does not end, tell your "
        "administrator.",
        "镜像无法拉取。如果一直如此，请告知管理员。" } },
    { { "CrashLoopBackOff", "Error", "OOMKilled", "BackOff" }, "OOMKilled",
      { "The application has used up its memory and was ended.",
        "应用用尽内存被终止。" } },
    { { "CrashLoopBackOff", "Error", "OOMKilled", "BackOff" }, NULL,
      { "The application ends right after its start.",
        "应用启动后立即退出。" } },
    { { "CreateContainerConfigError", "CreateContainerError",
        "RunContainerError" }, NULL,
      { "The application cannot be started as its template says. Tell your "
        "administrator.",
        "模板的配置无法启动此应用，请告知管理员。" } },
    { { "FailedCreatePodSandBox", "NetworkNotReady", "NoAddress" }, NULL,
      { "Its network is not ready yet.", "网络尚未就绪。" } },
    { { "NoPod" }, NULL,
      { "The cluster has not made it yet. If that does not end, tell your "
        "administrator.",
        "集群尚未创建此应用。如果一直如此，请告知管理员。" } },
    { { "Terminating" }, NULL,
      { "The former run has not ended yet.", "上一次运行尚未结束。" } },
    { { "StuckTerminating" }, NULL,
      { "The former run does not end. Tell your administrator, who has to end "
        "it.",
        "上一次运行无法结束。请告知管理员，需由管理员强制结束。" } }
};


static const ngx_http_aigc_labels_t  ngx_http_aigc_all_labels[] = {
    { "en", "Start…", "Sign in", "Dashboard", "Details", "It did not work" },
    { "zh-CN", "启动…", "登录", "控制台", "详情", "操作失败" }
};


const ngx_http_aigc_words_t *
ngx_http_aigc_state_words(const char *state)
{
    return ngx_http_aigc_words_of(ngx_http_aigc_states,
                                  sizeof(ngx_http_aigc_states)
                                  / sizeof(ngx_http_aigc_words_t), state);
}


const ngx_http_aigc_words_t *
ngx_http_aigc_problem_words(const char *code)
{
    return ngx_http_aigc_words_of(ngx_http_aigc_problems,
                                  sizeof(ngx_http_aigc_problems)
                                  / sizeof(ngx_http_aigc_words_t), code);
}


static const ngx_http_aigc_words_t *
ngx_http_aigc_words_of(const ngx_http_aigc_words_t *words, ngx_uint_t n,
    const char *code)
{
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_strcmp(words[i].code, code) == 0) {
            return &words[i];
        }
    }

    return NULL;
}


const ngx_http_aigc_labels_t *
ngx_http_aigc_labels(ngx_aigc_language_e language)
{
    return &ngx_http_aigc_all_labels[language];
}


const char *
ngx_http_aigc_why(ngx_aigc_language_e language, ngx_str_t *code,
    ngx_str_t *text)
{
    ngx_uint_t  i;

    for (i = 0; i < sizeof(ngx_http_aigc_all_why)
                    / sizeof(ngx_http_aigc_why_t); i++)
    {
        if (ngx_http_aigc_why_is(&ngx_http_aigc_all_why[i], code, text)) {
            return ngx_http_aigc_all_why[i].why[language];
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_aigc_why_is(const ngx_http_aigc_why_t *why, ngx_str_t *code,
    ngx_str_t *text)
{
    ngx_uint_t  i;

    for (i = 0; i < 6 && why->codes[i]; i++) {

        if (!ngx_aigc_text_is(code, why->codes[i])) {
            continue;
        }

        return why->text == NULL
               || ngx_strlcasestrn(text->data, text->data + text->len,
                                   (u_char *) why->text,
                                   ngx_strlen(why->text) - 1)
                  != NULL;
    }

    return 0;
}
