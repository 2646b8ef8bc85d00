#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "server.h"
#include "text.h"

/* Several texts, since C promises no literal over 4095 characters. */
static const char *const help[] = {
    "usage: simcloud --dir DIR [options]\n"
    "\n"
    "A simulated iCloud on 127.0.0.1: sign-in, CloudKit and content hosts "
    "behind\n"
    "one TLS port, and a control port in plain HTTP.  It prints one line,\n"
    "  {\"port\":N,\"control\":N,\"ca_file\":\"DIR/ca.pem\"}\n"
    "and serves until SIGTERM, SIGINT or POST /quit.\n"
    "\n"
    "  --dir DIR           folder for ca.pem (made with mode 0700)\n"
    "  --assets N          assets in the library (60)\n"
    "  --seed S            number from which the library and all secrets come "
    "(1)\n"
    "  --sizes KIND        tiny, small (default) or real\n"
    "  --account NAME      account name (jd@example.com)\n"
    "  --password TEXT     its password (correct horse battery staple)\n"
    "  --code NNNNNN       code shown on devices (default: new ones each "
    "time);\n"
    "                      a message brings this code plus 111111\n"
    "  --recorded DIR      serve the originals of these recordings as well\n"
    "  --delay-ms N        wait before each answer\n"
    "  --link-life-s N     life of download links (3600)\n"
    "  --port N            port of the TLS side (one that the system "
    "chooses)\n"
    "  --die-with-stdin    end when standard input is closed\n"
    "\n",
    "Control port (bodies are JSON; POST answers {\"ok\":true} or "
    "{\"error\":why}):\n"
    "  GET /truth          every resource a complete copy must hold, a line "
    "each\n"
    "  GET /links          a link to each of them, for an hour\n"
    "  GET /counters       requests by name, content bytes, proofs of the\n"
    "                      password, codes asked for, mails to the owner,\n"
    "                      violations\n"
    "  GET /secrets        all that a client must keep to itself, a JSON text "
    "a line\n"
    "  GET /requests       the last 2000 requests, a line each\n"
    "  GET /code           {\"code\",\"via\"} last shown or sent; 404 if none\n"
    "  POST /counters/reset\n"
    "  POST /change {\"op\":...}     see below; other ops belong to the "
    "library\n"
    "  POST /fault {...}           arm a fault;  POST /faults/clear\n"
    "  POST /clock {\"advance_s\":N} move the simulated clock\n"
    "  POST /quit\n"
    "\n",
    "Fault: {\"at\":NAME or \"*\", \"match\":part of the path, \"skip\":0, "
    "\"times\":1\n"
    "(-1: for ever), \"kind\":KIND, ...}; NAME is one of /counters.  KIND:\n"
    "  status     \"status\":503 \"retry_after\" \"body\" \"content_type\" "
    "\"headers\":{}\n"
    "             \"done\":true: after doing what was asked\n"
    "  reset      close without an answer (\"done\" likewise)\n"
    "  cut        close after \"after_bytes\" of the body; the length stays "
    "whole\n"
    "  cut_clean  announce and send only \"after_bytes\"\n"
    "  stall      stop after \"after_bytes\", keep the connection open\n"
    "  drip       \"bytes_per_s\":100\n"
    "  flip       invert the body's byte at \"offset\"\n"
    "  html       a page with status 200; \"size_like_file\":true: as long as "
    "the\n"
    "             answer would have been\n"
    "  delay      \"ms\":1000 before the answer\n"
    "  hook       \"hook\":name, \"value\":text; empty_page is short for one.  "
    "Hooks:\n"
    "             empty_page no_master bad_record zone_error token_refused\n"
    "             not_indexed count_offset lookup_not_found wrong_checksum\n"
    "             wrong_size no_url no_original checksum_kind trash_one\n"
    "             leave_out joint_only\n"
    "\n",
    "Library ops (changes.c): add duplicate edit revert trash mass_trash "
    "restore\n"
    "  purge hide unhide favourite unfavourite caption replace_original\n"
    "  late_movie late_raw album_add album_rename album_remove album_put\n"
    "  album_take sparse shared_library link_share leave_shared\n"
    "  move_to_shared plain;\n"
    "  \"zone\":\"shared\" for the Shared Library\n"
    "\n",
    "Account ops:\n"
    "  account_partition {\"partition\":62}   move the account to another "
    "host\n"
    "  account_expire_session               web session cookies are worth "
    "nothing\n"
    "  account_expire_tokens                nor are session tokens\n"
    "  account_expire_trust                 trust tokens are worth nothing\n"
    "  account_unlock                       forget wrong codes and passwords\n"
    "  account_consent {\"given\":true}       the tap on the device (ADP)\n"
    "  account_run {\"unattended\":true}      the coming run has no person: a "
    "second\n"
    "                      proof, asking for a code or a device is a "
    "violation\n"
    "  account_throttle {\"host\":\"idmsa\"|\"setup\"|\"cloudkit\","
    "\"seconds\":N}\n"
    "                      503 from the next request on, twice as long after "
    "each\n"
    "                      that comes too early\n"
    "  account_set {...}, any of:\n"
    "    \"password\":TEXT     new password; all sessions and trust end\n"
    "    \"protocol\":\"s2k\"|\"s2k_fo\"\n"
    "    \"mode\":\"409\"|\"200\"  sign-in with a good trust token: escrow, or "
    "plain\n"
    "    \"escrow\":bool       is escrow demanded (true)\n"
    "    \"escrow_header\":\"X-Apple-EDP\"|\"X-Apple-PDP\"\n"
    "    \"escrow_always\":bool  that header also without a trust token\n"
    "    \"code_answer\":\"409\"|\"409-no-token\"|\"204\"|\"200\"|\"412\"\n"
    "    \"push\":bool         codes come by themselves, as before 2026\n"
    "    \"code\":\"012345\"     as --code; \"\" for new ones each time\n"
    "    \"codes_left\":N      codes that may still be asked for (10)\n"
    "    \"cooldown\":bool     requests for a code answer 423, cool-down\n"
    "    \"devices\":bool      the account has trusted devices (true)\n"
    "    \"phones\":0|1|2      trusted phone numbers (2)\n"
    "    \"sms_refused\":bool  codes cannot be sent to phones (412)\n"
    "    \"boot_args\":\"bridge\"|\"twosv\"|\"phone\"|\"top\"|\"single\"  "
    "where phones stand\n"
    "    \"rscd\":bool         idmsa errors as HTTP 200 with X-Apple-I-Rscd\n"
    "    \"hashcash\":bits     X-Apple-HC is demanded at sign-in (0: not)\n"
    "    \"security_keys\":bool\n"
    "    \"two_factor\":bool   false: 412 and repair/complete instead of a "
    "code\n"
    "    \"interstitial\":bool 412 at sign-in that repair/complete does not "
    "cure\n"
    "    \"locked\":bool  \"inactive\":bool  \"terms\":bool  \"repair\":bool\n"
    "    \"web_access\":bool  \"photos\":bool  \"adp\":bool\n"
    "    \"arming\":bool       requestPCS answers 500\n"
    "    \"two_step\":bool     the old kind of two steps\n"
    "    \"recovery\":bool     neither devices nor phones, only "
    "recoveryUrl\n"
    "    \"trust_rolls\":bool  a sign-in gives the trust its whole life "
    "again\n"
    "    \"country\":\"USA\"|\"CHN\"  \"domain_status\":302|200\n"
    "    \"cloudkit_status\":421|401|450  of a session that has ended\n"
    "    \"session_days\":N  \"trust_days\":N  \"rotate_every\":N\n",
};

