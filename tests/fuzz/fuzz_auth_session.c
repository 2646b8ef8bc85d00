#include "fuzz.h"

#include "auth_p.h"
#include "buf.h"
#include "err.h"
#include "session.h"

/*
 * A session file: what is read and written again reads equal, also after its
 * login is forgotten, and no text of it could end a line of a request.
 */

static void
look_at_text(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		must((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void
look_at(const struct session *s)
{
	must(s->account != NULL && *s->account != '\0');
	must(s->client_id != NULL);
	look_at_text(s->account);
	look_at_text(s->client_id);
	look_at_text(s->session_token);
	look_at_text(s->session_id);
	look_at_text(s->scnt);
	look_at_text(s->auth_attributes);
	look_at_text(s->account_country);
	look_at_text(s->trust_token);
	look_at_text(s->dsid);
	look_at_text(s->ckdatabase_url);
	look_at_text(s->phone_id);
	must(s->region == SESSION_COM || s->region == SESSION_CN);
	must(s->stage >= SESSION_NONE && s->stage <= SESSION_SIGNED_IN);
	must(s->code_via >= SESSION_CODE_NONE &&
	    s->code_via <= SESSION_CODE_VOICE);
	must(s->phone_non_fteu >= -1 && s->phone_non_fteu <= 1);
	must(s->trust_expires_ms >= 0 && s->last_srp_ms >= 0);
}

static void
look_at_round_trip(const struct session *s)
{
	struct buf first = {0}, second = {0};
	struct session *again;

	session_write(&first, s);
	must(session_read(&again, buf_text(&first), first.len, NULL) == 0);
	must(fuzz_same(s->account, again->account));
	must(fuzz_same(s->scnt, again->scnt));
	must(fuzz_same(s->trust_token, again->trust_token));
	must(s->stage == again->stage && s->region == again->region);
	must(s->trust_expires_ms == again->trust_expires_ms);
	must(s->cookies.len == again->cookies.len);
	must(memcmp(buf_text(&s->cookies), buf_text(&again->cookies),
		 s->cookies.len) == 0);
	session_write(&second, again);
	must(strcmp(buf_text(&first), buf_text(&second)) == 0);
	session_free(again);
	buf_clear(&first);
	buf_clear(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = ERR_INIT;
	struct session *s;

	if (session_read(&s, (const char *)data, n, &e) == -1) {
		must(s == NULL && e.code == ERR_BAD_STATE);
		must(e.next[0] != '\0');
		return 0;
	}
	look_at(s);
	look_at_round_trip(s);
	session_forget_login(s);
	must(s->session_token == NULL && s->scnt == NULL);
	must(s->stage == SESSION_NONE && s->code_via == SESSION_CODE_NONE);
	look_at(s);
	look_at_round_trip(s);
	session_free(s);
	return 0;
}
