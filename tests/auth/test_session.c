#include "test.h"

#include "buf.h"
#include "err.h"
#include "session.h"

/*
 * The stored session [session-record]: it comes back as it was, and anything
 * else is ERR_BAD_STATE.
 */

static void
set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static const char cookies[] =
    "#HttpOnly_.icloud.com\tTRUE\t/\tTRUE\t4102444800\tX-APPLE-WEBAUTH-TOKEN"
    "\t\"v=2:t=XB==GVQ_\\~~\"\n"
    ".icloud.com\tTRUE\t/\tTRUE\t0\tX-APPLE-WEBAUTH-VALIDATE\t\"v=1\"\n"
    "idmsa.apple.com\tFALSE\t/\tTRUE\t0\taasp\t1234\n"
    "#HttpOnly_.apple.com\tTRUE\t/\tTRUE\t4102444800\tacn01\tabc+d/e=\n"
    ".apple.com\tTRUE\t/\tTRUE\t0\tdslang\tUS-EN\n"
    "#HttpOnly_.idmsa.apple.com\tTRUE\t/\tTRUE\t4102444800\tDES5a\tHSARM\n"
    "pineapple.com\tFALSE\t/\tTRUE\t0\tbyte\t\xff\x01\n";

static struct session *
full(void)
{
	struct session *s = session_new("jd@example.com");

	set(&s->session_token, "token-0000000042");
	set(&s->session_id, "sess-0000000042");
	set(&s->scnt, "scnt with \"quotes\" and \\");
	set(&s->auth_attributes, "attr==");
	set(&s->account_country, "USA");
	set(&s->trust_token, "HSARMTKNSRV-0000000042");
	set(&s->dsid, "20000000042");
	set(&s->ckdatabase_url, "https://p61-ckdatabasews.icloud.com:443");
	set(&s->phone_id, "\"a\"");
	s->region = SESSION_CN;
	s->stage = SESSION_NEEDS_CODE;
	s->trusted_sent = true;
	s->code_via = SESSION_CODE_VOICE;
	s->code_asked_ms = 1790000000001;
	s->phone_non_fteu = 1;
	s->code_tries = 2;
	s->trust_expires_ms = 1790000000002;
	s->last_validate_ms = 1790000000003;
	s->last_srp_ms = 1790000000004;
	s->last_unattended_srp_ms = 1790000000005;
	s->srp_not_before_ms = 1790000000006;
	s->login_not_before_ms = 1790000000007;
	s->srp_failures = 3;
	s->trust_began_ms = 1790000000008;
	s->last_renewal_ms = 1790000000009;
	s->renewed_until_ms = 1790000000010;
	s->trust_warned_ms = 1790000000011;
	s->setup_refused_ms = 1790000000012;
	s->setup_not_before_ms = 1790000000013;
	s->setup_login_not_before_ms = 1790000000014;
	s->cloud_refused_ms = 1790000000015;
	s->cloud_not_before_ms = 1790000000016;
	s->setup_failures = 4;
	s->password_refused = true;
	s->password_worked = true;
	s->idmsa_cn = s->stamp_wanted = true;
	s->adp = s->pcs_required = s->no_device = true;
	buf_adds(&s->cookies, cookies);
	return s;
}