enum {
	OPT_ASSETS = 256,
	OPT_SEED,
	OPT_SIZES,
	OPT_ACCOUNT,
	OPT_PASSWORD,
	OPT_CODE,
	OPT_RECORDED,
	OPT_DELAY,
	OPT_LINK_LIFE,
	OPT_PORT,
	OPT_DIR,
	OPT_STDIN,
	OPT_HELP,
};

static const struct option long_options[] = {
    {"assets", required_argument, NULL, OPT_ASSETS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"sizes", required_argument, NULL, OPT_SIZES},
    {"account", required_argument, NULL, OPT_ACCOUNT},
    {"password", required_argument, NULL, OPT_PASSWORD},
    {"code", required_argument, NULL, OPT_CODE},
    {"recorded", required_argument, NULL, OPT_RECORDED},
    {"delay-ms", required_argument, NULL, OPT_DELAY},
    {"link-life-s", required_argument, NULL, OPT_LINK_LIFE},
    {"port", required_argument, NULL, OPT_PORT},
    {"dir", required_argument, NULL, OPT_DIR},
    {"die-with-stdin", no_argument, NULL, OPT_STDIN},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct settings {
	struct sim_options sim;
	const char *dir;
	uint16_t port; /* 0: the system chooses */
	bool die_with_stdin;
};

static int quit_pipe[2]; /* a signal handler can reach nothing else */

static void
on_signal(int sig)
{
	int saved = errno;

	(void)sig;
	if (write(quit_pipe[1], "s", 1) != 1)
		_exit(1);
	errno = saved;
}

static int64_t
need_number(const char *name, const char *text, int64_t min, int64_t max)
{
	int64_t n;

	if (text_int(&n, text, min, max) == -1) {
		fprintf(stderr,
		    "simcloud: --%s: not a number from %lld to "
		    "%lld: %s\n",
		    name, (long long)min, (long long)max, text);
		exit(2);
	}
	return n;
}

static void
refuse(const char *what)
{
	fprintf(stderr, "simcloud: %s; see simcloud --help\n", what);
	exit(2);
}

static void
parse(struct settings *out, int argc, char **argv)
{
	struct sim_options *o = &out->sim;
	size_t i;
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (opt) {
		case OPT_ASSETS:
			o->assets = need_number("assets", optarg, 0, 100000000);
			break;
		case OPT_SEED:
			o->seed =
			    (uint64_t)need_number("seed", optarg, 0, INT64_MAX);
			break;
		case OPT_SIZES:
			o->sizes = optarg;
			break;
		case OPT_ACCOUNT:
			o->account = optarg;
			break;
		case OPT_PASSWORD:
			o->password = optarg;
			break;
		case OPT_CODE:
			o->code = optarg;
			break;
		case OPT_RECORDED:
			o->recorded = optarg;
			break;
		case OPT_DELAY:
			o->delay_ms =
			    (int)need_number("delay-ms", optarg, 0, 3600000);
			break;
		case OPT_LINK_LIFE:
			o->link_life_s =
			    need_number("link-life-s", optarg, 1, INT32_MAX);
			break;
		case OPT_PORT:
			out->port = (uint16_t)need_number(
			    "port", optarg, 0, UINT16_MAX);
			break;
		case OPT_DIR:
			out->dir = optarg;
			break;
		case OPT_STDIN:
			out->die_with_stdin = true;
			break;
		case OPT_HELP:
			for (i = 0; i < sizeof(help) / sizeof(help[0]); i++)
				fputs(help[i], stdout);
			exit(0);
		default:
			refuse("unknown option");
		}
	}
	if (optind != argc)
		refuse("unexpected argument");
	if (out->dir == NULL)
		refuse("--dir is missing");
	if (strcmp(o->sizes, "tiny") != 0 && strcmp(o->sizes, "small") != 0 &&
	    strcmp(o->sizes, "real") != 0)
		refuse("--sizes is tiny, small or real");
	if (o->code != NULL &&
	    (strlen(o->code) != 6 || strspn(o->code, "0123456789") != 6))
		refuse("--code is six digits");
}

