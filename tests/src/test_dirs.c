#include "test.h"

#include "dirs.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
finds_its_places(void **state)
{
#ifdef __APPLE__
#define STATE_AT "/Library/Application Support/icloud-pull"
#else
#define STATE_AT "/.local/state/icloud-pull"
#endif
	static const struct {
		const char *home, *xdg_state, *xdg_config;
		const char *state, *config; /* NULL: from the user data base */
	} table[] = {
	    {"/home/x", NULL, NULL, "/home/x" STATE_AT,
		"/home/x/.config/icloud-pull/config"},
	    {"/home/x", "/s", "/c", "/s/icloud-pull", "/c/icloud-pull/config"},
	    {NULL, "/s", "/c", "/s/icloud-pull", "/c/icloud-pull/config"},
	    /* what is not absolute is not set (XDG base directories) */
	    {"/home/x", "s", "", "/home/x" STATE_AT,
		"/home/x/.config/icloud-pull/config"},
	    {"x", NULL, NULL, NULL, NULL},
	    {NULL, NULL, NULL, NULL, NULL},
	};
	const struct {
		const char *name;
		size_t at;
	} variables[] = {
	    {"HOME", 0}, {"XDG_STATE_HOME", 1}, {"XDG_CONFIG_HOME", 2}};
	char *before[LEN(variables)];

	(void)state;
	for (size_t i = 0; i < LEN(variables); i++) {
		before[i] = getenv(variables[i].name);
		before[i] = before[i] != NULL ? strdup(before[i]) : NULL;
	}
	for (size_t i = 0; i < LEN(table); i++) {
		const char *const values[] = {
		    table[i].home, table[i].xdg_state, table[i].xdg_config};
		char *got_state, *got_config;

		for (size_t k = 0; k < LEN(variables); k++)
			if (values[k] != NULL)
				setenv(variables[k].name, values[k], 1);
			else
				unsetenv(variables[k].name);
		got_state = dirs_state();
		got_config = dirs_config_file();
		if (table[i].state != NULL) {
			assert_string_equal(got_state, table[i].state);
			assert_string_equal(got_config, table[i].config);
		} else {
			/* cron has no HOME; there may be no user either */
			assert_true(got_state == NULL || got_state[0] == '/');
			assert_true(got_config == NULL || got_config[0] == '/');
		}
		free(got_state);
		free(got_config);
	}
	for (size_t i = 0; i < LEN(variables); i++) {
		if (before[i] != NULL)
			setenv(variables[i].name, before[i], 1);
		else
			unsetenv(variables[i].name);
		free(before[i]);
	}
}

/* No name leaves the directory, and no two names share one. */
static void
keeps_accounts_inside(void **state)
{
	static const struct {
		const char *account, *component;
	} table[] = {
	    {"ann@example.com", "ann@example.com"},
	    {"a.b-c_d+e@example.com", "a.b-c_d+e@example.com"},
	    {".", "%2E"},
	    {"..", "%2E."},
	    {"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
	    {"/etc/passwd", "%2Fetc%2Fpasswd"},
	    {"a/../../b", "a%2F..%2F..%2Fb"},
	    {".hidden", "%2Ehidden"},
	    {"a%2Fb", "a%252Fb"},
	    {"a b", "a%20b"},
	    {"a\nb", "a%0Ab"},
	    {"a\\b:c*d", "a%5Cb%3Ac%2Ad"},
	    {"+49 170 000", "+49%20170%20000"},
	    {"\xc3\xa9@example.com", "%C3%A9@example.com"},
	    {"\xff", "%FF"},
	    {"~", "%7E"},
	    {"$(x)`y`", "%24%28x%29%60y%60"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(table); i++) {
		char *path = dirs_account("/s", table[i].account);

		assert_int_equal(strncmp(path, "/s/accounts/", 12), 0);
		assert_string_equal(path + 12, table[i].component);
		assert_null(strchr(path + 12, '/'));
		free(path);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(finds_its_places),
	    cmocka_unit_test(keeps_accounts_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