static void
assert_same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void
assert_same(const struct session *a, const struct session *b)
{
	assert_same_text(a->account, b->account);
	assert_same_text(a->client_id, b->client_id);
	assert_same_text(a->session_token, b->session_token);
	assert_same_text(a->session_id, b->session_id);
	assert_same_text(a->scnt, b->scnt);
	assert_same_text(a->auth_attributes, b->auth_attributes);
	assert_same_text(a->account_country, b->account_country);
	assert_same_text(a->trust_token, b->trust_token);
	assert_same_text(a->dsid, b->dsid);
	assert_same_text(a->ckdatabase_url, b->ckdatabase_url);
	assert_same_text(a->phone_id, b->phone_id);
	assert_int_equal(a->region, b->region);
	assert_int_equal(a->stage, b->stage);
	assert_int_equal(a->trusted_sent, b->trusted_sent);
	assert_int_equal(a->code_via, b->code_via);
	assert_int_equal(a->code_asked_ms, b->code_asked_ms);
	assert_int_equal(a->phone_non_fteu, b->phone_non_fteu);
	assert_int_equal(a->code_tries, b->code_tries);
	assert_int_equal(a->trust_expires_ms, b->trust_expires_ms);
	assert_int_equal(a->last_validate_ms, b->last_validate_ms);
	assert_int_equal(a->last_srp_ms, b->last_srp_ms);
	assert_int_equal(a->last_unattended_srp_ms, b->last_unattended_srp_ms);
	assert_int_equal(a->srp_not_before_ms, b->srp_not_before_ms);
	assert_int_equal(a->login_not_before_ms, b->login_not_before_ms);
	assert_int_equal(a->srp_failures, b->srp_failures);
	assert_int_equal(a->trust_began_ms, b->trust_began_ms);
	assert_int_equal(a->last_renewal_ms, b->last_renewal_ms);
	assert_int_equal(a->renewed_until_ms, b->renewed_until_ms);
	assert_int_equal(a->trust_warned_ms, b->trust_warned_ms);
	assert_int_equal(a->setup_refused_ms, b->setup_refused_ms);
	assert_int_equal(a->setup_not_before_ms, b->setup_not_before_ms);
	assert_int_equal(
	    a->setup_login_not_before_ms, b->setup_login_not_before_ms);
	assert_int_equal(a->cloud_refused_ms, b->cloud_refused_ms);
	assert_int_equal(a->cloud_not_before_ms, b->cloud_not_before_ms);
	assert_int_equal(a->setup_failures, b->setup_failures);
	assert_int_equal(a->idmsa_cn, b->idmsa_cn);
	assert_int_equal(a->stamp_wanted, b->stamp_wanted);
	assert_int_equal(a->password_refused, b->password_refused);
	assert_int_equal(a->password_worked, b->password_worked);
	assert_int_equal(a->adp, b->adp);
	assert_int_equal(a->pcs_required, b->pcs_required);
	assert_int_equal(a->no_device, b->no_device);
	assert_string_equal(buf_text(&a->cookies), buf_text(&b->cookies));
	assert_int_equal(a->cookies.len, b->cookies.len);
}

static void
round_trip(struct session *s)
{
	struct session *back = NULL;
	struct err e = ERR_INIT;
	struct buf text = {0}, again = {0};

	session_write(&text, s);
	assert_int_equal(session_read(&back, buf_text(&text), text.len, &e), 0);
	assert_same(s, back);
	session_write(&again, back);
	assert_string_equal(buf_text(&text), buf_text(&again));
	session_free(back);
	session_free(s);
	buf_clear(&text);
	buf_clear(&again);
}

static void
test_round_trip(void **state)
{
	(void)state;
	round_trip(session_new("jd@example.com"));
	round_trip(full());
}

/* Quotes belong to a cookie's value, and every byte comes back [cookies]. */
static void
test_cookies_survive(void **state)
{
	struct session *s = full(), *back = NULL;
	struct buf text = {0};

	(void)state;
	session_write(&text, s);
	assert_int_equal(
	    session_read(&back, buf_text(&text), text.len, NULL), 0);
	assert_string_equal(buf_text(&back->cookies), cookies);
	assert_int_equal(back->cookies.secret, 1);
	session_free(s);
	session_free(back);
	buf_clear(&text);
}

static void
test_every_prefix_is_damaged(void **state)
{
	struct session *s = full(), *back;
	struct buf text = {0};

	(void)state;
	session_write(&text, s);
	for (size_t n = 0; n < text.len; n++) {
		/* its own copy, so that reading behind it is seen */
		char *cut = malloc(n + 1);
		struct err e = ERR_INIT;

		assert_non_null(cut);
		memcpy(cut, text.data, n);
		back = s;
		assert_int_equal(session_read(&back, cut, n, &e), -1);
		assert_int_equal(e.code, ERR_BAD_STATE);
		assert_true(e.what[0] != '\0' && e.next[0] != '\0');
		assert_null(back);
		free(cut);
	}
	session_free(s);
	buf_clear(&text);
}

