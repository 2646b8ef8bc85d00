#include "auth_p.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"
#include "text.h"

void
proof_begin(struct proof *p, struct buf *out, const char *account)
{
	uint8_t pub[SRP_BYTES];

	proof_clear(p);
	p->srp = srp_new(NULL);
	srp_public(pub, p->srp);
	buf_adds(out, "{\"a\":\"");
	text_base64(out, pub, sizeof(pub));
	buf_adds(out, "\",\"accountName\":");
	buf_add_json(out, account);
	buf_adds(out, ",\"protocols\":[\"s2k\",\"s2k_fo\"]}");
}

static int
protocol_of(enum srp_protocol *out, const cJSON *json)
{
	const char *name = json_str(json, "protocol");

	if (name != NULL && strcmp(name, "s2k") == 0)
		*out = SRP_S2K;
	else if (name != NULL && strcmp(name, "s2k_fo") == 0)
		*out = SRP_S2K_FO;
	else
		return -1;
	return 0;
}

/* c goes back byte by byte: what is in it is Apple's affair [signin-init]. */
static int
keep_challenge(struct proof *p, const struct buf *body)
{
	struct json_span all, c;

	if (json_span_all(&all, buf_text(body), body->len, NULL) == -1)
		return -1;
	c = json_span_get(all, "c");
	if (c.p == NULL)
		return -1;
	p->c = xstrndup(c.p, c.len);
	return 0;
}

static int
unbase64_member(struct buf *out, const cJSON *json, const char *name)
{
	const char *text = json_str(json, name);

	return text == NULL ? -1 : text_unbase64(out, text, strlen(text));
}

int
proof_compute(struct proof *p, const struct wire_answer *ans,
    const char *account, const char *password, struct err *e)
{
	struct srp_challenge ch = {0};
	struct buf salt, b;
	int rc = -1;

	/* None is longer; what is comes to an end before it is kept. */
	buf_init(&salt, SRP_BYTES);
	buf_init(&b, SRP_BYTES);
	if (unbase64_member(&salt, ans->json, "salt") == -1 ||
	    unbase64_member(&b, ans->json, "b") == -1 ||
	    !json_int(&ch.iterations, ans->json, "iteration") ||
	    keep_challenge(p, &ans->resp.body) == -1) {
		err_set(e, ERR_PROTOCOL,
		    "Try again later; if it stays so, look for a newer "
		    "icloud-pull.",
		    "Apple's sign-in sent a challenge that was not "
		    "understood.");
		goto out;
	}
	if (protocol_of(&ch.protocol, ans->json) == -1) {
		err_set(e, ERR_PROTOCOL, "Look for a newer icloud-pull.",
		    "Apple changed its sign-in protocol.");
		goto out;
	}
	ch.salt = (const uint8_t *)buf_text(&salt);
	ch.salt_len = salt.len;
	ch.b = (const uint8_t *)buf_text(&b);
	ch.b_len = b.len;
	rc = srp_prove(&p->values, p->srp, account, password, &ch, e);
out:
	buf_clear(&salt);
	buf_clear(&b);
	return rc;
}

void
proof_add(struct buf *out, const struct proof *p)
{
	buf_adds(out, "\"m1\":\"");
	text_base64(out, p->values.m1, SRP_HASH);
	buf_adds(out, "\",\"m2\":\"");
	text_base64(out, p->values.m2, SRP_HASH);
	buf_adds(out, "\",\"c\":");
	buf_adds(out, p->c);
}

void
proof_clear(struct proof *p)
{
	srp_free(p->srp);
	secret_free(p->c);
	secret_wipe(p, sizeof(*p));
}
