/* Reading a request and writing its answer (sim.h): no HTTP library here. */

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "text.h"

void
sim_add_header(
    struct sim_response *resp, const char *name, const char *fmt, ...)
{
	va_list ap;

	buf_addf(&resp->headers, "%s: ", name);
	va_start(ap, fmt);
	buf_vaddf(&resp->headers, fmt, ap);
	va_end(ap);
	buf_addc(&resp->headers, '\n');
}

void
sim_json(struct sim_response *resp, int status, cJSON *tree)
{
	char *text = cJSON_PrintUnformatted(tree);

	resp->status = status;
	buf_reset(&resp->body);
	buf_adds(&resp->body, text != NULL ? text : "{}");
	if (strstr(buf_text(&resp->headers), "Content-Type: ") == NULL)
		sim_add_header(
		    resp, "Content-Type", "application/json; charset=UTF-8");
	cJSON_free(text);
	cJSON_Delete(tree);
}

static void
percent_decode(struct buf *out, const char *p, size_t n)
{
	char digits[3] = "";
	uint8_t byte;
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == '%' && i + 2 < n) {
			memcpy(digits, p + i + 1, 2);
			if (text_unhex(&byte, 1, digits) == 0) {
				buf_addc(out, (char)byte);
				i += 2;
				continue;
			}
		}
		buf_addc(out, p[i] == '+' ? ' ' : p[i]);
	}
}

static bool
fits(char *out, size_t size, const struct buf *value)
{
	if (value->len >= size)
		return false;
	memcpy(out, buf_text(value), value->len + 1);
	return true;
}

bool
sim_query(char *out, size_t size, const struct sim_request *r, const char *name)
{
	const char *p = r->query, *end, *eq;
	struct buf key = {0}, value = {0};
	bool found = false;

	for (; *p != '\0' && !found; p = *end == '&' ? end + 1 : end) {
		end = p + strcspn(p, "&");
		eq = memchr(p, '=', (size_t)(end - p));
		if (eq == NULL)
			eq = end;
		buf_reset(&key);
		percent_decode(&key, p, (size_t)(eq - p));
		if (strcmp(buf_text(&key), name) != 0)
			continue;
		if (eq < end)
			percent_decode(&value, eq + 1, (size_t)(end - eq - 1));
		found = true;
	}
	if (found)
		found = fits(out, size, &value);
	buf_clear(&key);
	buf_clear(&value);
	return found;
}

bool
sim_cookie(
    char *out, size_t size, const struct sim_request *r, const char *name)
{
	const char *p = sim_header(r, "Cookie"), *end;
	size_t n = strlen(name), len;

	for (; p != NULL && *p != '\0'; p = *end == ';' ? end + 1 : end) {
		p += strspn(p, " ");
		end = p + strcspn(p, ";");
		if (strncmp(p, name, n) != 0 || p[n] != '=')
			continue;
		p += n + 1;
		len = (size_t)(end - p);
		if (len >= size)
			return false;
		memcpy(out, p, len);
		out[len] = '\0';
		return true;
	}
	return false;
}