/* Each byte changed in turn: read or refused, never worse. */
static void
test_every_byte_changed(void **state)
{
	static const char change[] = {'\0', '"', '\\', '\n', '9', '}', '\xff'};
	struct session *s = full(), *back;
	struct buf text = {0};

	(void)state;
	session_write(&text, s);
	for (size_t i = 0; i < text.len; i++)
		for (size_t k = 0; k < sizeof(change); k++) {
			char before = text.data[i];
			struct err e = ERR_INIT;

			text.data[i] = change[k];
			if (session_read(&back, text.data, text.len, &e) == 0)
				session_free(back);
			else
				assert_int_equal(e.code, ERR_BAD_STATE);
			text.data[i] = before;
		}
	session_free(s);
	buf_clear(&text);
}

#define HEAD "{\"version\":1,\"account\":\"jd\",\"client_id\":\"auth-x\""

static const struct {
	const char *text;
	bool good;
} texts[] = {
    {HEAD ",\"cookies\":\"\"}", true},
    {HEAD ",\"cookies\":\"\",\"of_a_later_version\":[{}]}", true},
    {"  " HEAD ",\"cookies\":\"\"}\n", true},
    {HEAD ",\"cookies\":\"\",\"phone_non_fteu\":-1}", true},
    {HEAD ",\"cookies\":\"\",\"stage\":2}", true},
    {"", false},
    {"{}", false},
    {"[]", false},
    {"null", false},
    {"\"version\"", false},
    {"{\"version\":0,\"account\":\"jd\",\"client_id\":\"x\",\"cookies\":\"\"}",
	false},
    {"{\"version\":\"x\",\"account\":\"j\",\"client_id\":\"x\","
     "\"cookies\":\"\"}",
	false},
    {HEAD "}", false}, /* no cookies */
    {"{\"version\":1,\"client_id\":\"x\",\"cookies\":\"\"}", false},
    {"{\"version\":1,\"account\":\"\",\"client_id\":\"x\",\"cookies\":\"\"}",
	false},
    {"{\"version\":1,\"account\":\"jd\",\"cookies\":\"\"}", false},
    {HEAD ",\"cookies\":\"*\"}", false},
    {HEAD ",\"cookies\":[]}", false},
    {HEAD ",\"cookies\":\"\",\"scnt\":7}", false},
    {HEAD ",\"cookies\":\"\",\"scnt\":\"a\\nb: c\"}", false},
    {HEAD ",\"cookies\":\"\",\"scnt\":\"a\\u007f\"}", false},
    {HEAD ",\"cookies\":\"\",\"scnt\":\"a\xff\"}", false},
    {HEAD ",\"cookies\":\"\",\"last_srp_ms\":\"9223372036854775807\"}", false},
    {HEAD ",\"cookies\":\"\",\"stage\":3}", false},
    {HEAD ",\"cookies\":\"\",\"stage\":-1}", false},
    {HEAD ",\"cookies\":\"\",\"region\":2}", false},
    {HEAD ",\"cookies\":\"\",\"code_via\":4}", false},
    {HEAD ",\"cookies\":\"\",\"phone_non_fteu\":2}", false},
    {HEAD ",\"cookies\":\"\",\"last_srp_ms\":-5}", false},
    {HEAD ",\"cookies\":\"\",\"last_srp_ms\":1.5}", false},
    {HEAD ",\"cookies\":\"\",\"srp_failures\":true}", false},
    {HEAD ",\"cookies\":\"\"} x", false},
};

