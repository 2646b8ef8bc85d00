#include "auth_p.h"

#include "err.h"
#include "retry.h"
#include "text.h"

/*
 * The second proof [escrow]: since 2026 Apple may ask for it after a trust
 * token or a code was accepted.  It is the SRP exchange once more with the
 * name "" and with the shared key handed over; without it the browser is not
 * remembered.
 */

static int
escrow_init(
    struct auth *a, struct proof *p, const char *password, struct err *e)
{
	struct wire_request r = {
	    .method = "POST", .path = "/escrow/init", .retry = &retry_sign_in};
	struct wire_answer ans;
	struct buf body;
	int rc;

	buf_init_secret(&body, 0);
	proof_begin(p, &body, "");
	r.body = buf_text(&body);
	r.body_len = body.len;
	rc = wire_idmsa(&ans, a, &r, e);
	if (rc == 0 && ans.status == 200)
		rc = proof_compute(p, &ans, "", password, e);
	else if (rc == 0)
		rc = wire_refused(a, &ans, "the second proof", e);
	wire_clear(&ans);
	buf_clear(&body);
	return rc;
}

/* Only once, and so on a new connection: a proof that was on its way may have
 * been taken. */
static int
escrow_complete(struct auth *a, const struct proof *p, struct err *e)
{
	struct wire_request r = {
	    .method = "POST", .path = "/escrow/complete", .fresh = true};
	struct wire_answer ans;
	struct buf body;
	int rc;

	buf_init_secret(&body, 0);
	buf_addc(&body, '{');
	proof_add(&body, p);
	buf_adds(&body, ",\"k\":\"");
	text_base64(&body, p->values.k, SRP_HASH);
	buf_adds(&body, "\"}");
	r.body = buf_text(&body);
	r.body_len = body.len;
	rc = wire_idmsa(&ans, a, &r, e);
	if (rc == 0 && ans.status == 401 && !a->proved)
		rc = err_set(e, ERR_PASSWORD,
		    "Run icloud-pull login and give the password again.",
		    "Apple did not accept the password for %s when it asked a "
		    "second time.",
		    a->s->account);
	else if (rc == 0 && (ans.status < 200 || ans.status > 299))
		rc = wire_refused(a, &ans, "the second proof", e);
	wire_clear(&ans);
	buf_clear(&body);
	return rc;
}

int
escrow_prove(struct auth *a, const char *password, struct err *e)
{
	struct proof p = {0};
	int rc;

	if (password == NULL || *password == '\0')
		return err_set(e, ERR_PASSWORD,
		    "Run icloud-pull login with the password at hand.",
		    "Apple asks for the password of %s a second time.",
		    a->s->account);
	rc = escrow_init(a, &p, password, e);
	if (rc == 0)
		rc = escrow_complete(a, &p, e);
	proof_clear(&p);
	return rc;
}
