#ifndef HTTP_P_H
#define HTTP_P_H

#include <curl/curl.h>

#include "http.h"

/* What http.c and cookies.c have of each other. */

/* A handle that never sends, and shares the cookies of all. */
CURL *http_jar(struct http *);

/* An empty value is how the server deletes a cookie; libcurl would keep and
 * send it [cookies]. */
void http_cookies_remove_empty(struct http *);

#endif