static char *
write_ca(const char *dir, const char *pem)
{
	char *path = xasprintf("%s/ca.pem", dir);
	FILE *f = NULL;

	if ((mkdir(dir, 0700) == -1 && errno != EEXIST) ||
	    (f = fopen(path, "w")) == NULL || fputs(pem, f) == EOF) {
		fprintf(stderr, "simcloud: %s: %s\n", path, strerror(errno));
		if (f != NULL)
			fclose(f);
		free(path);
		return NULL;
	}
	if (fclose(f) != 0) {
		fprintf(stderr, "simcloud: %s: %s\n", path, strerror(errno));
		free(path);
		return NULL;
	}
	return path;
}

static void
print_ports(const struct server *s, const struct control *c, const char *ca)
{
	struct buf line = {0};

	buf_addf(&line,
	    "{\"port\":%u,\"control\":%u,\"ca_file\":", server_port(s),
	    control_port(c));
	buf_add_json(&line, ca);
	printf("%s}\n", buf_text(&line));
	fflush(stdout);
	buf_clear(&line);
}

/* Until the pipe has a byte, or standard input ends. */
static void
wait_for_end(bool die_with_stdin)
{
	struct pollfd p[2] = {
	    {.fd = quit_pipe[0], .events = POLLIN},
	    {.fd = die_with_stdin ? STDIN_FILENO : -1, .events = POLLIN},
	};
	char bytes[256];

	for (;;) {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return;
		if (p[0].revents != 0)
			return;
		if (p[1].revents != 0 &&
		    read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
			return;
	}
}

static void
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

int
main(int argc, char **argv)
{
	struct settings set = {.sim = {.seed = 1,
				   .assets = 60,
				   .sizes = "small",
				   .account = "jd@example.com",
				   .password = "correct horse battery staple",
				   .link_life_s = 3600}};
	struct server_parts parts = {.options = &set.sim};
	struct server *server = NULL;
	struct control *control = NULL;
	struct tls tls = {0};
	char *ca = NULL;
	int rc = 1;

	parse(&set, argc, argv);
	if (pipe(quit_pipe) == -1) {
		perror("simcloud: pipe");
		return 1;
	}
	catch_signals();
	if (tls_make(&tls) == -1) {
		fprintf(stderr, "simcloud: no certificates could be made\n");
		goto out;
	}
	if ((ca = write_ca(set.dir, tls.ca)) == NULL)
		goto out;
	parts.faults = faults_new();
	parts.account = account_new(&set.sim);
	parts.cloud = cloud_new(&set.sim, parts.account);
	server = server_start(&parts, &tls, set.port);
	if (server != NULL)
		control = control_start(&parts, server, quit_pipe[1]);
	if (control == NULL) {
		fprintf(stderr, "simcloud: cannot listen on 127.0.0.1\n");
		goto out;
	}
	print_ports(server, control, ca);
	wait_for_end(set.die_with_stdin);
	rc = 0;
out:
	control_stop(control);
	server_stop(server);
	cloud_free(parts.cloud);
	account_free(parts.account);
	faults_free(parts.faults);
	tls_clear(&tls);
	free(ca);
	return rc;
}