static void
test_odd_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct session *s = NULL;
		struct err e = ERR_INIT;
		int rc;

		rc = session_read(&s, texts[i].text, strlen(texts[i].text), &e);
		if ((rc == 0) != texts[i].good)
			fail_msg("%s", texts[i].text);
		if (rc == -1)
			assert_int_equal(e.code, ERR_BAD_STATE);
		session_free(s);
	}
}

/* A time beyond what a number of JSON holds comes back as the last one. */
static void
test_late_times(void **state)
{
	struct session *s = full(), *back = NULL;
	struct buf text = {0};

	(void)state;
	s->trust_expires_ms = INT64_MAX;
	s->last_srp_ms = (INT64_C(1) << 53) + 1;
	session_write(&text, s);
	assert_int_equal(
	    session_read(&back, buf_text(&text), text.len, NULL), 0);
	assert_int_equal(back->trust_expires_ms, INT64_C(1) << 53);
	assert_int_equal(back->last_srp_ms, INT64_C(1) << 53);
	session_free(s);
	session_free(back);
	buf_clear(&text);
}

static void
test_newer_version(void **state)
{
	static const char text[] =
	    "{\"version\":2,\"account\":{\"now\":\"an object\"}}";
	struct session *s = NULL;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(session_read(&s, text, strlen(text), &e), -1);
	assert_int_equal(e.code, ERR_BAD_STATE);
	assert_non_null(strstr(e.what, "newer"));
	assert_null(s);
}

/* What a sign-in that failed leaves to the session of before: waits, and the
 * trust that it had won; nothing that could end what works. */
static void
test_learn(void **state)
{
	struct session *kept = full(), *failed = full(), *before = full();
	struct buf text = {0}, again = {0};

	(void)state;
	set(&before->client_id, kept->client_id);
	failed->last_srp_ms = failed->last_unattended_srp_ms = 1;
	failed->srp_not_before_ms = failed->login_not_before_ms = 2;
	failed->setup_refused_ms = failed->setup_not_before_ms = 3;
	failed->setup_login_not_before_ms = 4;
	failed->last_renewal_ms = failed->renewed_until_ms = 5;
	failed->srp_failures = failed->setup_failures = 9;
	failed->password_refused = failed->stamp_wanted = false;
	failed->trust_expires_ms = failed->trust_began_ms = 6;
	set(&failed->session_token, "other");
	set(&failed->scnt, "other");
	failed->stage = SESSION_NONE;
	failed->region = SESSION_COM;
	buf_reset(&failed->cookies);
	session_learn(kept, failed);
	assert_int_equal(kept->last_srp_ms, 1);
	assert_int_equal(kept->last_unattended_srp_ms, 1);
	assert_int_equal(kept->srp_not_before_ms, 2);
	assert_int_equal(kept->login_not_before_ms, 2);
	assert_int_equal(kept->setup_refused_ms, 3);
	assert_int_equal(kept->setup_not_before_ms, 3);
	assert_int_equal(kept->setup_login_not_before_ms, 4);
	assert_int_equal(kept->last_renewal_ms, 5);
	assert_int_equal(kept->renewed_until_ms, 5);
	assert_int_equal(kept->srp_failures, 9);
	assert_int_equal(kept->setup_failures, 9);
	assert_false(kept->password_refused);
	assert_false(kept->stamp_wanted);
	/* all else is as it was */
	session_learn(kept, before);
	session_write(&text, before);
	session_write(&again, kept);
	assert_string_equal(buf_text(&text), buf_text(&again));
	/* a trust token that is new, with the end that goes with it */
	set(&failed->trust_token, "HSARMTKNSRV-new");
	session_learn(kept, failed);
	assert_string_equal(kept->trust_token, "HSARMTKNSRV-new");
	assert_int_equal(kept->trust_expires_ms, 6);
	set(&failed->trust_token, NULL);
	session_learn(kept, failed);
	assert_string_equal(kept->trust_token, "HSARMTKNSRV-new");
	session_free(kept);
	session_free(failed);
	session_free(before);
	buf_clear(&text);
	buf_clear(&again);
}

/* Nothing that is asked for and forgotten has a place in the record. */
static void
test_no_password(void **state)
{
	static const char *const words[] = {"\"password\"", "\"m1\"", "\"m2\"",
	    "\"k\"", "\"c\"", "\"code\"", "\"salt\"", "\"srp\""};
	struct session *s = full();
	struct buf text = {0};

	(void)state;
	session_write(&text, s);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_null(strstr(buf_text(&text), words[i]));
	session_free(s);
	buf_clear(&text);
}

/* [never-drop-trust]: what an ended session leaves, and what stays. */
static void
test_forget_login(void **state)
{
	struct session *s = full();
	const char *left;

	(void)state;
	session_forget_login(s);
	assert_null(s->session_token);
	assert_null(s->session_id);
	assert_null(s->scnt);
	assert_null(s->auth_attributes);
	assert_null(s->phone_id);
	assert_int_equal(s->stage, SESSION_NONE);
	assert_int_equal(s->code_via, SESSION_CODE_NONE);
	assert_int_equal(s->code_tries, 0);
	assert_string_equal(s->trust_token, "HSARMTKNSRV-0000000042");
	assert_non_null(s->client_id);
	assert_string_equal(s->dsid, "20000000042");
	assert_int_equal(s->region, SESSION_CN);
	assert_int_equal(s->srp_not_before_ms, 1790000000006);
	left = buf_text(&s->cookies);
	assert_null(strstr(left, "aasp"));
	assert_null(strstr(left, "dslang"));
	assert_non_null(strstr(left, "acn01"));
	assert_non_null(strstr(left, "DES5a"));
	assert_non_null(strstr(left, "X-APPLE-WEBAUTH-TOKEN\t\"v=2:t=XB=="));
	assert_non_null(strstr(left, "pineapple.com"));
	session_free(s);
	session_free(NULL);
}

/* [account-name]: trimmed and lower-cased, in ASCII only. */
static void
test_account_name(void **state)
{
	static const struct {
		const char *typed, *name;
	} t[] = {
	    {"jd@example.com", "jd@example.com"},
	    {"  JD@Example.COM\r\n", "jd@example.com"},
	    {"\tJ D\t", "j d"},
	    {"J\xc3\x84@x", "j\xc3\x84@x"},
	    {"+49 151 2345", "+49 151 2345"},
	    {"   ", ""},
	    {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *name = session_account_name(t[i].typed);

		assert_string_equal(name, t[i].name);
		free(name);
	}
}

/* "auth-" and a random UUID of version 4, in lower case. */
static void
test_client_id(void **state)
{
	struct session *a = session_new(" JD@Example.com "),
		       *b = session_new("jd@example.com");
	const char *p = a->client_id;

	(void)state;
	assert_string_equal(a->account, "jd@example.com");
	assert_int_equal(strlen(p), 5 + 36);
	assert_memory_equal(p, "auth-", 5);
	for (size_t i = 5; p[i] != '\0'; i++)
		if (i == 13 || i == 18 || i == 23 || i == 28)
			assert_int_equal(p[i], '-');
		else
			assert_non_null(strchr("0123456789abcdef", p[i]));
	assert_int_equal(p[19], '4');
	assert_non_null(strchr("89ab", p[24]));
	assert_string_not_equal(p, b->client_id);
	assert_int_equal(a->phone_non_fteu, -1);
	assert_int_equal(a->stage, SESSION_NONE);
	session_free(a);
	session_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_cookies_survive),
	    cmocka_unit_test(test_every_prefix_is_damaged),
	    cmocka_unit_test(test_every_byte_changed),
	    cmocka_unit_test(test_odd_texts),
	    cmocka_unit_test(test_late_times),
	    cmocka_unit_test(test_newer_version),
	    cmocka_unit_test(test_learn),
	    cmocka_unit_test(test_no_password),
	    cmocka_unit_test(test_forget_login),
	    cmocka_unit_test(test_account_name),
	    cmocka_unit_test(test_client_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
